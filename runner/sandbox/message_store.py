"""The messages of a store: planned when their event is stored, and read as they are at some time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, overload

from runner.sandbox.messages import History
from runner.suprsend.messages import FAILED, STATUSES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.messages import Message, Planner, Tracer
    from runner.sandbox.store import Store
    from runner.suprsend.messages import Status

FLAGS = ("unread", "archived", "unarchived")
"""Changes besides statuses, of which each has the time of the last one."""
_FIXED = (
    "arrival_id, session, message_id, created_ms, workflow, channel, category, recipient, tenant_id, idempotency_key,"
    " execution_id"
)
_FIXED_COUNT = _FIXED.count(",") + 1
_COLUMNS = ", ".join((_FIXED, *STATUSES, *FLAGS, "details"))
_UPDATED = [name for name in _COLUMNS.split(", ") if name not in ("arrival_id", "session", "message_id")]
_INSERT = (
    f"INSERT INTO messages ({_COLUMNS}) VALUES ({', '.join('?' * (_COLUMNS.count(',') + 1))})"
    f" ON CONFLICT (message_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _UPDATED)}"
    " WHERE messages.created_ms > ? AND messages.session = excluded.session"
)
_NO_FLAGS = (None,) * len(FLAGS)
_compact = json.JSONEncoder(separators=(",", ":")).encode
_SHOWN_TIMES = ("triggered", "delivered", "seen", "clicked", "dismissed", "read", "unread", "archived", "unarchived")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROW_BYTES = 300
"""Size of a stored message besides its details, with its entries in the indexes."""
STATUS_AT = (
    f"CASE {' '.join(f'WHEN {name} <= :now THEN {name!r}' for name in reversed(STATUSES))} ELSE 'to_be_triggered' END"
)
"""The status of a message at the time `now`, in SQL."""


class Messages:
    """Stores the messages of events, in the transaction that stores these."""

    def __init__(
        self, planner: Planner, tracer: Tracer | None = None, forget: Callable[[], None] | None = None
    ) -> None:
        self._planner = planner
        self.tracer = tracer
        """Returns the decisions behind the messages of an event; None where rules make all messages."""
        self._forget = forget

    def forget(self) -> None:
        """Let the planner forget the events that it has seen: some of them are not stored any more."""
        if self._forget is not None:
            self._forget()

    def store(self, writer: sqlite3.Connection, arrivals: Sequence[Arrival]) -> int:
        """Store what comes of accepted events; nothing comes of refused and duplicate ones. Return the size in bytes."""
        planned: dict[str, tuple[object, ...]] = {}
        withdrawn: list[tuple[object, ...]] = []
        sizes: list[tuple[int, int]] = []
        for arrival in arrivals:
            if arrival.outcome != "accepted":
                continue
            history = History(lambda query, values: writer.execute(query, values).fetchall(), arrival)
            plan = self._planner(arrival, history)
            for message_id in plan.withdrawn:
                planned.pop(message_id, None)
                withdrawn.append((message_id, arrival.session, arrival.received_ms))
            rows = {message.message_id: _row(arrival, message) for message in plan.messages}
            planned |= rows
            if rows:
                sizes.append((sum(_ROW_BYTES + len(str(row[-2])) for row in rows.values()), arrival.id))
        writer.executemany("DELETE FROM messages WHERE message_id = ? AND session = ? AND created_ms > ?", withdrawn)
        writer.executemany(_INSERT, planned.values())
        writer.executemany("UPDATE arrivals SET bytes = bytes + ? WHERE id = ?", sizes)
        return sum(size for size, _ in sizes)


def _row(arrival: Arrival, message: Message) -> tuple[object, ...]:
    """Return the values of an insertion; the last is the time after which a planned message may still be replaced."""
    workflow, time_of = message.workflow, message.times.get
    details = {
        "name": workflow.name,
        "version_id": workflow.version_id,
        "node_ref": workflow.node_ref,
        "failure_reason": message.failure_reason,
        "channel_identity": message.channel_identity,
        "template": message.template or workflow.slug,
    }
    return (
        arrival.id,
        arrival.session,
        message.message_id,
        message.created_ms,
        workflow.slug,
        message.channel,
        message.category,
        message.recipient,
        message.tenant_id,
        message.idempotency_key,
        message.execution_id,
        *map(time_of, STATUSES),
        *_NO_FLAGS,
        _compact(details),
        arrival.received_ms,
    )


class StoredMessage(NamedTuple):
    """A stored message. `times` are those of its statuses and flags, also future ones."""

    arrival_id: int
    session: str
    message_id: str
    created_ms: int
    workflow: str
    channel: str
    category: str
    recipient: str
    tenant_id: str
    idempotency_key: str | None
    execution_id: str
    times: Mapping[str, int]
    details: Mapping[str, Any]

    def since(self, name: str, now_ms: int) -> int | None:
        """Return the time from which a status or flag holds, if that is not after `now_ms`."""
        time_ms = self.times.get(name)
        return time_ms if time_ms is not None and time_ms <= now_ms else None

    def status(self, now_ms: int) -> Status:
        """Return the status at a time."""
        return next(each for each in reversed(STATUSES) if each == STATUSES[0] or self.since(each, now_ms) is not None)

    def as_json(self, now_ms: int) -> dict[str, object]:
        """Return the message as it is at a time, in the platform's form."""
        status = self.status(now_ms)
        happened = {name: self.since(name, now_ms) for name in (*STATUSES, *FLAGS)}
        workflow = {
            "slug": self.workflow,
            **{name: self.details[name] for name in ("version_id", "name", "node_ref")},
        }
        is_inbox = self.channel == "inbox"
        return {
            "message_id": self.message_id,
            "created_at": instant(self.created_ms),
            "updated_at": instant(
                max((each for each in happened.values() if each is not None), default=self.created_ms)
            ),
            **{f"{name}_at": instant(happened[name]) for name in _SHOWN_TIMES},
            "is_read": is_inbox and _is_on(happened["read"], happened["unread"]),
            "is_archived": is_inbox and _is_on(happened["archived"], happened["unarchived"]),
            "status": status,
            "channel": self.channel,
            "category": self.category,
            "idempotency_key": self.idempotency_key,
            "failure_reason": self.details["failure_reason"] if status in FAILED else None,
            "recipient": {"$type": "user", "distinct_id": self.recipient},
            "parent_entity_id": None,
            "parent_entity_type": None,
            "vendor": {"name": "suprsend_inbox" if is_inbox else "sandbox", "nickname": "sandbox"},
            "execution_id": self.execution_id,
            "parent_execution_id": None,
            "is_campaign": False,
            "tenant_id": self.tenant_id,
            "workflow": workflow,
            "template": {
                "name": workflow["name"],
                "slug": self.details.get("template", workflow["slug"]),
                "version_no": 1,
                "variant_id": "default",
            },
            "channel_identity": self.details["channel_identity"],
        }

    def timeline(self) -> list[dict[str, object]]:
        """Return all changes of the message, also future ones, in the order of time."""
        order = {name: index for index, name in enumerate((*STATUSES, *FLAGS))}
        changes = sorted(self.times.items(), key=lambda change: (change[1], order[change[0]]))
        return [{"status": name, "at_ms": time_ms} for name, time_ms in changes]


