"""The lists of the manual are those of the code: filters, codes of problems, exit codes."""

from __future__ import annotations

import ast
import re

import pytest

from runner.errors import ExitCode
from runner.template.filters import FILTERS, METHODS, TESTS
from tests.pages import PAGES, REPOSITORY


def test_the_manual_lists_every_filter_test_and_method() -> None:
    def listed(row: str) -> set[str]:
        [cells] = re.findall(rf"^\| {row} \| (.*) \|$", PAGES["templates"].text, re.MULTILINE)
        return set(re.findall(r"`(\w+)`", cells))

    comparisons = {"eq", "gt", "equalto", "ne", "lt", "lessthan", "greaterthan", "le", "ge"}
    assert listed("filters") == set(FILTERS)
    assert listed("methods") == set(METHODS)
    assert listed("tests") - comparisons == {name for name in TESTS if name.isalpha()} - comparisons


NO_CODES = {
    "api-key", "content-length", "content-type", "date-time", "exit-codes", "how-to", "latin-1", "lfplugin-collwrapper", "proxy-authorization", "retry-after", "runner-cases", "set-cookie",
    "stand-in", "suprsend-runner", "x-access-token", "x-api-key", "x-apikey", "x-auth-token", "x-csrf-token",
}  # fmt: skip
"""Words with a hyphen in the code that are no codes of problems."""
TOLD_ELSEWHERE = {
    "bug": "cli/test_main.py",
    "case-mismatch": "testing/test_verdict.py",
    "case-passed": "testing/test_verdict.py",
    "cassette-changed": "testing/test_tape.py",
    "cassette-drift": "cli/test_cassette.py",
    "cassette-empty": "testing/test_cassette.py",
    "cassette-expired": "testing/test_cassette.py",
    "cassette-leak": "testing/test_cassette.py",
    "cassette-missing": "testing/test_cassette.py",
    "cassette-orphan": "cli/test_cassette.py",
    "cassette-unplayed": "testing/test_tape.py",
    "cassette-unreadable": "testing/test_cassette.py",
    "cassette-unrecorded": "testing/test_tape.py",
    "interrupted": "cli/test_process.py",
    "ledger-gone": "bulk/test_gone.py",
    "ledger-locked": "bulk/test_ledger.py",
    "ledger-refused": "bulk/test_ledger.py",
    "network-blocked": "testing/test_network.py",
    "not-sent": "bulk/test_engine.py",
    "row-too-large": "cli/test_input_bombs.py",
    "rows-changed": "bulk/test_crash.py",
    "rows-gone": "cli/test_runs.py",
    "rows-too-large": "cli/test_input_bombs.py",
    "run-changed": "bulk/test_crash.py",
    "run-locked": "bulk/test_ledger.py",
    "run-too-old": "bulk/test_engine.py",
    "schema-too-large": "cli/test_input_bombs.py",
    "spec-changed": "bulk/test_engine.py",
    "worker-died": "bulk/test_engine.py",
    "workflow-command": "cli/test_injection.py",
}


def listed_codes() -> list[str]:
    return re.findall(r"^\| `([a-z0-9-]+)` \| \S.* \| \S.* \|$", PAGES["problems"].text, re.MULTILINE)


def test_the_manual_lists_every_code_of_a_problem_in_order() -> None:
    trees = [ast.parse(path.read_text("utf-8")) for path in (REPOSITORY / "runner").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    hyphenated = {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", text)} - NO_CODES
    made = {call.args[0].value for call in nodes if isinstance(call, ast.Call) and is_code(call)}  # type: ignore[attr-defined]
    codes = {text for text in hyphenated | made if not text.startswith(("sandbox-", "utf-"))}
    assert listed_codes() == sorted(codes | {"refused"})


def is_code(call: ast.Call) -> bool:
    """Tell a call such as `Problem("usage", …)`, whose first argument is a code."""
    makes_problems = isinstance(call.func, ast.Name) and call.func.id in (
        "Problem",
        "Breach",
        "Finding",
        "TemplateFault",
    )
    return makes_problems and bool(call.args) and isinstance(call.args[0], ast.Constant)


@pytest.mark.parametrize("code", listed_codes())
def test_every_code_has_a_golden_session(code: str) -> None:
    if (test := TOLD_ELSEWHERE.get(code)) is not None:
        assert code in (REPOSITORY / "tests" / test).read_text("utf-8")
        return
    told = re.compile(rf'(?:error|warning)\[{code}\]|"code": "{code}"|title={code}::|^{code}$', re.MULTILINE)
    sessions = (REPOSITORY / "tests" / "faults").glob("*/*.txt")
    assert any(told.search(session.read_text("utf-8")) for session in sessions)


def test_the_manual_lists_every_exit_code_that_a_command_can_give() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \| ", PAGES["exit-codes"].text, re.MULTILINE)}
    assert listed == set(ExitCode)
