"""The text of one file, and the positions of its offsets."""

from __future__ import annotations

from functools import cached_property

from runner.errors import Position


class Text:
    """A file's decoded text under the path that messages show. Offsets count characters from 0."""

    shows_lines = True
    """Whether positions have the text of their line. They do not if the file may hold secrets."""

    def __init__(self, path: str, content: str) -> None:
        self.path = path
        self.content = content
        self._lines: dict[int, str] = {}
        """The texts of lines, so that all positions on a line share one text."""

    @cached_property
    def _blocks(self) -> list[tuple[int, int]]:
        """For each block of characters, the number and the start of the line in which it begins.

        A list of all lines would be larger than the file, if most lines are empty.
        """
        line, first = 1, 0
        blocks = []
        for start in range(0, len(self.content) + 1, _BLOCK):
            blocks.append((line, first))
            line += self.content.count("\n", start, start + _BLOCK)
            first = self.content.rfind("\n", start, start + _BLOCK) + 1 or first
        return blocks

    @cached_property
    def hidden(self) -> Text:
        """The same text, of which no position has a line."""
        text = Text(self.path, self.content)
        text.shows_lines = False
        return text

    def line(self, offset: int) -> int:
        """Return the number of the line at an offset, counted from 1."""
        return self._line(offset)[0]

    def _line(self, offset: int) -> tuple[int, int]:
        line, first = self._blocks[offset // _BLOCK]
        block = offset - offset % _BLOCK
        return line + self.content.count("\n", block, offset), self.content.rfind("\n", block, offset) + 1 or first

    def position(self, start: int, end: int | None = None) -> Position:
        """Return the position of `[start, end)`, cut at the end of its first line and at least one column wide."""
        start = min(start, len(self.content))
        line, first = self._line(start)
        text = self._lines.get(line)
        if text is None:
            last = self.content.find("\n", start)
            text = self._lines[line] = self.content[first : None if last < 0 else last].rstrip("\r")
        end_column = min(
            max(end if end is not None else start, start + 1) - first + 1, max(len(text) + 1, start - first + 2)
        )
        return Position(self.path, line, start - first + 1, end_column, text if self.shows_lines else "")


_BLOCK = 4096
