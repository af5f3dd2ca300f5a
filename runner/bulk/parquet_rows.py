"""A Parquet file → rows of JSON values: dates, decimals and ids become text; what has no such text is a bad row."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from itertools import repeat
from math import isfinite
from typing import TYPE_CHECKING
from uuid import UUID

import pyarrow as pa
from pyarrow import parquet as pq

from runner.bulk.row import SHOWN_NAME_CHARS, BadRow, BrokenFileError, Row
from runner.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.bulk.held import HeldFile
    from runner.source import Json

_BATCH_BYTES = 1024 * 1024
_MAX_BATCH_ROWS = 4096
_REFUSALS = (ValueError, ArithmeticError, LookupError)
"""What pyarrow raises for a value that Python can't hold: no UTF-8, a year 10000, a key twice, an unknown time zone."""


class Parquet:
    """A Parquet file. It has no lines: the line of each row is 0."""

    def __init__(self, file: HeldFile, shown: str) -> None:
        """Read what it says of itself. Raises InvalidInput for what is no Parquet file, or names its columns badly."""
        try:
            self._file = pq.ParquetFile(file, pre_buffer=False, buffer_size=_BATCH_BYTES)
            self.columns = tuple(str(name) for name in self._file.schema_arrow.names)
        except (pa.ArrowException, OSError):
            message, hint = f"{shown} is no Parquet file that can be read", "was it written to its end?"
            raise InvalidInput(Problem("rows-format", message, hint=hint)) from None
        if problems := list(_wrong_names(self.columns)):
            raise InvalidInput(*problems)
        self._kept: Sequence[str] = self.columns

    def keep(self, columns: Sequence[str]) -> None:
        """Read no other columns."""
        self._kept = columns

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows in their order, a batch of them at hand. Raises BrokenFileError where the file is damaged."""
        number = 0
        try:
            for batch in self._batches():
                unfit: dict[int, str] = {}
                cells = [_cells(name, batch.column(name), unfit) for name in self._kept]
                for index, values in enumerate(zip(*cells, strict=True) if cells else repeat((), batch.num_rows)):
                    number += 1
                    if index in unfit:
                        problem = Problem("row-json", unfit[index], context=f"in row {number}")
                        yield BadRow(number, 0, problem)
                    else:
                        yield Row(number, 0, dict(zip(self._kept, values, strict=True)))
        except (pa.ArrowException, OSError):
            raise BrokenFileError("the file is damaged") from None

    def _batches(self) -> Iterator[pa.RecordBatch]:
        meta = self._file.metadata
        kept = [*self._kept]
        paths = tuple(f"{name}." for name in kept)
        for number in range(meta.num_row_groups):
            group = meta.row_group(number)
            chunks = [group.column(at) for at in range(group.num_columns)]
            # A column's path is its name, or begins with it where values have parts.
            size = sum(
                chunk.total_uncompressed_size for chunk in chunks if f"{chunk.path_in_schema}.".startswith(paths)
            )
            batch_rows = max(1, min(_MAX_BATCH_ROWS, _BATCH_BYTES * group.num_rows // max(size, 1)))
            yield from self._file.iter_batches(batch_rows, [number], kept, use_threads=False)


def _wrong_names(names: Sequence[str]) -> Iterator[Problem]:
    if not names:
        yield Problem("rows-header", "the file has no columns")
    for at, name in enumerate(names):
        if not name.strip():
            yield Problem("rows-header", f"column {at + 1} has no name")
        elif name in names[:at]:
            yield Problem("rows-header", f"two columns have the name '{name[:SHOWN_NAME_CHARS]}'")


def _cells(name: str, column: pa.Array, unfit: dict[int, str]) -> list[Json]:
    """Give a column's values as JSON has them. For a value that it does not have, `unfit` gets why, by its index."""
    try:
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            return _nanoseconds(column)
        if any(is_plain(column.type) for is_plain in _PLAIN):
            return column.to_pylist()  # type: ignore[no-any-return]
        values: list[object] = column.to_pylist(maps_as_pydicts="strict")
    except _REFUSALS:
        values = [_value(cell) for cell in column]
    cells: list[Json] = []
    for index, value in enumerate(values):
        try:
            cells.append(_json(value))
        except ValueError as error:
            unfit.setdefault(index, f"column '{name[:SHOWN_NAME_CHARS]}': {error}")
            cells.append(None)
    return cells


_PLAIN = (
    pa.types.is_integer,
    pa.types.is_boolean,
    pa.types.is_null,
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
)


def _value(cell: pa.Scalar) -> object:
    try:
        return cell.as_py(maps_as_pydicts="strict")
    except _REFUSALS:
        return cell


def _nanoseconds(column: pa.Array) -> list[Json]:
    """Write moments that Python's own are too coarse for."""
    counts = column.cast(pa.int64()).to_pylist()
    micros = pa.array([None if count is None else count // 1000 for count in counts], pa.int64())
    moments = micros.cast(pa.timestamp("us", column.type.tz)).to_pylist()
    return [count and _moment(moment, count % 1000) for count, moment in zip(counts, moments, strict=True)]


def _moment(moment: datetime, nanoseconds: int) -> str:
    if not nanoseconds:
        return moment.isoformat()
    text = moment.isoformat(timespec="microseconds")
    return f"{text[:_TO_MICROSECONDS]}{nanoseconds:03}{text[_TO_MICROSECONDS:]}"


_TO_MICROSECONDS = len("2026-01-02T03:04:05.000000")


def _json(value: object) -> Json:
    """Turn a value into JSON's. Raises ValueError that says why it can't be."""
    match value:
        case str() | bool() | int() | None:
            return value
        case float() if isfinite(value):
            return value
        case float():
            raise ValueError(f"{value} is not a JSON number")
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case UUID():
            return str(value)
        case list():
            return [_json(item) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _json(item) for key, item in value.items()}
        case dict():
            raise ValueError("a map whose keys are not text")
        case bytes():
            raise ValueError("bytes are no JSON value")
        case pa.Scalar():
            raise ValueError(f"a {value.type} that Python can't hold")
        case _:
            raise ValueError(f"a {type(value).__name__} is no JSON value")
