"""Problems → a SARIF 2.1.0 log, which GitHub's code scanning and other viewers read."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner import __version__
from runner.problems import ENTRIES, page
from runner.report.line_hashes import LineHashes
from runner.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.codes import Code
    from runner.errors import Position, Problem, Severity
    from runner.report.output import Output

MAX_RESULTS = 25_000
"""GitHub refuses a log with more."""
_MAX_DESCRIPTION = 1024
"""GitHub's limit, in characters."""
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "advice": "note"}
_ROOT = "%SRCROOT%"


def show_sarif(output: Output, problems: Sequence[Problem]) -> None:
    """Write problems as one log. Paths are relative to the checkout of a workflow on GitHub, else to the working directory.

    Of more than GitHub takes, the gravest are written, and a message names the number of the others.
    """
    shown = problems
    if len(problems) > MAX_RESULTS:
        gravest = sorted(range(len(problems)), key=lambda index: list(_LEVELS).index(problems[index].severity))
        shown = [problems[index] for index in sorted(gravest[:MAX_RESULTS])]
        output.message(f"{len(problems) - MAX_RESULTS:,} problems are not in the log: GitHub takes {MAX_RESULTS:,}")
    codes = list(dict.fromkeys(problem.code for problem in shown))
    places = {code: index for index, code in enumerate(codes)}
    driver = {"name": "suprsend-runner", "version": __version__, "rules": [_rule(code) for code in codes]}
    hashes = LineHashes(output)
    run = {
        "tool": {"driver": driver},
        "columnKind": "utf16CodeUnits",
        "results": [_result(problem, places[problem.code], output, hashes) for problem in shown],
    }
    output.json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: Code) -> dict[str, object]:
    entry, text = ENTRIES[code], _FENCE.sub(r"\1", _LINK.sub(r"\1", page(code)))
    plain = _plain(text)
    return {
        "id": code,
        "shortDescription": {"text": f"{entry.meaning[:1].upper()}{entry.meaning[1:]}."},
        "fullDescription": {"text": _first_paragraph(plain)[:_MAX_DESCRIPTION]},
        "help": {"text": plain, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS[entry.severity]},
    }


_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")
"""A link of a page leads to another page of the manual, which a viewer does not have."""
_FENCE = re.compile(r"^(```\w+) .*$", re.MULTILINE)
"""The beginning of a block, whose words after the language are for tests of the manual."""


def _plain(markdown: str) -> str:
    """Return a page as plain text, without its title and the marks of its blocks."""
    return re.sub(r"^```.*\n", "", markdown.partition("\n\n")[2], flags=re.MULTILINE)


def _first_paragraph(plain: str) -> str:
    return " ".join(plain.strip().partition("\n\n")[0].split("\n"))


def _result(problem: Problem, rule: int, output: Output, hashes: LineHashes) -> dict[str, object]:
    lines = [problem.message, *problem.notes, problem.hint, problem.context]
    masked = (output.masked(part) for part in lines if part)
    text = "\n".join(printable(line) for part in masked for line in part.split("\n"))
    result: dict[str, object] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVELS[problem.severity],
        "message": {"text": text},
    }
    if (place := problem.position) is not None:
        result["locations"] = [_location(place, output.workspace)]
        if (fingerprint := hashes.of(place)) is not None:
            result["partialFingerprints"] = {"primaryLocationLineHash": fingerprint}
    return result


def _location(place: Position, workspace: str | None) -> dict[str, object]:
    region = {
        "startLine": place.line,
        "startColumn": _utf16_column(place.text, place.column),
        "endLine": place.line,
        "endColumn": _utf16_column(place.text, place.end_column),
    }
    return {"physicalLocation": {"artifactLocation": _artifact(place.path, workspace), "region": region}}


def _utf16_column(line: str, column: int) -> int:
    """Return a column in UTF-16 code units, as most viewers count, whatever a log says."""
    return column + sum(char > "\uffff" for char in line[: column - 1])


def _artifact(path: str, workspace: str | None) -> dict[str, str]:
    name = _below(path, workspace or os.getcwd())  # noqa: PTH109 - texts, for any name
    if name.startswith("/"):
        return {"uri": Path(name).as_uri()}
    return {"uri": quote(os.fsencode(name)), "uriBaseId": _ROOT}


def _below(path: str, folder: str) -> str:
    """Return a file's path in a folder, else its absolute one. That of a link is its target: GitHub shows nothing on links."""
    base, own = os.path.realpath(folder), os.path.abspath(path)  # noqa: PTH100
    for whole in (os.path.realpath(path), own):  # a link that leads out has its own name
        if whole.startswith(os.path.join(base, "")):  # noqa: PTH118
            return os.path.relpath(whole, base)
    return own
