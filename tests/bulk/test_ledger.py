from __future__ import annotations

import fcntl
import os
import random
import re
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

import runner.bulk.ledger_sql as module
from runner.bulk.ledger import Ledger, RunSummary
from runner.bulk.outcomes import Counts, PartOutcome, RowOutcome
from runner.bulk.part import Part
from runner.bulk.record import RunRecord
from runner.bulk.run_ledger import PartState, RunLedger
from runner.errors import ExitCode, MachineError, NotFound, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.codes import Code

REPOSITORY = Path(__file__).resolve().parents[2]
STARTED = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
RUN = RunRecord(
    id="20260102-030405-7f3a",
    seed=UUID("7f3a0000-0000-4000-8000-000000000001"),
    started=STARTED,
    spec="specs/purchase.yaml",
    rows="orders.csv",
    arguments={"profile": None, "map": {"user": "customer"}, "limit": 5, "ignore_extra": True},
    fingerprints={"spec": "5a", "rows": "b0", "variables": "c1"},
)
PART = Part(0, 10, "d0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".runner"


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    with Ledger(folder) as opened:
        yield opened


@pytest.fixture
def run(ledger: Ledger) -> Iterator[RunLedger]:
    with ledger.begin(RUN) as begun:
        yield begun


def failed(row: int, attempts: int = 1) -> RowOutcome:
    return RowOutcome(row, row + 2, "failed", "refused", 400, attempts)


def unknown(row: int, code: Code = "no-answer") -> RowOutcome:
    return RowOutcome(row, row + 2, "unknown", code, 0, 1)


def not_sent(row: int) -> RowOutcome:
    return RowOutcome(row, row + 2, "not_sent", "not-sent", 0, 0)


@contextmanager
def resumed_after_a_death(ledger: Ledger, run: RunLedger) -> Iterator[RunLedger]:
    """Go on with a run as if its process had died: its lock is free, and nothing more was recorded."""
    run._lock.release()
    with ledger.resume(run.record.id) as again:
        yield again


def rows_of(ledger: Ledger) -> list[RowOutcome]:
    states = (ledger.failures(RUN.id, state) for state in ("failed", "unknown", "not_sent"))
    return sorted(record for rows in states for record in rows)


def problem_of(caught: pytest.ExceptionInfo[MachineError] | pytest.ExceptionInfo[NotFound]) -> Problem:
    (problem,) = caught.value.problems
    return problem


# What is recorded, and found again


@pytest.mark.usefixtures("run")
def test_a_run_is_found_as_it_was_recorded(ledger: Ledger) -> None:
    assert ledger.find(RUN.id) == RUN


def test_the_instant_of_a_start_is_kept_in_utc(ledger: Ledger) -> None:
    with ledger.begin(replace(RUN, started=STARTED.astimezone(timezone(timedelta(hours=5, minutes=30))))):
        assert ledger.find(RUN.id).started.isoformat() == "2026-01-02T03:04:05.678900+00:00"


def test_a_path_that_is_no_text_is_found_as_it_was_recorded(ledger: Ledger) -> None:
    odd = replace(RUN, rows=os.fsdecode(b"commandes_\xe9t\xe9.csv"))
    with ledger.begin(odd):
        assert ledger.find(RUN.id) == odd
        assert ledger.summaries()[0].rows == odd.rows


@pytest.mark.parametrize(
    ("begun_in", "found_in", "spec", "found"),
    [
        ("p/deep", "p/deep", "../specs/a.yaml", "{root}/p/deep/../specs/a.yaml"),
        ("p", "p/deep", "specs/a.yaml", "../specs/a.yaml"),
        ("p/deep", "p", "a.yaml", "deep/a.yaml"),
        ("p", "p", "-a.yaml", "./-a.yaml"),
        ("p", "p", "./-", "./-"),
        ("p", "p/deep", "-", "-"),
        ("p", "/", "a.yaml", "{root}/p/a.yaml"),
    ],
)
def test_a_path_leads_to_its_file_from_wherever_a_run_is_found(
    begun_in: str, found_in: str, spec: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "p/deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / begun_in)
    expected = found.format(root=tmp_path).replace("//", "/")
    if found_in == "/":  # which is shorter still
        expected = expected.removeprefix("/")
    with Ledger(tmp_path / ".runner") as ledger, ledger.begin(replace(RUN, spec=spec, rows=spec)):
        monkeypatch.chdir(tmp_path / found_in)
        [summary] = ledger.summaries()
        record = ledger.find("last")
    assert {record.spec, record.rows, summary.spec, summary.rows} == {expected}


@pytest.mark.usefixtures("ledger")
def test_the_folder_is_made_and_stays_out_of_repositories(folder: Path) -> None:
    assert (folder / ".gitignore").read_text("utf-8") == "*\n"


def test_two_runs_of_one_id_are_refused(ledger: Ledger, folder: Path) -> None:
    ledger.begin(RUN).close("finished", 0)
    with pytest.raises(MachineError) as caught:
        ledger.begin(RUN)
    assert problem_of(caught) == Problem(
        "ledger-refused",
        f"run {RUN.id} already exists in {folder}/ledger.sqlite3",
        hint="try again: each run gets a new id",
    )
    assert ledger.summaries()[0].state == "finished"
    assert list(folder.glob("*.lock")) == []


@pytest.fixture
def three(ledger: Ledger) -> Ledger:
    for name in ("20260102-030405-7f3a", "20260102-030405-90bc", "20260103-000000-7f3a"):
        ledger.begin(replace(RUN, id=name)).close("finished", 0)
    return ledger


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("20260102-030405-7f3a", "20260102-030405-7f3a"),
        ("20260102-030405-9", "20260102-030405-90bc"),
        ("20260103", "20260103-000000-7f3a"),
        ("last", "20260103-000000-7f3a"),
    ],
)
def test_a_run_is_found_by_its_id_by_a_beginning_of_one_or_as_the_last(three: Ledger, name: str, found: str) -> None:
    assert three.find(name).id == found


