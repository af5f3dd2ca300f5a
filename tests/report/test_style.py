"""Text made safe to print: what a workflow takes for a command."""

from __future__ import annotations

import pytest

from runner.report.style import without_commands


@pytest.mark.parametrize(
    "line", ["::error::x", " \t::error::x", "a\r::error::x", "a\n\ufeff\u3000::error::x", "a ##[error]x"]
)
def test_whatever_begins_a_command_is_broken(line: str) -> None:
    assert without_commands(line) == line.replace("::error", "\\::error").replace("##[", "##\\[")


@pytest.mark.parametrize("line", ["a::b", "a ::b", "# [x]", "#[x]", ":", "\n:"])
def test_what_begins_none_stays(line: str) -> None:
    assert without_commands(line) == line
