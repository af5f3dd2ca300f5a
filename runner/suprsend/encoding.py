"""An event → its bytes on the wire: compact JSON in UTF-8."""

from __future__ import annotations

import re
from json import dumps, loads
from typing import TYPE_CHECKING, NamedTuple

import orjson

from runner.errors import InvalidEvent
from runner.suprsend.rules import MAX_EVENT_KB, size_breach, stamp_breaches

if TYPE_CHECKING:
    from runner.suprsend.event import Event, Stamp

_INSERT_ID = b'{"$insert_id":"'
_KEY_NAME = b'"$idempotency_key":"'
_TEXT = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*')


class Encoded(NamedTuple):
    """An event on the wire: JSON in UTF-8. After it may have arrived, it may be sent again only if it `has_key`."""

    body: bytes
    has_key: bool

    @property
    def key(self) -> bytes | None:
        """The idempotency key as written in the body. Other texts in the body can't look like it, because quotes are escaped."""
        if not self.has_key:
            return None
        found = _TEXT.match(self.body, self.body.rfind(_KEY_NAME) + len(_KEY_NAME))
        return found and found[0]

    @property
    def insert_id(self) -> str:
        """The `$insert_id`, which is the first text in the body."""
        found = _TEXT.match(self.body, len(_INSERT_ID))
        return found[0].decode() if found is not None and self.body.startswith(_INSERT_ID) else ""

    def plain_key(self) -> str | None:
        """Return the idempotency key as text."""
        key = self.key
        if key is None:
            return None
        return str(loads(b'"%b"' % key)) if b"\\" in key else key.decode()


def encode(event: Event, env: str, stamp: Stamp, max_event_kb: int = MAX_EVENT_KB) -> Encoded:
    """Check an event and encode it: the JSON that goes out.

    Raises InvalidEvent with the first rule that it breaks.
    """
    for breach in (*(() if event.is_sound() else event.breaches()), *stamp_breaches(stamp)):
        raise InvalidEvent(breach.problem())
    return encode_sound(event, env, stamp, max_event_kb)


def encode_sound(event: Event, env: str, stamp: Stamp, max_event_kb: int) -> Encoded:
    """Encode an event that was checked. Raises InvalidEvent if it is too large."""
    body = compact_json(event.wire(env, stamp))
    if len(body) > max_event_kb * 1024 and (too_large := size_breach(len(body), max_event_kb)):
        raise InvalidEvent(too_large.problem())
    return Encoded(body, event.idempotency_key is not None)


def encode_plain(wire: dict[str, object], max_event_kb: int) -> Encoded | None:
    """Encode the `Event.wire` of a checked event whose Unicode is not checked yet. Return None if it is invalid or too large."""
    try:
        body = _plain_json(wire)
    except orjson.JSONEncodeError:
        return None
    return Encoded(body, "$idempotency_key" in wire) if len(body) <= max_event_kb * 1024 else None


def _plain_json(value: object) -> bytes:
    # A copy: what orjson returns keeps the whole buffer that it was written in, 4 KB for the smallest event.
    return bytes(memoryview(orjson.dumps(value)))


def compact_json(value: object) -> bytes:
    """Write compact JSON. Integers may have any length."""
    try:
        return _plain_json(value)
    except orjson.JSONEncodeError:
        return dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
