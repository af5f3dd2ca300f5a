"""Paths, folders and patterns on the command line → files of rows, with the columns that stand in the names of folders.

A folder `country=de` gives each row below it a column `country` with the text `de`, as Hive, Spark and DuckDB write it.
"""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from runner.errors import InvalidInput, MachineError, NotFound, Problem, UsageError
from runner.rows.formats import ARRAY, PARQUET, SUFFIXES, is_database, suffix_of
from runner.rows.urls import is_url, masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"
MAX_FILES = 100_000
_NULL = "__HIVE_DEFAULT_PARTITION__"
HIDDEN = ("_", ".")
"""What names begin with that are skipped in a folder."""
_NAMED = 2
"""Number of paths that are named in messages; the others are counted."""


class DataFile(NamedTuple):
    """A file of rows, by its path or URL. `partitions` are the columns in the names of its folders; None is a value that is missing."""

    path: str
    partitions: tuple[tuple[str, str | None], ...] = ()


class Dataset(NamedTuple):
    """The files of a run, in the order in which they are read. `given` are their paths and patterns as they were typed.

    The standard input has no files. With a `query`, the rows are its result, and the files are what it reads.
    """

    given: tuple[str, ...]
    files: tuple[DataFile, ...] = ()
    query: str | None = None

    @property
    def is_piped(self) -> bool:
        """Whether the rows come from the standard input."""
        return self.given == (STDIN,)

    @property
    def name(self) -> str:
        """The name in messages: `jan.csv and feb.csv`."""
        return "the standard input" if self.is_piped else listed(self.given)

    @property
    def has_parquet(self) -> bool:
        """Whether a file is in Parquet's format."""
        return any((suffix := suffix_of(file.path)) and suffix.format == PARQUET for file in self.files)

    @property
    def is_remote(self) -> bool:
        """Whether a file is in an object store, which may let a reader wait."""
        return any(is_url(file.path) for file in self.files)

    @property
    def has_places(self) -> bool:
        """Whether each row can be found again by its place in a file: not in a pipe, a query, an archive or a JSON array."""
        suffixes = [suffix_of(file.path) for file in self.files]
        are_plain = all(suffix and not suffix.is_packed and suffix.format != ARRAY for suffix in suffixes)
        return self.query is None and bool(suffixes) and are_plain

    def local_paths(self) -> list[Path]:
        """Return the paths of the files of this machine."""
        return [Path(file.path) for file in self.files if not is_url(file.path)]

    def size_bytes(self) -> int:
        """Return the size of all files."""
        return sum(_size_bytes(file.path) for file in self.files)


def find_dataset(given: Sequence[str], query: str | None = None) -> Dataset:
    """Return the files that these paths, URLs, folders and patterns stand for: each in its order, those of one of them sorted.

    A path that is there is never a pattern. Files and folders below a folder are left out if their names begin with `_` or
    `.`. Raises NotFound for a folder or a pattern without files, UsageError for a file that is given twice, InvalidInput for
    other files in a folder, and for files whose folders give other columns; for a URL also the errors of its store. A
    database needs a `query`, and the standard input takes none.
    """
    if STDIN in given:
        if len(given) > 1:
            raise UsageError(Problem("usage", "--rows - is the standard input, and can't be used with other files"))
        if query is not None:
            message = "--query can't be used with --rows -: it reads files"
            raise UsageError(Problem("usage", message, hint="save the rows in a file"))
        return Dataset((STDIN,))
    if query is not None and (remote := next(filter(is_url, given), None)):
        message = f"--query reads files of this machine, not {masked(remote)}"
        raise UsageError(Problem("usage", message, hint="copy them first"))
    files = [file for each in given for file in _files_of(each)]
    if len(files) > MAX_FILES:
        hint = "give them to several runs"
        raise InvalidInput(
            Problem("rows-too-large", f"{len(files):,} files; a run reads {MAX_FILES:,} at most", hint=hint)
        )
    if len(files) > 1:
        _refuse_twice(files)
        _refuse_other_partitions(files)
    _check_databases(files, query)
    return Dataset((*given,), (*files,), query)


def _files_of(given: str) -> Iterator[DataFile]:
    if is_url(given):
        from runner.rows.remote_dataset import remote_files  # noqa: PLC0415 - most runs read files of this machine

        yield from remote_files(given)
    elif os.path.isdir(given):  # noqa: PTH112 - unlike Path.is_dir, it takes a name of any length
        found = sorted(_below(given, given))
        if not found:
            raise no_files(given)
        yield from found
    elif glob.has_magic(given) and not os.path.exists(given):  # noqa: PTH110
        root = _fixed_part(given)
        found = sorted(
            file
            for path in glob.glob(given, recursive=True)  # noqa: PTH207 - a Path drops a leading "./"
            for file in (_below(path, root) if os.path.isdir(path) else [DataFile(path, _partitions(path, root))])  # noqa: PTH112
        )
        if not found:
            raise no_match(given)
        yield from found
    else:
        yield DataFile(given)


