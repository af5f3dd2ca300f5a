"""Cassettes: recorded requests and their answers, in vcrpy's format.

vcrpy writes them, so that it reads them as well, in any project. They are read by the reader of specs: it refuses what
would make YAML dangerous, knows lines, and loads in a fraction of the time that importing vcrpy takes.
"""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar, NoReturn
from urllib.parse import urlsplit

from runner import __version__
from runner.errors import ExitCode, Position, Problem, RunnerError, dotted
from runner.project.files import link_out, project_of
from runner.source import open_file, parse_json, read_text
from runner.suprsend.answer import Answer
from runner.testing.leaks import MAX_BYTES, is_binary, leaks
from runner.testing.matching import Request
from runner.writing import overwrite

if TYPE_CHECKING:
    from runner.errors import Step
    from runner.secrets import Mask
    from runner.source import Document, Node


SANDBOX = "the sandbox"


SANDBOX_URL = "http://127.0.0.1:7788/"
"""Where the sandbox stands in every recording, whatever port it had."""


class CassetteError(RunnerError):
    """A cassette is missing, unreadable, or not what it must be."""

    exit_code: ClassVar[ExitCode] = ExitCode.CASSETTE


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request and its answer. `line` is where it stands in the file, 1 if in none yet."""

    request: Request
    answer: Answer
    line: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Cassette:
    """What was recorded, in order, on a day, from `SANDBOX` or a base URL; both None if another program recorded it.

    `path` is the file's name as messages show it.
    """

    source: str | None
    recorded_at: date | None
    interactions: tuple[Interaction, ...]
    path: str = field(default="", compare=False)

    @property
    def base_url(self) -> str:
        """Where the requests were sent, as a base URL."""
        if self.source is not None:
            return SANDBOX_URL if self.source == SANDBOX else self.source
        parts = urlsplit(self.interactions[0].request.uri)
        return f"{parts.scheme}://{parts.netloc}/"

    def age_days(self, today: date) -> int | None:
        """How old it is; None if nobody can say."""
        return None if self.recorded_at is None else (today - self.recorded_at).days

    def place(self, line: int = 1) -> Position:
        """Place of a line. What stands in it is not shown."""
        return Position(self.path, line, 1, 2, "")


def load(path: Path, again: str | None = None, shown: str | None = None, project: Path | None = None) -> Cassette:
    """Read a cassette of a project, else of the one that its folder is in.

    `again` is the command that records it again, `shown` the file's name in messages. Raises CassetteError:
    `path-outside`, `cassette-missing`, `cassette-empty`, `cassette-unreadable`.
    """
    name, hint = shown or str(path), f"record it: {again}" if again else None
    if problem := link_out(path, project or project_of(path), name, "cassettes must lie"):
        raise CassetteError(problem)
    resolved = Path(os.path.realpath(path))
    is_link = resolved != path.parent.resolve() / path.name
    if is_link and resolved.is_file() and (resolved.suffix not in _SUFFIXES or resolved.name.startswith(".")):
        _refuse(name, "the cassette is a link to a file of another kind", hint)
    return _read(path, name, hint)


_SUFFIXES = (".yaml", ".yml", ".json")


def _read(path: Path, name: str, hint: str | None) -> Cassette:
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
    document = read_text(content, name)
    _check_yaml(document, hint)
    header = _HEADER.match(content)
    interactions = () if document.root is None else tuple(_Form(hint).interactions(document.root))
    if not interactions:
        message = "there are no requests in the cassette"
        raise CassetteError(Problem("cassette-empty", message, Position(name, 1, 1, 2, ""), hint=hint))
    recorded_at = _date(header["date"]) if header else None
    return Cassette(header["source"] if header else None, recorded_at, interactions, name)


_HEADER = re.compile(r"# recorded (?P<date>\S+) from (?P<source>.+) by suprsend-runner \S+\r?\n")


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _refuse(name: str, message: str, hint: str | None, line: int = 1) -> NoReturn:
    raise CassetteError(Problem("cassette-unreadable", message, Position(name, line, 1, 2, ""), hint=hint))


def _check_yaml(document: Document, hint: str | None) -> None:
    """Refuse YAML that is broken, or more than values: merges, thousands of aliases, tags but those of bytes and texts."""
    for problem in document.problems:
        if problem.severity == "error":
            place = problem.position
            if problem.code == "yaml-tag" and place is not None and _VALUE_TAG.match(place.text, place.column - 1):
                continue
            line = place.line if place else 1
            _refuse(document.text.path, f"the cassette can't be read: {problem.message}", hint, line)


_VALUE_TAG = re.compile(r"!!(?:binary|python/(?:unicode|str))(?![^\s])")


class _Form:
    """Reads the form that vcrpy writes, and refuses any other."""

    def __init__(self, hint: str | None) -> None:
        self._hint = hint
        self._size = 0

    def interactions(self, root: Node) -> list[Interaction]:
        items = root.get("interactions")
        version = root.get("version")
        if items is None or not isinstance(items.value, list) or version is None or version.value != 1:
            self._refuse(root, "this is no cassette: it has no list of interactions, or no version 1")
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
            self._refuse(node or item, "this is no cassette: an interaction has no status of an answer")
        return node.value

    @staticmethod
    def _body_of_answer(item: Node) -> tuple[Step, ...]:
        """Find the body; recordings of httpx by vcrpy before 6 have it elsewhere, as they have the status."""
        is_older = item.get("response", "body") is None and item.get("response", "content") is not None
        return ("response", "content") if is_older else ("response", "body", "string")

    def _text(self, item: Node, *way: Step) -> str:
        node = item.get(*way)
        if node is None or isinstance(node.value, dict | list) or node.value is None:
            self._refuse(node or item, f"this is no cassette: an interaction has no text at {dotted(way)}")
        # A plain scalar is a number here where vcrpy's YAML 1.1 has a text: 1e5.
        return node.value if isinstance(node.value, str) else node.text.content[node.start : node.end]

    def _uri(self, item: Node) -> str:
        uri = self._text(item, "request", "uri")
        try:
            urlsplit(uri)
        except ValueError:
            self._refuse(item.get("request", "uri") or item, "this is no cassette: request.uri is not a URL")
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
            self._refuse(node or item, f"this is no cassette: {dotted(way)} is not Unicode")
        except ValueError:
            self._refuse(node or item, f"this is no cassette: {dotted(way)} is not base64")

    def _header(self, item: Node, side: str, name: str) -> str | None:
        headers = item.get(side, "headers")
        for key, node in headers.entries.items() if headers is not None else ():
            if key.lower() == name:
                return self._text(node, 0) if isinstance(node.value, list) else self._text(item, side, "headers", key)
        return None

    def _refuse(self, node: Node, message: str) -> NoReturn:
        place = node.position()
        _refuse(place.path, message, self._hint, place.line)


def save(path: Path, cassette: Cassette, mask: Mask, project: Path, shown: str | None = None) -> None:
    """Write a cassette of a project in one step, masked; whatever goes wrong, the file is as it was before.

    What was written is read again. Raises CassetteError: `cassette-leak` if a secret is still found in it,
    `cassette-unrecorded` if it does not say the same, `cassette-empty` if there is nothing to write. Raises what
    `writing.overwrite` does if the file can't be written.
    """
    name = shown or str(path)
    if not cassette.interactions:
        raise CassetteError(Problem("cassette-empty", f"nothing was recorded for {name}"))
    masked = replace(
        cassette,
        source=cassette.source and mask.text(cassette.source),
        interactions=tuple(_spread(masked_interaction(each, mask)) for each in cassette.interactions),
    )

    def check(fresh: Path) -> None:
        if found := leaks(fresh, mask, name):
            hint = "a secret may not stand in what events are made of; nothing was written"
            raise CassetteError(*(replace(problem, hint=hint) for problem in found))
        if _read(fresh, name, None) != masked:
            raise CassetteError(_unrecorded(name, "what was written does not read the same"))

    overwrite(path, _written(masked, name).encode(), project, check=check, shown=name)


def _unrecorded(name: str, why: str) -> Problem:
    return Problem("cassette-unrecorded", f"{name} can't be recorded: {why}")


def _written(cassette: Cassette, name: str) -> str:
    # Importing these takes longer than replaying thirty cases, which need them not.
    from vcr.request import Request as VcrRequest  # type: ignore[import-untyped] # noqa: PLC0415
    from vcr.serialize import serialize  # type: ignore[import-untyped] # noqa: PLC0415

    from runner.source.yaml_writer import write_yaml  # noqa: PLC0415

    requests, responses = [], []
    for interaction in cassette.interactions:
        request, answer = interaction.request, interaction.answer
        for body in (request.body, answer.body):
            try:
                body.decode()
            except UnicodeDecodeError:
                raise CassetteError(_unrecorded(name, "a request or its answer is not UTF-8 text")) from None
        headers = {} if request.content_type is None else {"Content-Type": request.content_type}
        requests.append(VcrRequest(request.method, request.uri, request.body, headers))
        kept = {"Content-Type": answer.content_type, "Retry-After": answer.retry_after}
        responses.append(
            {
                "status": {"code": answer.status_code, "message": _reason(answer.status_code)},
                "headers": {name: [value] for name, value in kept.items() if value is not None},
                "body": {"string": answer.body},
            }
        )
    written = SimpleNamespace(serialize=write_yaml)
    text: str = serialize({"requests": requests, "responses": responses}, written)
    recorded_at = "unknown" if cassette.recorded_at is None else cassette.recorded_at
    return f"# recorded {recorded_at} from {cassette.source} by suprsend-runner {__version__}\n{text}"


def _reason(status_code: int) -> str:
    try:
        return HTTPStatus(status_code).phrase
    except ValueError:
        return ""


def _spread(interaction: Interaction) -> Interaction:
    """Write bodies of JSON over several lines, so that a diff shows what changed: only blanks are other than before."""
    request, answer = interaction.request, interaction.answer
    return replace(
        interaction,
        request=request._replace(body=_spread_body(request.body)),
        answer=replace(answer, body=_spread_body(answer.body)),
    )


def _spread_body(body: bytes) -> bytes:
    try:
        text = body.decode()
        spread = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        same = _TOKENS.findall(text) == _TOKENS.findall(spread)
    except (ValueError, RecursionError):
        return body
    return spread.encode() if same else body


_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s"\[\]{},:]+')


def masked_interaction(interaction: Interaction, mask: Mask) -> Interaction:
    """Mask all that an interaction says. JSON stays JSON."""
    answer = interaction.answer
    return replace(
        interaction,
        request=masked_request(interaction.request, mask),
        answer=replace(
            answer,
            body=_masked_body(answer.body, mask),
            retry_after=answer.retry_after and mask.text(answer.retry_after),
            content_type=answer.content_type and mask.text(answer.content_type),
        ),
    )


def masked_request(request: Request, mask: Mask) -> Request:
    """Mask all that a request says: what is recorded of it."""
    content_type = request.content_type and mask.text(request.content_type)
    return Request(request.method, mask.text(request.uri), content_type, _masked_body(request.body, mask))


def _masked_body(body: bytes, mask: Mask) -> bytes:
    """Mask a body; what holds no secret stays as it is, byte for byte."""
    text = body.decode("utf-8", "surrogateescape")
    try:
        value = parse_json(body)
        masked = mask.json(value)
    except (ValueError, RecursionError):
        return mask.data(text).encode("utf-8", "surrogateescape")
    if masked == value and not mask.spans(text):
        return body
    # A text that is masked nowhere may hide a secret behind a key that stands twice: of those, JSON has the last.
    return json.dumps(masked, separators=(",", ":")).encode()


def expired(cassette: Cassette, max_age: timedelta, today: date, again: str | None = None) -> Problem | None:
    """Tell when a cassette is older than it may be, or when nobody knows how old it is."""
    age = cassette.age_days(today)
    if age is not None and -1 <= age <= max_age.days:
        return None
    if age is None:
        message = "the age of the cassette is unknown: it does not say when it was recorded"
    elif age < 0:  # by a day, somebody east of here may have recorded it
        message = (
            f"the age of the cassette is unknown: it says that it was recorded on {cassette.recorded_at}, after today"
        )
    else:
        message = f"the cassette is too old: it was recorded {age} days ago, and may be {max_age.days} days old"
    hint = f"record it again: {again}" if again else None
    return Problem("cassette-expired", message, cassette.place(), hint=hint)
