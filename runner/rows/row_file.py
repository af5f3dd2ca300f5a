"""A file of rows in any format → its rows with their positions, in bounded memory."""

from __future__ import annotations

import gzip
import io
import os
import select
import zlib
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from operator import length_hint
from pathlib import Path, PurePath
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self, cast

from runner.errors import InvalidInput, NotFound, Problem
from runner.project.files import misspelt
from runner.rows.csv_rows import Table
from runner.rows.file_errors import error_of, translated_errors
from runner.rows.formats import ARRAY, DELIMITERS, GZIP, PARQUET, SUFFIXES, Suffix, suffix_of
from runner.rows.json_rows import json_array, json_lines
from runner.rows.kept_cells import cells_at, with_keys
from runner.rows.line_rows import LineRows
from runner.rows.row import BadRow, BrokenFileError, Row, first_row
from runner.rows.stable_file import FileChangedError, StableFile
from runner.rows.text import Text
from runner.rows.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterator, Sequence

    from runner.rows.block_rows import BlockRows
    from runner.rows.parquet_rows import Parquet
    from runner.rows.places import FileStart
    from runner.rows.readable_file import ReadableFile
    from runner.rows.remote_file import RemoteFile
    from runner.rows.remote_store import RemoteState
    from runner.rows.stable_file import Memory, Unchanging
    from runner.source import Json

__all__ = ["BadRow", "Row", "RowFile", "open_named", "open_rows"]

_STREAMS = {"{": ".jsonl", "[": ARRAY}
_SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
_PARQUET_BLOCKS = 48
"""Blocks of a remote Parquet file that stay in memory: its columns are read side by side, and the sizes of their pages before."""


class RowEnd(NamedTuple):
    """Where a row of text ends: bytes from the start of the file, and the number of the next line."""

    offset: int
    next_line: int


