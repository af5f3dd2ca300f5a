"""The command line as a whole: usage faults, bugs, and what every command shares."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

import runner
from runner.cli.main import run
from runner.cli.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from tests.conftest import CommandLine


def test_the_version_is_that_of_the_package(cli: CommandLine) -> None:
    ended = cli("--version")
    assert (ended.code, ended.out, ended.err) == (0, f"runner {runner.__version__}\n", "")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("send", "a.yaml", "--vra", "user=u1"), "No such option: --vra (Possible options: --var)"),
        (("sned",), "No such command 'sned'. Did you mean 'send'?"),
        ((), "Missing command"),
        (("send",), "Missing argument 'SPEC'"),
        (("validate", "a.yaml", "-o", "xml"), "Invalid value for '--output' / '-o'"),
        (("sandbox", "--port", "70000"), "Invalid value for '--port'"),
        (("render", "a.yaml", "b.yaml"), "Got unexpected extra argument(s) (b.yaml)"),
    ],
)
def test_a_wrong_command_line_ends_with_64_and_says_what_is_wrong(
    cli: CommandLine, args: tuple[str, ...], message: str
) -> None:
    ended = cli(*args)
    assert (ended.code, ended.out) == (64, "")
    assert ended.err.startswith(f"error[usage]: {message}")
    assert "--help`\n" in ended.err


@pytest.mark.usefixtures("in_repository")
def test_a_var_without_a_value_ends_with_64(cli: CommandLine) -> None:
    ended = cli("send", "specs/purchase.yaml", "--sandbox", "-n", "--var", "user")
    assert (ended.code, ended.err) == (
        64,
        "error[usage]: --var user: it takes NAME=VALUE\n  = for example --var user=u1\n",
    )


def test_what_goes_wrong_is_one_json_document_too(cli: CommandLine) -> None:
    for args in (("send", "--vra", "-o", "json"), ("-o=json", "send"), ("send", "-ojson", "nowhere.yaml")):
        ended = cli(*args)
        assert list(ended.json) == ["problems"]
        assert ended.json["problems"][0]["severity"] == "error"
        assert ended.err == ""


@pytest.mark.usefixtures("in_repository")
def test_a_bug_ends_with_70_and_says_how_to_report_it() -> None:
    def broken_clock() -> datetime:
        raise ZeroDivisionError("a clock that does not tick")

    out, err = io.StringIO(), io.StringIO()
    world = World({}, io.StringIO(), out, err, broken_clock, uuid4)
    assert run(["render", "specs/purchase.yaml", "--var", "user=u1"], world) == 70
    assert err.getvalue().splitlines()[:2] == [
        "error[bug]: ZeroDivisionError: a clock that does not tick",
        f"  = this is a bug of runner {runner.__version__}; please report it with the command line (-v shows where it happened)",
    ]
    assert "Traceback" not in err.getvalue()
