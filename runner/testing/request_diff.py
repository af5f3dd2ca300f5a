"""Two requests → whether they are the same, and how they differ. Pure.

The comparison covers method, path, query, Content-Type and the body as JSON with its types: 12 is not "12", true is not 1,
and 1 is not 1.0. The order of keys does not matter, that of lists does. Values that change with each run are left out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from runner.errors import dotted
from runner.source import describe, parse_json
from runner.testing.walk import Missing, is_entered, pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.secrets import Mask
    from runner.source import Json

RUN_KEYS = ("$insert_id", "$time", "env", "properties.$ss_sdk_version")
"""Paths below an event to values that change with each run, workspace or version; they are never compared."""


class Request(NamedTuple):
    """A request. The `uri` of a recorded one is complete; that of one to be sent has only path and query."""

    method: str
    uri: str
    content_type: str | None
    body: bytes

    @property
    def path(self) -> str:
        """The path, from the server's root."""
        return urlsplit(self.uri).path


class Difference(NamedTuple):
    """One difference. `at` is its path in the event, or the part of the request; `values` are the recorded and the sent one."""

    at: str
    message: str
    values: tuple[str, str] | None = None


class RequestComparison:
    """A comparison of everything but `RUN_KEYS` and `volatile`, dotted paths below each event.

    A path leads through lists to each of their items, or to one: `properties.items.id`, `properties.items[0].id`.
    """

    def __init__(self, volatile: Sequence[str] = ()) -> None:
        self._left_out = [steps for path in (*RUN_KEYS, *volatile) if (steps := _STEP.findall(path))]

    def fingerprint(self, request: Request) -> tuple[str, ...]:
        """Return a value that is equal for equal requests only."""
        head = _head(request).values()
        try:
            return (*head, "JSON", json.dumps(self._body(request), sort_keys=True))
        except (ValueError, RecursionError):
            return (*head, "bytes", request.body.hex())

    def differences(self, recorded: Request, sent: Request, mask: Mask) -> list[Difference]:
        """Return the differences between a sent request and a recorded one. Values are masked before they are cut."""
        then, now = _head(recorded), _head(sent)
        found = [
            _changed(part, mask.text(then[part]), mask.text(now[part])) for part in then if then[part] != now[part]
        ]
        try:
            found += _differences(self._body(recorded), self._body(sent), mask)
        except (ValueError, RecursionError):
            if recorded.body != sent.body:
                sizes = f"recorded {len(recorded.body):,} bytes, sent {len(sent.body):,} bytes"
                found.append(Difference("the body", f"{sizes}, and not both are JSON"))
        return found

    def _body(self, request: Request) -> Json:
        body = parse_json(request.body)
        for path in self._left_out:
            _leave_out(body, path)
        return body


_STEP = re.compile(r"[^.\[\]]+")


def _head(request: Request) -> dict[str, str]:
    """Return the compared parts of a request other than its body, by their names in messages."""
    parts = urlsplit(request.uri)
    query = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(parts.query, keep_blank_values=True)))
    content_type = "none" if request.content_type is None else request.content_type
    return {"method": request.method, "path": parts.path or "/", "query": query or "none", "Content-Type": content_type}


def _leave_out(value: Json, path: Sequence[str]) -> None:
    """Remove the value at a path; an item of a list becomes null, so that the others keep their places."""
    step, *rest = path
    if isinstance(value, list):
        chosen = [int(step)] if step.isdecimal() else range(len(value))
        below = rest if step.isdecimal() else path
        for index in chosen:
            if index >= len(value):
                continue
            if below:
                _leave_out(value[index], below)
            else:
                value[index] = None
    elif isinstance(value, dict) and step in value:
        if rest:
            _leave_out(value[step], rest)
        else:
            del value[step]


def _differences(recorded: Json, sent: Json, mask: Mask) -> Iterator[Difference]:
    for way, before, after in pairs(recorded, sent):
        at = dotted(way) or "the body"
        if isinstance(before, Missing) and not isinstance(after, Missing):
            value = _typed(after, mask)
            yield Difference(at, f"not recorded, sent {value}", ("not recorded", value))
        elif isinstance(after, Missing) and not isinstance(before, Missing):
            value = _typed(before, mask)
            yield Difference(at, f"recorded {value}, not sent", (value, "not sent"))
        elif isinstance(before, Missing) or isinstance(after, Missing) or is_entered(before, after, way):
            continue
        elif json.dumps(before, sort_keys=True) != json.dumps(after, sort_keys=True):
            yield _changed(at, *_texts(before, after, mask))


def _changed(at: str, recorded: str, sent: str) -> Difference:
    return Difference(at, f"recorded {recorded}, sent {sent}", (recorded, sent))


def _texts(recorded: Json, sent: Json, mask: Mask) -> tuple[str, str]:
    """Return two values for a message; of long texts, the part around their first difference."""
    if not isinstance(recorded, str) or not isinstance(sent, str):
        return _typed(recorded, mask), _typed(sent, mask)
    before, after = mask.text(recorded), mask.text(sent)
    same = next((index for index, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), 0)
    skipped = max(0, same - _BEFORE) if max(len(before), len(after)) > _SHOWN else 0
    return _quoted(before, skipped), _quoted(after, skipped)


def _typed(value: Json, mask: Mask) -> str:
    shown = mask.json(value)
    if isinstance(shown, str):
        return _quoted(shown, 0)
    text = json.dumps(shown, ensure_ascii=False)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"
    return text if value is None else f"{text} ({describe(value)})"


def _quoted(text: str, skipped: int) -> str:
    cut = text[skipped : skipped + _SHOWN]
    before, after = "… " if skipped else "", " …" if len(text) > skipped + _SHOWN else ""
    return f"{before}{json.dumps(cut, ensure_ascii=False)}{after} (text)"


_SHOWN = 80
_BEFORE = 20


def summary(request: Request, mask: Mask) -> str:
    """Return a short description of a request: its endpoint and its events."""
    try:
        body = parse_json(request.body)
    except ValueError:
        body = None
    if isinstance(body, list):
        what = f" ({len(body)} event{'' if len(body) == 1 else 's'})"
    elif isinstance(body, dict):
        names = [f"'{mask.text(text)}'" for key in ("event", "distinct_id") if isinstance(text := body.get(key), str)]
        what = f" ({' for '.join(names)})" if names else ""
    else:
        what = f" ({len(request.body)} bytes)"
    return f"{request.method} {mask.text(request.path)}{what}"
