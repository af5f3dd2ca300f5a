"""The variables and values of conditions → plain values.

Source: the platform's documentation, "Branch": a `value` is text that holds an expression. Where it is unclear which one, the
result is marked as inexact.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.source import UnclearError, parse_json
from runner.workflows.durations import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.source import Json
    from runner.workflows.definition import Namespace


class _Missing:
    """The value of a variable that is not there; it is not null."""

    def __repr__(self) -> str:
        return "missing"


MISSING: Final = _Missing()
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Scope:
    """What conditions read. `reached` returns, for the `ref` of a send node, which statuses hold for it."""

    payload: Mapping[str, Json]
    recipient: Mapping[str, Json]
    actor: Mapping[str, Json]
    tenant: Mapping[str, Json]
    category: str
    now_ms: int
    future_event: Mapping[str, Json] | None = None
    reached: Callable[[str], frozenset[str]] = lambda _: frozenset()

    def variable(self, namespace: Namespace, path: str) -> Json | _Missing:
        """Return the value of a variable, or MISSING."""
        return found(self._data(namespace), path)

    def _data(self, namespace: Namespace) -> Mapping[str, Json]:
        match namespace:
            case "":
                return self.future_event if self.future_event is not None else self.payload
            case "$recipient":
                return self.recipient
            case "$actor":
                return self.actor
            case "$brand":
                return self.tenant
            case "$future_event":
                return self.future_event or {}
            case "$category":
                return {"slug": self.category, "category": self.category}
            case "$organization" | "$ref":
                return {}

    def dynamic(self, path: str) -> Json | _Missing:
        """Return a value that names a variable of the run: `$recipient.plan`, `data.x`, `x`."""
        root, dot, rest = path.partition(".")
        if dot and root in _ROOTS:
            return found(self._data(_ROOTS[root]), rest)
        return found(self.payload, rest if dot and root == "data" else path)

    @property
    def now(self) -> datetime:
        """The time at which conditions are checked."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self.now_ms)


_ROOTS: Mapping[str, Namespace] = {
    "$recipient": "$recipient",
    "$actor": "$actor",
    "$brand": "$brand",
    "$tenant": "$brand",
    "$future_event": "$future_event",
    "$category": "$category",
    "$organization": "$organization",
}


class Value(NamedTuple):
    """The value of a condition. `inexact` says why the platform may read another one."""

    value: Json | _Missing
    inexact: str | None = None


def found(data: Mapping[str, Json], path: str) -> Json | _Missing:
    """Return the value at a path: that of a key with exactly this name, else step by step. MISSING if there is none."""
    if path in data:
        return data[path]
    value: Json | _Missing = dict(data)
    for step in path.split(".")[:_MAX_DEPTH]:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def value_of(text: str, scope: Scope) -> Value:
    """Return the value that a condition compares with: JSON, the name of a variable, or else the word itself as text."""
    try:
        return Value(parse_json(text))
    except (UnclearError, ValueError):
        pass
    word = text.strip()
    value = scope.dynamic(word)
    if not isinstance(value, _Missing):
        return Value(value)
    if word.startswith(("$", "data.")):
        return Value(MISSING)
    return Value(word, f'{word!r} is no key of the payload, and is taken as text: write "\\"{word[:50]}\\""')


def instant_of(value: Json | _Missing, scope: Scope) -> datetime | None:
    """Return the instant that a value means: ISO 8601 (UTC without a zone), seconds since 1970, or `now±duration`. None if it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if not isinstance(value, str):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            return None
    text = value.strip()
    if text.startswith("now"):
        return _relative(text[3:].strip(), scope)
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _relative(text: str, scope: Scope) -> datetime | None:
    if not text:
        return scope.now
    if text[0] not in "+-":
        return None
    try:
        offset = timedelta(seconds=seconds(text[1:].strip()))
        return scope.now + offset if text[0] == "+" else scope.now - offset
    except (ValueError, OverflowError):
        return None


_SHOWN_CHARS = 80


def shown(value: Json | _Missing) -> str:
    """Return a value for a report; only its size if it is long. A part of it could be a part of a secret, which no mask recognizes."""
    if isinstance(value, _Missing):
        return "missing"
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _SHOWN_CHARS:
        return text
    match value:
        case list():
            return f"a list of {len(value):,} items"
        case dict():
            return f"an object of {len(value):,} keys"
        case str():
            return f"a text of {len(value):,} characters"
        case _:
            return f"a number of {len(text):,} digits"
