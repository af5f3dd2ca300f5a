"""The idempotency keys of the last 24 hours.

They are looked up in memory, and stored in the order of arrival: an index of them in the database would change a page of its
file for each key.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

KEY_LIFETIME_MS = 24 * 3600 * 1000
"""How long a key is remembered (documentation: "Idempotent requests")."""
MAX_KEYS = 200_000
"""Limit for the keys; entries have a fixed size, so all together take 64 MiB of memory."""
_Known: TypeAlias = "tuple[str, str, bytes]"


class _Entry(NamedTuple):
    seen_ms: int
    message_id: bytes
    row: int


class Keys:
    """Idempotency keys, and the message ids of the events that had them first. Changes belong to the store's transaction."""

    def __init__(self, writer: sqlite3.Connection, at_most: int) -> None:
        self._writer = writer
        self._at_most = at_most
        # The oldest first. Not a dict: finding its first entry is slow after many were removed.
        self._entries: OrderedDict[_Known, _Entry] = OrderedDict()
        self._row = 0
        self._new: list[tuple[object, ...]] = []
        self.load()

    def load(self) -> None:
        """Read the keys from the database, as they are without the current transaction."""
        rows = self._writer.execute("SELECT session, workspace, digest, seen_ms, message_id, id FROM keys ORDER BY id")
        self._entries = OrderedDict((row[:3], _Entry._make(row[3:])) for row in rows)
        self._row = max((entry.row for entry in self._entries.values()), default=0)
        self._new.clear()

    def first_id(self, session: str, workspace: str, key: str, now_ms: int, message_id: bytes) -> bytes | None:
        """Return the message id of the first event with a key.

        If the key is new or outdated, remember it with `message_id`, and return None. `write` stores it.
        """
        known = session, workspace, blake2b(key.encode(), digest_size=16).digest()
        entry = self._entries.get(known)
        if entry is not None:
            if now_ms - entry.seen_ms < KEY_LIFETIME_MS:
                return entry.message_id
            del self._entries[known]  # its new place is the last one
        self._row += 1
        self._entries[known] = _Entry(now_ms, message_id, self._row)
        self._new.append((self._row, *known, message_id, now_ms))
        return None

    def write(self) -> None:
        """Store the keys that are new, all at once."""
        self._writer.executemany("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)", self._new)
        self._new.clear()

    def forget(self, now_ms: Callable[[str], int]) -> int:
        """Forget the oldest keys if they are outdated, or too many; return how many were too many.

        `now_ms` is the clock of a session: one that is set forward must not outdate the keys of others.
        """
        dropped = last_row = 0
        while self._entries:
            known, entry = next(iter(self._entries.items()))
            surplus = len(self._entries) > self._at_most
            if not surplus and now_ms(known[0]) - entry.seen_ms < KEY_LIFETIME_MS:
                break
            del self._entries[known]
            dropped += surplus
            last_row = entry.row
        if last_row:
            self._writer.execute("DELETE FROM keys WHERE id <= ?", (last_row,))
        return dropped

    def clear(self, session: str | None) -> None:
        """Forget the keys of a session, or all."""
        if session is None:
            self._writer.execute("DELETE FROM keys")
            self._entries.clear()
            return
        self._writer.execute("DELETE FROM keys WHERE session = ?", (session,))
        for known in [each for each in self._entries if each[0] == session]:
            del self._entries[known]
