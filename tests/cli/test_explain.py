"""`runner explain`, and where other commands point to it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from runner.cli.complete import codes
from runner.cli.main import run
from runner.codes import CODES
from runner.commands.world import World
from runner.problems import ENTRIES, page

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from tests.conftest import CommandLine

EXPLAINED = """\
timeout: a timeout is not a number of seconds greater than 0 and up to a day
exit code 2

A timeout is the number of seconds until an answer must be there, with all retries: greater than 0,
and at most a day (86,400). There is no "wait forever": a server that never answers would hold
your program.

Wrong:

    from runner import Suprsend

    Suprsend("workspace_key", "workspace_secret", timeout=-1)

Right:

    from runner import Suprsend

    Suprsend("workspace_key", "workspace_secret", timeout=60)
"""
BROKEN = "version: 1\nevent: order_placed\ndistinct_id: u1\npropertys: {}\n"


def test_it_prints_the_page_of_a_code_with_its_examples_indented(cli: CommandLine) -> None:
    ended = cli("explain", "timeout")
    assert (ended.code, ended.out, ended.err) == (0, EXPLAINED, "")


def test_on_a_terminal_the_code_and_its_meaning_stand_out(cli: CommandLine) -> None:
    assert cli("explain", "timeout", "--color", "always").out.startswith("\x1b[1;31mtimeout\x1b[0m\x1b[1m: a timeout")
    assert cli("explain", "unused-variable", "--color", "always").out.startswith("\x1b[1;33munused-variable\x1b[0m")


def test_of_a_warning_it_says_when_it_fails(cli: CommandLine) -> None:
    assert cli("explain", "unused-variable").out.splitlines()[:2] == [
        "unused-variable: no template uses a declared variable",
        "a warning: exit code 0, with --strict 2",
    ]


def test_without_a_code_it_lists_each_with_its_meaning(cli: CommandLine) -> None:
    ended = cli("explain")
    lines = ended.out.splitlines()
    assert (ended.code, [line.split()[0] for line in lines]) == (0, list(CODES))
    assert "unused-variable            no template uses a declared variable" in lines


def test_as_json_it_is_the_entry_of_the_registry_and_its_page(cli: CommandLine) -> None:
    entry = ENTRIES["unused-variable"]
    assert cli("explain", "unused-variable", "-o", "json").json == {
        "problems": [
            {
                "code": "unused-variable",
                "meaning": entry.meaning,
                "example": entry.example,
                "exit_code": 0,
                "severity": "warning",
                "explanation": page("unused-variable").removeprefix("# unused-variable\n\n"),
            }
        ]
    }
    assert [each["code"] for each in cli("explain", "-o", "json").json["problems"]] == list(CODES)


def test_as_lines_each_code_is_one(cli: CommandLine) -> None:
    lines = cli("explain", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["code"] for line in lines] == list(CODES)


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("var-misssing", "did you mean 'var-missing'?"),
        ("no-such-thing", "`runner explain` lists them all"),
    ],
)
def test_an_unknown_code_is_wrong_use(cli: CommandLine, code: str, hint: str) -> None:
    ended = cli("explain", code)
    assert (ended.code, ended.out, ended.err) == (
        64,
        "",
        f"error[usage]: there is no problem code '{code}'\n  = {hint}\n",
    )


def test_what_is_no_code_at_all_may_be_a_secret(cli: CommandLine) -> None:
    assert "s3cr3t" not in cli("explain", "token=s3cr3t").err


def test_a_shell_completes_codes_with_their_meanings() -> None:
    assert codes("var-m") == [("var-missing", "a variable has no value")]
    assert [code for code, _ in codes("")] == list(CODES)


class Screen(io.StringIO):
    """A terminal as far as a program can tell."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("spec", "args", "told"),
    [
        (BROKEN, (), True),
        (BROKEN, ("-q",), False),
        (BROKEN, ("-o", "json"), False),
        (BROKEN.replace("propertys", "properties"), (), False),
    ],
)
def test_validate_points_to_it_once_on_a_terminal_that_shows_errors(
    spec: str, args: tuple[str, ...], told: bool, in_tmp: Path, fixed: tuple[datetime, UUID]
) -> None:
    (in_tmp / "a.yaml").write_text(spec)
    (in_tmp / "b.yaml").write_text(spec)
    screen, (now, seed) = Screen(), fixed
    world = World({}, io.StringIO(), io.StringIO(), screen, lambda: now, lambda: seed, lambda _: None, lambda: 0.5)
    run(["validate", "a.yaml", "b.yaml", *args], world)
    assert screen.getvalue().count("`runner explain CODE` says more") == told


def test_off_a_terminal_validate_says_nothing_of_it(cli: CommandLine, in_tmp: Path) -> None:
    (in_tmp / "a.yaml").write_text(BROKEN)
    assert cli("validate", "a.yaml").err == "1 spec checked: 1 error\n"
