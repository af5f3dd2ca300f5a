"""`runner test --html`: where the report is written, and what ends a command before its cases run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.cases.conftest import RENDERED, WRONG, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine


def test_failed_and_passed_cases_are_reported(cli: CommandLine) -> None:
    write(WRONG)
    ended = cli("test", "--html", "report.html")
    assert (ended.code, ended.err) == (1, "report: report.html\n")
    text = Path("report.html").read_text()
    assert '<span class="badge bad">failed</span>' in text
    assert "properties.amount: expected 15 (a number), got 1500 (a number)" in text
    write(RENDERED)
    assert cli("test", "--html", "report.html", "-q").code == 0
    assert '<span class="badge good">passed</span>' in Path("report.html").read_text()


def test_a_file_that_is_no_report_stays_as_it_is(cli: CommandLine) -> None:
    write(RENDERED)
    before = Path("specs/purchase.yaml").read_text()
    ended = cli("test", "--html", "specs/purchase.yaml")
    message = "error[usage]: --html specs/purchase.yaml: this file exists, and is not a report\n  = name another file\n"
    assert (ended.code, ended.out, ended.err) == (64, "", message)
    assert Path("specs/purchase.yaml").read_text() == before


def test_a_run_of_several_processes_is_reported_as_well(cli: CommandLine) -> None:
    write(WRONG)
    cli("test", "--html", "one.html", "--", "-n", "2")
    assert "expected 15 (a number), got 1500 (a number)" in Path("one.html").read_text()
