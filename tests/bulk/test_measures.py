"""What is measured of a part, and what a run's measures are."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bulk.ledger import Ledger
from runner.bulk.measures import RunMeasures, Sent, line_of, measures_of, next_step, size_step
from runner.bulk.outcomes import Counts, PartOutcome
from runner.bulk.part import Part
from runner.errors import MachineError
from runner.suprsend.answer import Result
from runner.suprsend.delivery import Delivery
from runner.suprsend.encoding import Encoded
from tests.bulk.ledger.conftest import PART, RUN, failed, folder, ledger, run, unknown

if TYPE_CHECKING:
    from pathlib import Path

    from runner.bulk.run_ledger import RunLedger

__all__ = ["folder", "ledger", "run"]


def events(*lengths: int) -> list[Encoded]:
    return [Encoded(b"x" * length, has_key=True) for length in lengths]


def results(*attempts: int) -> list[Result]:
    return [Result("accepted", 202, "OK", attempts=each) for each in attempts]


@given(st.integers(1, 10_000_000))
def test_a_step_of_sizes_has_its_size_and_is_at_most_a_quarter_wide(length: int) -> None:
    least, most = size_step(length), next_step(size_step(length))
    assert least <= length < most
    assert most - least <= max(1, least / 4)
    assert size_step(most) == most


def test_a_line_has_counts_times_sizes_and_attempts() -> None:
    sent = events(500, 500, 1200)
    first, second = Delivery("p", sent[:2], is_array=True), Delivery("p", sent[2:], is_array=True)
    measures = measures_of(sent, results(1, 1, 3), [(first, 0.01234), (second, 1.5)])
    line = line_of(1700000000000, Counts(accepted=2, failed=1), measures)
    assert json.loads(line) == [
        1700000000000, 2, 1, 0, 0, [[[12.3, 2], [1500.0, 1]], [[448, 2], [1024, 1]], [[1, 2], [3, 1]], 1200],
    ]  # fmt: skip


def test_rows_that_were_not_sent_have_no_measures() -> None:
    found = RunMeasures()
    found.add(line_of(7, Counts(failed=2), measures_of([], [], [])))
    found.add(line_of(8, Counts(not_sent=1), measures_of(events(300), results(0), [])))
    found.add(line_of(9, Counts(unknown=1), ""))
    assert found == RunMeasures(
        [Sent(7, 7, Counts(failed=2)), Sent(8, 8, Counts(not_sent=1)), Sent(9, 9, Counts(unknown=1))],
        sizes=found.sizes,
        largest_bytes=300,
    )


def test_a_run_has_the_measures_of_all_parts_and_sessions(ledger: Ledger) -> None:
    with ledger.begin(RUN) as book:
        book.write((), [PART, Part(10, 2, "d10")])
        took = [(Delivery("p", events(300, 300), is_array=True), 0.02)]
        book.write(
            [PartOutcome(0, 10, 8, [failed(1), unknown(2)], measures=measures_of(events(300), results(1), took))]
        )
        book.write([PartOutcome(10, 2, 2, [], measures=measures_of(events(900), results(2), took))])
        book.close("interrupted", None)
    with ledger.resume(RUN.id) as again:
        again.write((), [PART])
        again.write([PartOutcome(0, 10, 1, [], measures=measures_of(events(300), results(2), took))])
        again.close("finished", 12)
    found = ledger.measures(RUN.id)
    assert sorted(each.counts for each in found.parts) == [
        Counts(accepted=1), Counts(accepted=2), Counts(accepted=8, failed=1, unknown=1),
    ]  # fmt: skip
    assert (found.took_ms, found.sizes, found.attempts) == ({20.0: 6}, {256: 2, 896: 1}, {1: 1, 2: 2})
    assert found.largest_bytes == 900
    assert {round(each.ended_ms - each.began_ms) for each in found.parts} == {20}


@pytest.mark.parametrize(
    "lines",
    ["[]", "x", "[1,2]", '[1,1,0,0,0,[[["a",1]],[],[],0]]', "[1,1,0,0,0,[[1],[],[],0]]", "[1,1,0,0,0,[]]", "[" * 90],
)
def test_measures_that_runner_does_not_write_are_refused(run: RunLedger, folder: Path, lines: str) -> None:
    run.write((), [PART])
    run.write([PartOutcome(0, 10, 10, [])])
    run.close("finished", 10)
    with sqlite3.connect(folder / "ledger.sqlite3") as connection:
        connection.execute("UPDATE parts SET measures = ?", (lines,))
    connection.close()
    with Ledger(folder) as opened, pytest.raises(MachineError, match="something that runner does not write"):
        opened.measures(RUN.id)


def test_the_measures_of_a_part_that_is_sent_in_pieces_are_those_of_all() -> None:
    took = [(Delivery("p", events(300), is_array=True), 0.02)]
    pieces = [PartOutcome(1, 2, 1, [], measures=measures_of(events(300), results(1), took)) for _ in range(2)]
    whole = pieces[0].followed_by(pieces[1]).followed_by(PartOutcome(1, 2, 0, []))
    found = RunMeasures()
    found.add(line_of(1000, Counts(accepted=2), whole.measures))
    assert (found.parts, found.took_ms, found.sizes) == ([Sent(960, 1000, Counts(accepted=2))], {20.0: 2}, {256: 2})
