"""Rows of JSON values as the columns that they were read in, for a process that makes rows of them itself."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING

from runner.rows.block_rows import BlockRows
from runner.rows.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.source import Json


class ColumnRows(BlockRows):
    """Contiguous rows of a file without lines. `values` are those of each row, in the order of the columns' names."""

    __slots__ = ("_first_number", "_names", "_values")

    def __init__(self, names: Sequence[str], first_number: int, values: Sequence[tuple[Json, ...]]) -> None:
        super().__init__()
        self._names = names
        self._first_number = first_number
        self._values = values

    def cells(self) -> Iterator[tuple[int, dict[str, Json]]]:
        """Do what `BlockRows.cells` says."""
        names = self._names
        return enumerate((dict(zip(names, values, strict=True)) for values in self._values), self._first_number)

    def numbered(self) -> Iterator[tuple[int, int]]:
        """Do what `BlockRows.numbered` says."""
        return zip(range(self._first_number, self._first_number + len(self._values)), repeat(0), strict=False)

    def followed_by(self, other: ColumnRows) -> ColumnRows:
        """Do what `BlockRows.followed_by` says."""
        return ColumnRows(self._names, self._first_number, [*self._values, *other._values])

    def after(self, before: int) -> ColumnRows:
        """Do what `BlockRows.after` says."""
        return ColumnRows(self._names, before + self._first_number, self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Row]:
        return (Row(number, 0, cells) for number, cells in self.cells())

    def __reduce__(self) -> tuple[object, ...]:
        return _of_columns, (self._names, self._first_number, len(self._values), [*zip(*self._values, strict=True)])


def _of_columns(names: Sequence[str], first_number: int, size: int, columns: Sequence[tuple[Json, ...]]) -> ColumnRows:
    values = [*zip(*columns, strict=True)] if columns else [()] * size
    return ColumnRows(names, first_number, values)
