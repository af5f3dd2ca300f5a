"""Files of rows → the table `rows` of a database in memory, from which a query selects.

DuckDB reads Parquet files where they lie. The rows of other files are read as they are read without a query, and put into a
table: a cell of a table of texts is text, and NULL if it is empty.
"""

from __future__ import annotations

import json
from dataclasses import replace
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet as pq

from runner.errors import InvalidInput, Problem
from runner.rows.query_database import quoted, quoted_text
from runner.rows.row import MAX_COLUMNS, SHOWN_NAME_CHARS, LargeRow, Row, name_problems, size_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from runner.rows.dataset import DataFile
    from runner.rows.row import BadRow
    from runner.source import Json

_BATCH_ROWS = 2048
_BATCH_CHARS = 4 * 1024 * 1024
_ARROW_TYPES = {
    "BOOLEAN": pa.bool_(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "JSON": pa.string(),
}
_EXACT = 2**53
"""Larger integers are not all floating-point numbers."""
_LARGE = "LARGE"
_MAX_DIGITS = 38
_HALF = "has half of a surrogate pair: it is not valid Unicode"


def fill_table(
    connection: DuckDBPyConnection, columns: Mapping[str, str], rows: Iterable[Row | BadRow], *, is_text: bool
) -> None:
    """Make the table `rows` of rows of files. `columns` are its columns with their types in SQL.

    With `is_text`, rows are lists of cells in the order of the columns. Raises InvalidInput for a row that can't be read.
    """
    check_names(columns)
    declared = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
    connection.execute(f"CREATE TABLE rows ({declared})")
    for batch in _batches(readable(rows)):
        cells: Iterable[Sequence[Any]]
        if is_text:
            cells = zip(*(row.values for row in batch), strict=True)
            arrays = [pa.array([cell or None for cell in column], pa.string()) for column in cells]
        else:
            entries: list[Any] = [row.values for row in batch]
            arrays = [
                _array([entry.get(name) for entry in entries], name, kind, batch[0].number)
                for name, kind in columns.items()
            ]
        connection.register("batch", pa.Table.from_arrays(arrays, names=list(columns)))
        connection.execute("INSERT INTO rows SELECT * FROM batch")
        connection.unregister("batch")


def readable(rows: Iterable[Row | BadRow]) -> Iterator[Row]:
    """Yield rows. Raises InvalidInput for one that can't be read: a query would leave it out in silence."""
    for row in rows:
        if not isinstance(row, Row):
            hint = f"{row.problem.hint}\n" if row.problem.hint else ""
            raise InvalidInput(replace(row.problem, hint=f"{hint}a query needs every row: mend this one, or remove it"))
        yield row


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    chars = 0
    for row in rows:
        batch.append(row)
        chars += size_of(row) if type(row) is LargeRow else 0
        if len(batch) == _BATCH_ROWS or chars >= _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _array(values: list[Json], name: str, kind: str, first_row: int) -> pa.Array:
    if kind == "JSON":
        values = [None if value is None else json.dumps(value) for value in values]
    try:
        return pa.array(values, _ARROW_TYPES[kind])
    except UnicodeEncodeError:
        message = f"the column '{name[:SHOWN_NAME_CHARS]}' {_HALF}, in row {first_row:,} or after it"
        raise InvalidInput(Problem("unicode", message)) from None


def json_columns(rows: Iterable[Row | BadRow]) -> dict[str, str]:
    """Return the type in SQL of each key of JSON rows, by the values of all rows. Values of several types are JSON.

    Raises InvalidInput for a row that can't be read, and for too many keys.
    """
    kinds: dict[str, set[str]] = {}
    for row in readable(rows):
        values: Any = row.values
        for name, value in values.items():
            known = kinds.get(name)
            if known is None:
                known = kinds[name] = set()
                if len(kinds) > MAX_COLUMNS:
                    raise InvalidInput(Problem("rows-header", f"the rows have more than {MAX_COLUMNS:,} keys"))
            known.update(_kinds_of(value))
    return {name: _type_for(known) for name, known in kinds.items()}


def _kinds_of(value: Json) -> tuple[str, ...]:
    match value:
        case None:
            return ()
        case bool():
            return ("BOOLEAN",)
        case int():
            if not -(2**63) <= value < 2**63:
                return ("JSON",)
            return ("BIGINT",) if abs(value) <= _EXACT else ("BIGINT", _LARGE)
        case float():
            return ("DOUBLE",)
        case str():
            return ("VARCHAR",)
        case _:
            return ("JSON",)


def _type_for(kinds: set[str]) -> str:
    if not kinds:
        return "VARCHAR"
    if kinds == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    [kind, *others] = kinds - {_LARGE}
    return "JSON" if others else kind


def check_names(names: Iterable[str]) -> None:
    """Raise InvalidInput for names that SQL does not tell apart, and for an empty one."""
    seen: dict[str, str] = {}
    alike = []
    for name in names:
        if not name:
            raise InvalidInput(Problem("rows-header", "a column without a name can't be queried"))
        _check_is_whole(name)
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            alike.append((other, name))
    if alike:
        message = "the columns '{}' and '{}' differ only in case, which SQL does not tell apart"
        raise InvalidInput(
            *name_problems(
                alike,
                lambda pair: Problem("rows-header", message.format(*(name[:SHOWN_NAME_CHARS] for name in pair))),
            )
        )


def _check_is_whole(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name[:SHOWN_NAME_CHARS].encode(errors="backslashreplace").decode()
        raise InvalidInput(Problem("unicode", f"the name of the column '{shown}' {_HALF}")) from None


def view_parquet(connection: DuckDBPyConnection, files: Sequence[DataFile]) -> None:
    """Make `rows` of Parquet files. Raises InvalidInput for files whose columns differ.

    A column that DuckDB would change is an error in a query that names it.
    """
    first, *others = files
    columns = _columns(first.path)
    for other in others:
        columns = _joined(first.path, columns, other.path, _columns(other.path))
    partitions = [name for name, _ in first.partitions]
    check_names([*columns, *partitions])
    if partitions:
        _refuse_other_folders(files, columns)
    selected = [column.selected(name) for name, column in columns.items()]
    selected += map(quoted, partitions)
    paths = ", ".join(quoted_text(escape(str(Path(file.path).absolute()))) for file in files)
    hive = f"hive_partitioning = {bool(partitions)}" + (", hive_types_autocast = false" if partitions else "")
    connection.execute(
        f"CREATE VIEW rows AS SELECT {', '.join(selected)} FROM read_parquet([{paths}], union_by_name = true, {hive})"  # noqa: S608
    )


class _Column(NamedTuple):
    """A column of Parquet: its type, why DuckDB would change its values, and whether it has times that are marked as UTC.

    Some writers, such as pyarrow 21, mark all times so. DuckDB takes them for times with a zone, pyarrow does not.
    """

    kind: str
    fault: str | None
    is_utc_time: bool

    def selected(self, name: str) -> str:
        """Return the column for a SELECT."""
        if self.fault is not None:
            message = f"the column {name[:SHOWN_NAME_CHARS]} {self.fault}"
            return f"error({quoted_text(message)}) AS {quoted(name)}"
        return f"CAST({quoted(name)} AS TIME) AS {quoted(name)}" if self.is_utc_time else quoted(name)


def _columns(path: str) -> dict[str, _Column]:
    file = pq.ParquetFile(path)
    leaves = [file.schema.column(at) for at in range(len(file.schema))]
    return {
        field.name: _column(field, [leaf for leaf in leaves if _is_in(field.name, leaf)]) for field in file.schema_arrow
    }


def _is_in(name: str, leaf: pq.ColumnSchema) -> bool:
    """Return whether a leaf is a column or a part of it. A column named `a.b` has the path of the part `b` of the column `a`."""
    return f"{leaf.path}.".startswith(f"{name}.")


def _column(field: pa.Field, leaves: Sequence[pq.ColumnSchema]) -> _Column:
    fault = _lossy(field.type)
    is_utc_time = any(map(_is_utc_time, leaves))
    if any(leaf.physical_type == "INT96" for leaf in leaves):
        fault = "has INT96 timestamps, which DuckDB would round"
    elif is_utc_time and not pa.types.is_time(field.type):
        fault = (
            "has times inside of a list or struct that are marked as UTC, which DuckDB would take for times with a zone"
        )
    elif is_utc_time and field.type.unit == "ns":
        fault = "has times with nanoseconds that are marked as UTC, which DuckDB would cut"
    return _Column(_kind(field.type), fault, is_utc_time)


def _is_utc_time(leaf: pq.ColumnSchema) -> bool:
    return leaf.logical_type.type == "TIME" and bool(json.loads(leaf.logical_type.to_json())["isAdjustedToUTC"])


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    if pa.types.is_integer(kind):
        return "integer"
    return "string" if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) else str(kind)


def _lossy(kind: pa.DataType) -> str | None:
    if pa.types.is_decimal(kind) and kind.precision > _MAX_DIGITS:
        return "has decimals that are too long for DuckDB, which would round them"
    if pa.types.is_duration(kind):
        return "has durations, which DuckDB would read as numbers"
    inner = (
        [kind.value_type] if pa.types.is_dictionary(kind) else [kind.field(at).type for at in range(kind.num_fields)]
    )
    return next(filter(None, map(_lossy, inner)), None)


def _joined(one: str, columns: Mapping[str, _Column], other: str, others: Mapping[str, _Column]) -> dict[str, _Column]:
    """Return the columns of two files. Raises InvalidInput if they differ."""
    for path, missing in ((other, columns.keys() - others.keys()), (one, others.keys() - columns.keys())):
        if missing:
            message = f"{path} has no column '{min(missing)}', which other files of the run have"
            hint = "send files with other columns in a run of their own"
            raise InvalidInput(Problem("rows-differ", message, hint=hint))
    joined = {}
    for name, column in columns.items():
        found = others[name]
        if found.kind != column.kind:
            message = f"the column '{name}' is {column.kind} in {one}, and {found.kind} in {other}"
            hint = "send files with other types in a run of their own"
            raise InvalidInput(Problem("rows-differ", message, hint=hint))
        joined[name] = _Column(column.kind, column.fault or found.fault, column.is_utc_time or found.is_utc_time)
    return joined


def _refuse_other_folders(files: Sequence[DataFile], columns: Mapping[str, object]) -> None:
    """Refuse folders above those of the run that DuckDB would take for a column of the files."""
    for file in files:
        for folder in Path(file.path).absolute().parts[:-1]:
            name, sign, _ = folder.partition("=")
            if sign and name in columns:
                message = f"the folder {folder} of {file.path} has the name of the column '{name}'"
                raise InvalidInput(Problem("rows-partition", message, hint="rename the folder"))
