"""How `runner test` ends: its exit code, a bug's traceback, and what it does not load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.cases.conftest import INVALID, PURCHASE, RENDERED, WRONG, write
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from tests.conftest import CommandLine


@pytest.mark.parametrize(
    ("text", "args", "code"),
    [
        (RENDERED, (), 0),
        (WRONG, (), 1),
        (WRONG, ("-k", "an answer"), 0),
        (WRONG, ("specs/purchase.yaml::an answer",), 0),
        (WRONG, ("--", "--deselect", "specs/purchase.yaml::a premium purchase"), 0),
        (INVALID, (), 2),
        (PURCHASE, (), 6),
        (PURCHASE.replace("amount: 1500}}}", "amount: 15}}}"), (), 1),
        (RENDERED.partition("tests:")[0], (), 4),
        (RENDERED, ("specs/nowhere",), 4),
        (RENDERED, ("-k", "a premiun purchase"), 4),
        (RENDERED, ("-k", "nobody"), 4),
        (RENDERED, ("--record", "sometimes"), 64),
        (RENDERED, ("--sandbox",), 64),
        (RENDERED, ("--", "--no-such-flag"), 64),
        (RENDERED, ("--record", "once"), 3),
    ],
)
def test_the_exit_code_says_how_it_ended(cli: CommandLine, text: str, args: tuple[str, ...], code: int) -> None:
    write(text)
    assert cli("test", *args).code == code


def test_without_specs_or_a_path_there_is_nothing_to_run(cli: CommandLine) -> None:
    ended = cli("test")
    hint = "error[usage]: there is no folder specs here\n  = runner test PATH runs others\n"
    assert (ended.code, ended.out, ended.err) == (64, "", hint)


def test_a_bug_ends_with_70_and_its_traceback(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    write(RENDERED)
    write("def pytest_runtest_call(item):\n    raise TypeError('a bug')\n", "breaks.py")
    monkeypatch.syspath_prepend(Path.cwd())
    ended = cli("test", "-k", "an answer", "--", "-p", "breaks")
    assert (ended.code, "TypeError: a bug" in ended.out) == (70, True)
    [problem] = cli("test", "-o", "json", "-k", "an answer", "--", "-p", "breaks").json["cases"][0]["problems"]
    assert (problem["code"], problem["message"]) == ("bug", "TypeError: a bug")


def test_the_traceback_of_a_bug_shows_nothing_that_is_secret(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    text = RENDERED.replace("user: {type: string}", "user: {type: string, secret: true}")
    write(text.replace("u2", "s3cr3t"))
    write(
        """
        def pytest_runtest_call(item):
            broken(item.ref.case.steps[0].vars["user"])

        def broken(given):
            raise TypeError(f"{given.value} is a bug\\n::error::\\x1b[2J")
        """,
        "spills.py",
    )
    monkeypatch.syspath_prepend(Path.cwd())
    for flags in ((), ("-o", "json"), ("-v",)):
        ended = cli("test", "-k", "an answer", *flags, "--", "-p", "spills")
        told = ended.out + ended.err
        assert (ended.code, "s3cr3t" in told, "TypeError: *** is a bug" in told) == (70, False, True), told
        assert ("\x1b" in told, "\n::" in told) == (False, False), told


def test_interrupting_ends_with_130(in_tmp: Path) -> None:
    write(RENDERED)
    write(
        f"import os, signal\ndef pytest_runtest_call(item):\n    os.kill(os.getpid(), {int(signal.SIGINT)})\n",
        "breaks.py",
    )
    environ = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{in_tmp}"}
    command = [sys.executable, "-m", "runner", "test", "--", "-p", "breaks"]
    assert subprocess.run(command, env=environ, capture_output=True, check=False).returncode == 130


def test_settings_for_the_projects_python_tests_stay_away(cli: CommandLine) -> None:
    write(RENDERED)
    write("raise SystemError('a conftest of Python tests')\n", "conftest.py")
    write("raise SystemError('a test module')\n", "specs/test_purchase.py")
    write('[tool.pytest.ini_options]\naddopts = ["--no-such-flag"]\nstrict_markers = true\n', "pyproject.toml")
    assert cli("test").code == 0


def test_a_case_that_only_renders_loads_no_http_library() -> None:
    write(RENDERED)
    code = (
        "import sys\n"
        "from runner.cli.main import run\n"
        "from runner.commands.world import World\n"
        "assert run(['test', '-q'], World.real()) == 0\n"
        "print(*{'requests', 'urllib3', 'starlette', 'uvicorn', 'vcr', 'rich', 'pydantic'} & sys.modules.keys())\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == ""
