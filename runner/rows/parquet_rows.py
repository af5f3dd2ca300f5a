"""A Parquet file → rows of JSON values: dates, decimals and ids become text; a row with other values is a bad row.

A small Parquet file can have huge contents: a text is stored once for a million rows, and pages are compressed. So the
decompressed size is measured first, repeated texts are read once, and batches are limited.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import parquet as pq

from runner.errors import InvalidInput, Problem
from runner.rows.arrow_rows import ArrowRows
from runner.rows.parquet_cells import cells_of, converted, is_json, old_moments, parsed_cells, refused_cells
from runner.rows.parquet_pages import is_encrypted, measure_footer, measure_pages
from runner.rows.parquet_sizes import MAX_BATCH_BYTES, leaves
from runner.rows.row import (
    MAX_COLUMNS,
    SHOWN_NAME_CHARS,
    BrokenFileError,
    name_problems,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.rows.arrow_rows import Unfit
    from runner.rows.column_rows import ColumnRows
    from runner.rows.parquet_cells import Convert
    from runner.rows.readable_file import ReadableFile
    from runner.rows.row import BadRow, Row
    from runner.source import Json

_BATCH_BYTES = 1024 * 1024
_MAX_BATCH_ROWS = 4096
_SHORT_TEXT = 1_000
_MAX_FOOTER_BYTES = 16 * 1024 * 1024
"""Limit for the metadata, which takes ten times as much in memory."""
_MAX_UNPACKED_BYTES = 64 * 1024 * 1024
_MAX_PACKING = 20
"""Larger row groups are accepted if they are not compressed by more than this factor."""
_MAX_LISTED = 10_000_000
"""Limit for the values in the lists of a row group, which may all belong to one row."""
_LONGEST_PLAIN = 32
"""Values of a fixed length above this are not numbers or ids."""


class Parquet:
    """A Parquet file. It has no lines: the line of each row is 0."""

    def __init__(self, file: ReadableFile, shown: str) -> None:
        """Read the metadata. Raises InvalidInput for an unreadable file and for invalid names of columns."""
        self._raw = file
        self._shown = shown
        try:
            self._check_footer()
            if is_encrypted(file):
                hint = "write it without encryption: keys are not supported"
                raise InvalidInput(Problem("rows-format", f"{shown} is encrypted", hint=hint))
            self._file = self._reader(pq.ParquetFile(file, pre_buffer=False).metadata)
            self.columns = column_names(self._file.schema_arrow)
            self._int96 = _Int96.of(self._file)
        except (pa.ArrowException, OSError):
            message, hint = f"{shown} is not a readable Parquet file", "is it incomplete?"
            raise InvalidInput(Problem("rows-format", message, hint=hint)) from None
        paths = Counter(self._file.schema.column(at).path for at in range(len(self._file.schema)))
        self._shared_paths = {path for path, count in paths.items() if count > 1}
        self._kept: Sequence[str] = self.columns
        self._convert: Convert = lambda _, text: text

    @cached_property
    def _all(self) -> ArrowRows:
        """All rows. They refer to this object, so `close` drops them: a cycle of objects would hold the memory of the file."""
        return ArrowRows(self._batches(), lambda: self._kept, self._cells)

    def close(self) -> None:
        """Let go of the rows, which were read."""
        self.__dict__.pop("_all", None)

    def keep(self, columns: Sequence[str]) -> None:
        """Read only these columns."""
        self._kept = columns

    def convert(self, convert: Convert) -> None:
        """Convert the texts of decimals by their columns."""
        self._convert = convert

    def rows(self) -> Iterator[Row | BadRow]:
        """Yield the rows in their order, with one batch in memory. Raises BrokenFileError if the file is damaged."""
        promised = self._file.metadata.num_rows
        yield from _sound(self._all)
        if self._all.number != promised:
            raise BrokenFileError(f"its footer promises {promised:,} rows, but it ends")

    def take(self, at_most: int) -> ColumnRows | None:
        """Return the next ones of all rows as columns, maybe fewer; None if `rows` must yield them."""
        with _damage():
            return self._all.take(at_most)

    def rows_of(self, batches: Iterable[pa.RecordBatch], before: int = 0) -> Iterator[Row | BadRow]:
        """Yield the rows of batches, after this number of others. Raises BrokenFileError if the file is damaged."""
        return _sound(ArrowRows(batches, lambda: self._kept, self._cells, before))

    def groups(self) -> list[RowGroup]:
        """Return the row groups in their order."""
        meta = self._file.metadata
        return [_row_group(meta.row_group(number)) for number in range(meta.num_row_groups)]

    def _cells(self, name: str, portion: pa.RecordBatch, unfit: Unfit) -> list[Json]:
        field, column = self._file.schema_arrow.field(name), portion.column(name)
        if name in self._int96.nested:
            return refused_cells(field, column, "INT96 is not supported in lists and structs", unfit)
        if (coarse := self._int96.coarse.get(name)) is not None:
            return old_moments(field, column, portion.column(coarse), unfit)
        if is_json(field.type):
            return parsed_cells(name, column.storage, unfit)
        cells = cells_of(field, column, unfit)
        return converted(name, cells, self._convert, is_decimal=True) if pa.types.is_decimal(field.type) else cells

    def _batches(self) -> Iterator[pa.RecordBatch]:
        return chain.from_iterable(map(self.batches, range(self._file.metadata.num_row_groups)))

    def batches(self, number: int) -> Iterator[pa.RecordBatch]:
        """Yield the batches of a row group. Raises InvalidInput if it needs too much memory, and the errors of pyarrow."""
        meta = self._file.metadata
        group = meta.row_group(number)
        rows = group.num_rows
        if not rows:
            return
        chunks = self._chunks(group)
        lengths = self._longest_texts(number, [chunk for chunk in chunks if chunk.is_stored_once])
        chunks = [chunk.with_longest(lengths.get(chunk.column, 0)) for chunk in chunks]
        size = sum(chunk.unpacked_bytes for chunk in chunks)
        row_bytes = max(1, size // rows, sum(chunk.row_bytes for chunk in chunks))
        batch_rows = max(1, min(_MAX_BATCH_ROWS, _BATCH_BYTES * rows // max(size, 1), MAX_BATCH_BYTES // row_bytes))
        reader = self._reader(meta, [chunk.column for chunk in chunks if chunk.is_stored_once])
        batches = reader.iter_batches(batch_rows, [number], [*self._kept], use_threads=False)
        coarse = [name for name in self._kept if name in self._int96.coarse]
        yield from self._with_coarse(batches, batch_rows, number, coarse) if coarse else batches

    def _with_coarse(
        self, batches: Iterator[pa.RecordBatch], rows: int, group: int, names: list[str]
    ) -> Iterator[pa.RecordBatch]:
        """Read INT96 timestamps as microseconds too: as nanoseconds, most years exceed 64 bits."""
        reader = self._reader(self._file.metadata, unit="us")
        for batch, coarse in zip(batches, reader.iter_batches(rows, [group], names, use_threads=False), strict=True):
            for name in names:
                batch = batch.append_column(self._int96.coarse[name], coarse.column(name))  # noqa: PLW2901
            yield batch

    def _chunks(self, group: pq.RowGroupMetaData) -> list[_Chunk]:
        """Measure the column chunks to be read. Raises InvalidInput if they need too much memory when decompressed."""
        at_hand = packed = 0
        chunks = []
        # The path of a column is its name, or begins with it for nested values.
        paths = tuple(f"{name}." for name in self._kept)
        for at in range(group.num_columns):
            column, form = group.column(at), self._file.schema.column(at)
            if not f"{column.path_in_schema}.".startswith(paths):
                continue
            pages = measure_pages(self._raw, _bytes_of(column)[0], column.total_compressed_size)
            is_list = form.max_repetition_level > 0
            if is_list and pages.values > _MAX_LISTED:
                raise self._refusal(f"a row group has more than {_MAX_LISTED:,} values in lists")
            row_bytes = pages.densest
            # Texts of JSON are not read as a dictionary.
            is_unclear = pages.has_prefixes or _is_json_text(form)
            # A column named `a.b` has the same path as the part `b` of the column `a`: pyarrow can't tell them apart.
            if is_unclear or column.path_in_schema in self._shared_paths:
                row_bytes = max(pages.largest_bytes, pages.dictionary_bytes)
            elif form.length > _LONGEST_PLAIN:
                row_bytes = form.length
            at_hand += pages.dictionary_bytes
            at_hand += max(pages.total_bytes, row_bytes * pages.values) if is_list else pages.largest_bytes
            packed += column.total_compressed_size
            is_stored_once = (
                column.physical_type == "BYTE_ARRAY"
                and pages.dictionary_bytes > 0
                and not is_unclear
                and column.path_in_schema not in self._shared_paths
            )
            listed = pages.values if is_list else 0
            chunks.append(_Chunk(column.path_in_schema, pages.total_bytes, row_bytes, listed, is_stored_once))
        if at_hand > _MAX_UNPACKED_BYTES + packed * _MAX_PACKING:
            raise self._refusal(f"{packed:,} bytes of it decompress to {at_hand:,}")
        return chunks

    def _longest_texts(self, group: int, chunks: Sequence[_Chunk]) -> dict[str, int]:
        """Return the length of the longest text of each chunk with a dictionary."""
        if not chunks:
            return {}
        columns = [chunk.column for chunk in chunks]
        reader = self._reader(self._file.metadata, columns)
        batches = reader.iter_batches(1, [group], columns=columns, use_threads=False)
        first = next(batches)
        stored = [leaf for column in first.columns for leaf in leaves(column)]
        lengths = (pc.max(pc.binary_length(leaf.dictionary)).as_py() or 0 for leaf in stored)
        return dict(zip(columns, lengths, strict=True))

    def _reader(self, meta: pq.FileMetaData, stored_once: Sequence[str] = (), unit: str = "ns") -> pq.ParquetFile:
        """Open the file so that some columns are read as dictionaries, and INT96 in a given unit."""
        return pq.ParquetFile(
            self._raw,
            metadata=meta,
            read_dictionary=stored_once,
            pre_buffer=False,
            buffer_size=_BATCH_BYTES,
            coerce_int96_timestamp_unit=unit,
            page_checksum_verification=True,
        )

    def _check_footer(self) -> None:
        footer = measure_footer(self._raw)
        if footer is not None and footer.elements > 2 * MAX_COLUMNS:
            raise self._refusal(f"it has more than {MAX_COLUMNS:,} columns")
        if footer is not None and footer.size_bytes > _MAX_FOOTER_BYTES:
            raise self._refusal(f"its metadata is larger than {_MAX_FOOTER_BYTES:,} bytes")

    def _refusal(self, reason: str) -> InvalidInput:
        hint = "rewrite it with smaller row groups and pages"
        return InvalidInput(Problem("rows-too-large", f"{self._shown} can't be read: {reason}", hint=hint))


class RowGroup(NamedTuple):
    """A row group: the number of its rows, their bytes without compression, and where its bytes are in the file."""

    rows: int
    unpacked_bytes: int
    begin: int
    end: int


def _sound(rows: Iterable[Row | BadRow]) -> Iterator[Row | BadRow]:
    with _damage():
        yield from rows


@contextmanager
def _damage() -> Iterator[None]:
    """Translate the errors of pyarrow."""
    try:
        yield
    except (pa.ArrowException, OSError):
        raise BrokenFileError("the file is damaged") from None


def _row_group(group: pq.RowGroupMetaData) -> RowGroup:
    spans = [_bytes_of(group.column(at)) for at in range(group.num_columns)]
    begin, end = min((begin for begin, _ in spans), default=0), max((end for _, end in spans), default=0)
    return RowGroup(group.num_rows, group.total_byte_size, begin, end)


def _bytes_of(column: pq.ColumnChunkMetaData) -> tuple[int, int]:
    start = column.data_page_offset
    if column.has_dictionary_page and column.dictionary_page_offset:
        start = min(start, column.dictionary_page_offset)
    return start, start + column.total_compressed_size


def _is_json_text(form: pq.ColumnSchema) -> bool:
    return bool(form.logical_type.type == "JSON")


class _Int96(NamedTuple):
    """Columns of INT96, the timestamps of old writers.

    `coarse` maps a column to an unused name, under which a batch has the same column in microseconds. `nested` are columns
    that contain such values.
    """

    coarse: dict[str, str]
    nested: frozenset[str]

    @classmethod
    def of(cls, file: pq.ParquetFile) -> _Int96:
        leaves = [file.schema.column(at) for at in range(len(file.schema))]
        paths = [leaf.path for leaf in leaves if leaf.physical_type == "INT96"]
        kinds = {field.name: field.type for field in file.schema_arrow} if paths else {}
        flat = [name for name, kind in kinds.items() if name in paths and pa.types.is_timestamp(kind)]
        nested = [
            name
            for name, kind in kinds.items()
            if kind.num_fields and any(path.startswith(f"{name}.") for path in paths)
        ]
        return cls({name: " " * number for number, name in enumerate(flat, 1)}, frozenset(nested))


class _Chunk(NamedTuple):
    """A column chunk: the bytes of a row, without texts of a dictionary, and the number of values in lists."""

    column: str
    unpacked_bytes: int
    row_bytes: int
    listed: int
    is_stored_once: bool

    def with_longest(self, text_bytes: int) -> _Chunk:
        """Return the chunk for texts of at most this length: short ones are read without the dictionary."""
        is_short = text_bytes * self.listed <= _MAX_UNPACKED_BYTES if self.listed else text_bytes <= _SHORT_TEXT
        if not self.is_stored_once or not is_short:
            return self
        return self._replace(row_bytes=self.row_bytes + text_bytes, is_stored_once=False)


def column_names(schema: pa.Schema) -> tuple[str, ...]:
    """Return the names of the columns. Raises InvalidInput for empty and duplicate names, and for columns without values."""
    names = schema.names
    if not names:
        raise InvalidInput(Problem("rows-header", "the file has no columns"))
    seen: set[str] = set()
    wrong = []
    for number, name in enumerate(names, 1):
        if name in seen or not name.strip():
            wrong.append((number, name))
        seen.add(name)
    if wrong:
        raise InvalidInput(*name_problems(wrong, _wrong_name))
    if empty := [field.name for field in schema if _has_empty_struct(field.type)]:
        message = "column '{}' has a struct without fields"
        raise InvalidInput(
            *name_problems(empty, lambda name: Problem("rows-header", message.format(name[:SHOWN_NAME_CHARS])))
        )
    return tuple(names)


def _has_empty_struct(kind: pa.DataType) -> bool:
    """Return whether a type has values that take no space, whose number is not limited by the size of the file."""
    inner = [kind.field(at).type for at in range(kind.num_fields)]
    return any(map(_has_empty_struct, inner)) or (pa.types.is_struct(kind) and not inner)


def _wrong_name(wrong: tuple[int, str]) -> Problem:
    number, name = wrong
    is_twice = bool(name.strip())
    message = f"two columns have the name '{name[:SHOWN_NAME_CHARS]}'" if is_twice else f"column {number} has no name"
    return Problem("rows-header", message)
