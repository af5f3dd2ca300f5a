"""Columns of a Parquet file → JSON values: dates, decimals and ids become text; other values are refused by row."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING
from uuid import UUID

import pyarrow as pa
from pyarrow import compute as pc

from runner.rows.parquet_sizes import has_texts
from runner.rows.row import SHOWN_NAME_CHARS
from runner.suprsend.rules import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.codes import Code
    from runner.source import Json

_REFUSALS = (ValueError, ArithmeticError, LookupError)
"""Raised by pyarrow for a value that Python can't represent: invalid UTF-8, the year 10000, an unknown time zone."""


def cells_of(field: pa.Field, column: pa.Array, unfit: dict[int, tuple[Code, str]]) -> list[Json]:
    """Convert a column to JSON values. For a value that JSON does not have, add the reason to `unfit`, by its index."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if column.nbytes > MAX_BODY_BYTES and has_texts(kind):
        column = _without_long_texts(field.name, column, unfit)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
            return _nanoseconds(column)
        if any(is_plain(column.type) for is_plain in _PLAIN):
            return column.to_pylist()  # type: ignore[no-any-return]
        is_fine = _has_nanoseconds(column.type)
        values: list[object] = list(map(_value, column)) if is_fine else column.to_pylist(maps_as_pydicts="strict")
    except _REFUSALS:
        values = list(map(_value, column))
    cells: list[Json] = []
    for index, value in enumerate(values):
        try:
            cells.append(_json(value, field.type))
        except ValueError as error:
            unfit.setdefault(index, ("row-json", f"column '{field.name[:SHOWN_NAME_CHARS]}': {error}"))
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


def refused_cells(field: pa.Field, column: pa.Array, reason: str, unfit: dict[int, tuple[Code, str]]) -> list[Json]:
    """Refuse each row with a value in a column."""
    for index in pc.indices_nonzero(column.is_valid()).to_pylist():
        unfit.setdefault(index, ("row-json", f"column '{field.name[:SHOWN_NAME_CHARS]}': {reason}"))
    return [None] * len(column)


def old_moments(field: pa.Field, column: pa.Array, coarse: pa.Array, unfit: dict[int, tuple[Code, str]]) -> list[Json]:
    """Read INT96 timestamps, and refuse ambiguous ones.

    Some writers, such as pyarrow 21, store a time of day before 1970 as a negative number, which readers take for a time
    from 2262 to 2554.
    """
    micros = coarse.cast(pa.int64())
    may_be_earlier = pc.and_(pc.greater_equal(micros, _FIRST_UNCLEAR), pc.less(micros, _AFTER_UNCLEAR))
    for index in pc.indices_nonzero(may_be_earlier).to_pylist():
        reason = "an INT96 timestamp from 2262 to 2554 may be one before 1970: write it as TIMESTAMP"
        unfit.setdefault(index, ("row-json", f"column '{field.name[:SHOWN_NAME_CHARS]}': {reason}"))
    return _nanoseconds(column, coarse)


_FIRST_UNCLEAR = 2**63 // 1000
_AFTER_UNCLEAR = -(-(2**64) // 1000)
"""In microseconds since 1970: negative nanoseconds, read as an unsigned number."""


def _without_long_texts(name: str, column: pa.Array, unfit: dict[int, tuple[Code, str]]) -> pa.Array:
    """Refuse texts that are longer than any event."""
    if pa.types.is_dictionary(column.type):
        lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
    else:
        lengths = pc.binary_length(column)
    is_long = pc.fill_null(pc.greater(lengths, MAX_BODY_BYTES), False)
    message = f"column '{name[:SHOWN_NAME_CHARS]}': a text of more than {MAX_BODY_BYTES:,} bytes"
    for index in pc.indices_nonzero(is_long).to_pylist():
        unfit.setdefault(index, ("row-too-large", message))
    if not pa.types.is_dictionary(column.type):
        return pc.if_else(is_long, None, column)
    indices = pc.if_else(is_long, None, column.indices)
    return pa.DictionaryArray.from_arrays(indices, column.dictionary)


def _has_nanoseconds(kind: pa.DataType) -> bool:
    """Return whether a type has timestamps or times with nanoseconds, which Python's types lack."""
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return bool(kind.unit == "ns")
    if pa.types.is_dictionary(kind):
        return _has_nanoseconds(kind.value_type)
    return any(_has_nanoseconds(kind.field(at).type) for at in range(kind.num_fields))


def _value(cell: pa.Scalar) -> object:
    """Return a value as a Python value, or as text if it has nanoseconds."""
    try:
        return _parts(cell) if _has_nanoseconds(cell.type) else cell.as_py(maps_as_pydicts="strict")
    except _REFUSALS:
        return cell


def _parts(cell: pa.Scalar) -> object:
    kind = cell.type
    if not cell.is_valid:
        return None
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        [text] = _nanoseconds(pa.array([cell], kind))
        return text
    if pa.types.is_dictionary(kind):
        return _value(cell.value)
    if pa.types.is_struct(kind):
        return _entries((name, _value(cell[at])) for at, name in enumerate(kind.names))
    if pa.types.is_map(kind):
        keys, items = cell.values.field(0), cell.values.field(1)
        return _entries((key.as_py(), _value(item)) for key, item in zip(keys, items, strict=True))
    return [_value(item) for item in cell.values]


def _entries(pairs: Iterable[tuple[object, object]]) -> dict[object, object]:
    entries: dict[object, object] = {}
    for key, value in pairs:
        if key in entries:
            raise KeyError(key)
        entries[key] = value
    return entries


def _nanoseconds(column: pa.Array, coarse: pa.Array | None = None) -> list[Json]:
    """Convert timestamps or times with nanoseconds to text.

    `coarse` has them in microseconds, if nanoseconds since 1970 may exceed 64 bits; the last three digits of the
    nanoseconds are right nevertheless.
    """
    counts = column.cast(pa.int64())
    if coarse is None:
        micros = pa.array([None if count is None else count // 1000 for count in counts.to_pylist()], pa.int64())
    else:
        micros = coarse.cast(pa.int64())
    rests = pc.subtract(counts, pc.multiply(micros, 1000)).to_pylist()
    kind = pa.time64("us") if pa.types.is_time64(column.type) else pa.timestamp("us", column.type.tz)
    moments = micros.cast(kind).to_pylist()
    return [None if rest is None else _moment(moment, rest) for moment, rest in zip(moments, rests, strict=True)]


def _moment(moment: datetime | time, nanoseconds: int) -> str:
    if not nanoseconds:
        return moment.isoformat()
    text = moment.isoformat(timespec="microseconds")
    end = text.index(".") + 7
    return f"{text[:end]}{nanoseconds:03}{text[end:]}"


def _json(value: object, kind: pa.DataType) -> Json:
    """Convert a value to a JSON value. Raises ValueError with the reason if there is none."""
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
            return [_json(item, kind) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _json(item, kind) for key, item in value.items()}
        case dict():
            raise ValueError("a map whose keys are not text")
        case bytes():
            raise ValueError("bytes are not a JSON value")
        case pa.Scalar():
            raise ValueError(f"a {kind} that Python can't hold")
        case _:
            raise ValueError(f"a {type(value).__name__} is not a JSON value")
