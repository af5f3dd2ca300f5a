"""The files of a run → spans of their rows. Of Parquet only the footers are read, and text is read to find where rows end."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from runner.errors import RunnerError
from runner.rows.file_errors import translated_errors
from runner.rows.formats import PARQUET, suffix_of
from runner.rows.places import FileStart
from runner.rows.remote_store import RemoteState
from runner.rows.row import LARGE_ROW_CHARS, LargeRow, size_of
from runner.rows.row_file import RowEnd, open_bytes, open_named, parquet_of, rows_from
from runner.rows.spans import GroupRows, Lines, Span, SpannedRows, checksum_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.rows.dataset import DataFile
    from runner.rows.stable_file import Memory


class _Cut(NamedTuple):
    """The number of the next rows of a file, their place, and their characters as far as they are large."""

    rows: int
    at: Lines | GroupRows
    chars: int


class _OpenFile(Protocol):
    def take(self, rows: int, chars: int) -> _Cut | None:
        """Return the next rows, fewer if they reach this number of characters; None at the end. Raises RunnerError."""


class SpanCutter:
    """Cuts the files of a run into spans, in their order. `starts` grows as files are begun; one file has none.

    `memories` say what each file was when it was opened first, and must still be.
    """

    def __init__(
        self,
        files: Sequence[DataFile],
        memories: Sequence[Memory | RemoteState | None],
        *,
        offset: int,
        limit: int | None,
    ) -> None:
        self.starts: list[FileStart] = []
        self._files = files
        self._memories = memories
        self._has_starts = len(files) > 1 or bool(files and files[0].partitions)
        self._file = -1
        self._before = 0
        self._in_file = 0
        self._open: _OpenFile | None = None
        self._opened = ExitStack()
        self._skip = offset
        self._left = sys.maxsize if limit is None else limit
        self._failure: RunnerError | None = None
        self._group = (-1, -1)
        self._group_checksum = ""

    def take(self, rows: int, chars: int = sys.maxsize) -> SpannedRows:
        """Return the next rows; fewer if they reach this number of characters, none at the end.

        Raises the errors of `RowFile`'s iterator, once the rows before them were returned.
        """
        if self._failure is not None:
            raise self._failure
        spans: list[Span] = []
        try:
            while self._skip and (skipped := self._next(self._skip, sys.maxsize)):
                self._skip -= skipped.rows
            rows = min(rows, self._left)
            while rows and chars > 0 and (cut := self._next(rows, chars)) is not None:
                spans.append(self._span(cut))
                rows -= cut.rows
                chars -= cut.chars
                self._left -= cut.rows
        except RunnerError as error:
            self._failure = error
            if not spans:
                raise
        return SpannedRows((*spans,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _next(self, rows: int, chars: int) -> _Cut | None:
        while True:
            cut = self._open.take(rows, chars) if self._open is not None else None
            if cut is not None:
                self._in_file += cut.rows
                return cut
            if self._file + 1 >= len(self._files):
                return None
            self._open_next()

    def _open_next(self) -> None:
        self._opened.close()
        self._file += 1
        self._before, self._in_file = self._before + self._in_file, 0
        path, memory = self._files[self._file].path, self._memories[self._file]
        suffix = suffix_of(path)
        is_parquet = suffix is not None and suffix.format == PARQUET
        self._open = (_ParquetFile if is_parquet else _TextFile)(path, memory, self._opened)
        if self._has_starts:
            self.starts.append(FileStart(self._before + 1, path))

    def _span(self, cut: _Cut) -> Span:
        memory = self._memories[self._file]
        first_row = self._in_file - cut.rows + 1
        if isinstance(memory, RemoteState):  # each request for its bytes names the version
            return Span(self._file, self._before, first_row, cut.rows, cut.at, version=memory)
        return Span(self._file, self._before, first_row, cut.rows, cut.at, self._checksum(cut.at, memory))

    def _checksum(self, at: Lines | GroupRows, memory: Memory | None) -> str:
        group = (self._file, at.group) if isinstance(at, GroupRows) else None
        if group is None or group != self._group:
            path = self._files[self._file].path
            with open_bytes(path, memory) as file, translated_errors(path, self._in_file):
                checksum = checksum_of(file, at.begin, at.end)
            if group is None:
                return checksum
            self._group, self._group_checksum = group, checksum
        return self._group_checksum


class _TextFile:
    """A file of text, read to find where its rows end."""

    def __init__(self, path: str, memory: Memory | RemoteState | None, opened: ExitStack) -> None:
        self._path = path
        self._memory = memory
        self._file = opened.enter_context(open_named(path, memory))
        self._rows = iter(self._file)
        self._begin = self._file.end_of(0)
        self._taken = 0
        self._failure: RunnerError | None = None

    def take(self, rows: int, chars: int) -> _Cut | None:
        if self._failure is not None:
            raise self._failure
        count = large = line = 0
        try:
            for row in islice(self._rows, rows):
                count += 1
                line = row.line
                if type(row) is LargeRow:
                    large += size_of(row)
                    if large >= chars:
                        break
        except RunnerError as error:
            self._failure = error
        if not count:
            if self._failure is not None:
                raise self._failure
            return None
        end = self._file.end_of(line) if self._failure is None else self._end_after(count)
        at = Lines(self._begin.offset, end.offset, self._begin.next_line, self._file.columns)
        self._begin = end
        self._taken += count
        return _Cut(count, at, large)

    def _end_after(self, rows: int) -> RowEnd:
        """Return where this number of rows ends, by reading them once more: the reader is behind them, at an error."""
        offset, line = self._begin
        with open_bytes(self._path, self._memory) as file, translated_errors(self._path, self._taken):
            file.seek(offset)
            again = rows_from(file.read1, self._path, line, self._file.columns, self._taken)
            *_, last = islice(again, rows)
        end = again.end_of(last.line)
        return RowEnd(offset + end.offset, end.next_line)


class _ParquetFile:
    """A Parquet file, of which only the footer is read."""

    def __init__(self, path: str, memory: Memory | RemoteState | None, opened: ExitStack) -> None:
        with translated_errors(path):
            self._groups = parquet_of(opened.enter_context(open_bytes(path, memory)), path).groups()
        self._group = 0
        self._taken = 0

    def take(self, rows: int, chars: int) -> _Cut | None:
        while self._group < len(self._groups):
            group = self._groups[self._group]
            if self._taken < group.rows:
                row_bytes = group.unpacked_bytes // group.rows
                is_large = row_bytes > LARGE_ROW_CHARS
                count = min(rows, group.rows - self._taken, chars // row_bytes + 1 if is_large else rows)
                at = GroupRows(self._group, self._taken, group.begin, group.end)
                self._taken += count
                return _Cut(count, at, count * row_bytes if is_large else 0)
            self._group, self._taken = self._group + 1, 0
        return None
