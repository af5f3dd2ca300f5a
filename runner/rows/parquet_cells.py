"""Columns of a Parquet file → JSON values: dates, decimals and ids become text; other values are refused by row."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

import pyarrow as pa
from pyarrow import compute as pc

from runner.rows.parquet_sizes import has_texts
from runner.rows.row import SHOWN_NAME_CHARS
from runner.source import STRICT
from runner.suprsend.rules import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.codes import Code
    from runner.source import Json

Convert: TypeAlias = "Callable[[str, str], Json]"
"""Returns the value that the text of a column stands for. Raises ValueError if there is none."""
_REFUSALS = (ValueError, ArithmeticError, LookupError)
"""Raised by pyarrow for a value that Python can't represent: invalid UTF-8, the year 10000, an unknown time zone."""


def cells_of(field: pa.Field, column: pa.Array, unfit: dict[int, tuple[Code, str]]) -> list[Json]:
    """Convert a column to JSON values. For a value that JSON does not have, add the reason to `unfit`, by its index."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if column.nbytes > MAX_BODY_BYTES and has_texts(kind):
        column = _without_long_texts(field.name, column, unfit)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if (reason := _unsupported(column.type)) is not None:
        return refused_cells(field, column, reason, unfit)
    if pa.types.is_time(column.type):
        column = _without_other_times(field.name, column, unfit)
    try:
        if (pa.types.is_timestamp(column.type) or pa.types.is_time64(column.type)) and column.type.unit == "ns":
            return _nanoseconds(column)
        if any(is_plain(column.type) for is_plain in _PLAIN):
            return column.to_pylist()  # type: ignore[no-any-return]
        is_by_parts = _has_parts(column.type)
        values: list[object] = list(map(_value, column)) if is_by_parts else column.to_pylist(maps_as_pydicts="strict")
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


def parsed_cells(name: str, column: pa.Array, unfit: dict[int, tuple[Code, str]]) -> list[Json]:
    """Parse a column of texts of JSON."""
    if column.nbytes > MAX_BODY_BYTES:
        column = _without_long_texts(name, column, unfit)
    cells: list[Json] = []
    for index, text in enumerate(column.to_pylist()):
        try:
            cells.append(None if text is None else STRICT.decode(text))
        except (ValueError, RecursionError):
            unfit.setdefault(
                index, ("row-json", f"column '{name[:SHOWN_NAME_CHARS]}': a JSON column with text that is not JSON")
            )
            cells.append(None)
    return cells


def is_json(kind: pa.DataType) -> bool:
    """Return whether a type is that of texts of JSON."""
    return isinstance(kind, pa.BaseExtensionType) and kind.extension_name == "arrow.json"


def converted(name: str, cells: list[Json], convert: Convert, *, is_decimal: bool) -> list[Json]:
    """Convert the texts of a column; a text that is refused, or a decimal that no number is equal to, stays text."""
    return [_converted(name, cell, convert, is_decimal=is_decimal) if type(cell) is str else cell for cell in cells]


def _converted(name: str, text: str, convert: Convert, *, is_decimal: bool) -> Json:
    try:
        value = convert(name, text)
    except ValueError:
        return text
    return text if is_decimal and type(value) is float and Decimal(repr(value)) != Decimal(text) else value


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


_DAYS = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_NO_DATE = "a date is from the year 1 to 9999"
_NO_TIME = "a time of day is from 00:00:00 to 23:59:59"


def _without_other_times(name: str, column: pa.Array, unfit: dict[int, tuple[Code, str]]) -> pa.Array:
    """Refuse `24:00:00` and the like, which Python would take for times of another day."""
    counts = column.cast(pa.int64() if pa.types.is_time64(column.type) else pa.int32())
    is_other = pc.or_(pc.less(counts, 0), pc.greater_equal(counts, _DAYS[column.type.unit]))
    for index in pc.indices_nonzero(pc.fill_null(is_other, False)).to_pylist():
        unfit.setdefault(index, ("row-json", f"column '{name[:SHOWN_NAME_CHARS]}': {_NO_TIME}"))
    return pc.if_else(is_other, pa.scalar(None, column.type), column)


def _unsupported(kind: pa.DataType) -> str | None:
    """Return why no value of a type has a JSON value."""
    if pa.types.is_duration(kind):
        return "a duration is not a JSON value: write it as text or as a number"
    if is_json(kind):
        return "JSON inside of a list or struct is not supported"
    if pa.types.is_dictionary(kind):
        return _unsupported(kind.value_type)
    inner = [kind.field(at) for at in range(kind.num_fields)]
    if pa.types.is_struct(kind) and {field.name for field in inner if pa.types.is_binary(field.type)} >= _VARIANT:
        return "a VARIANT is not supported: write it as JSON"
    return next(filter(None, (_unsupported(field.type) for field in inner)), None)


_VARIANT = {"metadata", "value"}


def _has_parts(kind: pa.DataType) -> bool:
    """Return whether a type has timestamps with nanoseconds or times, which Python's types do not hold as they are."""
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return bool(kind.unit == "ns") or pa.types.is_time(kind)
    if pa.types.is_dictionary(kind):
        return _has_parts(kind.value_type)
    return any(_has_parts(kind.field(at).type) for at in range(kind.num_fields))


def _value(cell: pa.Scalar) -> object:
    """Return a value as a Python value, or as text if it has nanoseconds."""
    try:
        return _parts(cell) if _has_parts(cell.type) else cell.as_py(maps_as_pydicts="strict")
    except _REFUSALS:
        return cell


def _parts(cell: pa.Scalar) -> object:
    kind = cell.type
    if not cell.is_valid:
        return None
    if pa.types.is_time(kind) and not 0 <= cell.value < _DAYS[kind.unit]:
        raise ValueError(_NO_TIME)
    if (pa.types.is_timestamp(kind) or pa.types.is_time64(kind)) and kind.unit == "ns":
        [text] = _nanoseconds(pa.array([cell], kind))
        return text
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return cell.as_py()
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
        return _text_of(moment)
    text = _text_of(moment, "microseconds")
    end = text.index(".") + 7
    return f"{text[:end]}{nanoseconds:03}{text[end:]}"


def _text_of(moment: datetime | date | time, timespec: str = "auto") -> str:
    """Return a moment as RFC 3339 writes it, with the offset of its zone, or in UTC if that has seconds, as before 1900."""
    if not isinstance(moment, datetime):
        return moment.isoformat(timespec) if isinstance(moment, time) else moment.isoformat()
    if (moment.utcoffset() or timedelta()) % timedelta(minutes=1):
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            raise ValueError(_NO_DATE) from None
    return moment.isoformat(timespec=timespec)


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
            return _text_of(value)
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
            raise ValueError(_unheld(value))
        case _:
            raise ValueError(f"a {type(value).__name__} is not a JSON value")


def _unheld(cell: pa.Scalar) -> str:
    """Return why Python can't hold a value."""
    kind = cell.type
    if pa.types.is_timestamp(kind) and not _is_known(kind.tz):
        return f"the time zone '{kind.tz}' is not known"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _NO_DATE
    if pa.types.is_map(kind):
        return "a map that has a key twice, or a value that Python can't hold"
    return "text that is not UTF-8" if pa.types.is_string(kind) else f"a {kind} that Python can't hold"


def _is_known(zone: str | None) -> bool:
    try:
        pa.scalar(0, pa.timestamp("s", zone)).as_py()
    except _REFUSALS:
        return False
    return True
