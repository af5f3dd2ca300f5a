"""The query of a request for messages → a page of them (messages API, "List messages")."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from runner.errors import nearest
from runner.sandbox.message_store import STATUS_AT, StoredMessage, count, find, listed
from runner.sandbox.refusals import bad_request
from runner.suprsend.messages import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from runner.sandbox.store import Store

DEFAULT_LIMIT = 10
MAX_LIMIT = 1000
_STATUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "triggered": ("triggered", "trigger_blocked", "sent_by_vendor", "to_be_triggered", "not_to_be_triggered"),
    "delivery_failed": ("trigger_failed", "delivery_failure"),
    **{status: (status,) for status in ("delivered", "seen", "clicked", "dismissed")},
}
"""What the names in `status[]` select."""
_IS_READ = "(channel = 'inbox' AND read <= :now AND (COALESCE(unread, 0) < read OR unread > :now))"
_IS_ARCHIVED = (
    "(channel = 'inbox' AND archived <= :now AND (COALESCE(unarchived, 0) < archived OR unarchived > :now)) IS TRUE"
)
_FLAGS: Final[Mapping[str, str]] = {
    "read": f"{_IS_READ} IS TRUE",
    "unread": f"{_IS_READ} IS NOT TRUE",
    "archived": _IS_ARCHIVED,
}
_EXACT: Final[Mapping[str, str]] = {
    "channel": "channel",
    "workflow_slug": "workflow",
    "tenant_id": "tenant_id",
    "message_id": "message_id",
    "idempotency_key": "idempotency_key",
    "execution_id": "execution_id",
}
_REPEATED: Final[Mapping[str, str]] = {"recipient_id[]": "recipient", "category[]": "category"}
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}
_SINGLE = (
    *_EXACT,
    "limit",
    "after",
    "before",
    "created_at_gte",
    "created_at_lte",
    "object_type",
    "object_id",
    "is_campaign",
    "include_content",
)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_ORDERED = "(created_ms, message_id)"
_SHOWN_CHARS = 100


class Cursor(NamedTuple):
    """A place in the list: of the message at one end of a page. Opaque to clients."""

    created_ms: int
    message_id: str

    def encoded(self) -> str:
        """Return the text of the cursor."""
        return urlsafe_b64encode(json.dumps(self).encode()).decode().rstrip("=")


class MessageQuery(NamedTuple):
    """A checked query: a condition of SQL with its values, and the page."""

    condition: str
    values: dict[str, object]
    limit: int
    after: Cursor | None
    before: Cursor | None
    with_content: bool


class Page(NamedTuple):
    """The messages of a page, the newest first, and the cursors of its neighbors, if there are any."""

    messages: list[StoredMessage]
    total: int
    before: Cursor | None
    after: Cursor | None

    def meta(self, limit: int) -> dict[str, object]:
        """Return the `meta` of an answer."""
        return {
            "count": self.total,
            "limit": limit,
            "has_prev": self.before is not None,
            "before": self.before.encoded() if self.before else None,
            "has_next": self.after is not None,
            "after": self.after.encoded() if self.after else None,
        }


def message_query(given: Sequence[tuple[str, str]], session: str, now_ms: int) -> MessageQuery:
    """Return the query of a request. Unknown parameters are ignored. Raise Refusal for an invalid value."""
    single: dict[str, str] = {}
    repeated: dict[str, list[str]] = {name: [] for name in ("status[]", *_REPEATED)}
    for name, value in given:
        if name in repeated:
            repeated[name].append(value)
        elif name in single:
            raise bad_request(f"the parameter {name} may be given only once")
        elif name in _SINGLE:
            single[name] = value
    conditions = ["session = :session", "created_ms <= :now"]
    values: dict[str, object] = {"session": session, "now": now_ms}
    if "channel" in single:
        _one_of("channel", single["channel"], CHANNELS)
    for name, column in _EXACT.items():
        if name in single:
            conditions.append(f"{column} = :{name}")
            values[name] = single[name]
    for name, column in _REPEATED.items():
        if repeated[name]:
            names, wanted = listed(column, dict.fromkeys(repeated[name]))
            conditions.append(f"{column} IN {names}")
            values |= wanted
    if repeated["status[]"]:
        conditions.append(_of_statuses(repeated["status[]"]))
    conditions += _of_times(single, values)
    if ("object_type" in single) != ("object_id" in single):
        raise bad_request("object_type and object_id must be given together")
    if "object_type" in single or _boolean(single, "is_campaign"):
        conditions.append("0")  # a sandbox has no objects and no broadcasts
    after = _cursor("after", single.get("after"))
    before = _cursor("before", single.get("before")) if after is None else None
    return MessageQuery(
        " AND ".join(conditions),
        values,
        _limit(single.get("limit", str(DEFAULT_LIMIT))),
        after,
        before,
        _boolean(single, "include_content"),
    )


def page_of(store: Store, query: MessageQuery) -> Page:
    """Return the page that a query selects."""
    backwards = query.before is not None
    cursor = query.before or query.after
    order = "ASC" if backwards else "DESC"
    found = find(
        store,
        f"{_beyond(query, cursor, '>' if backwards else '<')}"
        f" ORDER BY created_ms {order}, message_id {order} LIMIT {query.limit + 1}",
        _at(query, cursor),
    )
    has_more, messages = len(found) > query.limit, found[: query.limit]
    if backwards:
        messages.reverse()
    are_all = cursor is None and not has_more
    total = len(messages) if are_all else count(store, query.condition, query.values)
    if not messages:
        return Page([], total, None, None)
    first, last = (Cursor(each.created_ms, each.message_id) for each in (messages[0], messages[-1]))
    has_prev = has_more if backwards else cursor is not None and _has(store, query, first, ">")
    has_next = _has(store, query, last, "<") if backwards else has_more
    return Page(messages, total, first if has_prev else None, last if has_next else None)


def _beyond(query: MessageQuery, cursor: Cursor | None, side: str) -> str:
    return query.condition if cursor is None else f"{query.condition} AND {_ORDERED} {side} (:cursor_ms, :cursor_id)"


def _at(query: MessageQuery, cursor: Cursor | None) -> dict[str, object]:
    return query.values | ({"cursor_ms": cursor.created_ms, "cursor_id": cursor.message_id} if cursor else {})


def _has(store: Store, query: MessageQuery, cursor: Cursor, side: str) -> bool:
    return bool(find(store, f"{_beyond(query, cursor, side)} LIMIT 1", _at(query, cursor)))


def _of_statuses(names: Sequence[str]) -> str:
    parts: list[str] = []
    raw: list[str] = []
    for name in dict.fromkeys(names):
        _one_of("status[]", name, (*_STATUSES, *_FLAGS))
        if name in _FLAGS:
            parts.append(_FLAGS[name])
        else:
            raw += _STATUSES[name]
    if raw:
        parts.append(f"{STATUS_AT} IN ({', '.join(map(repr, raw))})")
    return f"({' OR '.join(parts)})"


def _of_times(single: Mapping[str, str], values: dict[str, object]) -> list[str]:
    """Return the conditions of `created_at_gte` and `created_at_lte`, which are compared in whole seconds."""
    seconds = {name: _seconds(name, single[name]) for name in ("created_at_gte", "created_at_lte") if name in single}
    conditions: list[str] = []
    if "created_at_gte" in seconds:
        conditions.append("created_ms >= :gte")
        values["gte"] = seconds["created_at_gte"] * 1000
    if "created_at_lte" in seconds:
        conditions.append("created_ms < :lte")
        values["lte"] = (seconds["created_at_lte"] + 1) * 1000
        if seconds.get("created_at_gte", 0) > seconds["created_at_lte"]:
            raise bad_request("created_at_lte must not be before created_at_gte")
    return conditions


def _seconds(name: str, text: str) -> int:
    found = _INSTANT.fullmatch(text)
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3].upper()}") if found else None
    except ValueError:
        moment = None
    if moment is None:
        raise bad_request(f"{name} must be a time in RFC 3339, for example 2026-01-02T03:04:05Z, with + encoded as %2B")
    return int(moment.timestamp())


def _one_of(name: str, value: str, known: Collection[str]) -> None:
    if value not in known:
        meant = nearest(value, known)
        hint = f"did you mean {meant}?" if meant else f"known are {', '.join(known)}"
        raise bad_request(f"invalid {name} '{value[:_SHOWN_CHARS]}': {hint}")


def _boolean(single: Mapping[str, str], name: str) -> bool:
    value = single.get(name, "false")
    if value not in _BOOLEANS:
        raise bad_request(f"{name} must be true or false")
    return _BOOLEANS[value]


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", text, re.ASCII) or not 1 <= int(text) <= MAX_LIMIT:
        raise bad_request(f"limit must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _cursor(name: str, text: str | None) -> Cursor | None:
    if not text:
        return None
    try:
        created_ms, message_id = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError):
        created_ms, message_id = None, None
    is_cursor = (
        isinstance(created_ms, int) and abs(created_ms) < 2**62 and isinstance(message_id, str) and message_id.isascii()
    )
    if not is_cursor:
        raise bad_request(f"{name} is not a cursor of an earlier answer")
    return Cursor(created_ms, message_id)
