"""The lists of the manual are those of the code: filters, codes of problems, exit codes."""

from __future__ import annotations

import re

from runner import problems
from runner.errors import ExitCode
from runner.template.conditions import TESTS
from runner.template.filters import FILTERS
from runner.template.methods import METHODS
from tests.pages import PAGES, REPOSITORY


def test_the_manual_lists_every_filter_test_and_method() -> None:
    def listed(row: str) -> set[str]:
        [cells] = re.findall(rf"^\| {row} \| (.*) \|$", PAGES["templates"].text, re.MULTILINE)
        return set(re.findall(r"`(\w+)`", cells))

    comparisons = {"eq", "gt", "equalto", "ne", "lt", "lessthan", "greaterthan", "le", "ge"}
    assert listed("filters") == set(FILTERS)
    assert listed("methods") == set(METHODS)
    assert listed("tests") - comparisons == {name for name in TESTS if name.isalpha()} - comparisons


def test_the_manual_lists_every_code_of_a_problem() -> None:
    assert problems.table() in PAGES["problems"].text


def test_the_manual_lists_every_exit_code_that_a_command_can_give() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \| ", PAGES["exit-codes"].text, re.MULTILINE)}
    assert listed == set(ExitCode)


def test_the_files_that_developers_are_sent_to_exist() -> None:
    text = (REPOSITORY / ".github" / "CONTRIBUTING.md").read_text("utf-8")
    named = set(re.findall(r"`((?:runner|tests)/[\w./-]+)`", text))
    assert len(named) > 20
    assert [path for path in sorted(named) if not (REPOSITORY / path).exists()] == []