def _check_databases(files: Sequence[DataFile], query: str | None) -> None:
    database = next((file.path for file in files if is_database(file.path)), None)
    if database is not None and query is None:
        hint = "add --query 'SELECT … FROM … ORDER BY …'"
        raise UsageError(Problem("usage", f"rows of the database {database} need a query", hint=hint))
    if database is not None and len(files) > 1:
        raise UsageError(Problem("usage", f"--rows {database} is a database, and can't be used with other files"))


def _below(folder: str, root: str) -> Iterator[DataFile]:
    """Yield the files below a folder, through links too. Raises InvalidInput for a file that has no rows."""
    left, seen = [folder], {os.path.realpath(folder)}
    while left:
        for entry in _entries(left.pop()):
            if entry.name.startswith(HIDDEN):
                continue
            if entry.is_dir():
                real = os.path.realpath(entry.path)
                if real not in seen:
                    seen.add(real)
                    left.append(entry.path)
            elif suffix_of(entry.path) is None:
                raise not_of_rows(entry.path, root)
            else:
                yield DataFile(entry.path, _partitions(entry.path, root))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [*entries]
    except OSError as error:
        raise MachineError(Problem("file-unreadable", f"can't read {folder}: {error.strerror}")) from None


def _fixed_part(pattern: str) -> str:
    """Return the folder of a pattern before its first wildcard."""
    head, _ = os.path.split(pattern)
    while glob.has_magic(head):
        head, _ = os.path.split(head)
    return head


def _partitions(path: str, root: str) -> tuple[tuple[str, str | None], ...]:
    """Return the columns in the names of the folders between a root and a file. Raises InvalidInput for one that is there twice."""
    return partitions(path, Path(os.path.relpath(path, root or ".")).parts[:-1])


def partitions(path: str, folders: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    """Return the columns in the names of the folders of a file. Raises InvalidInput for one that is there twice."""
    found: dict[str, str | None] = {}
    for name, sign, value in (folder.partition("=") for folder in folders):
        if sign and name:
            column = unquote(name)
            if column in found:
                raise InvalidInput(Problem("rows-partition", f"two folders of {path} give the column '{column}'"))
            found[column] = None if value == _NULL else unquote(value)
    return (*found.items(),)


def no_files(folder: str) -> NotFound:
    """Return the error for a folder without files of rows."""
    hint = "names that begin with _ or . don't count"
    return NotFound(Problem("file-not-found", f"no files of rows in {folder}", hint=hint))


def no_match(pattern: str) -> NotFound:
    """Return the error for a pattern that stands for no file."""
    return NotFound(Problem("file-not-found", f"no file matches {pattern}"))


def not_of_rows(path: str, root: str) -> InvalidInput:
    """Return the error for a file in a folder that has no rows."""
    hint = f"expected {', '.join(SUFFIXES)}; choose files with a pattern: --rows '{os.path.join(root, '*.csv')}'"  # noqa: PTH118
    return InvalidInput(Problem("rows-format", f"unsupported file type in a folder of rows: {path}", hint=hint))


def _size_bytes(path: str) -> int:
    if is_url(path):
        from runner.rows.remote_store import store_of  # noqa: PLC0415

        return store_of(path).size_bytes(path)
    with suppress(OSError):  # opening it reports what is wrong
        return Path(path).stat().st_size
    return 0


def _refuse_twice(files: Sequence[DataFile]) -> None:
    seen: dict[str, str] = {}
    for file in files:
        real = file.path if is_url(file.path) else os.path.realpath(file.path)
        if real in seen:
            other = "" if seen[real] == file.path else f", also as {seen[real]}"
            message = f"--rows gives the file {file.path} twice{other}"
            raise UsageError(Problem("usage", message, hint="its rows would be sent twice"))
        seen[real] = file.path


def _refuse_other_partitions(files: Sequence[DataFile]) -> None:
    for one, other in pairwise(files):
        names, others = ([column for column, _ in file.partitions] for file in (one, other))
        if set(names) != set(others):
            texts = [", ".join(f"'{name}'" for name in each) or "no columns" for each in (names, others)]
            message = f"the folders of {one.path} give {texts[0]}, those of {other.path} {texts[1]}"
            raise InvalidInput(Problem("rows-partition", message, hint="send them in runs of their own"))


def listed(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others: `jan.csv, feb.csv and 3 more`."""
    if len(names) > _NAMED + 1:
        names = [*names[:_NAMED], f"{len(names) - _NAMED:,} more"]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
