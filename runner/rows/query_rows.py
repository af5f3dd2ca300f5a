"""The result of a query as rows: over a database, or over files as the table `rows`."""

from __future__ import annotations

from contextlib import ExitStack
from glob import escape
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from runner.errors import InvalidInput, Problem
from runner.rows.arrow_rows import ArrowRows
from runner.rows.file_errors import translated_errors
from runner.rows.formats import is_database
from runner.rows.parquet_cells import cells_of, converted, parsed_cells
from runner.rows.parquet_rows import column_names
from runner.rows.query_database import check_query, connect, lock, query_error, relation_of
from runner.rows.query_tables import fill_table, json_columns, view_parquet
from runner.rows.row import SHOWN_NAME_CHARS
from runner.rows.row_file import RowFile, check_file
from runner.rows.row_files import RowFiles, open_plain
from runner.rows.stable_file import Memory, StableFile, StableFiles
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from duckdb import DuckDBPyConnection

    from runner.rows.arrow_rows import Unfit
    from runner.rows.dataset import Dataset
    from runner.rows.parquet_cells import Convert
    from runner.rows.stable_file import Unchanging
    from runner.source import Json

_BATCH_ROWS = 256


class QueryRows(RowFile):
    """The rows of a query, which runs when the first one is read. All inputs are what they were when it was opened."""

    def __init__(self, dataset: Dataset) -> None:
        """Open the files, and check the query. Raises InvalidInput, NotFound and MachineError."""
        assert dataset.query is not None  # noqa: S101
        self._query = dataset.query
        self._typed: Convert = lambda _, text: text
        with ExitStack() as opened:
            folder = opened.enter_context(TemporaryDirectory(prefix="runner-"))
            try:
                self._connection, self._files = _open(dataset, folder, opened)
            except duckdb.Error as error:  # while rows are put into a table
                raise query_error(error, None, is_running=True) from None
            self._relation = relation_of(self._connection, dataset.query)
            columns = (*self._relation.columns,)
            self._types = dict(zip(columns, self._relation.types, strict=True))
            self._kept: Sequence[str] = columns
            _check_columns(columns, self._relation.types)
            super().__init__(
                iter(ArrowRows(self._batches(), lambda: self._kept, self._cells)),
                dataset.name,
                opened.pop_all(),
                self._files,
                columns=columns,
                narrow=self._narrow_to,
                convert=self._convert_by,
            )

    def _convert_by(self, convert: Convert) -> None:
        self._typed = convert

    def _narrow_to(self, columns: Sequence[str]) -> None:
        self._kept = columns

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            with Threads(1) as thread:
                reader = self._interruptible(thread, self._relation.to_arrow_reader, _BATCH_ROWS)
                while (batch := self._interruptible(thread, next, reader, None)) is not None:
                    self._files.check()
                    yield batch
        except duckdb.Error as error:
            self._files.check()
            raise query_error(error, self._query, is_running=True) from None

    def _interruptible(self, thread: Threads, call: Callable[..., Any], *args: object) -> Any:
        """Call DuckDB in a thread: this one would not hear of a signal before it returns."""
        try:
            return thread.submit(call, *args).result()
        except KeyboardInterrupt:
            self._connection.interrupt()
            raise

    def _cells(self, name: str, portion: pa.RecordBatch, unfit: Unfit) -> list[Json]:
        field, column, kind = portion.schema.field(name), portion.column(name), str(self._types[name])
        if kind in _LARGE_INTEGERS:
            over = 2**128 if kind == "UHUGEINT" else 0  # arrow takes its first bit for a sign
            integers = (None if value is None else int(value) for value in column.to_pylist())
            return [value + over if value is not None and value < 0 else value for value in integers]
        if kind == "JSON":
            return parsed_cells(name, column, unfit)
        cells = cells_of(field, column, unfit)
        return converted(name, cells, self._typed, is_decimal=pa.types.is_decimal(column.type))