def test_an_id_that_others_begin_with_is_found(three: Ledger) -> None:
    with three.begin(replace(RUN, id="20260102")):
        assert three.find("20260102").id == "20260102"


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("20260102-030405-7f3b", "no run '20260102-030405-7f3b' in {}", "did you mean '20260102-030405-7f3a'?"),
        ("2026010", "'2026010' matches 3 runs in {}", "20260103-000000-7f3a, 20260102-030405-90bc, 20260102-030405-7f3a"),
        ("x", "no run 'x' in {}", "known here: 20260103-000000-7f3a, 20260102-030405-90bc, 20260102-030405-7f3a"),
        ("", "no run '' in {}", "known here: 20260103-000000-7f3a, 20260102-030405-90bc, 20260102-030405-7f3a"),
        ("%", "no run '%' in {}", "known here: 20260103-000000-7f3a, 20260102-030405-90bc, 20260102-030405-7f3a"),
        ("key=s3cr3t", "no run 'key=…' in {}", "known here: 20260103-000000-7f3a, 20260102-030405-90bc, 20260102-030405-7f3a"),
        ("\udcff", "no run '\udcff' in {}", "known here: 20260103-000000-7f3a, 20260102-030405-90bc, 20260102-030405-7f3a"),
    ],
)  # fmt: skip
def test_a_name_of_no_run_or_of_several_is_told_with_what_was_meant(
    three: Ledger, folder: Path, name: str, message: str, hint: str
) -> None:
    with pytest.raises(NotFound) as caught:
        three.find(name)
    assert problem_of(caught) == Problem("run-not-found", message.format(folder / "ledger.sqlite3"), hint=hint)


