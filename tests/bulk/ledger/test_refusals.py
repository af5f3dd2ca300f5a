"""What the machine refuses, and ledgers that runner did not write."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from runner.bulk.ledger import Ledger
from runner.bulk.outcomes import Counts, PartOutcome
from runner.bulk.part import Part
from runner.errors import MachineError, Problem
from tests.bulk.ledger.conftest import PART, RUN, child, failed, problem_of, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from runner.bulk.run_ledger import RunLedger


def printed_by(code: str, folder: Path) -> str:
    with child(code, folder) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    return out


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
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the end of a run takes less room than a part
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


@pytest.mark.parametrize(
    ("version", "age", "way"), [(1, "an older", "finish its runs with that version"), (5, "a newer", "update runner")]
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
        list(ledger.ancestry(ledger.find("last")))
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
