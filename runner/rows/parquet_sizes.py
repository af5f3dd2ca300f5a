"""Batches of a Parquet file → portions that are small enough in memory, with a repeated text counted each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
from pyarrow import compute as pc

from runner.rows.row import MAX_ROW_CHARS, MAX_ROW_VALUES
from runner.suprsend.rules import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BATCH_BYTES = 4 * 1024 * 1024
"""Limit for the bytes of a portion, unless it is a single row."""
_MAX_BATCH_VALUES = 500_000


class Size(NamedTuple):
    """The size of the rows of a batch, when each has its own copy of repeated texts."""

    bytes: int
    values: int
    longest: int
    """Bytes of the largest nested column."""
    row_bytes: int
    """Limit for one of them."""

    @property
    def is_too_large(self) -> bool:
        """Whether this is too large for one row."""
        return self.bytes > MAX_ROW_CHARS or self.values > MAX_ROW_VALUES or self.longest > MAX_BODY_BYTES


def portions(batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, Size]]:
    """Yield portions of a batch that fit in memory; a row that is too large is a portion of its own."""
    sizes = [_size(column) for column in batch.columns]
    size = Size(
        sum(each.bytes for each in sizes),
        sum(each.values for each in sizes),
        max((each.longest for each in sizes), default=0),
        sum(each.row_bytes for each in sizes),
    )
    is_small = size.bytes <= MAX_BATCH_BYTES and size.values <= _MAX_BATCH_VALUES
    if batch.num_rows == 1 or (is_small and size.longest <= batch.num_rows * MAX_BODY_BYTES):
        yield batch, size
        return
    half = batch.num_rows // 2
    yield from portions(batch.slice(0, half))
    yield from portions(batch.slice(half))


def leaves(array: pa.Array) -> Iterator[pa.Array]:
    """Return the parts of a nested column."""
    if pa.types.is_dictionary(array.type):
        yield array
        return
    for inner in _inner(array):
        yield from leaves(inner)


def _inner(array: pa.Array) -> list[pa.Array]:
    """Return the arrays inside an array of nested values, none for other arrays."""
    if isinstance(array, pa.ExtensionArray):
        return [array.storage]
    if pa.types.is_struct(array.type):
        return array.flatten()  # type: ignore[no-any-return]
    if pa.types.is_map(array.type):
        return [_within(array, array.keys), _within(array, array.items)]
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return [_within(array, array.values)]
    return [array.flatten()] if pa.types.is_fixed_size_list(array.type) else []


def _size(array: pa.Array) -> Size:
    if pa.types.is_dictionary(array.type) and has_texts(array.dictionary.type):
        lengths = pc.take(pc.binary_length(array.dictionary), array.indices)
        return Size(pc.sum(lengths).as_py() or 0, len(array), 0, pc.max(lengths).as_py() or 0)
    if inner := list(map(_size, _inner(array))):
        size_bytes = sum(each.bytes for each in inner)
        values = len(array) + sum(each.values for each in inner)
        return Size(size_bytes, values, size_bytes, max(size_bytes, values))
    if has_texts(array.type):
        return Size(array.nbytes, len(array), 0, pc.max(pc.binary_length(array)).as_py() or 0)
    return Size(array.nbytes, len(array), 0, array.nbytes // max(len(array), 1))


def has_texts(kind: pa.DataType) -> bool:
    """Return whether a type has texts or bytes of variable length."""
    return any(is_text(kind) for is_text in _TEXTS)


_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)


def _within(lists: pa.Array, items: pa.Array) -> pa.Array:
    """Return the values that belong to the lists of a slice."""
    begin, end = lists.offsets[0].as_py(), lists.offsets[-1].as_py()
    return items.slice(begin, end - begin)
