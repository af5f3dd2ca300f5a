"""What the sandbox remembers: the events it took, and the idempotency keys of the last 24 hours."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Callable

KEY_LIFETIME_S = 24 * 3600
"""A key is remembered for so long. (documentation: "Idempotent requests".)"""
MAX_EVENTS = 100_000
_MESSAGES = UUID("8a9e2f06-1d0b-4c53-9e7c-5f4d1b7a3c62")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event that was accepted. `duplicate` tells that its key had been seen: the platform would not act on it again."""

    message_id: str
    received_s: float
    workspace: str
    endpoint: str
    duplicate: bool
    body: dict[str, object]

    def as_json(self) -> dict[str, object]:
        """Show it, for `GET /events`."""
        return {
            "message_id": self.message_id,
            "received_ms": int(self.received_s * 1000),
            "workspace": self.workspace,
            "endpoint": self.endpoint,
            "duplicate": self.duplicate,
            "event": self.body,
        }


class Store:
    """Events in memory, the newest `MAX_EVENTS` of them. `clock` gives seconds since 1970; safe to use from threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._events: deque[StoredEvent] = deque(maxlen=MAX_EVENTS)
        self._keys: dict[tuple[str, str], tuple[float, str]] = {}
        self._lock = Lock()
        self.total = 0

    def add(self, workspace: str, endpoint: str, body: dict[str, object]) -> StoredEvent:
        """Take an event; one whose key was seen in the last 24 hours gets the first one's message id.

        Else the message id follows from the event's `$insert_id`, so that what is recorded twice is recorded the same.
        """
        now = self._clock()
        given = body.get("$idempotency_key")
        key = given.strip() if isinstance(given, str) else None
        with self._lock:
            self._forget(now)
            seen = self._keys.get((workspace, key)) if key is not None else None
            message_id = seen[1] if seen else str(uuid5(_MESSAGES, str(body["$insert_id"])))
            if key is not None and not seen:
                self._keys[workspace, key] = (now, message_id)
            stored = StoredEvent(message_id, now, workspace, endpoint, seen is not None, body)
            self._events.append(stored)
            self.total += 1
            return stored

    def events(self) -> list[StoredEvent]:
        """List what is remembered, the oldest first."""
        with self._lock:
            return list(self._events)

    def _forget(self, now: float) -> None:
        # Keys are in order of arrival, so the outdated ones are in front.
        while self._keys:
            first = next(iter(self._keys))
            if now - self._keys[first][0] < KEY_LIFETIME_S:
                return
            del self._keys[first]
