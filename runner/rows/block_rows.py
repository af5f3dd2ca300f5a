"""Rows that were read together, and are handed over together before rows are made of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self, TypeAlias, overload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.rows.row import BadRow, Row
    from runner.variables import Cells

AnyRow: TypeAlias = "Row | BadRow"


class BlockRows(Sequence[AnyRow]):
    """Contiguous rows of a file. The process that hands them over makes no rows of them, and pickles few values."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: list[AnyRow] = []
        """All rows, once one of them was asked for by its number."""

    @abstractmethod
    def cells(self) -> Iterator[tuple[int, Cells | None]]:
        """Yield the number of each row, and its cells that are kept; None for a row that can't be read."""

    @abstractmethod
    def numbered(self) -> Iterator[tuple[int, int]]:
        """Yield the number and the line of each row."""

    @abstractmethod
    def followed_by(self, other: Self) -> Self:
        """Return these rows and the next ones of the same file."""

    @abstractmethod
    def after(self, before: int) -> Self:
        """Return the rows numbered after this number of rows of other files."""

    def row(self, number: int) -> AnyRow:
        """Return the row with this number."""
        self._rows = self._rows or [*self]
        return self._rows[number - self._rows[0].number]

    @overload
    def __getitem__(self, at: int) -> AnyRow: ...
    @overload
    def __getitem__(self, at: slice) -> list[AnyRow]: ...
    def __getitem__(self, at: int | slice) -> AnyRow | list[AnyRow]:
        return [*self][at]
