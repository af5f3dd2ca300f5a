"""A run is in use by one process, and a kill loses nothing that was recorded."""

from __future__ import annotations

import fcntl
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from runner.bulk.ledger import Ledger
from runner.bulk.outcomes import Counts
from runner.bulk.part import Part
from runner.errors import ExitCode, MachineError, Problem
from tests.bulk.ledger.conftest import RUN, child, problem_of

if TYPE_CHECKING:
    from pathlib import Path

    from runner.bulk.run_ledger import RunLedger


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
                assert [run.state for run in ledger.summaries() if run.run == RUN.id] == ["running"]
                with pytest.raises(MachineError, match=f"^run {RUN.id} is in use by another process"):
                    ledger.resume(RUN.id)
                lines = [process.stdout.readline() for _ in range(chance.randrange(300))]
                meanwhile.write(begun=[Part(death, 1, "d")])
                process.kill()
                lines += process.stdout.readlines()
            for line in lines:
                what, first = line.split()
                reported[what].add(int(first))

            [summary] = [run for run in ledger.summaries() if run.run == RUN.id]
            assert summary.state == "interrupted"
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


def test_a_lock_that_can_not_be_made_is_refused(ledger: Ledger, folder: Path) -> None:
    (folder / f"{RUN.id}.lock").mkdir()
    with pytest.raises(MachineError) as caught:
        ledger.begin(RUN)
    assert problem_of(caught) == Problem("ledger-refused", f"can't use {folder}/{RUN.id}.lock: Is a directory")
    assert ledger.summaries() == []


def test_locks_are_those_of_the_kernel(run: RunLedger, folder: Path) -> None:
    with (folder / f"{RUN.id}.lock").open("rb") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        run.close("stopped", None)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
