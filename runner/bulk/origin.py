"""Rows that failed in one run and go out in another one → the run that printed them, and the rows without that mark.

`runs failed` prints a column `$row` before the others, with `RUN:ROW` in it: the run that printed the row, and the row's
number in the first run that it failed in. The row's ids come from that first run and that number, so it goes out under
the same ones however often it fails.
"""

from __future__ import annotations

import re
from itertools import chain, islice
from typing import TYPE_CHECKING, Protocol, cast

from runner.bulk.row import BadRow, Row
from runner.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.source import Json
    from runner.spec import Cells

COLUMN = "$row"
_MARK = re.compile(r"([0-9]{8}-[0-9]{6}-[0-9a-f]{4}):([1-9][0-9]{0,17})")
_HINT = "send what 'runner runs failed RUN' prints, of one run at a time; without this column they are new rows"
_LOOKED_AT = 100
"""Rows that are looked at until one can be read; a file may have no other than bad ones."""


class Rows(Protocol):
    """A file of rows, such as `rows.RowFile`."""

    columns: tuple[str, ...] | None
    header: tuple[str, ...] | None

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Read the rows, once."""
        ...


class MarkedRows:
    """A file of rows; those that failed in another run have their `origin` instead of the mark.

    `parent` is the run that printed them, None for rows of no run. The iterator raises InvalidInput for a row whose mark
    names another run than the rows before it.
    """

    def __init__(self, rows: Rows) -> None:
        """Look for the mark: in the header, else in the first row. Raises InvalidInput for a mark that names no row."""
        self.columns = rows.columns
        self.header = rows.header
        self.parent: str | None = None
        self._rows = iter(rows)
        self._at: int | None = None
        self._left_out: frozenset[int] = frozenset()
        self._may_be_marked = rows.columns is None or COLUMN in rows.columns
        if not self._may_be_marked:
            return
        if rows.columns is not None:
            self.columns = tuple(name for name in rows.columns if name != COLUMN)
        if rows.header is not None:
            self._at = rows.header.index(COLUMN)
            self.header = self.columns
        seen: list[Row | BadRow] = []
        for row in islice(self._rows, _LOOKED_AT):
            seen.append(row)
            if isinstance(row, Row):
                if rows.columns is not None or COLUMN in row.values:
                    self.parent, _ = self._mark(row)
                break
        self._rows = chain(seen, self._rows)

    def __iter__(self) -> Iterator[Row | BadRow]:
        rows = map(self._unmarked, self._rows) if self._may_be_marked else self._rows
        return self._others(rows) if self._left_out else rows

    def leave_out(self, origins: frozenset[int]) -> None:
        """Pass over rows by their origin, and number the others as if these were not there."""
        self._left_out = origins

    def _others(self, rows: Iterator[Row | BadRow]) -> Iterator[Row | BadRow]:
        passed_over = 0
        for row in rows:
            if row.origin in self._left_out:
                passed_over += 1
            else:
                yield row._replace(number=row.number - passed_over)

    def _unmarked(self, row: Row | BadRow) -> Row | BadRow:
        if isinstance(row, BadRow) or (self.parent is None and self._at is None and COLUMN not in row.values):
            return row
        parent, origin = self._mark(row)
        if parent != self.parent:
            before = f"of run {self.parent}" if self.parent else "of no run"
            message = f"row {row.number:,} is of run {parent}, and the rows before it are {before}"
            raise InvalidInput(Problem("row-origin", message, hint=_HINT))
        return row._replace(values=self._rest(row.values), origin=origin)

    def _mark(self, row: Row) -> tuple[str, int]:
        text = self._cell(row.values)
        found = _MARK.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            message = f"row {row.number:,} must have RUN:ROW in the column {COLUMN}, which is kept for rows that failed"
            raise InvalidInput(Problem("row-origin", message, hint=_HINT))
        return found[1], int(found[2])

    def _cell(self, values: Cells) -> object:
        if self._at is not None:
            return cast("Sequence[str]", values)[self._at]
        return cast("Mapping[str, object]", values).get(COLUMN)

    def _rest(self, values: Cells) -> Cells:
        if self._at is not None:
            cells = cast("Sequence[str]", values)
            return [*cells[: self._at], *cells[self._at + 1 :]]
        named = cast("Mapping[str, Json]", values)
        return {name: value for name, value in named.items() if name != COLUMN}


def mark(run: str, number: int) -> str:
    """Write the mark of a row.

    >>> mark("20261123-170512-5b1e", 7)
    '20261123-170512-5b1e:7'
    """
    return f"{run}:{number}"
