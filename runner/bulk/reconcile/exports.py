"""Files of messages, and the folder of exported tables → what they show."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, cast

from runner.bulk.reconcile.sightings import (
    MESSAGE_COLUMNS,
    NAMES,
    REQUEST_COLUMNS,
    STEP_COLUMNS,
    entries_of,
    message_of,
    request_of,
    step_of,
)
from runner.errors import InvalidInput, NotFound, Problem, UsageError
from runner.project.files import misspelt
from runner.rows.dataset import find_dataset
from runner.rows.formats import suffix_of
from runner.rows.row import BadRow
from runner.rows.row_file import open_rows
from runner.rows.urls import is_url, masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from runner.bulk.reconcile.sightings import Entries, Sighting
    from runner.rows.row import Row
    from runner.rows.row_file import RowFile
    from runner.source import Json

Table: TypeAlias = Literal["messages", "workflow_executions", "requests"]
_READERS: Final[Mapping[Table, tuple[tuple[str, ...], Callable[[Entries], Sighting | None]]]] = {
    "messages": (MESSAGE_COLUMNS, message_of),
    "workflow_executions": (STEP_COLUMNS, step_of),
    "requests": (REQUEST_COLUMNS, request_of),
}
"""The columns of each table that count, and what reads its rows."""
_BEFORE = timedelta(hours=25)
"""Hours before the run that count: a key that was used in the last 24 of them is skipped."""
_HOUR = re.compile(r"year=(\d{4})/month=(\d{1,2})/day=(\d{1,2})/hour=(\d{1,2})(?:/|$)")
_PAGE = "results"
"""The key of the messages in an answer of the messages API."""


class Export(NamedTuple):
    """An export as of a time. `tables` are those that it has; `files` is the number of the files that are read."""

    tables: frozenset[Table]
    files: int
    as_of: datetime
    sightings: Iterable[Sighting | None]


def messages_in(given: Sequence[str]) -> Export:
    """Return the messages in files: as the messages API lists them, or a table of S3. Raises the errors of `find_dataset`.

    The sightings raise InvalidInput for a file that can't be read, and for an item that is not a message.
    """
    if remote := next(filter(is_url, given), None):
        message = f"exports are read from this machine, not from {masked(remote)}"
        raise UsageError(Problem("usage", message, hint="copy them first"))
    dataset = find_dataset(given)
    if dataset.is_piped:
        raise UsageError(Problem("usage", "--messages can't be the standard input", hint="write it to a file first"))
    paths = dataset.local_paths()
    if missing := next((path for path in paths if not path.exists()), None):
        raise NotFound(Problem("file-not-found", f"no such file: {missing}", hint=misspelt(missing)))
    return Export(frozenset({"messages"}), len(paths), _as_of(paths), _in_all([("messages", path) for path in paths]))


def tables_in(folder: Path, since: datetime) -> Export:
    """Return what the tables in a copy of the S3 export show, from the hours since a time on, in either of its layouts.

    Raises NotFound without a table of messages, and the errors of `messages_in` while they are read.
    """
    found = [(table, path) for path in _files_below(folder) if (table := _table_of(path, folder)) is not None]
    if not any(table == "messages" for table, _ in found):
        hint = "it must have files such as messages/year=2026/month=01/day=15/hour=14/messages.parquet"
        raise NotFound(Problem("file-not-found", f"no table of messages in {folder}", hint=hint))
    from_hour = (since - _BEFORE).astimezone(UTC)
    late = [(table, path) for table, path in found if (hour := _hour_of(path)) is None or hour >= from_hour]
    tables = frozenset(table for table, _ in found)
    return Export(tables, len(late), _as_of([path for _, path in found]), _in_all(late))


def _in_all(files: Sequence[tuple[Table, Path]]) -> Iterator[Sighting | None]:
    are_messages, have_keys = False, False
    for table, path in files:
        columns, read = _READERS[table]
        with open_rows(path, BytesIO(), str(path)) as rows:
            if rows.columns is not None:
                _check_columns(rows.columns, table, path)
            rows.keep((*columns, _PAGE), None)
            for item, place in _items(rows, path):
                entries = entries_of(item)
                are_messages = True
                have_keys = have_keys or not set(NAMES["key"]).isdisjoint(entries)
                try:
                    yield read(entries)
                except ValueError as error:
                    raise InvalidInput(Problem("export-invalid", f"{place}: {error}")) from None
    if are_messages and not have_keys:
        raise _without_keys(", ".join(dict.fromkeys(str(path) for _, path in files[:1])))


def _items(rows: RowFile, path: Path) -> Iterator[tuple[Mapping[str, Json], str]]:
    """Yield the items of a file with their places. A line may be a whole answer of the messages API."""
    header = rows.header
    for row in rows:
        place = f"{path} line {row.line:,}" if row.line else f"{path} row {row.number:,}"
        if isinstance(row, BadRow):
            raise InvalidInput(row.problem)
        item = _named(row, header)
        page = item.get(_PAGE)
        if isinstance(page, list) and "message_id" not in item:
            for message in page:
                if not isinstance(message, dict):
                    raise InvalidInput(Problem("export-invalid", f"{place}: a message must be an object"))
                yield message, place
        else:
            yield item, place


def _named(row: Row, header: Sequence[str] | None) -> Mapping[str, Json]:
    if header is None:
        return cast("Mapping[str, Json]", row.values)
    return dict(zip(header, cast("Sequence[str]", row.values), strict=True))


def _check_columns(columns: Sequence[str], table: Table, path: Path) -> None:
    """Raise InvalidInput if a table lacks a column without which nothing can be found."""
    needed = ("key", "id", "status") if table == "messages" else ("key",)
    for field in needed:
        if not set(NAMES[field]).intersection(columns):
            if field == "key":
                raise _without_keys(str(path))
            message = f"{path} has no column '{NAMES[field][0]}'"
            raise InvalidInput(Problem("export-invalid", message, hint=f"a table of {table} has it"))


def _without_keys(name: str) -> InvalidInput:
    message = f"{name} has no idempotency keys, so no message in it belongs to a row"
    return InvalidInput(Problem("export-invalid", message, hint="export the field idempotency_key too"))


def _files_below(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise NotFound(Problem("file-not-found", f"no such folder: {folder}"))
    walked = os.walk(folder)
    names = chain.from_iterable((Path(at, name) for name in names) for at, _, names in walked)
    return sorted(path for path in names if not path.name.startswith((".", "_")) and suffix_of(str(path)) is not None)


def _table_of(path: Path, folder: Path) -> Table | None:
    """Return the table of a file by its name, or by the name of a folder that it is in."""
    below = path.relative_to(folder)
    for name in (path.name.partition(".")[0], *reversed(below.parts[:-1]), folder.name):
        for table in _READERS:
            if re.fullmatch(rf"{table}(?:[-_.]?\d+)?", name):
                return table
    return None


def _hour_of(path: Path) -> datetime | None:
    """Return the hour of a file by the names of its folders."""
    found = _HOUR.search(path.as_posix())
    try:
        return datetime(*map(int, found.groups()), tzinfo=UTC) if found else None  # type: ignore[arg-type,misc]
    except ValueError:
        return None


def _as_of(paths: Sequence[Path]) -> datetime:
    """Return when the newest of the files was written."""
    return datetime.fromtimestamp(max(path.stat().st_mtime for path in paths), UTC)