def _open(dataset: Dataset, folder: str, opened: ExitStack) -> tuple[DuckDBPyConnection, Unchanging]:
    """Return a connection to what a query reads, and its files."""
    assert dataset.query is not None  # noqa: S101
    path = dataset.files[0].path
    for file in dataset.files:
        _check_is_utf8(file.path)
    if is_database(path):
        with translated_errors(path):
            memory = _database(path)
        connection = opened.enter_context(connect(path, path, folder))
        check_query(connection, dataset.query)
        return connection, StableFiles([(path, memory)])
    connection = opened.enter_context(connect(None, path, folder))
    check_query(connection, dataset.query)
    source = open_plain(dataset, BytesIO())
    opened.enter_context(source)
    if source.columns is not None:
        source.keep(source.columns, None)
    if source.columns is not None and source.header is None:
        memories = (
            [(file.path, memory) for file, memory in source.members]
            if isinstance(source, RowFiles)
            else [(path, source.memory)]
        )
        paths = [str(Path(file.path).absolute()) for file in dataset.files]
        lock(connection, [*paths, *map(escape, paths)])
        view_parquet(connection, dataset.files)
        return connection, StableFiles([(name, memory) for name, memory in memories if isinstance(memory, Memory)])
    lock(connection)
    if source.header is not None:
        columns = dict.fromkeys(source.header, "VARCHAR")
    else:
        with open_plain(dataset, BytesIO()) as first:
            columns = json_columns(first)
    fill_table(connection, columns, source, is_text=source.header is not None)
    return connection, _Loaded(source)


def _check_is_utf8(path: str) -> None:
    try:
        path.encode()
    except UnicodeEncodeError:
        message = f"{path} can't be queried: its name is not UTF-8"
        raise InvalidInput(Problem("rows-format", message, hint="rename it")) from None


class _Loaded:
    """Files whose rows are in a table: what becomes of them later does not matter."""

    memory: Memory | None = None

    def __init__(self, source: RowFile | RowFiles) -> None:
        self._source = source

    def check(self) -> None:
        pass

    def fingerprint(self) -> str:
        """Return the fingerprint of the bytes that were read."""
        return self._source.fingerprint()


def _database(path: str) -> Memory:
    """Return what the file of a database is. Raises the errors of `check_file`, and InvalidInput if it is not complete."""
    check_file(Path(path), path)
    log = Path(f"{path}.wal")
    if log.exists() and log.stat().st_size:
        hint = "close the program that writes to it, or run CHECKPOINT in DuckDB"
        raise InvalidInput(Problem("rows-format", f"{path} is not complete without {log}", hint=hint))
    with Path(path).open("rb", buffering=0) as file:
        return StableFile(file.fileno()).memory


_LARGE_INTEGERS = ("HUGEINT", "UHUGEINT")
_PLAIN = frozenset(
    {
        "boolean", "tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "float", "double",
        "decimal", "varchar", "enum", "uuid", "date", "time", "time_ns", "timestamp", "timestamp_s", "timestamp_ms",
        "timestamp_ns", "timestamp with time zone", "timestamptz_ns", "null",
    }
)  # fmt: skip
"""DuckDB's types whose values have a JSON value, or a text with all their digits."""


def _check_columns(columns: Sequence[str], types: Sequence[DuckDBPyType]) -> None:
    """Raise InvalidInput for columns without a name, with the same one, or of a type that JSON does not have."""
    column_names(pa.schema([(name, pa.null()) for name in columns]))
    problems = []
    for name, kind in zip(columns, types, strict=True):
        if str(kind) not in ("JSON", *_LARGE_INTEGERS) and not _has_json(kind):
            hint = f"cast it in the query, such as: {_CASTS.get(kind.id, 'CAST(… AS VARCHAR)')}"
            message = (
                f"the column '{name[:SHOWN_NAME_CHARS]}' of the query has the type {kind}, which JSON does not have"
            )
            problems.append(Problem("rows-query", message, hint=hint))
    if problems:
        raise InvalidInput(*problems)


_CASTS = {"variant": "CAST(… AS JSON)", "blob": "to_base64(…)"}


def _has_json(kind: object) -> bool:
    assert isinstance(kind, DuckDBPyType)  # noqa: S101 - other children are sizes
    if kind.id in ("list", "array"):
        return _has_json(dict(kind.children)["child"])
    if kind.id == "struct":
        return bool(kind.children) and all(_has_json(inner) for _, inner in kind.children)
    if kind.id == "map":
        inner = dict(kind.children)
        return str(inner["key"]) == "VARCHAR" and _has_json(inner["value"])
    return kind.id in _PLAIN and str(kind) != "JSON"
