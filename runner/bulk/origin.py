"""Rows that failed in one run and are sent in another → the run that printed them, and the rows without their marks.

`runs failed` prints a first column `$row` with the mark `RUN:ROW`: the run that printed the row, and the row's number in
the first run that it failed in. The row's ids are derived from that run and number, so they stay the same however often the
row fails.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, cast

from runner.errors import InvalidInput, Problem
from runner.rows.row import BadRow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.rows.block_rows import BlockRows
    from runner.rows.places import FileStart
    from runner.rows.row import Row
    from runner.rows.row_file import RowFile
    from runner.rows.row_files import RowFiles
    from runner.source import Json
    from runner.variables import Cells

COLUMN = "$row"
_MARK = re.compile(r"([0-9]{8}-[0-9]{6}-[0-9a-f]{4}):([1-9][0-9]{0,17})")
_HINT = "send the output of 'runner runs failed RUN' for one run at a time; without this column they are new rows"
_LOOKED_AT = 100
"""Limit for unreadable rows that are skipped to find the first mark."""


class MarkedRows:
    """A file of rows; rows that failed in another run have an `origin` in place of the mark.

    The iterator raises InvalidInput for a row whose mark names another run than the rows before it.
    """

    def __init__(self, rows: RowFile | RowFiles) -> None:
        self._file = rows
        self._left_out: frozenset[int] = frozenset()
        self._may_be_marked = rows.columns is None or COLUMN in rows.columns
        self._look_at_columns()

    @cached_property
    def parent(self) -> str | None:
        """The run that printed the rows, read from the first row; None for rows without marks.

        Raises InvalidInput for an invalid mark, and the errors of `RowFile.first`.
        """
        first = self._file.first(_LOOKED_AT) if self._may_be_marked else None
        if first is None or (self._file.columns is None and COLUMN not in first.values):
            return None
        if self._file.starts:
            message = f"rows with the column {COLUMN} must come from one file"
            raise InvalidInput(Problem("row-origin", message, hint=_HINT))
        return self._mark(first)[0]

    def _look_at_columns(self) -> None:
        columns, header = self._file.columns, self._file.header
        self.columns = columns and tuple(name for name in columns if name != COLUMN)
        self.header = header and tuple(name for name in header if name != COLUMN)
        self._at = header.index(COLUMN) if header and COLUMN in header else None

    def keep(self, wanted: Collection[str], known: Collection[str] | None) -> None:
        """Drop the cells of other columns, as `RowFile.keep` does. Call it before `parent`."""
        self._file.keep([*wanted, COLUMN], known if known is None else [*known, COLUMN])
        self._look_at_columns()

    def fingerprint(self) -> str:
        """Digest the files, as `RowFile.fingerprint` does."""
        return self._file.fingerprint()

    @property
    def starts(self) -> Sequence[FileStart]:
        """The first row of each file that was begun, as `RowFile.starts`."""
        return self._file.starts

    def check(self, rows: int) -> None:
        """Raise InvalidInput if the file changed, as `RowFile.check` does."""
        self._file.check(rows)

    def __iter__(self) -> Iterator[Row | BadRow]:
        rows = self._unmarked(self.parent) if self._may_be_marked else iter(self._file)
        return self._others(rows) if self._left_out else rows

    def take(self, at_most: int) -> BlockRows | None:
        """Return the next rows in a block, as `RowFile.take` does."""
        return None if self._may_be_marked or self._left_out else self._file.take(at_most)

    def leave_out(self, origins: frozenset[int]) -> None:
        """Skip rows by their origin, and number the others without gaps."""
        self._left_out = origins

    def _others(self, rows: Iterator[Row | BadRow]) -> Iterator[Row | BadRow]:
        passed_over = 0
        for row in rows:
            if row.origin in self._left_out:
                passed_over += 1
            else:
                yield row._replace(number=row.number - passed_over)

    def _unmarked(self, expected: str | None) -> Iterator[Row | BadRow]:
        may_lack_marks = expected is None and self._at is None
        for row in self._file:
            if isinstance(row, BadRow) or (may_lack_marks and COLUMN not in row.values):
                yield row
                continue
            parent, origin = self._mark(row)
            if parent != expected:
                before = f"of run {expected}" if expected else "of no run"
                message = f"row {row.number:,} is of run {parent}, and the rows before it are {before}"
                raise InvalidInput(Problem("row-origin", message, hint=_HINT))
            yield row._replace(values=self._rest(row.values), origin=origin)

    def _mark(self, row: Row) -> tuple[str, int]:
        text = self._cell(row.values)
        found = _MARK.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            message = f"row {row.number:,} must have RUN:ROW in the column {COLUMN}, which is reserved for failed rows"
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
    """Return the mark of a row.

    >>> mark("20261123-170512-5b1e", 7)
    '20261123-170512-5b1e:7'
    """
    return f"{run}:{number}"
