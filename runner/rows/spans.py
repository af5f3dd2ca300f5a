"""Rows of files as references: which rows of which file, for a process that reads them itself."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.rows.readable_file import ReadableFile
    from runner.rows.remote_store import RemoteState


class Lines(NamedTuple):
    """Bytes of a file of text, which begin with a line of this number. `columns` are those of its header; None for JSON."""

    begin: int
    end: int
    line: int
    columns: tuple[str, ...] | None


class GroupRows(NamedTuple):
    """Rows of a row group of a Parquet file, after the first `skipped` ones. `begin` and `end` are the bytes of the group."""

    group: int
    skipped: int
    begin: int
    end: int


class Span(NamedTuple):
    """Contiguous rows of one file.

    `file` is its index among the files of the run, which have `before` rows before it; `first_row` counts in the file.
    `checksum` is that of the bytes, for a file of this machine; a file in a store has a `version` instead.
    """

    file: int
    before: int
    first_row: int
    rows: int
    at: Lines | GroupRows
    checksum: str = ""
    version: RemoteState | None = None


@dataclass(frozen=True, slots=True)
class SpannedRows:
    """Contiguous rows of a run; with `only`, the ones with these numbers. Its length is how many they are."""

    spans: tuple[Span, ...]
    only: frozenset[int] | None = None

    def __len__(self) -> int:
        return sum(span.rows for span in self.spans) if self.only is None else len(self.only)

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the rows in the run."""
        for span in self.spans:
            first = span.before + span.first_row
            for number in range(first, first + span.rows):
                if self.only is None or number in self.only:
                    yield number


def checksum_of(file: ReadableFile, begin: int, end: int) -> str:
    """Return the checksum of bytes of a file, read piece by piece. Raises FileChangedError."""
    digest = blake2b(digest_size=16)
    file.seek(begin)
    while begin < end and (piece := file.read(min(end - begin, _PIECE_BYTES))):
        digest.update(piece)
        begin += len(piece)
    return digest.hexdigest()


_PIECE_BYTES = 1024 * 1024
