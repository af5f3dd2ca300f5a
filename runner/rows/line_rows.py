"""Rows of a table as the lines of its text, for a process that takes the cells from these itself."""

from __future__ import annotations

import csv
import io
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import Problem
from runner.rows.block_rows import BlockRows
from runner.rows.row import BadRow, Row, place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Position
    from runner.rows.block_rows import AnyRow

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}


class LineForm(NamedTuple):
    """How rows are made of lines of a file. `places` are those of the cells that are kept; None if all are."""

    shown: str
    delimiter: str
    width: int
    places: tuple[int, ...] | None = None


class LineRows(BlockRows):
    """Contiguous rows of a table, each of which is a line of the text."""

    __slots__ = ("_count", "_first_line", "_first_number", "_form", "_text")

    def __init__(self, form: LineForm, first_number: int, first_line: int, size: int, text: str) -> None:
        super().__init__()
        self._form = form
        self._first_number = first_number
        self._first_line = first_line
        self._count = size
        self._text = text

    def cells(self) -> Iterator[tuple[int, list[str] | None]]:
        """Do what `BlockRows.cells` says."""
        _, _, width, places = self._form
        found = [*self._all_cells()]
        are_whole = {*map(len, found)} <= {width}
        rows = found if are_whole else [cells if len(cells) == width else None for cells in found]
        if places is not None:
            rows = [None if cells is None else [cells[each] for each in places] for cells in rows]
        return enumerate(rows, self._first_number)

    def numbered(self) -> Iterator[tuple[int, int]]:
        """Do what `BlockRows.numbered` says."""
        return zip(count(self._first_number), range(self._first_line, self._first_line + self._count), strict=False)

    def with_places(self, places: tuple[int, ...] | None) -> LineRows:
        """Return the rows with the cells in these places alone."""
        form = self._form._replace(places=places)
        return LineRows(form, self._first_number, self._first_line, self._count, self._text)

    def followed_by(self, other: LineRows) -> LineRows:
        """Do what `BlockRows.followed_by` says."""
        size = self._count + other._count
        return LineRows(self._form, self._first_number, self._first_line, size, self._text + other._text)

    def after(self, before: int) -> LineRows:
        """Do what `BlockRows.after` says."""
        return LineRows(self._form, before + self._first_number, self._first_line, self._count, self._text)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[AnyRow]:
        form, line = self._form, self._first_line
        for all_cells, (number, cells) in zip(self._all_cells(), self.cells(), strict=True):
            if cells is None:
                where = place(form.shown, line)
                yield BadRow(number, line, wrong_width(len(all_cells), form.width, form.delimiter, where, line))
            else:
                yield Row(number, line, cells)
            line += 1

    def __reduce__(self) -> tuple[object, ...]:
        return LineRows, (self._form, self._first_number, self._first_line, self._count, self._text)

    def _all_cells(self) -> Iterator[list[str]]:
        return csv.reader(io.StringIO(self._text, newline=""), delimiter=self._form.delimiter, strict=True)


def are_plain(block: str) -> bool:
    """Return whether each line of a text is a row, whatever its cells are: none is empty, quoted or large."""
    without_returns = block.replace("\r\n", "\n") if "\r" in block else block
    return (
        '"' not in block
        and "\r" not in without_returns
        and "\n\n" not in without_returns
        and not without_returns.startswith("\n")
    )


def wrong_width(cells: int, columns: int, delimiter: str, where: Position, last_line: int) -> Problem:
    """Return the problem of a row that has too many or too few cells, and ends on this line."""
    message = f"{_counted(cells, 'cell')}, but the header has {_counted(columns, 'column')}"
    if last_line > where.line:
        hint = f"the row goes on to line {last_line}: a quote may close too late"
    elif cells > columns:
        hint = f"a cell with {SEPARATORS[delimiter]} in it must be quoted"
    else:
        hint = "an empty cell needs a separator too, and a cell with a line break must be quoted"
    return Problem("row-columns", message, where, hint=hint)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
