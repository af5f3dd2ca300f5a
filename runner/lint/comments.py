"""Comments that switch a rule off for a line: `# runner: ignore no-case`, on the line or above it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Problem
    from runner.source import Node

_IGNORE = re.compile(r"(?:^|\s)#\s*runner:\s*ignore\s+([a-z-]+(?:\s*,\s*[a-z-]+)*)")


class Ignored:
    """The rules that comments ignore, by the lines of a spec and of the files that it extends."""

    def __init__(self, spec: Node) -> None:
        texts = {text.path: text.content for text in (spec.text, *(node.text for node in spec.entries.values()))}
        self._codes = {
            (path, line): codes
            for path, content in texts.items()
            if "ignore" in content
            for line, codes in _lines(content)
        }

    def has(self, problem: Problem) -> bool:
        """Return whether a comment names the rule of a problem beside its line, or directly above it."""
        place = problem.position
        return place is not None and problem.code in self._codes.get((place.path, place.line), ())


def _lines(content: str) -> Iterator[tuple[int, frozenset[str]]]:
    """Yield each line that has such a comment, or below such comments on lines of their own, with the codes in them."""
    above: frozenset[str] = frozenset()
    for number, line in enumerate(content.split("\n"), 1):
        named = above.union(code for found in _IGNORE.findall(line) for code in re.split(r"\s*,\s*", found))
        if named:
            yield number, named
        above = named if line.lstrip().startswith("#") else frozenset()
