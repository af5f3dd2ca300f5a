"""A source on the command line → its kind, by its content and its name, and its events."""

from __future__ import annotations

import os
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from runner.errors import MachineError, NotFound, Problem, RunnerError, shown_argument
from runner.importing import faults
from runner.importing.curl_command import curl_events, is_curl
from runner.importing.har import har_events, is_har
from runner.importing.json_text import is_lines, json_of
from runner.importing.payloads import events_in
from runner.importing.postman import collection_events, is_collection, unwrapped
from runner.importing.python_code import python_events
from runner.importing.sample import Found, plain
from runner.importing.schemas import (
    asset_events,
    event_file_events,
    is_assets_folder,
    is_event_file,
    is_schema,
    schema_events,
)
from runner.importing.table import table_events
from runner.source import open_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

STDIN = "-"
_TABLES = (".csv", ".tsv", ".parquet", ".gz")
_LINES = (".jsonl", ".ndjson")
_MAX_FILES = 2000
_NAMED = 10
"""Number of files that can't be read that are named."""


class Kind(StrEnum):
    """The kinds of sources."""

    CURL = "curl"
    JSON = "json"
    HAR = "har"
    POSTMAN = "postman"
    PYTHON = "python"
    ROWS = "rows"
    EVENT = "event"
    SCHEMA = "schema"


def source_events(source: str, stdin: TextIO, kind: Kind | None) -> Found:
    """Return the events of a source: a file, a folder, a curl command, JSON, or `-` for standard input.

    Raises NotFound, MachineError, and InvalidInput with the place of a fault.
    """
    if source == STDIN:
        return _of_text(
            _within(stdin.read(faults.MAX_BYTES + 1), "standard input"), "standard input", "imported", kind, None
        )
    if is_curl(source) and not os.path.lexists(source):
        return _of_text(source, "the curl command", "imported", Kind.CURL, None)
    if source.lstrip().startswith(("{", "[")) and not os.path.lexists(source):
        return _of_text(source, "the JSON argument", "imported", kind, None)
    path = Path(source)
    if path.is_dir():
        return _of_folder(path)
    kind = kind or _kind_by_name(path)
    name, stem = path.name, path.name.partition(".")[0]
    if kind is Kind.ROWS:
        return table_events(path, name, stem)
    return _of_text(_text_of(path), name, stem, kind, path)


def _kind_by_name(path: Path) -> Kind | None:
    suffix = path.suffix.lower()
    if suffix in _TABLES:
        return Kind.ROWS
    return Kind.PYTHON if suffix in (".py", ".pyi") else None


def _of_folder(path: Path) -> Found:
    """Return the events of a folder: of the platform's command line, or of Python files."""
    if is_assets_folder(path):
        return asset_events(path, path.resolve().name)
    files: list[Path] = []
    for folder, below, names in os.walk(path):
        below[:] = sorted(
            name for name in below if not name.startswith((".", "__")) and name not in ("node_modules", "venv")
        )
        paths = (Path(folder, name) for name in sorted(names) if name.endswith(".py"))
        files += (file for file in paths if not file.is_symlink())
        if len(files) > _MAX_FILES:
            raise faults.unusable(f"{path} has more than {_MAX_FILES:,} Python files", "import a part of it at a time")
    if not files:
        hint = "import a folder of the platform's command line, of Python files, or a single file"
        raise faults.unusable(f"nothing to import in {path}", hint)
    return _of_files(files, path)


def _of_files(files: Sequence[Path], folder: Path) -> Found:
    """Return the events of the Python files of a folder. One that can't be read is a note, unless no file has an event."""
    found: list[Found] = []
    faults: list[RunnerError] = []
    for file in files:
        try:
            found.append(python_events(_text_of(file), file.relative_to(folder).as_posix()))
        except RunnerError as error:
            faults.append(error)
    events = joined(found)
    if faults and not events.samples:
        raise faults[0]
    notes = (f"skipped a file: {str(error).splitlines()[0]}" for error in faults[:_NAMED])
    return Found(events.samples, (*events.notes, *notes))


