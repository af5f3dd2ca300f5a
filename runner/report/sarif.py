"""Problems → a SARIF 2.1.0 log, which GitHub's code scanning and other viewers read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner import __version__
from runner.problems import ENTRIES, page
from runner.report.github_annotation import in_workspace
from runner.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.codes import Code
    from runner.errors import Position, Problem, Severity
    from runner.report.output import Output

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "advice": "note"}
_ROOT = "%SRCROOT%"


def show_sarif(output: Output, problems: Sequence[Problem]) -> None:
    """Write problems as one log. Paths are relative to the checkout of a workflow on GitHub, else to the working directory."""
    codes = list(dict.fromkeys(problem.code for problem in problems))
    places = {code: index for index, code in enumerate(codes)}
    driver = {"name": "suprsend-runner", "version": __version__, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, places[problem.code], output) for problem in problems],
    }
    output.json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: Code) -> dict[str, object]:
    entry, text = ENTRIES[code], _FENCE.sub(r"\1", _LINK.sub(r"\1", page(code)))
    return {
        "id": code,
        "shortDescription": {"text": f"{entry.meaning[:1].upper()}{entry.meaning[1:]}."},
        "help": {"text": _plain(text), "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[entry.severity]},
    }


_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
"""A link of a page leads to another page of the manual, which a viewer does not have."""
_FENCE = re.compile(r"^(```\w+) .*$", re.MULTILINE)
"""The beginning of a block, whose words after the language are for tests of the manual."""


def _plain(markdown: str) -> str:
    """Return a page as plain text, without its title and the marks of its blocks."""
    return re.sub(r"^```.*\n", "", markdown.partition("\n\n")[2], flags=re.MULTILINE)


def _result(problem: Problem, rule: int, output: Output) -> dict[str, object]:
    lines = [problem.message, *problem.notes, problem.hint, problem.context]
    masked = (output.masked(part) for part in lines if part)
    text = "\n".join(printable(line) for part in masked for line in part.split("\n"))
    place = problem.position
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVELS[problem.severity],
        "message": {"text": text},
    } | ({"locations": [_location(place, output.workspace)]} if place is not None else {})


def _location(place: Position, workspace: str | None) -> dict[str, object]:
    region = {"startLine": place.line, "startColumn": place.column, "endColumn": place.end_column}
    return {"physicalLocation": {"artifactLocation": _artifact(place.path, workspace), "region": region}}


def _artifact(path: str, workspace: str | None) -> dict[str, str]:
    name = in_workspace(path, workspace) if workspace else path
    if Path(name).is_absolute():
        return {"uri": Path(name).as_uri()}
    return {"uri": quote(os.fsencode(Path(name).as_posix())), "uriBaseId": _ROOT}
