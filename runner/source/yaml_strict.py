"""Rules of YAML 1.2 that libyaml does not check.

A comment's `#` must follow white space. A line inside brackets or quotes, and the | or > of a block scalar, must be
indented deeper than the block around it. A blank line before a block's text must not be longer than the indentation of
that text. One exception is allowed: a line that begins with the closing bracket may stand at the column of the block.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from runner.errors import Problem
from runner.source.align import skip_properties

if TYPE_CHECKING:
    from runner.source.text import Text

_HEADER = re.compile(r"[|>][-+0-9]*+")
_LINE = re.compile(r"[\n\r]( *+)(\t?)[ \t]*+([^ \t\n\r])")
"""A line with text: its spaces, a tab after them, its first character."""
_SPACES = re.compile(r" *+")
_MARKER = re.compile(r"(?:---|\.\.\.)(?:\s|\Z)")
_HASH = re.compile(r"#(?<=[^#\s\ufeff]#)")
"""A `#` that follows text. It begins with the sign itself: Python finds a literal far faster than a class."""
_NO_VALUE = re.compile(r"(?:[\s,\[\]{}]|[-?:](?=\s)|(?<!\S)#.*)*+")


class Comments:
    """Takes the events of a text, and finds a comment with no white space before it."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._passed = 0
        self.ahead = self._next(0)
        """Offset of the next `#` that follows text; None if there is none, so that no more events are needed."""

    def take(self, event: yaml.Event) -> Problem | None:
        """Return the problem of a comment between the last event and this one, or inside this one."""
        if event.start_mark is None or event.end_mark is None:
            raise AssertionError("libyaml marks every event")
        start, end = event.start_mark.index, event.end_mark.index
        if self.ahead is not None and self.ahead < end:
            # Directives stand inside the event of their document, and nothing else there can hold the sign.
            at = self._between(end if isinstance(event, yaml.DocumentStartEvent) else start)
            if at is None and isinstance(event, yaml.ScalarEvent) and event.style in ("|", ">"):
                header = _HEADER.match(self._text.content, skip_properties(self._text.content, start))
                at = header.end() if header and self._text.content.startswith("#", header.end()) else None
            if at is not None:
                return self._problem(at)
            self.ahead = self._next(end)
        self._passed = end
        return None

    def before(self, end: int) -> Problem | None:
        """Return the problem of a comment before `end`, where libyaml stopped, but not after a value that may contain the `#`."""
        if self.ahead is None:
            return None
        gap = _NO_VALUE.match(self._text.content, self._passed, end)
        at = gap.end() if gap else end
        return self._problem(at) if at < end and self._text.content[at] == "#" else None

    def _next(self, start: int) -> int | None:
        match = _HASH.search(self._text.content, start)
        return match.start() if match else None

    def _between(self, end: int) -> int | None:
        """Return the offset of a fault between the last event and `end`; a `#` inside a comment is not one."""
        content = self._text.content
        while self.ahead is not None and self.ahead < end:
            line = max(self._passed, content.rfind("\n", self._passed, self.ahead) + 1)
            if content.find("#", line) == self.ahead:
                return self.ahead
            newline = content.find("\n", self.ahead)
            self.ahead = self._next(newline) if newline >= 0 else None
        return None

    def _problem(self, at: int) -> Problem:
        return Problem(
            "yaml-syntax",
            "a comment's # needs a space before it",
            self._text.position(at),
            hint="write ' #'; quote a text that holds a #",
        )


def underindented(text: Text, start: int, end: int, column: int) -> Problem | None:
    """Return the problem of a line in brackets or quotes that is not indented deeper than `column`, that of the block."""
    content = text.content
    first = skip_properties(content, start)
    is_flow = content[first] in "[{"
    for line in _LINE.finditer(content, first, end):
        spaces, tab, char = line.groups()
        if len(spaces) > column or (is_flow and char == "#"):
            continue
        if tab:
            return Problem("yaml-syntax", "a tab can't indent YAML", text.position(line.start(2)), hint="use spaces")
        if is_flow and char in "]}" and len(spaces) == column:
            continue
        opener = content[first] if is_flow else "quote"
        return Problem(
            "yaml-syntax",
            f"indented too little: the {opener} of line {text.position(first).line} is still open",
            text.position(line.start(3)),
            hint=f"close it above, or begin this line with {column + 1} or more spaces",
        )
    return None


def block_fault(text: Text, start: int, end: int, column: int) -> Problem | None:
    """Return the problem of a block scalar: its | or > is not indented deeper than `column`, or a blank line is too long."""
    sign = skip_properties(text.content, start)
    line = text.content.rfind("\n", 0, sign) + 1
    if sign - line <= column and not text.content[line:sign].strip(" "):
        return Problem(
            "yaml-syntax",
            f"a {text.content[sign]} without a key above it",
            text.position(sign),
            hint="write it after its key",
        )
    return _overlong_blank(text, start, end, column)


def _overlong_blank(text: Text, start: int, end: int, column: int) -> Problem | None:
    """Return the problem of a blank line in a block scalar that is longer than the indentation of its first text.

    libyaml reads such a block as an empty one that ends at its first text, which it reads as a comment or refuses.
    """
    content = text.content
    header = _HEADER.match(content, skip_properties(content, start))
    line = content.find("\n", start if header is None else header.end(), end) + 1
    spaces = _SPACES.match(content, end)
    if header is None or re.search("[1-9]", header[0]) or not line or spaces is None:
        return None
    indent = spaces.end() - end
    if content[line:end].strip(" \n") or indent <= column or content[spaces.end() : spaces.end() + 1] in ("", "\n"):
        return None
    if not indent and _MARKER.match(content, end):
        return None
    while line < end:
        newline = content.find("\n", line)
        if newline - line > indent:
            return Problem(
                "yaml-syntax",
                "a blank line with more spaces than the text below it",
                text.position(line + indent, newline),
                hint="remove its spaces",
            )
        line = newline + 1
    return None


def has_uncounted_line(text: Text, start: int, end: int, value: str) -> bool:
    """Return whether a block ends in a line of blanks at the end of the file, which libyaml does not count as a line."""
    content = text.content
    last = content.rfind("\n") + 1
    if last == len(content) or end < last or content[last:].strip(" "):
        return False
    header = _HEADER.match(content, skip_properties(content, start))
    return header is not None and ("+" in header[0] or (value.endswith(" ") and "-" not in header[0]))
