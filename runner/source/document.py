"""Files → documents: the bytes are checked, decoded and read as YAML or JSON, and every fault has its place."""

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
    from pathlib import Path

    from runner.codes import Code
    from runner.source.node import Node

MAX_BYTES = 1024 * 1024
"""A larger file is not something that a person wrote; it is refused before it is decoded."""


class Document(NamedTuple):
    """What a file says. `root` is None when the text can't be read at all; the problems then say why."""

    text: Text
    root: Node | None
    problems: tuple[Problem, ...]


def read(path: Path, shown: str | None = None, *, may_be_pipe: bool = False) -> Document:
    """Read a file; `.json` by JSON's grammar, anything else as YAML. `shown` is its name in messages.

    A pipe is read only if that is allowed: for a path that the user typed. Raises NotFound and MachineError for a file
    that can't be opened; what is wrong inside is in `problems`.
    """
    name = shown or str(path)
    try:
        with path.open("rb") if may_be_pipe else open_file(path) as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(Problem("file-not-found", f"no such file: {name}")) from None
    except IsADirectoryError:
        raise NotFound(Problem("file-not-found", f"a folder, not a file: {name}")) from None
    except OSError as error:
        raise MachineError(Problem("file-unreadable", f"can't read {name}: {error.strerror}")) from None
    if len(raw) > MAX_BYTES:
        return _unread(name, "file-too-large", f"the file is larger than {MAX_BYTES:,} bytes")
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
    return read_text(content, name, as_json=path.suffix == ".json")


def open_file(path: Path) -> BinaryIO:
    """Open a file of somebody else's tree: a pipe may never open, and a device never end. Raises OSError, also for these."""
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    if S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is a pipe or a device, not a file")


def unshown(problem: Problem) -> Problem:
    """Return the problem of a file that may not be of the kind it is taken for, without its line and its values."""
    told = discreet(problem)
    return replace(told, position=told.position and replace(told.position, text=""))


def discreet(problem: Problem) -> Problem:
    """Tell a problem of a file that may hold secrets: its line is shown up to the key at most, and no value is quoted."""
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
"""Where a message would quote what it is about."""


def read_text(content: str, name: str, *, as_json: bool = False) -> Document:
    """Read a text that is already at hand."""
    # A YAML line may end in CR LF; offsets count the text that the reader sees.
    text = Text(name, content.replace("\r\n", "\n"))
    root, problems = (json_reader if as_json else yaml_reader).parse(text)
    if "<<<<<<<" in content and (conflict := _CONFLICT.search(text.content)):
        problems = [_unmerged(text, conflict, as_json=as_json)]
    return Document(text, root, tuple(problems))


_CONFLICT = re.compile(r"^<{7}(?: .*)?$(?=[^\0]*^={7}$[^\0]*^>{7}(?: .*)?$)", re.MULTILINE)


def _unmerged(text: Text, conflict: re.Match[str], *, as_json: bool) -> Problem:
    """Report what git leaves in a file that two sides changed: whatever else is wrong follows from it."""
    hint = "keep one side, and remove the lines that begin with <<<<<<<, ======= and >>>>>>>"
    code: Code = "json-syntax" if as_json else "yaml-syntax"
    return Problem(code, "a merge conflict is not resolved here", text.position(*conflict.span()), hint=hint)


def _unread(name: str, code: Code, message: str, hint: str | None = None) -> Document:
    return Document(Text(name, ""), None, (Problem(code, message, Position(name, 1, 1, 2, ""), hint=hint),))
