"""The store of a sandbox: requests and their records, and the idempotency keys of the last 24 hours, both bounded."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from hashlib import sha1
from http import HTTPStatus
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from runner.sandbox.arrival import Arrival
from runner.sandbox.database import Database
from runner.sandbox.keys import MAX_KEYS, Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.sandbox.arrival import Outcome, Received, Record
    from runner.sandbox.message_store import Messages

MAX_EVENTS = 100_000
MAX_MB = 512
_ROW_BYTES = 600
"""Size of a stored record besides its JSON, with its entries in the indexes."""
MAX_FOUND_BYTES = 32 * 1024 * 1024
_SEARCHED_AT_ONCE = 1000
_SPARE_EVENTS = 100
_MESSAGES = UUID("8a9e2f06-1d0b-4c53-9e7c-5f4d1b7a3c62").bytes
_ACCEPTED = int(HTTPStatus.ACCEPTED)
"""A plain integer: SQLite converts members of an enumeration one by one, by Python code."""

_COLUMNS = (
    "id, request_id, session, received_ms, outcome, status_code, reason, warning, workspace, endpoint, event, distinct_id,"
    " tenant_id, idempotency_key, insert_id, message_id"
)
"""The columns of an `Arrival`, in order, but for its last."""
_INSERT_REQUEST = "INSERT INTO requests VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_ARRIVAL = f"INSERT INTO arrivals VALUES ({', '.join('?' * 17)})"
_INSERT_BODY = "INSERT INTO bodies VALUES (?, ?)"
_SELECT = f"SELECT {_COLUMNS}, raw FROM arrivals JOIN bodies USING (id)"


class Limits(NamedTuple):
    """The maximum size of a store. The oldest records are dropped first."""

    events: int = MAX_EVENTS
    mb: int = MAX_MB
    keys: int = MAX_KEYS


class Counts(NamedTuple):
    """Numbers of records. `total` counts those stored and those dropped to stay within the limits, but not those cleared."""

    total: int
    stored: int
    dropped_events: int
    dropped_keys: int


class Store:
    """Records in an SQLite file, or in memory without a `path`; the newest, within the `limits`.

    `clock` returns seconds since 1970. `messages` makes the messages of an accepted event. Thread-safe.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        path: Path | None = None,
        limits: Limits = Limits(),  # noqa: B008 - a frozen value
        messages: Messages | None = None,
    ) -> None:
        self.database = Database(path)
        self._clock = clock
        self.limits = limits
        self._messages = messages
        self.tracer = messages.tracer if messages is not None else None
        self._lock = RLock()
        # A file has a connection for reading, so that a reader does not wait for a writer.
        self._reading = self._lock if path is None else RLock()
        self._listeners: list[Callable[[Sequence[Arrival]], None]] = []
        read = self.database.writer.execute
        self._stored, self._size_bytes = read("SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM arrivals").fetchone()
        self._last: int
        self._last, self._dropped, self._dropped_keys = read("SELECT * FROM totals").fetchone()
        self._ahead_ms: dict[str, int] = dict(read("SELECT session, ahead_ms FROM sessions").fetchall())
        self._keys = Keys(self.database.writer, limits.keys)

    def close(self) -> None:
        """Close the database."""
        with self._lock, self._reading:
            self.database.close()

    def subscribe(self, listener: Callable[[Sequence[Arrival]], None]) -> None:
        """Call `listener` with new records after they are stored, in the thread that stores them."""
        self._listeners.append(listener)

    def now_ms(self, session: str = "") -> int:
        """Return the time on the clock of a session."""
        return int(self._clock() * 1000) + self._ahead_ms.get(session, 0)

    def advance(self, session: str, by_ms: int) -> int:
        """Set the clock of a session forward, and return its time."""
        with self.transaction():
            self._ahead_ms[session] = self._ahead_ms.get(session, 0) + by_ms
            self.database.writer.execute(
                "INSERT OR REPLACE INTO sessions VALUES (?, ?)", (session, self._ahead_ms[session])
            )
        return self.now_ms(session)

    def add(self, request: Received, records: Sequence[Record], status_code: int) -> list[Arrival]:
        """Store a request with its records in one transaction, and return them.

        An event whose key was seen in the last 24 hours gets the message id of the first one. Otherwise the message id is
        derived from the event's `$insert_id`, so that recordings are reproducible. The key of a refused record is not used
        up.
        """
        if not records:  # nothing would bound their number
            return []
        with self._lock:
            now_ms = self.now_ms(request.session)
            with self.transaction():
                execute = self.database.writer.execute
                headers = json.dumps(request.headers)
                entry = (request.session, now_ms, request.method, request.target, headers, request.body, status_code)
                request_id = execute(_INSERT_REQUEST, entry).lastrowid or 0
                arrivals = [
                    self._arrival(self._last + index, request_id, now_ms, request, record)
                    for index, record in enumerate(records, start=1)
                ]
                share = (len(request.body) + len(headers)) // len(records) + _ROW_BYTES
                sizes = [len(each.raw) + share for each in arrivals]
                rows = [(*each[:-1], size) for each, size in zip(arrivals, sizes, strict=True)]
                self.database.writer.executemany(_INSERT_ARRIVAL, rows)
                self.database.writer.executemany(_INSERT_BODY, [(each.id, each.raw) for each in arrivals])
                self._keys.write()
                self._last += len(arrivals)
                self._stored += len(arrivals)
                self._size_bytes += sum(sizes)
                if self._messages is not None:
                    self._size_bytes += self._messages.store(self.database.writer, arrivals)
                self._trim()
                totals = self._last, self._dropped, self._dropped_keys
                execute("UPDATE totals SET last_id = ?, dropped = ?, dropped_keys = ?", totals)
        for listener in self._listeners:
            listener(arrivals)
        return arrivals

    def _arrival(self, number: int, request_id: int, now_ms: int, request: Received, record: Record) -> Arrival:
        event, refusal = record.event, record.refusal
        key, insert_id = _text(event.get("$idempotency_key")), _text(event.get("$insert_id"))
        key = key.strip() if key is not None else None
        outcome: Outcome = "refused"
        message_id = None
        if refusal is None:
            seen, message_id = self._message_id(request, key, str(insert_id), now_ms)
            outcome = "duplicate" if seen else "accepted"
        return Arrival(
            number,
            request_id,
            request.session,
            now_ms,
            outcome,
            _ACCEPTED if refusal is None else int(refusal.status_code),
            None if refusal is None else refusal.message,
            record.warning,
            request.workspace,
            request.target,
            _text(event.get("event")),
            _text(event.get("distinct_id")),
            _text(event.get("tenant_id")) or _text(event.get("brand_id")),
            key,
            insert_id,
            message_id,
            record.raw,
        )

    def _message_id(self, request: Received, key: str | None, insert_id: str, now_ms: int) -> tuple[bool, str]:
        """Return whether the key of an event is known, and the event's message id. Remembers a new key."""
        new = message_id_of(insert_id)
        if key is None:
            return False, new
        first = self._keys.first_id(
            request.session, request.workspace, key, now_ms, bytes.fromhex(new.replace("-", ""))
        )
        return (False, new) if first is None else (True, str(UUID(bytes=first)))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block as a transaction: if it fails, the database and the values in memory are as they were before."""
        writer = self.database.writer
        with self._lock, ExitStack() as undo:
            writer.execute("BEGIN IMMEDIATE")
            before = self._last, self._stored, self._size_bytes, self._dropped, self._dropped_keys
            undo.callback(self._roll_back, before, dict(self._ahead_ms))
            yield
            writer.execute("COMMIT")
            undo.pop_all()

    def _roll_back(self, before: tuple[int, int, int, int, int], ahead_ms: dict[str, int]) -> None:
        if self.database.writer.in_transaction:  # SQLite ends it itself when the disk is full
            self.database.writer.execute("ROLLBACK")
        self._last, self._stored, self._size_bytes, self._dropped, self._dropped_keys = before
        self._ahead_ms = ahead_ms
        self._keys.load()
        self._forget_planned()

    def _forget_planned(self) -> None:
        if self._messages is not None:
            self._messages.forget()

    @property
    def total(self) -> int:
        """Return the number of stored events that were not refused."""
        with self._reading:
            query = "SELECT COUNT(*) FROM arrivals WHERE outcome != 'refused'"
            return int(self.database.reader.execute(query).fetchone()[0])

    def events(self) -> list[Arrival]:
        """Return the stored events that were accepted, the oldest first."""
        return self.select("outcome != 'refused' ORDER BY id", ())

    def select(self, condition: str, values: Sequence[object]) -> list[Arrival]:
        """Return the records that fulfill a condition of SQL, which is ours; only `values` come from elsewhere."""
        with self._reading:
            rows = self.database.reader.execute(f"{_SELECT} WHERE {condition}", values).fetchall()
        return [Arrival(*row) for row in rows]

    def summaries(self, condition: str, values: Sequence[object]) -> list[Arrival]:
        """Return the records that fulfill a condition, without their events. Bodies are read only if the condition needs them."""
        query = f"SELECT {_COLUMNS}, x'' FROM arrivals LEFT JOIN bodies USING (id) WHERE {condition}"
        return [Arrival(*row) for row in self.rows(query, values)]

    def search(self, condition: str, values: Sequence[object], limit: int) -> tuple[list[Arrival], bool]:
        """Return the newest records that fulfill a condition, and whether there are more. For a thread of its own.

        It reads some records at a time, so that others have their turn, and stops when the events fill `MAX_FOUND_BYTES`.
        """
        found: list[Arrival] = []
        size_bytes, before = 0, self._last + 1
        with self._reading:
            [first] = self.database.reader.execute("SELECT COALESCE(MIN(id), 0) FROM arrivals").fetchone()
        while before > first:
            after = before - _SEARCHED_AT_ONCE
            part = self.select(
                f"({condition}) AND id >= ? AND id < ? ORDER BY id DESC LIMIT ?",
                (*values, after, before, limit - len(found) + 1),
            )
            for arrival in part:
                size_bytes += len(arrival.raw)
                if len(found) >= limit or (size_bytes > MAX_FOUND_BYTES and found):
                    return found, True
                found.append(arrival)
            before = after
        return found, False

    def rows(self, query: str, values: Mapping[str, object] | Sequence[object]) -> list[tuple[Any, ...]]:
        """Return the rows of a query of SQL, which is ours; only `values` come from elsewhere."""
        with self._reading:
            return self.database.reader.execute(query, values).fetchall()

    @property
    def last_id(self) -> int:
        """Return the id of the newest record."""
        return self._last

    def details(self, arrival_id: int) -> dict[str, object] | None:
        """Return a record with its request, and the ids of its other attempts and duplicates; None if it is not stored."""
        found = self.select("id = ?", (arrival_id,))
        if not found:
            return None
        [arrival] = found
        with self._reading:
            read = self.database.reader.execute
            query = "SELECT method, target, headers, body, status_code FROM requests WHERE id = ?"
            row = read(query, (arrival.request_id,)).fetchone()
            if row is None:  # dropped in the meantime
                return None
            method, target, headers, body, status_code = row
            others = "SELECT id FROM arrivals WHERE session = ? AND {} = ? AND id != ? ORDER BY id LIMIT 100"
            same_id = read(others.format("insert_id"), (arrival.session, arrival.insert_id, arrival.id)).fetchall()
            same_key = read(others.format("idempotency_key"), (arrival.session, arrival.idempotency_key, arrival.id))
            duplicates = [number for (number,) in same_key.fetchall()]
        request = {
            "method": method,
            "target": target,
            "headers": json.loads(headers),
            "body": body.decode("utf-8", "replace"),
            "status_code": status_code,
        }
        return {
            **arrival.summary(),
            "insert_id": arrival.insert_id,
            "body": arrival.body or None,
            "request": request,
            "attempts": [number for (number,) in same_id],
            "same_key": duplicates,
        }

    def counts(self) -> Counts:
        """Return the numbers of stored and dropped records."""
        with self._lock:
            return Counts(self._stored + self._dropped, self._stored, self._dropped, self._dropped_keys)

    def clear(self, session: str | None = None) -> int:
        """Delete the records of a session, or all, with their keys and messages, and return the number of records."""
        where, values = ("", ()) if session is None else (" WHERE session = ?", (session,))
        with self.transaction():
            execute = self.database.writer.execute
            count, size = execute(f"SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM arrivals{where}", values).fetchone()
            execute(f"DELETE FROM bodies WHERE id IN (SELECT id FROM arrivals{where})", values)
            for table in ("arrivals", "requests", "messages"):
                execute(f"DELETE FROM {table}{where}", values)
            self._keys.clear(session)
            self._forget_planned()
            self._stored -= count
            self._size_bytes -= size
        return int(count)

    def _trim(self) -> None:
        """Drop the oldest records and keys beyond the limits."""
        self._dropped_keys += self._keys.forget(self.now_ms)
        limits, execute = self.limits, self.database.writer.execute
        most_bytes = limits.mb * 1024 * 1024
        if self._stored <= limits.events and self._size_bytes <= most_bytes:
            return
        # Some more than needed, because dropping one at a time would take longer than storing it.
        events = limits.events - min(_SPARE_EVENTS, limits.events // 100)
        size_bytes = most_bytes - most_bytes // 100
        dropped = 0
        for number, size in execute("SELECT id, bytes FROM arrivals ORDER BY id"):
            dropped = number
            self._stored -= 1
            self._dropped += 1
            self._size_bytes -= size
            if self._stored <= events and self._size_bytes <= size_bytes:
                break
        for table, column in (("arrivals", "id"), ("bodies", "id"), ("messages", "arrival_id")):
            execute(f"DELETE FROM {table} WHERE {column} <= ?", (dropped,))
        first = "SELECT request_id FROM arrivals ORDER BY id LIMIT 1"
        execute(f"DELETE FROM requests WHERE id < COALESCE(({first}), {2**62})")


def message_id_of(insert_id: str) -> str:
    """Return the message id of an event whose key was not seen before, or that has none: a UUID of version 5.

    Written here because `uuid.uuid5` takes four times as long, which is a tenth of the time to store an event.
    """
    text = sha1(_MESSAGES + insert_id.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
