"""Comments that switch a rule off for a line: `# runner: ignore no-case`, on the line or above it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.errors import Problem
    from runner.source import Node, Text

_IGNORE = re.compile(r"(?:^|\s)#\s*runner:\s*ignore\s+([a-z-]+(?:\s*,\s*[a-z-]+)*)")


def is_ignored(problem: Problem, spec: Node) -> bool:
    """Return whether a comment in the spec, or in a file that it extends, names the rule of a problem beside its line."""
    place = problem.position
    text = next((each for each in _texts(spec) if place is not None and each.path == place.path), None)
    if place is None or text is None or "ignore" not in text.content:
        return False
    lines = text.content.split("\n")
    if problem.code in _named(lines[place.line - 1]):
        return True
    above = place.line - 2
    while above >= 0 and lines[above].lstrip().startswith("#"):
        if problem.code in _named(lines[above]):
            return True
        above -= 1
    return False


def _named(line: str) -> list[str]:
    return [code for found in _IGNORE.findall(line) for code in re.split(r"\s*,\s*", found)]


def _texts(spec: Node) -> list[Text]:
    return [spec.text, *(node.text for node in spec.entries.values())]
