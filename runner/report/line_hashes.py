"""Lines of files → the hashes by which GitHub recognizes a problem whose line has moved.

They are those that the action `github/codeql-action/upload-sarif` computes where a log has none: it warns of others.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from runner.source import MAX_BYTES, open_file

if TYPE_CHECKING:
    from runner.errors import Position
    from runner.report.output import Output

_WINDOW = 100
"""How many characters a hash is made of, beginning with the first of its line."""
_FACTOR = 37
_MASK = 2**64 - 1
_END = 0xFFFF
"""Stands for the end of the file."""
_NEWLINE = ord("\n")


class LineHashes:
    """The hashes of lines. Each file is read once."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._by_path: dict[str, list[tuple[str, str]]] = {}
        """The lines of each file with their hashes; none if the file has a secret."""

    def of(self, place: Position) -> str | None:
        """Return the hash of a line; None where it could show a secret, or the file can't be read.

        Files whose secrets are not known show no whole line.
        """
        if not place.text:
            return None
        if place.path not in self._by_path:
            self._by_path[place.path] = self._read(place.path)
        lines = self._by_path[place.path]
        line, found = lines[place.line - 1] if place.line <= len(lines) else ("", None)
        return found if line == place.text else None

    def _read(self, path: str) -> list[tuple[str, str]]:
        try:
            with open_file(Path(path)) as file:
                content = file.read(MAX_BYTES).decode("utf-8", "replace")
        except OSError:
            return []
        if self._output.masked(content) != content:
            return []
        lines = content.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        return list(zip(lines, line_hashes(content), strict=False))


def line_hashes(content: str) -> list[str]:
    """Return the hash of each line, with the number of lines so far that have the same one."""
    text = re.sub("[ \t]", "", content.replace("\r\n", "\n").replace("\r", "\n"))
    raw = text.encode("utf-16-le")
    units = [*memoryview(raw).cast("H"), _END, *[0] * _WINDOW]
    sums = list(accumulate(units, lambda total, unit: (total * _FACTOR + unit) & _MASK, initial=0))
    first = pow(_FACTOR, _WINDOW, _MASK + 1)
    starts = [0, *(index + 1 for index, unit in enumerate(units) if unit == _NEWLINE)]
    seen: Counter[str] = Counter()
    hashes = []
    for start in starts:
        name = f"{(sums[start + _WINDOW] - sums[start] * first) & _MASK:x}"
        seen[name] += 1
        hashes.append(f"{name}:{seen[name]}")
    return hashes
