from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.parts import PART_CHARS, Digests, Parts
from runner.bulk.run_ledger import PartState
from runner.errors import InvalidInput, Problem
from runner.rows.row import LargeRow, Row, size_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def rows(count: int, user: str = "u") -> Iterator[Row]:
    for number in range(1, count + 1):
        yield Row(number, number + 1, {"user": f"{user}{number}"})


def cut(
    count: int, known: Callable[[int], PartState | None] | None = None, *, digests: Digests | None = None
) -> list[tuple[int, int, list[int]]]:
    parts = Parts(rows(count), 10, known, digests=digests)
    return [(part.first_row, part.size, [row.number for row in part.carried]) for part in parts]


def test_rows_are_cut_into_parts_of_a_size() -> None:
    assert [(first, size) for first, size, _ in cut(25)] == [(1, 10), (11, 10), (21, 5)]
    assert cut(0) == []


def test_what_was_read_is_counted() -> None:
    parts = Parts(rows(25), 10, None, digests=None)
    taken = iter(parts)
    next(taken)
    assert (parts.read, parts.is_over) == (10, False)
    parts.count_rest(lambda: False)
    assert (parts.read, parts.is_over) == (25, True)


def test_what_is_settled_is_left_out_and_open_rows_go_again() -> None:
    states = {
        1: PartState("", 10, is_done=True, open_rows=frozenset()),
        11: PartState("", 10, is_done=True, open_rows=frozenset({13, 17})),
        21: PartState("", 10, is_done=False, open_rows=frozenset()),
    }
    assert cut(40, states.get) == [
        (11, 10, [13, 17]),
        (21, 10, list(range(21, 31))),
        (31, 10, list(range(31, 41))),
    ]


def test_other_rows_than_those_that_were_recorded_are_refused() -> None:
    [first, *_] = Parts(rows(10), 10, None, digests=Digests())
    known = {1: PartState(first.digest, 10, is_done=True, open_rows=frozenset({3}))}
    assert cut(10, known.get, digests=Digests()) == [(1, 10, [3])]
    parts = Parts(rows(10, "v"), 10, known.get, digests=Digests())
    assert list(parts) == []
    assert [str(parts.failure), parts.is_over] == [
        "the rows from 1 on are not the ones that the run began with (resume with the same rows, or start a new run)",
        False,
    ]


def test_fewer_rows_than_were_recorded_are_refused() -> None:
    known = {1: PartState("", 10, is_done=False, open_rows=frozenset())}
    parts = Parts(rows(9), 10, known.get, digests=None)
    assert (list(parts), parts.is_over) == ([], False)


def test_rows_before_the_place_where_reading_ends_are_not_lost() -> None:
    def broken() -> Iterator[Row]:
        yield from rows(14)
        raise InvalidInput(Problem("rows-syntax", "the archive is incomplete"))

    parts = Parts(broken(), 10, None, digests=None)
    assert [(part.first_row, part.size) for part in parts] == [(1, 10), (11, 4)]
    assert (str(parts.failure), parts.is_over, parts.read) == ("the archive is incomplete", False, 14)


def wide(count: int, chars: int) -> Iterator[Row]:
    for number in range(1, count + 1):
        yield LargeRow(number, number + 1, ["x" * chars])


@pytest.mark.parametrize(
    ("chars", "sizes"),
    [(PART_CHARS // 4, [4, 4, 4]), (PART_CHARS // 10 + 1, [10, 2]), (3 * PART_CHARS, [1] * 12), (10, [10, 2])],
)
def test_rows_that_hold_much_make_small_parts(chars: int, sizes: list[int]) -> None:
    assert [part.size for part in Parts(wide(12, chars), 10, None, digests=None)] == sizes


@pytest.mark.parametrize(
    ("values", "size"),
    [(["ab", "", "c"], 3), ({"a": "abc", "b": None}, 13), ({"a": ["abc", {"b": "de", "c": 1.5}]}, 32), ({}, 0)],
)
def test_what_a_row_holds_is_weighed(values: Any, size: int) -> None:
    assert size_of(Row(1, 1, values)) == size


def test_a_part_that_is_recorded_has_as_many_rows_as_then() -> None:
    states = {
        1: PartState("", 3, is_done=False, open_rows=frozenset()),
        4: PartState("", 14, is_done=True, open_rows=frozenset({5})),
        18: PartState("", 1, is_done=True, open_rows=frozenset()),
    }
    assert cut(30, states.get) == [(1, 3, [1, 2, 3]), (4, 14, [5]), (19, 10, list(range(19, 29))), (29, 2, [29, 30])]


def test_rows_that_are_not_large_are_not_weighed() -> None:
    read = [LargeRow(*row) if row.number in (3, 6) else Row(*row) for row in wide(12, PART_CHARS // 2)]
    parts = Parts(iter(read), 10, None, digests=None)
    assert [[row.number for row in part.carried] for part in parts] == [[1, 2, 3, 4, 5, 6], [7, 8, 9, 10, 11, 12]]


def test_recorded_parts_are_found_behind_an_offset() -> None:
    states = {8: PartState("", 2, is_done=True, open_rows=frozenset())}
    parts = Parts(islice(rows(12), 7, None), 10, states.get, digests=None, offset=7, begun_to=9)
    assert [(part.first_row, part.size) for part in parts] == [(10, 3)]
    assert (parts.read, parts.is_over) == (5, True)


def test_counting_the_rest_ends_when_somebody_has_had_enough() -> None:
    parts = Parts(rows(1_000), 10, None, digests=None)
    parts.count_rest(lambda: parts.read >= 50)
    assert (parts.read, parts.is_over) == (50, False)
