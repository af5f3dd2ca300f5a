"""A Parquet file → its decompressed size, before anything is decompressed.

The metadata at the end of a file can be false; a page is decompressed to the size in its own header. Headers are structs in Thrift's compact protocol (parquet-format: FileMetaData, PageHeader).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from runner.rows.row import BrokenFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.rows.readable_file import ReadableFile

_WINDOW_BYTES = 64 * 1024
_MAX_HEADER_BYTES = 16 * 1024 * 1024
"""The limit of pyarrow."""
_DICTIONARY = 2
_DELTA_BYTE_ARRAY = 7
_MAX_DEPTH = 8
_SIGNATURE_BYTES = 28
_ENCRYPTION = 8
"""The number of the field `encryption_algorithm` of FileMetaData."""

Fields = dict[int, "int | Fields"]
"""The integers and structs in a struct, by their field numbers."""


class Pages(NamedTuple):
    """Pages of a column chunk. `densest` is the largest number of bytes per value in a page.

    With prefixes, a value is stored without the prefix that it shares with the one before it.
    """

    dictionary_bytes: int
    largest_bytes: int
    total_bytes: int
    densest: int
    values: int
    has_prefixes: bool


class Footer(NamedTuple):
    """The metadata at the end of a file: its size, and the number of columns, with each level of nested ones."""

    size_bytes: int
    elements: int


def measure_footer(file: BinaryIO | ReadableFile) -> Footer | None:
    """Return the size of the metadata in bytes, or None if it can't be read."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 8))
    tail = file.read(8)
    size_bytes = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or size_bytes > end:
        return None
    file.seek(end - 8 - size_bytes)
    try:
        return Footer(size_bytes, _Compact(file.read(_WINDOW_BYTES)).length_of_list(2))
    except (IndexError, BrokenFileError):
        return None


def is_encrypted(file: BinaryIO | ReadableFile) -> bool:
    """Return whether the metadata or some columns are encrypted; a plain footer is signed then (parquet-format: Encryption).

    pyarrow aborts the process at the metadata of such a column.
    """
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - 8))
    tail = file.read(8)
    size_bytes = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or not _SIGNATURE_BYTES < size_bytes <= end:
        return tail[4:] == b"PARE"
    file.seek(end - 8 - _SIGNATURE_BYTES - 1)
    if file.read(1) != b"\0":  # the end of a struct before a signature
        return False
    file.seek(end - 8 - size_bytes)
    reader = _Compact(file.read(size_bytes))
    try:
        return _ENCRYPTION in reader.struct() and reader.at == size_bytes - _SIGNATURE_BYTES
    except (IndexError, BrokenFileError):
        return False


def measure_pages(file: BinaryIO | ReadableFile, start: int, size_bytes: int) -> Pages:
    """Measure the pages from `start` on. Raises BrokenFileError for invalid pages."""
    dictionary = largest = total = densest = values = 0
    has_prefixes = False
    for header in _headers(file, start, start + size_bytes):
        unpacked = _number(header, 2)
        total += unpacked
        if _number(header, 1) == _DICTIONARY:
            dictionary = max(dictionary, unpacked)
            continue
        page, page_v2 = _struct(header, 5), _struct(header, 8)
        count = max(_number(page, 1), _number(page_v2, 1))
        has_prefixes |= _DELTA_BYTE_ARRAY in (_number(page, 2), _number(page_v2, 4))
        largest = max(largest, unpacked)
        densest = max(densest, unpacked // max(count, 1))
        values += count
    return Pages(dictionary, largest, total, densest, values, has_prefixes)


def _headers(file: BinaryIO | ReadableFile, at: int, end: int) -> Iterator[Fields]:
    while at < end:
        header, size_bytes = _header(file, at)
        packed = _number(header, 3)
        if packed < 0 or _number(header, 2) < 0:
            raise BrokenFileError("the file is damaged")
        yield header
        at += size_bytes + packed


def _header(file: BinaryIO | ReadableFile, at: int) -> tuple[Fields, int]:
    """Return a header and its length."""
    wanted = _WINDOW_BYTES
    while True:
        file.seek(at)
        window = file.read(wanted)
        reader = _Compact(window)
        try:
            return reader.struct(), reader.at
        except IndexError:
            if len(window) < wanted or wanted > _MAX_HEADER_BYTES:
                raise BrokenFileError("the file is damaged") from None
            wanted *= 4


def _number(fields: Fields, number: int) -> int:
    value = fields.get(number, 0)
    return value if isinstance(value, int) else 0


def _struct(fields: Fields, number: int) -> Fields:
    value = fields.get(number, {})
    return value if isinstance(value, dict) else {}


class _Compact:
    """Reads Thrift's compact protocol. Raises IndexError at the end of the bytes."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.at = 0

    def struct(self, depth: int = 0) -> Fields:
        if depth > _MAX_DEPTH:
            raise BrokenFileError("the file is damaged")
        fields: Fields = {}
        number = 0
        while (head := self._byte()) != 0:
            number = number + (head >> 4) if head >> 4 else self._integer()
            value = self._value(head & 15, depth, in_list=False)
            if value is not None:
                fields[number] = value
        return fields

    def length_of_list(self, wanted: int) -> int:
        """Return the length of the list at a field number of a struct; only integers may precede it."""
        number = 0
        while number < wanted:
            head = self._byte()
            number = number + (head >> 4) if head >> 4 else self._integer()
            if number < wanted:
                self._value(head & 15, 0, in_list=False)
        return self._length(self._byte())

    def _value(self, kind: int, depth: int, *, in_list: bool) -> int | Fields | None:
        """Read a value; return None for types that are not needed."""
        match kind:
            case 1 | 2:  # booleans, whose value is part of the type in a struct
                self.at += in_list
            case 3:
                self.at += 1
            case 4 | 5 | 6:
                return self._integer()
            case 7:
                self.at += 8
            case 8:
                length = self._varint()
                self.at += length
            case 9 | 10:
                head = self._byte()
                for _ in range(self._length(head)):
                    self._value(head & 15, depth + 1, in_list=True)
            case 12:
                return self.struct(depth + 1)
            case _:
                raise BrokenFileError("the file is damaged")
        if self.at > len(self._raw):
            raise IndexError
        return None

    def _length(self, head: int) -> int:
        return self._varint() if head >> 4 == 15 else head >> 4  # noqa: PLR2004 - Thrift's own

    def _integer(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 128:
            number |= (byte & 127) << shift
            shift += 7
            if shift > 63:  # noqa: PLR2004 - bits of the largest integer
                raise BrokenFileError("the file is damaged")
        return number | byte << shift

    def _byte(self) -> int:
        byte = self._raw[self.at]
        self.at += 1
        return byte
