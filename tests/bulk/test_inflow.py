"""Rows that come in their time: what is taken when, and that nobody reads without bounds."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from itertools import count
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import pytest

from runner.bulk.inflow import AHEAD_CHARS, AHEAD_ROWS, Inflow
from runner.bulk.part import Part
from runner.bulk.parts import PART_CHARS, Digests, FlowingParts, Idle
from runner.bulk.run_ledger import PartState
from runner.errors import InvalidInput, Problem
from runner.rows.row import LargeRow, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOUND_S = 60


class Source:
    """Rows that are given when the test says so."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[int | Exception | None] = SimpleQueue()
        self._numbers = count(1)

    def give(self, number: int) -> None:
        self._queue.put(number)

    def end(self, error: Exception | None = None) -> None:
        self._queue.put(error)

    def __iter__(self) -> Iterator[Row]:
        while (given := self._queue.get(timeout=BOUND_S)) is not None:
            if isinstance(given, Exception):
                raise given
            for _ in range(given):
                number = next(self._numbers)
                yield Row(number, number + 1, [f"u{number}"])


class Flow:
    """A source, and the parts that are made of it."""

    def __init__(self, source: Source, parts: FlowingParts, bell: SimpleQueue[None]) -> None:
        self.source = source
        self.parts = parts
        self._each = iter(parts)
        self._bell = bell

    def next(self) -> tuple[int, int] | None:
        """Wait for the next part as the engine does; give its first row and its rows."""
        deadline_s = time.monotonic() + BOUND_S
        while time.monotonic() < deadline_s:
            given = next(self._each, None)
            if given is None:
                return None
            if isinstance(given, Part):
                return given.first_row, given.size
            at_most_s = BOUND_S if given.at_most_s is None else given.at_most_s
            with suppress(Empty):  # it is time to ask again
                self._bell.get(timeout=at_most_s)
        pytest.fail("no part came")

    def look(self) -> Part | Idle | None:
        return next(self._each, None)


@contextmanager
def flow(linger_s: float = 60, known: Callable[[int], PartState | None] | None = None) -> Iterator[Flow]:
    source, bell = Source(), SimpleQueue[None]()
    with Inflow(source, lambda: bell.put(None)) as inflow:
        yield Flow(source, FlowingParts(inflow, 10, known, digests=Digests(), linger_s=linger_s), bell)
        source.end()


def test_a_part_is_due_when_its_rows_are_there() -> None:
    with flow() as flowing:
        assert flowing.look() == Idle(None)
        flowing.source.give(25)
        assert (flowing.next(), flowing.next()) == ((1, 10), (11, 10))
        flowing.source.end()
        assert (flowing.next(), flowing.next()) == ((21, 5), None)
        assert (flowing.parts.read, flowing.parts.is_over, flowing.parts.failure) == (25, True, None)


def test_a_part_that_is_not_whole_waits_for_so_long_and_the_first_one_for_a_tenth_of_it() -> None:
    with flow(linger_s=1) as flowing:
        began_s = time.monotonic()
        flowing.source.give(3)
        assert flowing.next() == (1, 3)
        assert 0.1 <= time.monotonic() - began_s < 1
        began_s = time.monotonic()
        flowing.source.give(2)
        assert flowing.next() == (4, 2)
        assert time.monotonic() - began_s >= 1


def test_without_a_linger_each_row_goes_when_it_comes() -> None:
    with flow(linger_s=0) as flowing:
        for number in (1, 2, 3):
            flowing.source.give(1)
            assert flowing.next() == (number, 1)


def test_a_part_that_is_recorded_waits_for_all_of_its_rows() -> None:
    with flow() as flowing:
        flowing.source.give(3)
        flowing.source.end()
        while not isinstance(first := flowing.look(), Part):
            time.sleep(0.001)
    states = {1: PartState(first.digest, 3, is_done=False, open_rows=frozenset())}
    with flow(linger_s=0, known=states.get) as flowing:
        flowing.source.give(2)
        time.sleep(0.05)
        assert flowing.look() == Idle(None)
        flowing.source.give(2)
        assert flowing.next() == (1, 3)
        assert flowing.next() == (4, 1)


def test_rows_that_are_not_those_that_were_recorded_end_it() -> None:
    states = {1: PartState("of others", 2, is_done=False, open_rows=frozenset())}
    with flow(known=states.get) as flowing:
        flowing.source.give(2)
        assert flowing.next() is None
        assert str(flowing.parts.failure).startswith("the rows from 1 on are not the ones that the run began with")


def test_what_was_read_before_a_fault_is_given_before_it_is_told() -> None:
    fault = InvalidInput(Problem("rows-syntax", "cut off"))
    with flow() as flowing:
        flowing.source.give(13)
        flowing.source.end(fault)
        assert (flowing.next(), flowing.next(), flowing.next()) == ((1, 10), (11, 3), None)
        assert (flowing.parts.failure, flowing.parts.is_over) == (fault, False)


def test_a_bug_of_a_reader_is_raised_where_its_rows_are_taken() -> None:
    with flow() as flowing:
        flowing.source.end(ZeroDivisionError("a bug"))
        with pytest.raises(ZeroDivisionError, match="a bug"):
            flowing.next()


def read_ahead(kind: type[Row], text: str) -> int:
    """Count the rows that are read while nobody takes any."""
    read = [0]

    def rows() -> Iterator[Row]:
        for number in count(1):
            read[0] = number
            yield kind(number, number, [text])

    with Inflow(rows(), lambda: None):
        before = -1
        while before != read[0]:
            before = read[0]
            time.sleep(0.1)
        return read[0]


def test_no_more_is_read_ahead_than_there_is_room_for() -> None:
    assert read_ahead(Row, "u1") == AHEAD_ROWS
    assert read_ahead(LargeRow, "x" * PART_CHARS) == AHEAD_CHARS // PART_CHARS


def test_what_does_not_fit_a_recorded_part_ends_it_rather_than_waiting_for_ever() -> None:
    def rows() -> Iterator[Row]:
        for number in count(1):
            yield LargeRow(number, number, ["x" * PART_CHARS])

    bell = SimpleQueue[None]()
    states = {1: PartState("", 10, is_done=False, open_rows=frozenset())}
    with Inflow(rows(), lambda: bell.put(None)) as inflow:
        parts = FlowingParts(inflow, 10, states.get, digests=Digests(), linger_s=60)
        each = iter(parts)
        while (given := next(each, None)) is not None:
            assert given == Idle(None)
            bell.get(timeout=BOUND_S)
        assert parts.failure is not None


def test_rows_that_hold_much_make_small_parts() -> None:
    def rows() -> Iterator[Row]:
        for number in range(1, 8):
            yield LargeRow(number, number, ["x" * (PART_CHARS // 2)])

    bell = SimpleQueue[None]()
    with Inflow(rows(), lambda: bell.put(None)) as inflow:
        sizes = []
        each = iter(FlowingParts(inflow, 10, None, digests=Digests(), linger_s=60))
        while (given := next(each, None)) is not None:
            if isinstance(given, Part):
                sizes.append(given.size)
            else:
                bell.get(timeout=BOUND_S)
    assert sizes == [2, 2, 2, 1]
