"""The memory of the sandbox: accepted events, and the idempotency keys of the last 24 hours, both bounded."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Callable

KEY_LIFETIME_S = 24 * 3600
"""How long a key is remembered (documentation: "Idempotent requests")."""
MAX_EVENTS = 100_000
MAX_EVENTS_BYTES = 64 * 1024 * 1024
MAX_KEYS = 200_000
"""Limit for the keys; entries have a fixed size, so all together take 64 MiB."""
_EVENT_BYTES = 400
"""Memory of an event besides its JSON."""
_MESSAGES = UUID("8a9e2f06-1d0b-4c53-9e7c-5f4d1b7a3c62")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An accepted event. `duplicate` means that its key was known: the platform would not process it again."""

    message_id: str
    received_s: float
    workspace: str
    endpoint: str
    duplicate: bool
    raw: bytes
    """The event as compact JSON: parsed, it would take several times the memory."""

    @property
    def body(self) -> dict[str, object]:
        """The event, parsed."""
        body: dict[str, object] = json.loads(self.raw)
        return body

    def as_json(self) -> bytes:
        """Return its form in `GET /events`."""
        about = {
            "message_id": self.message_id,
            "received_ms": int(self.received_s * 1000),
            "workspace": self.workspace,
            "endpoint": self.endpoint,
            "duplicate": self.duplicate,
        }
        return b'%s,"event":%s}' % (json.dumps(about, separators=(",", ":"))[:-1].encode(), self.raw)


class Counts(NamedTuple):
    """Numbers of accepted events since the start, and of those dropped to stay within the limits."""

    total: int
    dropped_events: int
    dropped_keys: int


class Store:
    """Events in memory: the newest, up to `MAX_EVENTS` and `MAX_EVENTS_BYTES`; and up to `MAX_KEYS` keys.

    `clock` returns seconds since 1970. It is thread-safe.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._events: deque[StoredEvent] = deque()
        self._size_bytes = 0
        # Not a dict: finding its first entry is slow after many were removed.
        self._keys: OrderedDict[bytes, tuple[float, bytes]] = OrderedDict()
        self._dropped_keys = 0
        self._lock = Lock()
        self.total = 0

    def add(self, workspace: str, endpoint: str, body: dict[str, object], raw: bytes) -> StoredEvent:
        """Store an event with its compact JSON `raw`, and return it.

        An event whose key was seen in the last 24 hours gets the message id of the first one. Otherwise the message id is
        derived from the event's `$insert_id`, so that recordings are reproducible.
        """
        now = self._clock()
        given = body.get("$idempotency_key")
        key = _digest(workspace, given.strip()) if isinstance(given, str) else None
        with self._lock:
            self._forget(now)
            seen = self._keys.get(key) if key is not None else None
            message_id = UUID(bytes=seen[1]) if seen else message_id_of(str(body["$insert_id"]))
            if key is not None and not seen:
                self._keys[key] = (now, message_id.bytes)
            stored = StoredEvent(str(message_id), now, workspace, endpoint, seen is not None, raw)
            self._events.append(stored)
            self._size_bytes += _size(stored)
            self.total += 1
            self._shrink()
            return stored

    def events(self) -> list[StoredEvent]:
        """Return the stored events, the oldest first."""
        with self._lock:
            return list(self._events)

    def counts(self) -> Counts:
        """Return the numbers of accepted and dropped events."""
        with self._lock:
            return Counts(self.total, self.total - len(self._events), self._dropped_keys)

    def _forget(self, now: float) -> None:
        # Keys are in order of arrival, so the outdated ones come first.
        while self._keys:
            first = next(iter(self._keys))
            if now - self._keys[first][0] < KEY_LIFETIME_S:
                return
            self._keys.popitem(last=False)

    def _shrink(self) -> None:
        while len(self._events) > MAX_EVENTS or self._size_bytes > MAX_EVENTS_BYTES:
            self._size_bytes -= _size(self._events.popleft())
        while len(self._keys) > MAX_KEYS:
            self._keys.popitem(last=False)
            self._dropped_keys += 1


def message_id_of(insert_id: str) -> UUID:
    """Return the message id of an event whose key was not seen before, or that has none."""
    return uuid5(_MESSAGES, insert_id)


def _size(event: StoredEvent) -> int:
    return len(event.raw) + _EVENT_BYTES


def _digest(workspace: str, key: str) -> bytes:
    return blake2b(f"{len(workspace)} {workspace}{key}".encode(), digest_size=16).digest()
