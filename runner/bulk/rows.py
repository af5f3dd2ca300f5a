"""A file of rows → its rows one by one with their places, whatever its format; memory does not grow with the file."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from contextlib import ExitStack, contextmanager
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, BinaryIO, Self

from runner.bulk.csv_rows import Table
from runner.bulk.json_rows import json_array, json_lines
from runner.bulk.row import BadRow, BrokenFileError, Row
from runner.bulk.text import Text
from runner.errors import InvalidInput, MachineError, NotFound, Problem, RunnerError
from runner.spec.files import misspelt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader
    from pathlib import Path

__all__ = ["BadRow", "Row", "RowFile", "fingerprint", "open_rows"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LINES = (".jsonl", ".ndjson")
_ARRAY = ".json"
_PARQUET = ".parquet"
_GZIP = ".gz"
_STREAMS = {"{": ".jsonl", "[": _ARRAY}
_SUFFIXES = (*_DELIMITERS, *_LINES, _ARRAY, _PARQUET)
_SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")


class RowFile:
    """An open file of rows, for one pass over them.

    `columns` are known at once, but for JSON, of which each row has its own: None. With a `header` a row is the list of
    its cells, texts that must still become what they stand for, in the order of the header. The iterator raises InvalidInput where the file can't be read any
    further, and MachineError where the machine can't; the rows before were given.
    """

    def __init__(
        self,
        rows: Iterator[Row | BadRow],
        shown: str,
        opened: ExitStack,
        *,
        columns: tuple[str, ...] | None = None,
        is_text: bool = False,
    ) -> None:
        self.columns = columns
        self.header = columns if is_text else None
        self._rows = rows
        self._shown = shown
        self._opened = opened

    def __iter__(self) -> Iterator[Row | BadRow]:
        number = 0
        try:
            for row in self._rows:
                number = row.number
                yield row
        except (BrokenFileError, OSError) as error:
            raise _told(error, self._shown, number) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def open_rows(path: Path | None, stdin: BinaryIO, shown: str) -> RowFile:
    """Open a file of rows by its name's ending; without a path, standard input by its first character.

    `shown` is the file's name in messages. Raises NotFound, MachineError, and InvalidInput for what is no file of rows.
    """
    with ExitStack() as opened, _telling(shown):
        if path is None:
            text = Text(getattr(stdin, "read1", stdin.read), shown)
            return _read(_STREAMS.get(text.first_char(), ".csv"), text, opened)
        _check_file(path, shown)
        suffix, is_packed = _suffix_of(path, shown)
        if suffix == _PARQUET:
            return _open_parquet(path, shown)
        file = opened.enter_context(path.open("rb"))
        return _read(suffix, Text(_unpacking(file, shown) if is_packed else file.read1, shown), opened)


def fingerprint(path: Path) -> str:
    """Give the SHA-256 of a file's bytes, in hexadecimal. Raises as `open_rows` does."""
    with _telling(str(path)):
        _check_file(path, str(path))
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def _read(suffix: str, text: Text, opened: ExitStack) -> RowFile:
    if suffix in _DELIMITERS:
        table = Table(text, _DELIMITERS[suffix])
        return RowFile(table.rows(), text.shown, opened.pop_all(), columns=table.columns, is_text=True)
    rows = json_array(text) if suffix == _ARRAY else json_lines(text)
    return RowFile(rows, text.shown, opened.pop_all())


def _open_parquet(path: Path, shown: str) -> RowFile:
    try:
        from runner.bulk.parquet_rows import Parquet  # noqa: PLC0415 - it loads pyarrow, which is an extra
    except ModuleNotFoundError:
        hint = "pip install 'suprsend-runner[parquet]'"
        raise InvalidInput(Problem("rows-format", f"to read {shown}, pyarrow must be installed", hint=hint)) from None
    with ExitStack() as opened:
        parquet = opened.enter_context(Parquet(path, shown))
        return RowFile(parquet.rows(), shown, opened.pop_all(), columns=parquet.columns)


def _unpacking(file: BufferedReader, shown: str) -> Callable[[int], bytes]:
    if not file.peek(2).startswith(b"\x1f\x8b"):
        hint = "what is not packed must not end in .gz"
        raise InvalidInput(Problem("rows-format", f"{shown} is no gzip archive", hint=hint))
    archive = gzip.GzipFile(fileobj=file)

    def read(size: int) -> bytes:
        try:
            return archive.read1(size)
        except EOFError:
            raise BrokenFileError("the archive is cut off") from None
        except (gzip.BadGzipFile, zlib.error):
            raise BrokenFileError("the archive is damaged") from None

    return read


def _check_file(path: Path, shown: str) -> None:
    """Refuse what is no file before it is opened: a pipe that nobody writes to would never open."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise NotFound(Problem("file-not-found", f"no such file: {shown}", hint=misspelt(path))) from None
    if S_ISDIR(mode):
        raise NotFound(Problem("file-not-found", f"a folder, not a file: {shown}"))
    if not S_ISREG(mode):
        message, hint = f"{shown} is no file that can be read twice", "to read from a pipe: … | runner send … --rows -"
        raise InvalidInput(Problem("rows-format", message, hint=hint))


def _suffix_of(path: Path, shown: str) -> tuple[str, bool]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    is_packed = suffixes[-1:] == [_GZIP]
    suffix = "".join(suffixes[:-1][-1:] if is_packed else suffixes[-1:])
    if suffix in _SUFFIXES and not (is_packed and suffix == _PARQUET):
        return suffix, is_packed
    if suffix in _SPREADSHEETS:
        hint = "save it as CSV; in Excel as 'CSV UTF-8'"
    else:
        hint = f"known are {', '.join(_SUFFIXES[:-1])}, each also with {_GZIP} behind it, and {_PARQUET}"
    raise InvalidInput(Problem("rows-format", f"no format of rows is known by the name of {shown}", hint=hint))


@contextmanager
def _telling(shown: str) -> Iterator[None]:
    """Tell what the machine or a broken file says while it is opened."""
    try:
        yield
    except (BrokenFileError, OSError) as error:
        raise _told(error, shown, 0) from None


def _told(error: BrokenFileError | OSError, shown: str, rows: int) -> RunnerError:
    after = f"after row {rows}" if rows else "before the first row"
    if isinstance(error, BrokenFileError):
        return InvalidInput(Problem("rows-syntax", f"{shown}: {error} {after}"))
    when = f" {after}" if rows else ""
    return MachineError(Problem("file-unreadable", f"can't read {shown}{when}: {error.strerror or error}"))