def test_of_many_runs_that_a_name_may_mean_five_are_told(ledger: Ledger, folder: Path) -> None:
    for number in range(17):
        ledger.begin(replace(RUN, id=f"2026-{number:02}")).close("finished", 0)
    with pytest.raises(NotFound) as caught:
        ledger.resume("2026-")
    assert str(caught.value) == (
        f"'2026-' matches 17 runs in {folder}/ledger.sqlite3 (2026-16, 2026-15, 2026-14, 2026-13, 2026-12 and 12 more)"
    )
    with pytest.raises(NotFound) as caught:
        ledger.find("zzz")
    assert str(caught.value) == f"no run 'zzz' in {folder}/ledger.sqlite3 ('runner runs list' shows them all)"


@pytest.mark.parametrize("name", ["last", "20260102"])
def test_an_empty_ledger_says_so(ledger: Ledger, folder: Path, name: str) -> None:
    with pytest.raises(NotFound) as caught:
        ledger.failures(name)
    assert str(caught.value) == f"no run '{name}' in {folder}/ledger.sqlite3 (it contains no runs yet)"


# Parts and rows


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
    names = {"RUN", "SUMMARIES", "COUNTS", "PART", "ROW", "OPEN", "ROWS_IN_STATE", "LAST_ROW", "KINDS"}
    names |= {"ROWS", "SURELY_NOT_SENT", "IN_FLIGHT", "FAILED_AFTER"}
    assert {name for name, _ in plans} == names
    # Each kind of failure of a run is looked for once, at its end.
    assert {name for name, plan in plans if not plan.startswith("SEARCH")} == {"SUMMARIES", "KINDS"}
    assert {plan.split()[-1] for name, plan in plans if name == "SUMMARIES"} == {"runs"}


# Runs at a glance


def test_runs_are_summed_up_the_newest_first(ledger: Ledger) -> None:
    for number, state in enumerate(("finished", "stopped", "interrupted", None)):
        run = ledger.begin(replace(RUN, id=f"run-{number}", rows="-", started=STARTED + timedelta(days=number)))
        run.write(begun=[PART, Part(10, 10, "d10")])
        run.write([PartOutcome(0, 10, 7, [failed(1), unknown(2), not_sent(3)])])
        if state == "finished":
            run.write([PartOutcome(10, 10, 10, [])])
            run.close("finished", 20)
        elif state:
            run.close("stopped" if state == "stopped" else "interrupted", 1000 if state == "stopped" else None)
    with run:
        assert ledger.summaries() == [
            RunSummary("run-3", RUN.spec, "-", "running", STARTED + timedelta(days=3), None, Counts(7, 1, 1, 1)),
            RunSummary("run-2", RUN.spec, "-", "interrupted", STARTED + timedelta(days=2), None, Counts(7, 1, 11, 1)),
            RunSummary("run-1", RUN.spec, "-", "stopped", STARTED + timedelta(days=1), 1000, Counts(7, 1, 11, 981)),
            RunSummary("run-0", RUN.spec, "-", "finished", STARTED, 20, Counts(17, 1, 1, 1)),
        ]
    assert ledger.summaries()[0] == RunSummary(
        "run-3", RUN.spec, "-", "interrupted", STARTED + timedelta(days=3), None, Counts(7, 1, 11, 1)
    )


def test_a_run_that_goes_on_is_running_again(run: RunLedger, ledger: Ledger) -> None:
    run.close("stopped", 100)
    with ledger.resume("last") as again:
        assert ledger.summaries()[0].state == "running"
        again.close("finished", 0)
    assert ledger.summaries() == [RunSummary(RUN.id, RUN.spec, RUN.rows, "finished", STARTED, 0, Counts())]


def test_nothing_is_written_to_a_run_that_is_closed(run: RunLedger, ledger: Ledger) -> None:
    run.close("finished", 0)
    with pytest.raises(ValueError, match=f"^run {RUN.id} is closed$"):
        run.write(begun=[PART])
    with pytest.raises(ValueError, match=f"^run {RUN.id} is closed$"):
        run.close("stopped", 1)
    assert ledger.summaries()[0].state == "finished"


