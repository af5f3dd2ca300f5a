"""The text of one file, and the way from an offset in it to a `Position`."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from runner.errors import Position


class Text:
    """A file's decoded text under the path that messages show. Offsets count characters from 0."""

    shows_lines = True
    """Whether positions have the text of their line. Of a file that may hold secrets no line is shown."""

    def __init__(self, path: str, content: str) -> None:
        self.path = path
        self.content = content
        self._lines: dict[int, str] = {}
        """Lines that positions show; those of one line share one text, however many there are."""

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        content = self.content
        end = content.find("\n")
        while end >= 0:
            starts.append(end + 1)
            end = content.find("\n", end + 1)
        return starts

    def position(self, start: int, end: int | None = None) -> Position:
        """Place of `[start, end)`, cut at the end of its first line and at least one column wide."""
        start = min(start, len(self.content))
        line = bisect_right(self._line_starts, start)
        first = self._line_starts[line - 1]
        last = self._line_starts[line] - 1 if line < len(self._line_starts) else len(self.content)
        text = self._lines.get(line)
        if text is None:
            text = self._lines[line] = self.content[first:last].rstrip("\r")
        end_column = min(
            max(end if end is not None else start, start + 1) - first + 1, max(len(text) + 1, start - first + 2)
        )
        return Position(self.path, line, start - first + 1, end_column, text if self.shows_lines else "")
