"""The idempotency keys of the last 24 hours.

They are stored in the order of arrival, with no index: that would change a page of the file for each key. They are found by a
map in memory, which is read from the file when the first event with a key arrives: a sandbox that starts is ready before.
"""

from __future__ import annotations

from contextlib import closing
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

KEY_LIFETIME_MS = 24 * 3600 * 1000
"""How long a key is remembered (documentation: "Idempotent requests")."""
MAX_KEYS = 200_000
"""Limit for the keys; entries have a fixed size, so all together take 40 MiB of memory."""
_Known: TypeAlias = "tuple[str, str, bytes]"


class Keys:
    """Idempotency keys, and the message ids of the events that had them first. Changes belong to the store's transaction."""

    def __init__(self, writer: sqlite3.Connection, at_most: int) -> None:
        self._writer = writer
        self._at_most = at_most
        self._new: dict[int, tuple[int, str, str, bytes, bytes, int]] = {}
        self._rows: dict[_Known, int] | None
        self._last_row: int
        self._count: int
        self.load()

    def load(self) -> None:
        """Begin with the keys of the database, as they are without the current transaction."""
        self._new.clear()
        self._rows = None
        self._last_row, self._count = self._writer.execute("SELECT COALESCE(MAX(id), 0), COUNT(*) FROM keys").fetchone()

    def first_id(self, session: str, workspace: str, key: str, now_ms: int, message_id: bytes) -> bytes | None:
        """Return the message id of the first event with a key.

        If the key is new or outdated, remember it with `message_id`, and return None. `write` stores it.
        """
        if self._rows is None:
            self._rows = self._read()
        known = session, workspace, blake2b(key.encode(), digest_size=16).digest()
        row = self._rows.get(known)
        if row is not None:
            seen_ms, first = self._of_row(row)
            if now_ms - seen_ms < KEY_LIFETIME_MS:
                return first
        self._last_row += 1
        self._rows[known] = self._last_row
        self._new[self._last_row] = (self._last_row, *known, message_id, now_ms)
        return None

    def _read(self) -> dict[_Known, int]:
        found = self._writer.execute("SELECT session, workspace, digest, id FROM keys ORDER BY id")
        return {(session, workspace, digest): row for session, workspace, digest, row in found}

    def _of_row(self, row: int) -> tuple[int, bytes]:
        """Return the time and the message id of a key."""
        new = self._new.get(row)
        if new is not None:
            return new[5], new[4]
        found: tuple[int, bytes] = self._writer.execute(
            "SELECT seen_ms, message_id FROM keys WHERE id = ?", (row,)
        ).fetchone()
        return found

    def write(self) -> None:
        """Store the keys that are new, all at once."""
        self._writer.executemany("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?)", self._new.values())
        self._count += len(self._new)
        self._new.clear()

    def forget(self, now_ms: Callable[[str], int]) -> int:
        """Forget the oldest keys if they are outdated, or too many; return how many were too many.

        `now_ms` is the clock of a session: one that is set forward must not outdate the keys of others.
        """
        dropped = last_row = 0
        query = "SELECT id, seen_ms, session, workspace, digest FROM keys ORDER BY id"
        with closing(self._writer.execute(query)) as oldest:
            for row, seen_ms, *known in oldest:
                surplus = self._count > self._at_most
                if not surplus and now_ms(known[0]) - seen_ms < KEY_LIFETIME_MS:
                    break
                self._count -= 1
                dropped += surplus
                last_row = row
                if self._rows is not None and self._rows.get(tuple(known)) == row:
                    del self._rows[tuple(known)]
        if last_row:
            self._writer.execute("DELETE FROM keys WHERE id <= ?", (last_row,))
        return dropped

    def clear(self, session: str | None) -> None:
        """Forget the keys of a session, or all."""
        if session is None:
            self._writer.execute("DELETE FROM keys")
            self._rows, self._count = {}, 0
            return
        self._count -= self._writer.execute("DELETE FROM keys WHERE session = ?", (session,)).rowcount
        if self._rows is not None:
            self._rows = {known: row for known, row in self._rows.items() if known[0] != session}
