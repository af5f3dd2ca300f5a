"""The registry of problems is whole and true: every code is there, is made somewhere, is seen in a session, and is explained.

Pages of the manual show examples in fenced blocks, each with words behind its language:

    ```yaml wrong              a whole spec, which `runner validate` refuses with the page's code and no other
    ```yaml right              one in which `runner validate` finds nothing
    ```yaml wrong render …     as above, with the command that shows it; the spec comes behind the command's first word
    ```csv orders.csv          a file beside the specs, for the blocks below it
    ```console wrong           commands behind `$`, and all that they print; the page's code is in it
    ```csv right orders.csv    the same file as it should be: the session above it, run again, succeeds
    ```sh right                commands that succeed
    ```python wrong            a program that raises a RunnerError with the page's code; with `right`, one that raises nothing
    ```text                    something else, which no test runs; it may be `wrong` or `right` too

After a change of messages that is meant, `UPDATE_GOLDENS=1 pytest tests/test_problems.py` writes what sessions print anew.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import pytest

from runner.cli.main import run
from runner.codes import CODES, Code
from runner.commands.world import World
from runner.errors import ExitCode, Problem, RunnerError
from runner.problems import ENTRIES, page, table
from runner.sandbox.failures import REFUSING, SPOILING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

REPOSITORY = Path(__file__).parent.parent
PACKAGE = REPOSITORY / "runner"
PAGES = PACKAGE / "manual" / "problems"
EXCEPTIONS = {
    "InvalidInput": ExitCode.INVALID,
    "InvalidEvent": ExitCode.INVALID,
    "CredentialsError": ExitCode.CREDENTIALS,
    "NotFound": ExitCode.NOT_FOUND,
    "UsageError": ExitCode.USAGE,
    "MachineError": ExitCode.MACHINE,
    "CassetteError": ExitCode.CASSETTE,
}
NO_CODES = {
    "datetime-format",  # a helper of templates
    "api-key", "color-scheme", "content-length", "content-type", "date-time", "exit-codes", "failures-title", "how-to", "idn-email", "latin-1", "lfplugin-collwrapper", "no-cache", "no-referrer", "no-store", "proxy-authorization", "recipes-teams", "retry-after", "row-types", "runner-cases", "same-origin", "sec-fetch-mode", "set-cookie", "stand-in", "suprsend-runner", "tutorial-app", "tutorial-specs", "workflow-tests", "x-access-token", "x-api-key", "x-apikey", "x-auth-token", "x-csrf-token", "x-sandbox-session",
}  # fmt: skip
"""Words with a hyphen in the code that are no codes of problems."""
TOLD_ELSEWHERE = {
    "assets-not-found": "cli/test_trace.py",
    "cluster-lost": "bulk/cluster/test_runs.py",
    "cluster-worker": "bulk/cluster/test_runs.py",
    "message-failed": "testing/test_message_fit.py",
    "message-missing": "testing/test_message_fit.py",
    "message-unexpected": "testing/test_message_fit.py",
    "no-message": "cli/send/test_wait.py",
    "workflow-coverage": "cli/test_trace.py",
    "bug": "cli/test_main.py",
    "case-mismatch": "testing/verdict/test_events.py",
    "case-passed": "testing/verdict/test_events.py",
    "cassette-changed": "testing/test_tape.py",
    "cassette-drift": "cli/cassettes/test_verify.py",
    "cassette-empty": "testing/cassettes/test_reader.py",
    "cassette-expired": "testing/cassettes/test_age.py",
    "cassette-leak": "testing/cassettes/test_leaks.py",
    "cassette-missing": "testing/cassettes/test_reader.py",
    "cassette-orphan": "cli/cassettes/test_check.py",
    "cassette-unplayed": "testing/test_tape.py",
    "cassette-unreadable": "testing/cassettes/test_reader.py",
    "cassette-unrecorded": "testing/test_tape_recording.py",
    "export-invalid": "cli/bulk/test_reconcile.py",
    "interrupted": "cli/test_process.py",
    "ledger-gone": "bulk/test_gone.py",
    "ledger-locked": "bulk/ledger/test_refusals.py",
    "ledger-refused": "bulk/ledger/test_refusals.py",
    "network-blocked": "testing/test_network.py",
    "not-sent": "bulk/test_engine.py",
    "row-too-large": "cli/bombs/test_input.py",
    "rows-changed": "bulk/crash/test_resume.py",
    "rows-gone": "cli/bulk/test_runs.py",
    "rows-too-large": "cli/bombs/test_input.py",
    "run-changed": "bulk/crash/test_resume.py",
    "run-locked": "bulk/ledger/test_locks.py",
    "run-too-old": "bulk/test_engine_commands.py",
    "schema-too-large": "cli/bombs/test_input.py",
    "spec-changed": "bulk/test_engine_commands.py",
    "worker-died": "bulk/test_engine.py",
    "workflow-command": "cli/test_injection.py",
    "workflow-unmodelled": "workflows/test_refusals.py",
}


def calls_and_texts() -> Iterator[ast.AST]:
    for path in PACKAGE.rglob("*.py"):
        if path not in (PACKAGE / "codes.py", PACKAGE / "problems.py"):
            yield from ast.walk(ast.parse(path.read_text("utf-8")))


def made() -> Iterator[str]:
    """Every text of the package that is a code, or may be one."""
    for node in calls_and_texts():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", node.value):
                yield node.value
        elif isinstance(node, ast.Call) and (code := code_in(node)) is not None:
            yield code


def code_in(call: ast.Call) -> str | None:
    """Return the code of a call such as `Problem("usage", …)`."""
    makes_problems = isinstance(call.func, ast.Name) and call.func.id in (
        "Problem",
        "Breach",
        "Finding",
        "TemplateFault",
    )
    first = call.args[0] if makes_problems and call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def test_every_code_has_an_entry_in_order() -> None:
    assert list(CODES) == list(get_args(Code)) == sorted(CODES) == list(ENTRIES)


def test_a_problem_with_a_code_that_is_not_in_the_registry_is_an_error_for_mypy() -> None:
    """That the comment is needed is what mypy checks."""
    assert Problem("no-such-code", "m").code not in ENTRIES  # type: ignore[arg-type]


def test_every_code_is_made_somewhere_and_none_else() -> None:
    found = {code for code in made() if not code.startswith(("sandbox-", "utf-"))} - NO_CODES - {*REFUSING, *SPOILING}
    assert sorted(found | {"refused", "sandbox-database"}) == list(CODES)


def test_an_entry_has_the_exit_code_of_the_exception_that_carries_its_problem() -> None:
    raised: dict[str, set[ExitCode]] = {}
    for node in calls_and_texts():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in EXCEPTIONS:
            for argument in node.args:
                code = code_in(argument) if isinstance(argument, ast.Call) else None
                if code is not None:
                    raised.setdefault(code, set()).add(EXCEPTIONS[node.func.id])
    assert len(raised) > 40
    entries = {str(code): entry for code, entry in ENTRIES.items()}
    assert {
        code: entries[code].exit_code for code, kinds in raised.items() if entries[code].exit_code not in kinds
    } == {}


def test_warnings_alone_and_rows_that_were_not_sent_end_no_command() -> None:
    assert {code for code, entry in ENTRIES.items() if entry.exit_code is ExitCode.OK} == {
        "not-sent",
        *(code for code, entry in ENTRIES.items() if entry.severity != "error"),
    }


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_golden_session(code: str) -> None:
    if (test := TOLD_ELSEWHERE.get(code)) is not None:
        assert code in (REPOSITORY / "tests" / test).read_text("utf-8")
        return
    told = re.compile(rf'(?:error|warning|advice)\[{code}\]|"code": "{code}"|title={code}::|^{code}$', re.MULTILINE)
    sessions = (REPOSITORY / "tests" / "sessions").glob("*/*.txt")
    assert any(told.search(session.read_text("utf-8")) for session in sessions)


def test_the_table_lists_every_code_with_its_meaning_and_an_example() -> None:
    head, rule, *rows = table().splitlines()
    assert (head, rule) == ("| code | meaning | for example |", "|---|---|---|")
    assert [re.split(r"(?<!\\)\|", row)[1].strip(" `") for row in rows] == list(CODES)
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {5}
    assert "| `unused-variable` | no template uses a declared variable (a warning) | `vars:` left over |" in rows


def test_every_code_has_a_page_and_no_page_is_left_over() -> None:
    assert sorted(path.name for path in PAGES.iterdir()) == sorted(f"{code}.md" for code in CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_is_short_and_shows_an_example(code: Code) -> None:
    lines = page(code).splitlines()
    assert lines[:2] == [f"# {code}", ""]
    assert 8 <= len(lines) <= 40
    assert max(map(len, lines)) <= 120
    kinds = [block.words.partition(" ")[0] for block in blocks(code)]
    shown = [kind for kind in kinds if kind in ("", "wrong", "right")]
    assert shown in (["wrong", "right"], [""], ["", ""])


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    words: str
    text: str


def blocks(code: Code) -> list[Block]:
    found = re.finditer(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", page(code), re.MULTILINE | re.DOTALL)
    return [Block(m[1], m[2], m[3]) for m in found]


@pytest.mark.parametrize("code", CODES)
def test_the_examples_of_a_page_show_its_problem(code: Code, terminal: Terminal, in_tmp: Path) -> None:
    session: list[str] = []
    for block in blocks(code):
        kind, *words = shlex.split(block.words) or [""]
        match block.language, kind:
            case "console", "wrong":
                session = re.findall(r"^\$ (.*)", block.text, re.MULTILINE)
                printed = "".join(f"$ {command}\n{terminal(command)[1]}" for command in session)
                assert f"[{code}]" in printed
                if "UPDATE_GOLDENS" in os.environ:
                    path = PAGES / f"{code}.md"
                    path.write_text(path.read_text("utf-8").replace(block.text, printed), "utf-8")
                else:
                    assert printed == block.text
            case "sh", "right":
                assert [terminal(command)[0] for command in block.text.splitlines()] == [0]
            case "python", "wrong" | "right":
                assert raised_by(block.text) == (code if kind == "wrong" else None)
            case "yaml", "wrong" | "right":
                Path("spec.yaml").write_text(block.text, "utf-8")
                command, *flags = words or ["validate"]
                found = terminal.codes(command, "spec.yaml", *flags)
                told = {each for each in found if each == code or ENTRIES[each].severity != "advice"}
                assert told == ({code} if kind == "wrong" else set())
            case "text", "" | "wrong" | "right":
                pass
            case _, "right":
                in_tmp.joinpath(*words).write_text(block.text, "utf-8")
                assert [terminal(command)[0] for command in session] == [0]
            case _:
                path = in_tmp / kind
                path.parent.mkdir(exist_ok=True)
                path.write_text(block.text, "utf-8")


class Terminal:
    """Runs commands with a clock and ids that stand still, and both streams on one screen."""

    def __init__(self, now: datetime, seed: UUID) -> None:
        self._now = now
        self._seed = seed

    def __call__(self, line: str) -> tuple[int, str]:
        """Run a command, perhaps behind variables of the environment, and return its exit code and what it prints."""
        words = shlex.split(line)
        start = words.index("runner")
        environ = dict(word.split("=", 1) for word in words[:start])
        screen = io.StringIO()
        world = World(
            environ, io.StringIO(), screen, screen, lambda: self._now, lambda: self._seed, lambda _: None, lambda: 0.5
        )
        return run(words[start + 1 :], world), screen.getvalue()

    def codes(self, *words: str) -> set[Code]:
        """Run a command, and return the codes of what it reports."""
        _, text = self(shlex.join(["runner", "-q", *words, "-o", "json"]))
        return {problem["code"] for problem in json.loads(text).get("problems", [])}


@pytest.fixture
def terminal(fixed: tuple[datetime, UUID]) -> Terminal:
    return Terminal(*fixed)


def raised_by(program: str) -> str | None:
    try:
        exec(compile(program, "example.py", "exec"), {})  # noqa: S102 - the manual's own code
    except RunnerError as error:
        return error.problems[0].code
    return None
