"""Batches of pyarrow → rows of JSON values, with one batch in memory."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, TypeAlias

from runner.errors import Problem
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


def rows_of(
    batches: Iterable[pa.RecordBatch],
    names: Callable[[], Sequence[str]],
    cells: Callable[[str, pa.RecordBatch, Unfit], list[Json]],
    before: int = 0,
) -> Iterator[Row | BadRow]:
    """Yield the rows of batches, after this number of others, with the columns of these names.

    `cells` converts a column of a batch; for a value that JSON does not have, it adds the reason.
    """
    number = before
    for batch in batches:
        for portion, size in portions(batch):
            if portion.num_rows == 1 and size.is_too_large:
                yield _too_large(number + 1)
            else:
                kind = LargeRow if size.row_bytes > LARGE_ROW_CHARS else Row
                yield from _rows(portion, names(), cells, number, kind)
            number += portion.num_rows


def _rows(
    portion: pa.RecordBatch,
    names: Sequence[str],
    cells: Callable[[str, pa.RecordBatch, Unfit], list[Json]],
    before: int,
    kind: type[Row],
) -> Iterator[Row | BadRow]:
    unfit: Unfit = {}
    columns = [cells(name, portion, unfit) for name in names]
    for index, values in enumerate(zip(*columns, strict=True) if columns else repeat((), portion.num_rows)):
        number = before + index + 1
        if index in unfit:
            yield BadRow(number, 0, Problem(*unfit[index], context=f"in row {number}"))
        else:
            yield kind(number, 0, dict(zip(names, values, strict=True)))


def _too_large(number: int) -> BadRow:
    message = f"a row of more than {MAX_ROW_VALUES:,} values, or a cell of more than {MAX_BODY_BYTES:,} bytes"
    return BadRow(number, 0, Problem("row-too-large", message, context=f"in row {number}"))
