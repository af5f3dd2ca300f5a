"""When `runner test` records cassettes, and how it reports missing and unused ones."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.cases.conftest import PURCHASE, RENDERED, record, write

if TYPE_CHECKING:
    from tests.conftest import CommandLine

ANSWERED = Path("cassettes/purchase/an-answer.yaml")


def test_recorded_cases_replay(cli: CommandLine) -> None:
    write(PURCHASE)
    record(cli)
    assert ANSWERED.exists()
    assert cli("test").code == 0


def test_a_case_of_rows_expects_every_part_of_the_response(cli: CommandLine) -> None:
    parts = "status: success, total: 2, success: 2, failure: 0, unknown: 0, failed_records: []"
    case = f"{{name: both, rows: [{{user: u1}}, {{user: u2}}], expect: {{response: {{{parts}}}}}}}"
    write(PURCHASE.partition("    tests:")[0] + f"    tests: [{case}]")
    record(cli)
    assert cli("test").code == 0


def test_nothing_is_recorded_where_ci_is_set(cli: CommandLine) -> None:
    write(PURCHASE)
    cli.environ["CI"] = "true"
    ended = cli("test", "--record", "rewrite", "--sandbox")
    hint = "record on a developer's machine and commit the cassettes, or add --record-in-ci"
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == f"error[usage]: --record rewrite is not allowed in CI\n  = {hint}\n"
    assert not ANSWERED.exists()
    assert cli("test", "--record", "rewrite", "--sandbox", "--record-in-ci").code == 0
    assert ANSWERED.exists()


@pytest.mark.parametrize("value", ["", " ", "false", "False", "0", "no", "off"])
def test_ci_that_says_no_is_no_ci(cli: CommandLine, value: str) -> None:
    write(PURCHASE)
    cli.environ["CI"] = value
    assert cli("test", "--record", "rewrite", "--sandbox").code == 0
    assert ANSWERED.exists()


def test_a_cassette_that_no_case_plays_is_named_when_all_specs_are_run(cli: CommandLine) -> None:
    write(PURCHASE)
    record(cli)
    write(RENDERED)
    write("interactions: []\nversion: 1\n", "cassettes/of-another-library.yaml")
    told = (
        "error[cassette-orphan]: no case plays this cassette\n"
        " --> cassettes/purchase/an-answer.yaml:1:1\n"
        "  = runner cassette check cassettes/purchase/an-answer.yaml --fix removes it\n"
    )
    ended = cli("test")
    assert (ended.code, ended.err) == (6, told)
    assert cli("test", "./specs/").code == 6
    for part in (("specs/purchase.yaml",), ("-k", "an answer"), ("--", "-m", "not slow", "-k", "answer")):
        assert cli("test", *part).code == 0
    [problem] = cli("test", "-o", "json").json["problems"]
    assert (problem["code"], problem["path"]) == ("cassette-orphan", str(ANSWERED))


def test_an_error_of_pytest_itself_outranks_an_orphan(
    cli: CommandLine, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(PURCHASE)
    record(cli)
    write(RENDERED)
    assert cli("test").code == 6
    write("def pytest_runtest_logfinish():\n    raise TypeError('not ours')\n", "breaking.py")
    monkeypatch.syspath_prepend(in_tmp)
    assert cli("test", "--", "-p", "breaking").code == 70


def test_missing_cassettes_are_recorded_by_one_command(cli: CommandLine) -> None:
    write(PURCHASE)
    assert "to record all" not in cli("test").err
    write(PURCHASE, "specs/a gift.yaml")
    for args in ((), ("specs/a gift.yaml", "specs/purchase.yaml")):
        ended = cli("test", *args)
        [told] = [line for line in ended.err.splitlines() if "to record all" in line]
        command = told.partition("; to record all: runner ")[2]
        assert (ended.code, told.startswith("2 cassettes are missing; ")) == (6, True)
    assert cli(*shlex.split(command)).code == 0
    assert cli("test").code == 0