def joined(found: Sequence[Found]) -> Found:
    """Return the events of several sources as those of one."""
    return Found(
        tuple(sample for each in found for sample in each.samples), tuple(note for each in found for note in each.notes)
    )


def _text_of(path: Path) -> str:
    shown = shown_argument(str(path))
    try:
        with path.open("rb") if path.is_fifo() else open_file(path) as file:
            raw = file.read(faults.MAX_BYTES + 1)
    except FileNotFoundError:
        hint = "a source is a file, a folder, a curl command in quotes, or - for standard input"
        raise NotFound(Problem("file-not-found", f"no such file: {shown}", hint=hint)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name has a null character"
        raise MachineError(Problem("file-unreadable", f"can't read {shown}: {reason}")) from None
    if len(raw) > faults.MAX_BYTES:
        raise faults.unusable(f"{path.name} is larger than {faults.MAX_BYTES:,} bytes", code="file-too-large")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise faults.unusable(f"{path.name} is UTF-16, not UTF-8", "save it as UTF-8", code="not-utf8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        position = faults.place(path.name, raw.count(b"\n", 0, error.start) + 1)
        raise faults.unusable(
            f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8", position, "not-utf8"
        ) from None


def _within(text: str, name: str) -> str:
    if len(text) > faults.MAX_BYTES:
        raise faults.unusable(f"{name} is larger than {faults.MAX_BYTES:,} characters", code="file-too-large")
    return text


def _of_text(text: str, name: str, stem: str, kind: Kind | None, path: Path | None) -> Found:
    match kind or _kind_by_text(text, path):
        case Kind.CURL:
            return curl_events(text, name, stem)
        case Kind.PYTHON:
            return python_events(text, name)
        case Kind.JSON | Kind.HAR | Kind.POSTMAN | Kind.EVENT | Kind.SCHEMA:
            if (path is not None and path.suffix.lower() in _LINES) or is_lines(text):
                return _of_lines(text, name, stem)
            return _of_json(text, name, stem, kind, path)
        case Kind.ROWS:
            raise faults.unusable("rows are imported from a file", "save them: a .csv, .tsv or .parquet file")
        case None:
            hint = f"say what it is: --as {', '.join(Kind)}"
            raise faults.unusable(f"unknown kind of source: {name}", hint, faults.place(name, 1))
        case never:
            assert_never(never)


def _of_lines(text: str, name: str, stem: str) -> Found:
    """Return the events of a text that has a JSON value on each line."""
    lines = ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    return joined(
        [
            events_in(plain(json_of(line, name, number)), f"{name}, line {number}", stem)
            for number, line in islice(lines, faults.MAX_EVENTS)
        ]
    )


def _kind_by_text(text: str, path: Path | None) -> Kind | None:
    begins = text.lstrip()[:1]
    if begins in ("{", "["):
        return Kind.JSON
    if is_curl(text) and (path is None or path.suffix.lower() != ".json"):
        return Kind.CURL
    if path is not None and path.suffix.lower() in (".json", ".har", *_LINES):
        return Kind.JSON
    return Kind.PYTHON if "Event(" in text else None


def _of_json(text: str, name: str, stem: str, kind: Kind | None, path: Path | None) -> Found:
    """Return the events of a JSON document, whose kind is found in it unless the user says it."""
    value = unwrapped(json_of(text, name))
    checks = {Kind.HAR: is_har, Kind.POSTMAN: is_collection, Kind.EVENT: is_event_file, Kind.SCHEMA: is_schema}
    if kind in checks and not checks[kind](value):
        raise faults.unusable(
            f"{name} does not have the form of --as {kind}",
            "leave out --as, and the kind is found in it",
            faults.place(name, 1),
        )
    if kind is not Kind.JSON:
        if is_har(value):
            return har_events(value, name, stem)
        if is_collection(value):
            return collection_events(value, name, stem)
        if is_event_file(value):
            return event_file_events(value, path, name)
        if is_schema(value):
            return schema_events(value, name, stem)
    return events_in(plain(value), name, stem)