# Locks


def test_a_run_is_at_work_in_one_place(run: RunLedger, ledger: Ledger, folder: Path) -> None:
    with pytest.raises(MachineError) as caught:
        ledger.resume(RUN.id)
    assert caught.value.exit_code == ExitCode.MACHINE
    refused = Problem("run-locked", f"run {RUN.id} is in use by another process", hint="wait until it ends, or stop it")
    assert problem_of(caught) == refused
    assert [path.name for path in folder.glob("*.lock")] == [f"{RUN.id}.lock"]
    run.close("stopped", None)
    assert list(folder.glob("*.lock")) == []
    with ledger.resume(RUN.id):
        pass


def test_looking_at_runs_never_stands_in_the_way_of_a_resume(folder: Path) -> None:
    is_over = False

    def look() -> None:
        with Ledger(folder) as other:
            while not is_over:
                seen.update(summary.state for summary in other.summaries())

    seen: set[str] = set()
    with Ledger(folder) as ledger:
        ledger.begin(RUN).close("stopped", 0)
        looking = Thread(target=look)
        looking.start()
        try:
            for _ in range(500):
                ledger.resume(RUN.id).close("stopped", 0)
        finally:
            is_over = True
            looking.join()
    assert seen <= {"stopped", "running"}


SCRIPT = """
import os, resource, subprocess, sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from runner.bulk.ledger import Ledger
from runner.bulk.outcomes import PartOutcome, RowOutcome
from runner.bulk.record import RunRecord
from runner.bulk.part import Part
from runner.errors import MachineError

folder, name = Path(sys.argv[1]), sys.argv[2]
record = RunRecord(name, UUID(int=7), datetime(2026, 1, 2, tzinfo=UTC), "spec.yaml", "-", {}, {})

def say(text):  # in one piece, whenever this is killed
    sys.stdout.write(f"{text}\\n")
    sys.stdout.flush()

def begun(first):
    return Part(first, 10, f"d{first}")

def done(first, accepted=9):
    return PartOutcome(first, 10, accepted, [RowOutcome(first + 3, first + 5, "failed", "refused", 400, 1)])
"""


@contextmanager
def child(code: str, folder: Path, name: str = RUN.id) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SCRIPT + code, str(folder), name]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def printed_by(code: str, folder: Path) -> str:
    with child(code, folder) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    return out


