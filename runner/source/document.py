"""Files → documents: bytes are checked, decoded and read as YAML or JSON, and every problem has its position."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import replace
from stat import S_ISREG
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from runner.errors import MachineError, NotFound, Position, Problem
from runner.source import json_reader, yaml_reader
from runner.source.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from runner.codes import Code
    from runner.source.node import Node

MAX_BYTES = 1024 * 1024
"""Maximum size of a file. A larger one was not written by a person, and is refused before it is decoded."""


class Document(NamedTuple):
    """The contents of a file. `root` is None if the text can't be read at all; `problems` then say why."""

    text: Text
    root: Node | None
    problems: tuple[Problem, ...]


def read(
    path: Path,
    shown: str | None = None,
    *,
    may_be_pipe: bool = False,
    tags: Collection[str] = (),
    max_bytes: int = MAX_BYTES,
) -> Document:
    """Return the document in a file: `.json` by JSON's grammar, anything else as YAML. `shown` is its name in messages.

    `may_be_pipe` allows a pipe, for a path that the user typed; `tags` are those of `read_text`. Raises NotFound and
    MachineError if the file can't be opened; faults of its contents are in `problems`.
    """
    name = shown or str(path)
    try:
        with path.open("rb") if may_be_pipe else open_file(path) as file:
            raw = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise NotFound(Problem("file-not-found", f"no such file: {name}")) from None
    except IsADirectoryError:
        raise NotFound(Problem("file-not-found", f"a folder, not a file: {name}")) from None
    except OSError as error:
        raise MachineError(Problem("file-unreadable", f"can't read {name}: {error.strerror}")) from None
    if len(raw) > max_bytes:
        return _unread(name, "file-too-large", f"the file is larger than {max_bytes:,} bytes")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _unread(name, "not-utf8", "the file is UTF-16, not UTF-8", "save it as UTF-8")
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode("utf-8-sig", "replace")
        place = Text(name, good + "\N{REPLACEMENT CHARACTER}").position(len(good))
        problem = Problem(
            "not-utf8", f"byte 0x{raw[error.start]:02x} is not UTF-8", place, hint="save the file as UTF-8"
        )
        return Document(Text(name, good), None, (problem,))
    return read_text(content, name, as_json=path.suffix == ".json", tags=tags)


def has_text(raw: bytes, text: Text) -> bool:
    """Return whether the bytes of a file are those that a text was read from."""
    return raw.decode("utf-8-sig", "replace").replace("\r\n", "\n") == text.content


def open_file(path: Path) -> BinaryIO:
    """Open a file of an untrusted tree. Raises OSError, also for a pipe or a device: reading one may never end."""
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    if S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")


def unshown(problem: Problem) -> Problem:
    """Return the problem without its line and its values. The file may be of another kind than expected."""
    problem = discreet(problem)
    return replace(problem, position=problem.position and replace(problem.position, text=""))


def discreet(problem: Problem) -> Problem:
    """Return the problem of a file that may hold secrets: with its line only up to the key, and without any value."""
    place, message, hint = problem.position, problem.message, problem.hint
    if problem.code in _UNQUOTED:
        message, hint = _UNQUOTED[problem.code], None
    if place is not None:
        begins_line = _INDENTATION.fullmatch(place.text, 0, place.column - 1) is not None
        is_key = begins_line and place.text.startswith((":", '":', "':"), place.end_column - 1)
        place = replace(place, text=place.text[: place.end_column - 1] if is_key else "")
    return replace(problem, position=place, message=message, hint=hint)


_INDENTATION = re.compile("[ -]*")
_UNQUOTED = {
    "ambiguous-scalar": "a value that other YAML readers read differently",
    "not-finite": "this is not a JSON number",
    "number-too-large": "a number too large to hold",
    "yaml-alias": "an alias that has no anchor above it, or is inside its own anchor",
    "yaml-tag": "a tag is not allowed",
}
"""Messages for codes whose usual messages quote a value."""


def read_text(content: str, name: str, *, as_json: bool = False, tags: Collection[str] = ()) -> Document:
    """Return the document in a text. `tags` are allowed ones of YAML, such as `!!binary`, whose values are read as text."""
    # A YAML line may end in CR LF; offsets count the text that the reader sees.
    text = Text(name, content.replace("\r\n", "\n"))
    root, problems = json_reader.parse(text) if as_json else yaml_reader.parse(text, tags)
    if "<<<<<<<" in content and (conflict := _CONFLICT.search(text.content)):
        problems = [_unmerged(text, conflict, as_json=as_json)]
    return Document(text, root, tuple(problems))


_CONFLICT = re.compile(r"^<{7}(?: .*)?$(?=[^\0]*^={7}$[^\0]*^>{7}(?: .*)?$)", re.MULTILINE)


def _unmerged(text: Text, conflict: re.Match[str], *, as_json: bool) -> Problem:
    """Return the problem of an unresolved merge conflict, which causes all other problems of the file."""
    hint = "keep one side, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
    code: Code = "json-syntax" if as_json else "yaml-syntax"
    return Problem(code, "a merge conflict is not resolved here", text.position(*conflict.span()), hint=hint)


def _unread(name: str, code: Code, message: str, hint: str | None = None) -> Document:
    return Document(Text(name, ""), None, (Problem(code, message, Position(name, 1, 1, 2, ""), hint=hint),))
