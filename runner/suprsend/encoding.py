"""An event → its bytes on the wire: compact JSON in UTF-8."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, NamedTuple

import orjson

from runner.errors import InvalidEvent
from runner.suprsend.rules import MAX_EVENT_KB, size_breach, stamp_breaches

if TYPE_CHECKING:
    from runner.suprsend.event import Event, Stamp


class Encoded(NamedTuple):
    """An event on the wire: JSON in UTF-8. After it may have arrived, it may be sent again only if it `has_key`.

    `key` and `insert_id` are those in the body; a complete body has none here.
    """

    body: bytes
    has_key: bool
    key: str | None = None
    insert_id: str = ""


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
    key = None if event.idempotency_key is None else event.idempotency_key.strip()
    return Encoded(body, key is not None, key, stamp.insert_id)


def encode_plain(wire: dict[str, object], max_bytes: int, key: str | None, insert_id: str) -> Encoded | None:
    """Encode the `Event.wire` of a checked event whose Unicode is not checked yet. Return None if it is invalid or too large."""
    try:
        body = orjson.dumps(wire)  # the event lives shortly: its buffer, up to twice as large, is not copied
    except orjson.JSONEncodeError:
        return None
    return tuple.__new__(Encoded, (body, key is not None, key, insert_id)) if len(body) <= max_bytes else None


def _plain_json(value: object) -> bytes:
    # A copy: what orjson returns keeps the whole buffer that it was written in, 4 KB for the smallest event.
    return bytes(memoryview(orjson.dumps(value)))


def compact_json(value: object) -> bytes:
    """Write compact JSON. Integers may have any length."""
    try:
        return _plain_json(value)
    except orjson.JSONEncodeError:
        return dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
