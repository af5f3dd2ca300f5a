"""A file in vcrpy's format → a Cassette.

It is read by the reader of specs: that one refuses dangerous YAML, knows lines, and loads in a fraction of the time that
importing vcrpy takes.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from runner.errors import Position, Problem, dotted
from runner.project.files import link_out, project_of
from runner.source import open_file, read_text
from runner.suprsend.answer import Answer
from runner.testing.cassette import Cassette, CassetteError, Interaction, OutsideProject
from runner.testing.leaks import MAX_BYTES, is_binary
from runner.testing.request_diff import Request

if TYPE_CHECKING:
    from runner.errors import Step
    from runner.source import Document, Node


def load(path: Path, again: str | None = None, shown: str | None = None, project: Path | None = None) -> Cassette:
    """Read a cassette of `project`, by default the project that contains it.

    `again` is the command that records it again, `shown` the file's name in messages. Raises OutsideProject for a
    link out of it, and CassetteError for a file that is missing, unreadable or empty.
    """
    name, hint = shown or str(path), f"record it: {again}" if again else None
    if problem := link_out(path, project or project_of(path), name, "cassettes must lie"):
        raise OutsideProject(problem)
    resolved = Path(os.path.realpath(path))
    is_link = resolved != path.parent.resolve() / path.name
    if is_link and resolved.is_file() and (resolved.suffix not in _SUFFIXES or resolved.name.startswith(".")):
        _refuse(name, "the cassette is a link to a file that is not a cassette", hint)
    return read(path, name, hint)


_SUFFIXES = (".yaml", ".yml", ".json")


TAGS = ("!!binary", "!!python/unicode", "!!python/str")
"""Tags that vcrpy writes before bytes and texts."""


def read(path: Path, name: str, hint: str | None) -> Cassette:
    """Read a file that is known to lie in the project. `name` and `hint` are for messages. Raises CassetteError."""
    try:
        with open_file(path) as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise CassetteError(Problem("cassette-missing", f"there is no cassette {name}", hint=hint)) from None
    except OSError as error:
        _refuse(name, f"the cassette can't be read: {error.strerror}", hint)
    if len(raw) > MAX_BYTES:
        _refuse(name, f"the cassette is larger than {MAX_BYTES:,} bytes", hint)
    try:
        content = raw.decode()
    except UnicodeDecodeError:
        _refuse(name, "the cassette is not UTF-8 text", hint)
    document = read_text(content, name, tags=TAGS)
    _check_yaml(document, hint)
    header = _HEADER.match(content)
    interactions = () if document.root is None else tuple(_Form(hint).interactions(document.root))
    if not interactions:
        message = "the cassette contains no requests"
        raise CassetteError(Problem("cassette-empty", message, Position(name, 1, 1, 2, ""), hint=hint))
    recorded_at = _date(header["date"]) if header else None
    return Cassette(
        header["source"] if header else None, recorded_at, interactions, name, header["run"] if header else None
    )


_HEADER = re.compile(
    r"# recorded (?P<date>\S+) from (?P<source>.+) by suprsend-runner \S+(?: as (?P<run>[0-9a-z-]{1,40}))?\r?\n"
)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _refuse(name: str, message: str, hint: str | None, line: int = 1) -> NoReturn:
    raise CassetteError(Problem("cassette-unreadable", message, Position(name, line, 1, 2, ""), hint=hint))


def _check_yaml(document: Document, hint: str | None) -> None:
    """Refuse YAML that is invalid, or has merge keys, too many aliases, or other tags than `TAGS`."""
    for problem in document.problems:
        if problem.severity == "error":
            line = problem.position.line if problem.position else 1
            _refuse(document.text.path, f"the cassette can't be read: {problem.message}", hint, line)


class _Form:
    """Reads the structure that vcrpy writes, and refuses any other."""

    def __init__(self, hint: str | None) -> None:
        self._hint = hint
        self._size = 0

    def interactions(self, root: Node) -> list[Interaction]:
        items = root.get("interactions")
        version = root.get("version")
        if items is None or not isinstance(items.value, list) or version is None or version.value != 1:
            self._refuse(root, "not a cassette: it has no list of interactions, or its version is not 1")
        return [self._interaction(item) for item in items.items]

    def _interaction(self, item: Node) -> Interaction:
        answer = Answer(
            self._status(item),
            self._bytes(item, *self._body_of_answer(item)),
            self._header(item, "response", "retry-after"),
            self._header(item, "response", "content-type"),
        )
        request = Request(
            self._text(item, "request", "method"),
            self._uri(item),
            self._header(item, "request", "content-type"),
            self._bytes(item, "request", "body"),
        )
        return Interaction(request, answer, item.position().line)

    def _status(self, item: Node) -> int:
        node = item.get("response", "status", "code") or item.get("response", "status_code")
        if node is None or type(node.value) is not int or not 100 <= node.value <= 999:  # noqa: PLR2004 - HTTP's statuses
            self._refuse(node or item, "invalid cassette: an interaction has no status code")
        return node.value

    @staticmethod
    def _body_of_answer(item: Node) -> tuple[Step, ...]:
        """Return the path of the body, which is another one in recordings of httpx by vcrpy before 6."""
        is_older = item.get("response", "body") is None and item.get("response", "content") is not None
        return ("response", "content") if is_older else ("response", "body", "string")

    def _text(self, item: Node, *way: Step) -> str:
        node = item.get(*way)
        if node is None or isinstance(node.value, dict | list) or node.value is None:
            self._refuse(node or item, f"invalid cassette: an interaction has no text at {dotted(way)}")
        # Some plain scalars, such as 1e5, are numbers here and text in vcrpy's YAML 1.1.
        return node.value if isinstance(node.value, str) else node.text.content[node.start : node.end]

    def _uri(self, item: Node) -> str:
        uri = self._text(item, "request", "uri")
        try:
            urlsplit(uri)
        except ValueError:
            self._refuse(item.get("request", "uri") or item, "invalid cassette: request.uri is not a URL")
        return uri

    def _bytes(self, item: Node, *way: Step) -> bytes:
        node = item.get(*way)
        if node is not None and node.value is None:  # a request without a body
            return b""
        self._size += len(str(node.value)) if node is not None else 0
        if self._size > MAX_BYTES:
            self._refuse(node or item, f"with its aliases written out, the cassette is larger than {MAX_BYTES:,} bytes")
        try:
            text = self._text(item, *way)
            return b64decode(text) if node is not None and is_binary(node) else text.encode()
        except UnicodeEncodeError:
            self._refuse(node or item, f"invalid cassette: {dotted(way)} is not Unicode")
        except ValueError:
            self._refuse(node or item, f"invalid cassette: {dotted(way)} is not base64")

    def _header(self, item: Node, side: str, name: str) -> str | None:
        headers = item.get(side, "headers")
        for key, node in headers.entries.items() if headers is not None else ():
            if key.lower() == name:
                return self._text(node, 0) if isinstance(node.value, list) else self._text(item, side, "headers", key)
        return None

    def _refuse(self, node: Node, message: str) -> NoReturn:
        place = node.position()
        _refuse(place.path, message, self._hint, place.line)
