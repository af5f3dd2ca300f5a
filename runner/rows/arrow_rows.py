"""Batches of pyarrow → rows of JSON values, with one batch in memory."""

from __future__ import annotations

from itertools import islice, repeat
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import Problem
from runner.rows.column_rows import ColumnRows
from runner.rows.parquet_sizes import portions
from runner.rows.row import LARGE_ROW_CHARS, MAX_ROW_VALUES, BadRow, LargeRow, Row
from runner.suprsend.rules import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from runner.codes import Code
    from runner.source import Json

Unfit: TypeAlias = "dict[int, tuple[Code, str]]"
"""Why rows of a batch have no JSON values, by their index."""


class ArrowRows:
    """The rows of batches, after a number of others, with the columns of these names.

    `cells` converts a column of a batch; for a value that JSON does not have, it adds the reason. `number` is that of the last
    row that was read. `take` and the iterator may take turns.
    """

    def __init__(
        self,
        batches: Iterable[pa.RecordBatch],
        names: Callable[[], Sequence[str]],
        cells: Callable[[str, pa.RecordBatch, Unfit], list[Json]],
        before: int = 0,
    ) -> None:
        self.number = before
        self._portions = (each for batch in batches for each in portions(batch))
        self._names_of = names
        self._cells = cells
        self._names: Sequence[str] = ()
        self._values: Iterator[tuple[Json, ...]] = iter(())
        self._last = before
        """The number of the last row of the portion."""
        self._unfit: Unfit = {}
        self._before = before
        self._kind: type[Row] = Row

    def __iter__(self) -> Iterator[Row | BadRow]:
        while self.number < self._last or self._begin_portion():
            for values in self._values:
                self.number = number = self.number + 1
                if (unfit := self._unfit.get(number - self._before - 1)) is not None:
                    yield BadRow(number, 0, Problem(*unfit, context=f"in row {number}"))
                else:
                    yield self._kind(number, 0, dict(zip(self._names, values, strict=True)))

    def take(self, at_most: int) -> ColumnRows | None:
        """Return the next rows as columns, maybe fewer; None if the iterator must yield them."""
        has_rows = self.number < self._last or self._begin_portion()
        if not has_rows or self._unfit or self._kind is not Row:
            return None
        rows = ColumnRows(self._names, self.number + 1, [*islice(self._values, at_most)])
        self.number += len(rows)
        return rows

    def _begin_portion(self) -> bool:
        """Begin the next portion of a batch; return whether there is one."""
        found = next(self._portions, None)
        if found is None:
            return False
        portion, size = found
        self._names = self._names_of()
        self._kind = LargeRow if size.row_bytes > LARGE_ROW_CHARS else Row
        self._unfit = {}
        columns: list[list[Json]] = []
        if portion.num_rows == 1 and size.is_too_large:
            message = f"a row of more than {MAX_ROW_VALUES:,} values, or a cell of more than {MAX_BODY_BYTES:,} bytes"
            self._unfit[0] = "row-too-large", message
        else:
            columns = [self._cells(name, portion, self._unfit) for name in self._names]
        self._values = zip(*columns, strict=True) if columns else repeat((), portion.num_rows)
        self._before, self._last = self._last, self._last + portion.num_rows
        return True
