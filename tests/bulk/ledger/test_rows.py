"""Parts and rows, and rows that go out again."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import runner.bulk.ledger_sql as module
from runner.bulk.outcomes import Counts, PartOutcome, RowOutcome
from runner.bulk.part import Part
from runner.bulk.run_ledger import PartState, RunLedger
from runner.errors import MachineError
from tests.bulk.ledger.conftest import PART, RUN, failed, not_sent, problem_of, rows_of, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.bulk.ledger import Ledger


@contextmanager
def resumed_after_a_death(ledger: Ledger, run: RunLedger) -> Iterator[RunLedger]:
    """Go on with a run as if its process had died: its lock is free, and nothing more was recorded."""
    run._lock.release()
    with ledger.resume(run.record.id) as again:
        yield again


def test_a_part_is_begun_then_done(run: RunLedger) -> None:
    assert run.part(0) is None
    run.write(begun=[PART])
    assert run.part(0) == PartState("d0", 10, is_done=False, open_rows=frozenset())
    assert run.counts() == Counts(accepted=0, failed=0, unknown=0, not_sent=0, in_flight=10)
    run.write([PartOutcome(0, 10, 6, [failed(1), unknown(4), not_sent(8), not_sent(9)])], [Part(10, 3, "d10")])
    assert run.part(0) == PartState("d0", 10, is_done=True, open_rows=frozenset({4, 8, 9}))
    assert run.part(1) is None
    assert run.part(10) == PartState("d10", 3, is_done=False, open_rows=frozenset())
    assert run.counts() == Counts(accepted=6, failed=1, unknown=1, not_sent=2, in_flight=3)


def test_what_was_recorded_outlives_the_session(run: RunLedger, ledger: Ledger) -> None:
    run.write(begun=[PART, Part(10, 10, "d10")])
    run.write([PartOutcome(0, 10, 8, [failed(1), unknown(4)])])
    with resumed_after_a_death(ledger, run) as again:
        assert again.record == RUN
        assert again.part(0) == PartState("d0", 10, is_done=True, open_rows=frozenset({4}))
        assert again.part(10) == PartState("d10", 10, is_done=False, open_rows=frozenset())
        assert again.counts() == Counts(accepted=8, failed=1, unknown=1, not_sent=0, in_flight=10)


def test_rows_are_told_by_their_state_in_their_order(run: RunLedger, ledger: Ledger) -> None:
    run.write(begun=[PART, Part(10, 10, "d10")])
    run.write([PartOutcome(10, 10, 8, [failed(17), failed(12)])])
    run.write([PartOutcome(0, 10, 6, [not_sent(9), failed(3), unknown(4), failed(0)])])
    assert list(ledger.failures(RUN.id)) == [failed(0), failed(3), failed(12), failed(17)]
    assert list(ledger.failures("last", "unknown")) == [unknown(4)]
    assert list(ledger.failures(RUN.id, "not_sent")) == [not_sent(9)]


def test_many_rows_are_told_while_more_are_written(run: RunLedger, ledger: Ledger) -> None:
    size = 700
    told = []
    run.write(begun=[Part(first, size, "d") for first in range(0, 5 * size, size)])
    run.write([PartOutcome(0, size, 0, list(map(failed, range(size))))])
    run.write([PartOutcome(size, size, 0, list(map(failed, range(size, 2 * size))))])
    for record in ledger.failures(RUN.id):
        told.append(record.row)
        if record.row in (0, size, 2 * size):
            first = record.row + 2 * size
            run.write([PartOutcome(first, size, 0, list(map(failed, range(first, first + size))))])
    assert told == list(range(5 * size))


def test_runs_are_kept_apart(run: RunLedger, ledger: Ledger) -> None:
    run.write(begun=[PART])
    run.write([PartOutcome(0, 10, 9, [failed(1)])])
    with ledger.begin(replace(RUN, id="other")) as other:
        assert other.part(0) is None
        other.write(begun=[PART])
        other.write([PartOutcome(0, 10, 8, [failed(1), failed(2)])])
        assert other.counts() == Counts(accepted=8, failed=2, unknown=0, not_sent=0, in_flight=0)
    assert run.counts() == Counts(accepted=9, failed=1, unknown=0, not_sent=0, in_flight=0)
    assert list(ledger.failures(RUN.id)) == [failed(1)]


# Rows that go out again


def test_open_rows_that_go_out_again_get_their_new_states(run: RunLedger, ledger: Ledger) -> None:
    run.write(begun=[PART])
    run.write([PartOutcome(0, 10, 5, [failed(1), unknown(2), unknown(3), not_sent(8), not_sent(9)])])
    with resumed_after_a_death(ledger, run) as again:
        again.write(begun=[PART])
        again.write([PartOutcome(0, 10, 2, [unknown(3, "unclear-answer"), failed(9, attempts=2)])])
        assert again.part(0) == PartState("d0", 10, is_done=True, open_rows=frozenset({3}))
        assert again.counts() == Counts(accepted=7, failed=2, unknown=1, not_sent=0, in_flight=0)
        assert rows_of(ledger) == [failed(1), unknown(3, "unclear-answer"), failed(9, attempts=2)]
        again.write(begun=[PART])
        again.write([PartOutcome(0, 10, 1, [])])
        assert again.part(0) == PartState("d0", 10, is_done=True, open_rows=frozenset())
        assert again.counts() == Counts(accepted=8, failed=2, unknown=0, not_sent=0, in_flight=0)
        assert rows_of(ledger) == [failed(1), failed(9, attempts=2)]


def test_an_unknown_row_stays_unknown_unless_it_is_accepted(run: RunLedger, ledger: Ledger) -> None:
    run.write(begun=[PART])
    run.write([PartOutcome(0, 10, 7, [unknown(2), unknown(3), unknown(4)])])
    run.write(begun=[PART])
    run.write([PartOutcome(0, 10, 1, [failed(3), not_sent(4)])])
    assert rows_of(ledger) == [failed(3)._replace(state="unknown"), unknown(4)]
    assert run.counts() == Counts(accepted=8, failed=0, unknown=2, not_sent=0, in_flight=0)


def test_a_row_that_was_not_sent_is_so_again_if_it_did_not_go_out(run: RunLedger, ledger: Ledger) -> None:
    run.write(begun=[PART])
    run.write([PartOutcome(0, 10, 8, [not_sent(2), not_sent(3)])])
    run.write(begun=[PART])
    run.write([PartOutcome(0, 10, 0, [not_sent(2), failed(3)])])
    assert rows_of(ledger) == [not_sent(2), failed(3)]
    assert run.counts() == Counts(accepted=8, failed=1, unknown=0, not_sent=1, in_flight=0)


def test_rows_that_were_about_to_go_out_again_when_the_process_died_are_unknown(run: RunLedger, ledger: Ledger) -> None:
    run.write(begun=[PART])
    run.write([PartOutcome(0, 10, 6, [failed(1), unknown(2), not_sent(3), not_sent(4)])])
    run.write(begun=[PART])
    in_doubt = [not_sent(row)._replace(state="unknown", code="interrupted") for row in (3, 4)]
    assert rows_of(ledger) == [failed(1), unknown(2), *in_doubt]
    with resumed_after_a_death(ledger, run) as again:
        assert again.part(0) == PartState("d0", 10, is_done=True, open_rows=frozenset({2, 3, 4}))
        assert again.counts() == Counts(accepted=6, failed=1, unknown=3, not_sent=0, in_flight=0)
        again.write(begun=[PART])
        again.write([PartOutcome(0, 10, 1, [not_sent(3), failed(4)])])
        assert rows_of(ledger) == [failed(1), in_doubt[0], failed(4)._replace(state="unknown")]
        assert again.counts() == Counts(accepted=7, failed=1, unknown=2, not_sent=0, in_flight=0)


@pytest.mark.parametrize("has_died", [True, False])
def test_of_a_part_that_is_begun_again_only_acceptance_is_sure(run: RunLedger, ledger: Ledger, has_died: bool) -> None:
    """Whoever sent it the first time, another process or a worker of this one, may have got it through."""
    invalid = RowOutcome(5, 7, "failed", "var-schema", 0, 0)  # depends on nothing but the row
    too_slow = RowOutcome(6, 8, "failed", "template-too-slow", 0, 0)  # the first time it may have been quick enough
    run.write(begun=[PART])
    if has_died:
        run._lock.release()
        run = ledger.resume(RUN.id)
    with run:
        run.write(begun=[PART])
        run.write([PartOutcome(0, 10, 5, [failed(1), unknown(2), not_sent(3), invalid, too_slow])])
        assert run.counts() == Counts(accepted=5, failed=1, unknown=4, not_sent=0, in_flight=0)
        assert run.part(0) == PartState("d0", 10, is_done=True, open_rows=frozenset({1, 2, 3, 6}))
    assert rows_of(ledger) == [
        failed(1)._replace(state="unknown"),
        unknown(2),
        not_sent(3)._replace(state="unknown", code="interrupted"),
        invalid,
        too_slow._replace(state="unknown"),
    ]


@pytest.mark.parametrize(
    ("done", "begun", "message"),
    [
        ([PartOutcome(20, 10, 10, [])], [], "the part of row 20 is not under way"),
        ([PartOutcome(0, 10, 10, [])], [], "the part of row 0 is not under way"),
        (
            [PartOutcome(10, 10, 10, []), PartOutcome(10, 10, 10, [])],
            [],
            "the part of row 10 is not under way",
        ),
        (
            [PartOutcome(10, 10, 9, [])],
            [],
            "the outcome of the part of row 10 does not have each sent row exactly once",
        ),
        (
            [PartOutcome(10, 10, 8, [unknown(11), unknown(11)])],
            [],
            "the outcome of the part of row 10 does not have each sent row exactly once",
        ),
        (
            [PartOutcome(10, 10, 9, [unknown(20)])],
            [],
            "the outcome of the part of row 10 does not have each sent row exactly once",
        ),
        (
            [PartOutcome(10, 10, 9, [unknown(11)])],
            [Part(0, 10, "d0")],
            "the part of row 0 is done: none of its rows may be sent again",
        ),
        (
            [],
            [Part(30, 10, "d30"), Part(10, 10, "other")],
            "the part of row 10 differs from the recorded one: PartState(digest='d10', rows=10, is_done=False, open_rows=frozenset())",
        ),
    ],
)
def test_what_can_not_be_is_a_bug_and_nothing_of_it_is_recorded(
    run: RunLedger, ledger: Ledger, done: list[PartOutcome], begun: list[Part], message: str
) -> None:
    run.write(begun=[PART, Part(10, 10, "d10")])
    run.write([PartOutcome(0, 10, 9, [failed(1)])])
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        run.write(done, begun)
    assert run.counts() == Counts(accepted=9, failed=1, unknown=0, not_sent=0, in_flight=10)
    assert rows_of(ledger) == [failed(1)]
    assert run.part(30) is None
    run.write([PartOutcome(10, 10, 10, [])])
    assert run.counts() == Counts(accepted=19, failed=1, unknown=0, not_sent=0, in_flight=0)


def test_open_rows_alone_go_out_again(run: RunLedger) -> None:
    run.write(begun=[PART])
    run.write([PartOutcome(0, 10, 8, [unknown(1), failed(2)])])
    run.write(begun=[PART])
    with pytest.raises(ValueError, match="does not have each sent row exactly once"):
        run.write([PartOutcome(0, 10, 0, [failed(2)])])
    with pytest.raises(ValueError, match="does not have each sent row exactly once"):
        run.write([PartOutcome(0, 10, 10, [])])


@pytest.mark.usefixtures("run")
def test_no_look_up_walks_through_all_parts_or_rows_or_sorts(ledger: Ledger) -> None:
    plans = {
        (name, row[3])
        for name, sql in vars(module).items()
        if isinstance(sql, str) and sql.lstrip().startswith("SELECT")
        for row in ledger._file.select(f"EXPLAIN QUERY PLAN {sql}", "?" * sql.count("?"))
    }
    names = {"RUN", "RUN_IDS", "SUMMARIES", "COUNTS", "PART", "_ROW", "OPEN_ROWS", "ROWS_IN_STATE", "LAST_ROW"}
    names |= {
        "ROWS",
        "ROWS_AMONG",
        "NOT_SENT_ROWS",
        "PARTS_IN_FLIGHT",
        "ROWS_FAILED_AFTER",
        "FAILURE_KINDS",
        "FILES",
        "PARTS",
        "MEASURES",
    }
    assert {name for name, _ in plans} == names
    # Each kind of failure of a run is looked for once, at its end.
    assert {name for name, plan in plans if not plan.startswith("SEARCH")} == {"SUMMARIES", "RUN_IDS", "FAILURE_KINDS"}
    assert {plan.split()[-1] for name, plan in plans if name in ("SUMMARIES", "RUN_IDS")} == {"runs"}


def test_what_may_have_arrived_is_not_open_where_it_must_not_be_repeated(run: RunLedger, ledger: Ledger) -> None:
    run.write(begun=[PART, Part(10, 3, "d10")])
    run.write([PartOutcome(0, 10, 6, [failed(1), unknown(2), not_sent(3), not_sent(4)])])
    run._lock.release()
    with ledger.resume(RUN.id, repeats_unknown=False) as again:
        assert again.part(0) == PartState("d0", 10, is_done=True, open_rows=frozenset({3, 4}))
        assert again.part(10) == PartState("d10", 3, is_done=True, open_rows=frozenset())
        assert again.counts() == Counts(accepted=6, failed=1, unknown=4, not_sent=2)
        again.write(begun=[PART])
        again.write([PartOutcome(0, 10, 1, [not_sent(4)])])
        assert again.counts() == Counts(accepted=7, failed=1, unknown=4, not_sent=1)
        in_doubt = [RowOutcome(row, 0, "unknown", "interrupted", 0, 1) for row in (10, 11, 12)]
        assert rows_of(ledger) == [failed(1), unknown(2), not_sent(4), *in_doubt]
        again.write(begun=[PART])
        again.write([PartOutcome(0, 10, 1, [])])
    with ledger.resume(RUN.id) as again:
        assert again.part(0) == PartState("d0", 10, is_done=True, open_rows=frozenset({2}))
        assert again.part(10) == PartState("d10", 3, is_done=True, open_rows=frozenset({10, 11, 12}))
        again.write(begun=[Part(10, 3, "d10")])
        makes_no_event, refused = RowOutcome(10, 12, "failed", "var-schema", 0, 0), failed(11)
        again.write([PartOutcome(10, 3, 1, [makes_no_event, refused])])
        assert rows_of(ledger)[-2:] == [makes_no_event, refused._replace(state="unknown")]


def test_rows_of_parts_that_are_in_flight_are_told_when_the_process_is_dead(run: RunLedger, ledger: Ledger) -> None:
    run.write(begun=[PART, Part(10, 2, "d10"), Part(12, 2, "d12")])
    run.write([PartOutcome(0, 10, 9, [failed(1)]), PartOutcome(12, 2, 1, [failed(13)])])
    in_doubt = [RowOutcome(row, 0, "unknown", "interrupted", 0, 1) for row in (10, 11)]
    assert list(ledger.exceptions("last", with_in_flight=True)) == [failed(1), *in_doubt, failed(13)]
    assert list(ledger.exceptions("last", with_in_flight=False)) == [failed(1), failed(13)]


def test_counts_are_known_also_of_what_could_not_be_recorded(run: RunLedger, folder: Path) -> None:
    run.write(begun=[PART])
    done = [PartOutcome(0, 10, 8, [failed(1), unknown(2)])]
    (folder / "ledger.sqlite3").rename(folder / "away")
    with pytest.raises(MachineError) as caught:
        run.write(done)
    assert problem_of(caught).code == "ledger-gone"
    assert run.counts() == Counts(in_flight=10)
    assert run.counts(done) == Counts(accepted=8, failed=1, unknown=1)
    (folder / "away").rename(folder / "ledger.sqlite3")
    run.write(done)
    assert run.counts() == Counts(accepted=8, failed=1, unknown=1)
