"""The number of a row in a run over several files → its file, and its number in that."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class FileStart(NamedTuple):
    """The number of the first row of a file of a run."""

    first_row: int
    path: str


class FilePlace(NamedTuple):
    """A row by its file and its number in it."""

    path: str
    row: int


class Places:
    """Finds the file of a row. `starts` are those of all files of a run; there are none if it has one file."""

    def __init__(self, starts: Sequence[FileStart] = ()) -> None:
        self._starts = starts

    @property
    def paths(self) -> list[str]:
        """The paths of the files."""
        return [start.path for start in self._starts]

    def of(self, row: int) -> FilePlace | None:
        """Return the place of a row; None in a run of one file, and for an unknown row."""
        if not self._starts:
            return None
        at = bisect_right(self._starts, row, key=lambda start: start.first_row) - 1
        return FilePlace(self._starts[at].path, row - self._starts[at].first_row + 1) if at >= 0 else None

    def within(self, first_row: int, rows: int) -> tuple[FileStart, ...]:
        """Return the starts that place these rows."""
        if not self._starts:
            return ()
        first, last = (
            bisect_right(self._starts, row, key=lambda start: start.first_row)
            for row in (first_row, first_row + rows - 1)
        )
        return (*self._starts[max(first - 1, 0) : last],)
