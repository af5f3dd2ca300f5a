"""Comments that switch a rule off for a line: `# runner: ignore no-case`, on the line or above it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from runner.source.yaml_comments import comments_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Problem
    from runner.source import Node, Text

_IGNORE = re.compile(r"#\s*runner:\s*ignore\b\s*(?P<codes>[a-z-]+(?:\s*,\s*[a-z-]+)*)?")
_CODE = re.compile("[a-z-]+")


class Ignore(NamedTuple):
    """A code in a comment, and the range of it; "" for a comment without one."""

    text: Text
    start: int
    end: int
    code: str


class Ignored:
    """The rules that comments ignore, by the lines of a spec and of the files that it extends."""

    def __init__(self, spec: Node) -> None:
        self._own = spec.text
        self._by_line: dict[tuple[str, int], list[Ignore]] = {}
        self._used: set[tuple[str, int]] = set()
        """The comments that ignored a problem: the path and the offset of the code."""
        texts = {text.path: text for text in (spec.text, *(node.text for node in spec.entries.values()))}
        for path, text in texts.items():
            for line, ignore in _ignores(text):
                self._by_line.setdefault((path, line), []).append(ignore)

    def has(self, problem: Problem) -> bool:
        """Return whether a comment names the rule of a problem beside its line, or directly above it."""
        place = problem.position
        if place is None:
            return False
        naming = [each for each in self._by_line.get((place.path, place.line), ()) if each.code == problem.code]
        self._used.update((each.text.path, each.start) for each in naming)
        return bool(naming)

    def unused(self) -> list[Ignore]:
        """Return what the spec's own comments name without effect so far. Those of a base are for all that extend it."""
        own = [each for ignores in self._by_line.values() for each in ignores if each.text is self._own]
        return [each for each in own if (each.text.path, each.start) not in self._used]


def _ignores(text: Text) -> Iterator[tuple[int, Ignore]]:
    """Yield what each comment names, with its line; for a comment on a line of its own, the next line without one."""
    if text.path.endswith(".json") or "ignore" not in text.content or not _IGNORE.search(text.content):
        return  # JSON has no comments
    comments = [(text.position(each.start).line, each) for each in comments_of(text)]
    below: dict[int, int] = {}
    """The next line without a comment of its own, by the lines that have one."""
    for line, comment in reversed(comments):
        if comment.is_alone:
            below[line] = below.get(line + 1, line + 1)
    for own_line, comment in comments:
        if (match := _IGNORE.match(comment.text)) is None:
            continue
        line = below.get(own_line, own_line)
        if match["codes"] is None:
            yield line, Ignore(text, comment.start, comment.start + len(comment.text), "")
            continue
        for code in _CODE.finditer(comment.text, *match.span("codes")):
            yield line, Ignore(text, comment.start + code.start(), comment.start + code.end(), code[0])