class RowFile:
    """An open file of rows, for one pass over them.

    `columns` is None for JSON, whose rows have their own keys. With a `header`, a row is a list of cells in the order of the
    header, as texts that are still to be converted. The iterator raises InvalidInput if the rest of the file can't be read
    or the file has changed, and MachineError if the machine fails; the rows before were yielded.
    """

    def __init__(
        self,
        rows: Iterator[Row | BadRow],
        shown: str,
        opened: ExitStack,
        stable: Unchanging | None,
        *,
        columns: tuple[str, ...] | None = None,
        is_text: bool = False,
        narrow: Callable[[Sequence[str]], None] | None = None,
        convert: Callable[[Callable[[str, str], Json]], None] | None = None,
        end: Callable[[int], RowEnd] | None = None,
        take: Callable[[int], BlockRows | None] | None = None,
    ) -> None:
        self.columns = columns
        self.header = columns if is_text else None
        self.starts: Sequence[FileStart] = ()
        """The first row of each file that was begun, for several files."""
        self._rows = rows
        self._shown = shown
        self._opened = opened
        self._stable = stable
        self._narrow = narrow
        self._convert = convert
        self._end = end
        self._take = take
        self._places: tuple[int, ...] | None = None
        self._seen: Iterator[Row | BadRow] = iter(())
        self._number = 0

    def end_of(self, line: int) -> RowEnd:
        """Return where the row that was read last ends, which began on this line; the first row begins at that of line 0.

        Only text has lines, and only text that is not compressed can be read from there.
        """
        assert self._end is not None  # noqa: S101
        return self._end(line)

    def keep(self, wanted: Collection[str], known: Container[str] | None) -> None:
        """Drop the cells of other columns than the wanted ones. Call it before the first row is read.

        JSON rows keep keys that are not `known`, with null, because such a key is reported. Without `known`, all keys are
        dropped silently.
        """
        if self.columns is None:
            self._rows = with_keys(self._rows, wanted, known)
            return
        kept = tuple(column for column in self.columns if column in wanted)
        if kept == self.columns:
            return
        if self._narrow is not None:
            self._narrow(kept)
        else:
            self._choose(kept)

    def arrange(self, columns: Sequence[str]) -> None:
        """Put the cells of a table in the order of these of its columns, and drop the others. Call it before the first row is read."""
        self.keep(columns, None)
        if self.header is not None and self.header != (*columns,):
            self._choose((*columns,))

    def _choose(self, columns: tuple[str, ...]) -> None:
        """Let the cells of a row be those of these columns."""
        assert self.columns is not None  # noqa: S101
        assert self.header is not None  # noqa: S101
        self._rows = cells_at(self._rows, [self.header.index(column) for column in columns])
        self.header = columns
        self._places = (*(self.columns.index(column) for column in columns),)

    def convert_texts(self, convert: Callable[[str, str], Json]) -> None:
        """Convert texts that stand for other values, by their columns: decimals, and all texts of a query.

        A text that `convert` refuses with ValueError stays what it is.
        """
        if self._convert is not None:
            self._convert(convert)

    def first(self, at_most: int) -> Row | None:
        """Return the first readable row among the first ones; the iterator yields it again. Raises the errors of the iterator."""
        seen: list[Row | BadRow] = []
        try:
            return first_row(self._rows, at_most, seen)
        except (BrokenFileError, FileChangedError, OSError) as error:
            raise error_of(error, self._shown, len(seen)) from None
        finally:
            self._seen = iter(seen)
            self._rows = chain(self._seen, self._rows)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes, or of its version in a store, in hexadecimal; "" for a stream.

        From now on the file must not change.

        Raises InvalidInput if the file has changed since it was opened.
        """
        if self._stable is None:
            return ""
        with translated_errors(self._shown):
            return self._stable.fingerprint()

    @property
    def memory(self) -> Memory | RemoteState | None:
        """What the file is, to compare it when it is opened again; None for a stream."""
        return None if self._stable is None else self._stable.memory

    def check(self, rows: int) -> None:
        """Raise InvalidInput if the file has changed since it was opened. `rows` is the number of rows read, for the message."""
        if self._stable is not None:
            with translated_errors(self._shown, rows):
                self._stable.check()

    def take(self, at_most: int) -> BlockRows | None:
        """Return the next rows in a block, maybe fewer; None if the iterator is to yield them. Raises its errors."""
        if self._take is None or length_hint(self._seen):
            return None
        with translated_errors(self._shown, self._number):
            rows = self._take(at_most)
        if rows is None:
            return None
        self._number += len(rows)
        return rows.with_places(self._places) if isinstance(rows, LineRows) else rows

    def __iter__(self) -> Iterator[Row | BadRow]:
        try:
            for row in self._rows:
                self._number = row.number
                yield row
        except (BrokenFileError, FileChangedError, OSError) as error:
            raise error_of(error, self._shown, self._number) from None
        self.check(self._number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def open_rows(path: Path | None, stdin: BinaryIO, shown: str, memory: Memory | None = None) -> RowFile:
    """Open a file of rows by its name's ending; without a path, standard input by its first character.

    `shown` is the file's name in messages; `memory` is what the file was when it was open before, and must still be. Raises
    NotFound, MachineError, and InvalidInput for an unsupported or a changed file.
    """
    with ExitStack() as opened, translated_errors(shown):
        if path is None:
            read, stable = _stream(stdin)
            text = Text(read, shown)
            return _read(_STREAMS.get(text.first_char(), ".csv"), text, opened, stable)
        check_file(path, shown)
        suffix = _suffix_of(path, shown)
        return _read_file(suffix, _stable_file(path, memory, opened), shown, opened)


def open_url(url: str, memory: RemoteState | None = None) -> RowFile:
    """Open a file of rows in an object store, as `open_rows` opens one of this machine. Raises the errors of its store, too."""
    with ExitStack() as opened, translated_errors(url):
        return _read_file(_suffix_of(PurePath(url), url), _remote_file(url, memory), url, opened)


@contextmanager
def open_bytes(path: str, memory: Memory | RemoteState | None = None) -> Iterator[StableFile | RemoteFile]:
    """Open a file by its path or URL to read its bytes at any position. Raises the errors of `open_rows` and `open_url`."""
    with ExitStack() as opened, translated_errors(path):
        if is_url(path):
            yield _remote_file(path, cast("RemoteState | None", memory))
        else:
            check_file(Path(path), path)
            yield _stable_file(Path(path), cast("Memory | None", memory), opened)


def _remote_file(url: str, memory: RemoteState | None) -> RemoteFile:
    from runner.rows.remote_file import RemoteFile  # noqa: PLC0415 - most runs read files of this machine

    suffix = _suffix_of(PurePath(url), url)
    return RemoteFile(url, memory, blocks=_PARQUET_BLOCKS if suffix.format == PARQUET else 1)


def _stable_file(path: Path, memory: Memory | None, opened: ExitStack) -> StableFile:
    return StableFile(opened.enter_context(path.open("rb", buffering=0)).fileno(), memory)


def open_named(path: str, memory: Memory | RemoteState | None = None) -> RowFile:
    """Open a file of rows by its path or URL. Raises the errors of `open_rows` and `open_url`."""
    if is_url(path):
        return open_url(path, cast("RemoteState | None", memory))
    return open_rows(Path(path), io.BytesIO(), path, cast("Memory | None", memory))


def rows_from(
    read: Callable[[int], bytes], path: str, first_line: int, columns: tuple[str, ...] | None, before: int
) -> RowFile:
    """Return the rows of a text that is read from this line on, after this number of rows; a table has `columns` in its header."""
    text = Text(read, path, first_line)
    if columns is None:
        return RowFile(json_lines(text, before), path, ExitStack(), None, end=partial(_end_of_line, text))
    table = Table(text, DELIMITERS[_suffix_of(PurePath(path), path).format], columns)
    return _of_table(table, text, before, ExitStack(), None)


def _stream(stdin: BinaryIO) -> tuple[Callable[[int], bytes], StableFile | None]:
    """Return an unbuffered stream of the standard input, and the file behind it if it is one.

    A daemon thread must not read Python's own buffer, whose lock it would hold at the end of the process.
    """
    try:
        descriptor = stdin.fileno()
    except io.UnsupportedOperation:
        return getattr(stdin, "read1", stdin.read), None
    if S_ISREG(os.fstat(descriptor).st_mode):
        stable = StableFile(descriptor)
        return stable.read1, stable
    return partial(_read_when_ready, descriptor), None


def _read_when_ready(descriptor: int, size: int) -> bytes:
    while True:
        try:
            return os.read(descriptor, size)
        except BlockingIOError:  # the process at the other end made it non-blocking
            select.select([descriptor], [], [])


def _read_file(suffix: Suffix, file: StableFile | RemoteFile, shown: str, opened: ExitStack) -> RowFile:
    if suffix.format == PARQUET:
        return _open_parquet(shown, opened, file)
    read = _unpacking(file, shown) if suffix.is_packed else file.read1
    return _read(suffix.format, Text(read, shown), opened, file)


def _read(suffix: str, text: Text, opened: ExitStack, stable: StableFile | RemoteFile | None) -> RowFile:
    if suffix in DELIMITERS:
        return _of_table(Table(text, DELIMITERS[suffix]), text, 0, opened.pop_all(), stable)
    rows = json_array(text) if suffix == ARRAY else json_lines(text)
    return RowFile(rows, text.shown, opened.pop_all(), stable, end=partial(_end_of_line, text))


def _of_table(
    table: Table, text: Text, before: int, opened: ExitStack, stable: StableFile | RemoteFile | None
) -> RowFile:
    return RowFile(
        table.rows(before),
        text.shown,
        opened,
        stable,
        columns=table.columns,
        is_text=True,
        end=lambda _: RowEnd(text.offset(table.next_line), table.next_line),
        take=table.take,
    )


def _end_of_line(text: Text, line: int) -> RowEnd:
    return RowEnd(text.offset(line + 1), line + 1)


def parquet_of(file: StableFile | RemoteFile, shown: str) -> Parquet:
    """Return an open Parquet file. Raises the errors of `Parquet`, and InvalidInput if pyarrow is not installed."""
    try:
        from runner.rows.parquet_rows import Parquet  # noqa: PLC0415 - it loads pyarrow, which is an extra
    except ModuleNotFoundError:
        hint = "pip install 'suprsend-runner[parquet]'"
        raise InvalidInput(Problem("rows-format", f"to read {shown}, pyarrow must be installed", hint=hint)) from None
    return Parquet(file, shown)


def _open_parquet(shown: str, opened: ExitStack, stable: StableFile | RemoteFile) -> RowFile:
    parquet = parquet_of(stable, shown)
    opened.callback(parquet.close)
    return RowFile(
        parquet.rows(),
        shown,
        opened.pop_all(),
        stable,
        columns=parquet.columns,
        narrow=parquet.keep,
        convert=parquet.convert,
        take=parquet.take,
    )


def _unpacking(file: ReadableFile, shown: str) -> Callable[[int], bytes]:
    magic = file.read(2)
    file.seek(0)
    if magic != b"\x1f\x8b":
        hint = "a file that is not compressed must not end in .gz"
        raise InvalidInput(Problem("rows-format", f"{shown} is not a gzip archive", hint=hint))
    archive = gzip.GzipFile(fileobj=file)

    def read(size: int) -> bytes:
        try:
            return archive.read1(size)
        except EOFError:
            raise BrokenFileError("the archive is incomplete") from None
        except (gzip.BadGzipFile, zlib.error):
            raise BrokenFileError("the archive is damaged") from None

    return read


def check_file(path: Path, shown: str) -> None:
    """Refuse a path that is not a regular file before it is opened: opening a pipe without a writer would block."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise NotFound(Problem("file-not-found", f"no such file: {shown}", hint=misspelt(path))) from None
    if S_ISDIR(mode):
        raise NotFound(Problem("file-not-found", f"a folder, not a file: {shown}"))
    if not S_ISREG(mode):
        message, hint = f"{shown} is not a regular file", "to read from a pipe: … | runner send … --rows -"
        raise InvalidInput(Problem("rows-format", message, hint=hint))


def _suffix_of(path: PurePath, shown: str) -> Suffix:
    if (suffix := suffix_of(str(path))) is not None:
        return suffix
    if path.suffix.lower() in _SPREADSHEETS:
        hint = "save it as CSV; in Excel as 'CSV UTF-8'"
    else:
        hint = f"expected {', '.join(SUFFIXES[:-1])}, each also followed by {GZIP}, or {PARQUET}"
    raise InvalidInput(Problem("rows-format", f"unsupported file type: {shown}", hint=hint))
