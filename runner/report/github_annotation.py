"""A problem → an annotation for GitHub, as one line of text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runner.report.problems import OPEN, masked
from runner.report.style import printable

if TYPE_CHECKING:
    from runner.errors import Problem
    from runner.secrets import Mask


def as_annotation(problem: Problem, mask: Mask = OPEN, workspace: str | None = None) -> str:
    """Return a problem as a workflow command, for which GitHub shows it beside the line.

    GitHub knows files by their paths in the repository, which is checked out at `workspace`.
    """
    problem = masked(problem, mask)
    place = problem.position
    fields: dict[str, str] = {"title": problem.code}
    if place:
        fields = {
            "file": in_workspace(place.path, workspace) if workspace else place.path,
            "line": str(place.line),
            "col": str(place.column),
            "endColumn": str(place.end_column - 1),
        } | fields
    properties = ",".join(f"{name}={_escaped(printable(value), _IN_PROPERTY)}" for name, value in fields.items())
    lines = [
        line
        for part in (problem.message, *problem.notes, problem.hint, problem.context)
        if part
        for line in part.split("\n")
    ]
    text = "\n".join(map(printable, lines))
    kind = "notice" if problem.severity == "advice" else problem.severity
    return f"::{kind} {properties}::{_escaped(text, _IN_MESSAGE)}"


def in_workspace(path: str, workspace: str) -> str:
    """Return the path of a file relative to the workspace; a path that is elsewhere or does not exist, unchanged."""
    if os.path.lexists(path):
        for plain in (os.path.abspath, os.path.realpath):
            whole, base = plain(path), plain(workspace)
            if whole.startswith(os.path.join(base, "")):  # noqa: PTH118 - texts, for speed and for any name
                return os.path.relpath(whole, base)
    return path


_IN_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}


_IN_PROPERTY = _IN_MESSAGE | {":": "%3A", ",": "%2C"}


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(char, char) for char in text)