def test_a_child_does_not_inherit_the_lock(ledger: Ledger, folder: Path) -> None:
    code = """
run = Ledger(folder).begin(record)
subprocess.Popen([sys.executable, "-c", "input()"], close_fds=False)
say("begun")
sys.stdin.read()
"""
    with child(code, folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        with pytest.raises(MachineError, match=f"^run {RUN.id} is in use by another process"):
            ledger.resume(RUN.id)
        process.kill()
        process.wait()
        with ledger.resume(RUN.id):  # the child's child still waits for its input
            pass


SENDS_UNTIL_IT_IS_KILLED = """
with Ledger(folder) as ledger:
    run = ledger.resume(name) if any(known.run == name for known in ledger.summaries()) else ledger.begin(record)
    say("at work")
    under_way, first = [], -10
    while True:
        first += 10
        known = run.part(first)
        if known and known.is_done:
            continue
        finished = [under_way.pop(0)] if len(under_way) == 3 else []
        run.write(list(map(done, finished)), [begun(first)])
        say(f"begun {first}")
        for one in finished:
            say(f"done {one}")
        under_way.append(first)
"""


def test_a_kill_at_any_instant_loses_nothing_that_was_recorded(folder: Path) -> None:
    chance = random.Random(20260102)  # noqa: S311 - it must be the same each time
    reported: dict[str, set[int]] = {"begun": set(), "done": set()}
    with Ledger(folder) as ledger, ledger.begin(replace(RUN, id="meanwhile")) as meanwhile:
        for death in range(10):
            with child(SENDS_UNTIL_IT_IS_KILLED, folder) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == "at work\n"
                assert ledger.summaries()[0].state == "running"
                with pytest.raises(MachineError, match=f"^run {RUN.id} is in use by another process"):
                    ledger.resume(RUN.id)
                lines = [process.stdout.readline() for _ in range(chance.randrange(300))]
                meanwhile.write(begun=[Part(death, 1, "d")])
                process.kill()
                lines += process.stdout.readlines()
            for line in lines:
                what, first = line.split()
                reported[what].add(int(first))

            summary = ledger.summaries()[0]
            assert (summary.run, summary.state) == (RUN.id, "interrupted")
            with ledger.resume(RUN.id) as run:
                rows = range(0, run.last_row() + 1, 10)
                parts = {first: part for first in rows if (part := run.part(first))}
                counts = run.counts()
            assert list(parts) == list(range(0, 10 * len(parts), 10))
            done = {first for first, part in parts.items() if part.is_done}
            assert reported["begun"] <= parts.keys()
            assert reported["done"] <= done
            assert len(parts) - len(reported["begun"]) <= 1 + death  # one write that was not reported, each time
            assert len(done) - len(reported["done"]) <= 1 + death
            assert len(parts) - len(done) <= 4
            told = [record.row for record in ledger.failures(RUN.id)]
            doubted = [record.row for record in ledger.failures(RUN.id, "unknown")]
            assert sorted(told + doubted) == [first + 3 for first in sorted(done)]
            assert counts == Counts(9 * len(done), len(told), len(doubted), 0, 10 * (len(parts) - len(done)))
            assert summary.counts == Counts(counts.accepted, counts.failed, counts.unknown + counts.in_flight)
            with closing(sqlite3.connect(folder / "ledger.sqlite3")) as other:
                assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert meanwhile.counts() == Counts(0, 0, 0, 0, in_flight=10)
    assert len(reported["done"]) > 100


def test_several_processes_make_one_ledger_and_write_to_it_at_once(folder: Path) -> None:
    code = """
say("ready")
sys.stdin.readline()
with Ledger(folder) as ledger, ledger.begin(record) as run:
    for first in range(0, 2000, 10):
        run.write([done(first - 10)] if first else [], [begun(first)])
    run.write([done(first)])
    run.close("finished", 2000)
"""
    with (
        child(code, folder, "one") as one,
        child(code, folder, "two") as two,
        child(code, folder, "three") as three,
    ):
        processes = (one, two, three)
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert [process.communicate(timeout=30) for process in processes] == [("", "")] * 3
    with Ledger(folder) as ledger:
        summaries = {summary.run: summary[3:7] for summary in ledger.summaries()}
    ended = ("finished", datetime(2026, 1, 2, tzinfo=UTC), 2000, Counts(1800, 200))
    assert summaries == {"one": ended, "two": ended, "three": ended}
    assert [path.name for path in folder.glob("*.lock")] == []


# What the machine refuses


def test_a_ledger_that_another_process_keeps_locked_is_refused(run: RunLedger, ledger: Ledger, folder: Path) -> None:
    ledger._file.select("PRAGMA busy_timeout = 10")  # milliseconds, so that nobody waits for 5 seconds
    with closing(sqlite3.connect(folder / "ledger.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MachineError) as caught:
            run.write(begun=[PART])
        assert run.counts() == Counts(0, 0, 0, 0, 0)
    message = f"can't use {folder}/ledger.sqlite3: another process has been writing to it for more than 5 s"
    assert problem_of(caught) == Problem("ledger-locked", message)
    run.write(begun=[PART])
    assert run.counts() == Counts(0, 0, 0, 0, in_flight=10)


def test_a_writer_is_waited_for_five_seconds(ledger: Ledger) -> None:
    assert ledger._file.select("PRAGMA busy_timeout") == [(5000,)]


def test_a_full_disk_is_refused_and_leaves_no_half_of_a_write(run: RunLedger, ledger: Ledger, folder: Path) -> None:
    run.write(begun=[PART])
    ledger._file.select("PRAGMA max_page_count = 1")  # as small as it can be: no page more than there are
    many = [Part(first, 10, "d" * 64) for first in range(10, 10_000, 10)]
    with pytest.raises(MachineError) as caught:
        run.write([PartOutcome(0, 10, 9, [failed(1)])], many)
    assert problem_of(caught) == Problem(
        "ledger-refused", f"can't use {folder}/ledger.sqlite3: database or disk is full"
    )
    assert run.part(10) is None
    assert run.counts() == Counts(0, 0, 0, 0, in_flight=10)
    assert rows_of(ledger) == []
    ledger._file.select("PRAGMA max_page_count = 1000000")
    run.write([PartOutcome(0, 10, 9, [failed(1)])], many)
    assert run.counts() == Counts(accepted=9, failed=1, unknown=0, not_sent=0, in_flight=9990)


def test_a_file_that_may_not_grow_is_refused_and_leaves_no_half_of_a_write(folder: Path) -> None:
    code = """
with Ledger(folder) as ledger, ledger.begin(record) as run:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    first = 0
    try:
        while True:
            run.write([done(first - 10)] if first else [], [begun(first)])
            first += 10
    except MachineError as error:
        say(error)
    assert first > 100, first
    assert run.part(first) is None and not run.part(first - 10).is_done
    assert run.counts() == (9 * (first // 10 - 1), first // 10 - 1, 0, 0, 10), (first, run.counts())
    try:
        run.close("stopped", None)
    except MachineError as error:
        say(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    run.write([done(first - 10)])
    run.close("stopped", None)
    say(first)
"""
    refused = f"can't use {folder}/ledger.sqlite3: disk I/O error"
    *told, rows = printed_by(code, folder).splitlines()
    assert told == [refused, refused]
    with Ledger(folder) as ledger:
        assert ledger.summaries()[0][3:7] == (
            "stopped", datetime(2026, 1, 2, tzinfo=UTC), None, Counts(int(rows) * 9 // 10, int(rows) // 10),
        )  # fmt: skip


def test_a_file_that_is_no_database_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "ledger.sqlite3").write_text("row,user\n" * 1000)
    (folder / "ledger.sqlite3").chmod(0o600)
    with pytest.raises(MachineError) as caught:
        Ledger(folder)
    assert problem_of(caught) == Problem("ledger-refused", f"can't use {folder}/ledger.sqlite3: file is not a database")
    assert (folder / "ledger.sqlite3").read_text() == "row,user\n" * 1000


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


@pytest.mark.parametrize(
    ("version", "age", "way"), [(1, "an older", "finish its runs with that version"), (3, "a newer", "update runner")]
)
def test_a_ledger_of_another_version_is_refused(folder: Path, version: int, age: str, way: str) -> None:
    Ledger(folder).close()
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as other:
        other.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(MachineError) as caught:
        Ledger(folder)
    assert problem_of(caught) == Problem(
        "ledger-refused",
        f"the ledger {folder}/ledger.sqlite3 is of {age} version of runner",
        hint=f"{way}, or move the ledger away",
    )


def test_a_ledger_that_others_can_read_is_taken_for_somebody_elses(folder: Path) -> None:
    with Ledger(folder) as ledger:
        ledger.begin(RUN).close("finished", 0)
    (folder / "ledger.sqlite3").chmod(0o644)  # as a checkout makes it
    with pytest.raises(MachineError) as caught:
        Ledger(folder, is_new_allowed=False)
    assert problem_of(caught) == Problem(
        "ledger-refused",
        f"other users can read the ledger {folder}/ledger.sqlite3, so it may not be yours",
        hint=f"if it is yours: chmod 600 {folder}/ledger.sqlite3",
    )
    (folder / "ledger.sqlite3").chmod(0o600)
    with Ledger(folder, is_new_allowed=False) as ledger:
        assert ledger.find("last") == RUN


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE parts",
        "CREATE TRIGGER added AFTER UPDATE ON runs BEGIN DELETE FROM runs; END",
        "ALTER TABLE runs RENAME TO kept; CREATE VIEW runs AS WITH RECURSIVE more(id) AS (SELECT 1 UNION ALL SELECT id FROM more) SELECT id FROM more",
        "UPDATE runs SET id = '../../outside'",
        "UPDATE runs SET id = 'a/'",
        "UPDATE runs SET id = x'00'",
        "UPDATE runs SET seed = 'x'",
        "UPDATE runs SET started_at = 'today'",
        "UPDATE runs SET spec = 5",
        "UPDATE runs SET arguments = '{'",
        "UPDATE runs SET arguments = '[1]'",
        "UPDATE runs SET fingerprints = '1'",
        "UPDATE runs SET parent = x'00'",
        "UPDATE runs SET parent_session = 'x'",
    ],
)  # fmt: skip
def test_what_runner_does_not_write_in_a_ledger_is_refused(folder: Path, sql: str) -> None:
    with Ledger(folder) as ledger:
        ledger.begin(RUN).close("finished", 0)
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as other:
        other.executescript(sql)
    with pytest.raises(MachineError) as caught, Ledger(folder) as ledger:
        ledger.resume("last").close("finished", 0)
    message = f"the ledger {folder}/ledger.sqlite3 contains something that runner does not write"
    assert problem_of(caught) == Problem("ledger-refused", message, hint="move it away")


def test_a_run_whose_rows_come_from_itself_is_refused(folder: Path) -> None:
    with Ledger(folder) as ledger:
        ledger.begin(RUN).close("finished", 0)
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as other:
        other.executescript("UPDATE runs SET parent = id")
    with Ledger(folder) as ledger, pytest.raises(MachineError) as caught:
        list(ledger.line(ledger.find("last")))
    assert problem_of(caught).hint == "move it away"


def test_counts_that_runner_does_not_write_are_refused(folder: Path) -> None:
    with Ledger(folder) as ledger:
        ledger.begin(RUN).close("finished", 0)
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as other:
        other.executescript("UPDATE runs SET accepted = 'many'")
    with Ledger(folder) as ledger, pytest.raises(MachineError):
        ledger.summaries()


def test_a_file_in_the_folders_place_is_refused(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(MachineError) as caught:
        Ledger(folder)
    assert problem_of(caught) == Problem("ledger-refused", f"can't use {folder}/ledger.sqlite3: File exists")


def test_a_lock_that_can_not_be_made_is_refused(ledger: Ledger, folder: Path) -> None:
    (folder / f"{RUN.id}.lock").mkdir()
    with pytest.raises(MachineError) as caught:
        ledger.begin(RUN)
    assert problem_of(caught) == Problem("ledger-refused", f"can't use {folder}/{RUN.id}.lock: Is a directory")
    assert ledger.summaries() == []


def test_a_folder_that_is_read_only_is_refused(tmp_path: Path) -> None:
    code = """
os.chdir(folder)
Path("without").mkdir()
Path("with").mkdir()
Path("with/.gitignore").write_text("*")
for path in ("without", "with", "."):
    os.chmod(path, 0o555)
if os.geteuid() == 0:  # nobody is refused nothing but by being nobody
    os.seteuid(65534)
for path in ("without", "with", "missing"):
    try:
        Ledger(Path(path))
    except MachineError as error:
        say(error)
"""
    assert printed_by(code, tmp_path).splitlines() == [
        f"can't use {file}/ledger.sqlite3: Permission denied "
        "(keep runs in another folder: --state-dir DIR, or RUNNER_STATE_DIR=DIR in the environment)"
        for file in ("without", "with", "missing")
    ]


def test_locks_are_those_of_the_kernel(run: RunLedger, folder: Path) -> None:
    with (folder / f"{RUN.id}.lock").open("rb") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        run.close("stopped", None)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