def find(store: Store, condition: str, values: Mapping[str, object]) -> list[StoredMessage]:
    """Return the messages that fulfill a condition of SQL, which is ours; only `values` come from elsewhere."""
    return [_stored(row) for row in store.rows(f"SELECT {_COLUMNS} FROM messages WHERE {condition}", values)]


def count(store: Store, condition: str, values: Mapping[str, object]) -> int:
    """Return the number of messages that fulfill a condition of SQL."""
    [(number,)] = store.rows(f"SELECT COUNT(*) FROM messages WHERE {condition}", values)
    return int(number)


def events_of(store: Store, messages: Iterable[StoredMessage]) -> list[tuple[int, bytes]]:
    """Return the events that messages came of, as pairs of id and JSON."""
    names, ids = listed("id", {each.arrival_id for each in messages})
    return [(int(number), raw) for number, raw in store.rows(f"SELECT id, raw FROM bodies WHERE id IN {names}", ids)]


def listed(prefix: str, values: Iterable[object]) -> tuple[str, dict[str, object]]:
    """Return a list of SQL with names in the place of values, and the values by name."""
    named = {f"{prefix}{index}": value for index, value in enumerate(values)}
    return f"({', '.join(f':{name}' for name in named)})", named


def change(store: Store, message_id: str, name: str, time_ms: int) -> None:
    """Store that a status or flag holds from a time on. `name` is one of ours."""
    store.database.writer.execute(f"UPDATE messages SET {name} = ? WHERE message_id = ?", (time_ms, message_id))


def _stored(row: Sequence[Any]) -> StoredMessage:
    names = zip((*STATUSES, *FLAGS), row[_FIXED_COUNT:-1], strict=True)
    times = {name: time_ms for name, time_ms in names if time_ms is not None}
    return StoredMessage._make((*row[:_FIXED_COUNT], times, json.loads(row[-1])))


def _is_on(on_ms: int | None, off_ms: int | None) -> bool:
    return on_ms is not None and (off_ms is None or off_ms < on_ms)


@overload
def instant(time_ms: int) -> str: ...


@overload
def instant(time_ms: int | None) -> str | None: ...


def instant(time_ms: int | None) -> str | None:
    """Return a time in RFC 3339."""
    if time_ms is None:
        return None
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03}Z"
