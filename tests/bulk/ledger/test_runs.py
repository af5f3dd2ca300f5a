"""Runs: recorded, found by their ids, and summed up."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from runner.bulk.ledger import Ledger, RunSummary
from runner.bulk.outcomes import Counts, PartOutcome
from runner.bulk.part import Part
from runner.errors import MachineError, NotFound, Problem
from tests.bulk.ledger.conftest import PART, RUN, STARTED, failed, not_sent, problem_of, unknown

if TYPE_CHECKING:
    from pathlib import Path

    from runner.bulk.run_ledger import RunLedger


@pytest.mark.usefixtures("run")
def test_a_run_is_found_as_it_was_recorded(ledger: Ledger) -> None:
    assert ledger.find(RUN.id) == RUN


def test_the_instant_of_a_start_is_kept_in_utc(ledger: Ledger) -> None:
    with ledger.begin(replace(RUN, started=STARTED.astimezone(timezone(timedelta(hours=5, minutes=30))))):
        assert ledger.find(RUN.id).started.isoformat() == "2026-01-02T03:04:05.678900+00:00"


def test_a_path_that_is_no_text_is_found_as_it_was_recorded(ledger: Ledger) -> None:
    odd = replace(RUN, rows=(os.fsdecode(b"commandes_\xe9t\xe9.csv"), "b*.csv"))
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
    with Ledger(tmp_path / ".runner") as ledger, ledger.begin(replace(RUN, spec=spec, rows=(spec,))):
        monkeypatch.chdir(tmp_path / found_in)
        [summary] = ledger.summaries()
        record = ledger.find("last")
    assert {record.spec, *record.rows, summary.spec, *summary.rows} == {expected}


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


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("20260102-030405-7f3a", "20260102-030405-7f3a"),
        ("20260102-030405-9", "20260102-030405-90bc"),
        ("20260103", "20260103-000000-7f3a"),
        ("last", "20260103-000000-7f3a"),
        ("first", "20260102-030405-7f3a"),
    ],
)
def test_a_run_is_found_by_its_id_by_a_beginning_of_one_or_as_the_first_or_last(
    three: Ledger, name: str, found: str
) -> None:
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


def test_runs_are_summed_up_the_newest_first(ledger: Ledger) -> None:
    for number, state in enumerate(("finished", "stopped", "interrupted", None)):
        run = ledger.begin(replace(RUN, id=f"run-{number}", rows=("-",), started=STARTED + timedelta(days=number)))
        run.write(begun=[PART, Part(10, 10, "d10")])
        run.write([PartOutcome(0, 10, 7, [failed(1), unknown(2), not_sent(3)])])
        if state == "finished":
            run.write([PartOutcome(10, 10, 10, [])])
            run.close("finished", 20)
        elif state:
            run.close("stopped" if state == "stopped" else "interrupted", 1000 if state == "stopped" else None)
    with run:
        assert ledger.summaries() == [
            RunSummary("run-3", RUN.spec, ("-",), "running", STARTED + timedelta(days=3), None, Counts(7, 1, 1, 1)),
            RunSummary(
                "run-2", RUN.spec, ("-",), "interrupted", STARTED + timedelta(days=2), None, Counts(7, 1, 11, 1)
            ),
            RunSummary("run-1", RUN.spec, ("-",), "stopped", STARTED + timedelta(days=1), 1000, Counts(7, 1, 11, 981)),
            RunSummary("run-0", RUN.spec, ("-",), "finished", STARTED, 20, Counts(17, 1, 1, 1)),
        ]
    assert ledger.summaries()[0] == RunSummary(
        "run-3", RUN.spec, ("-",), "interrupted", STARTED + timedelta(days=3), None, Counts(7, 1, 11, 1)
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
