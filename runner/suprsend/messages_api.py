"""The messages API: what became of events.

Source: the platform's documentation, "List messages". Unknown fields are ignored, and all but the id, the status and the
channel may be missing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast
from urllib.parse import urlencode

import orjson

from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.messages import CHANNELS, OTHER_NAMES, STATUSES
from runner.suprsend.retry import requested_pause_s
from runner.suprsend.statuses import is_success, is_transient, refuses_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.suprsend.connection import Connection
    from runner.suprsend.messages import Channel, Status

MESSAGES_PATH = "v1/message/"
MAX_LIMIT = 1000
_MAX_PAGES = 100
_MAX_STATUS = 50
_REPEATED: Final = ("status", "recipient_id", "category")
_SINGLE: Final = (
    "channel", "workflow_slug", "tenant_id", "message_id", "idempotency_key", "execution_id", "object_type", "object_id",
    "created_at_gte", "created_at_lte", "is_campaign", "include_content",
)  # fmt: skip
Filter: TypeAlias = "str | bool | Sequence[str]"


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message of the platform. `times` are those of its statuses, as far as the platform has them; `raw` is the whole."""

    message_id: str
    status: Status
    channel: Channel | str
    created_at: datetime | None
    times: Mapping[Status, datetime]
    workflow: str | None
    node: str | None
    template: str | None
    category: str | None
    recipient: str | None
    tenant_id: str | None
    idempotency_key: str | None
    failure_reason: str | None
    raw: Mapping[str, Any]


class Listed(NamedTuple):
    """A complete list of messages."""

    messages: tuple[SentMessage, ...]


class ListFailure(NamedTuple):
    """A list that did not come. A `transient` failure may pass; `pause_s` is how long the server asks to wait."""

    message: str
    status_code: int = 0
    transient: bool = False
    pause_s: float | None = None

    @property
    def refuses_credentials(self) -> bool:
        """Return whether the platform refused the credentials."""
        return refuses_credentials(self.status_code)


def list_messages(
    connection: Connection, filters: Mapping[str, Filter], now_s: float, timeout_s: float | None = None
) -> Listed | ListFailure:
    """Return all messages that fit `filters`, the newest first; all pages are read. Raises ValueError for an unknown filter.

    `now_s` is the time in seconds since 1970, to which the date of a Retry-After is compared. `timeout_s` limits the time
    of the whole list.
    """
    found: dict[str, SentMessage] = {}
    after: str | None = None
    seen: set[str] = set()
    until_s = time.monotonic() + timeout_s if timeout_s is not None else None
    for _ in range(_MAX_PAGES):
        left_s = until_s - time.monotonic() if until_s is not None else None
        if left_s is not None and left_s <= 0:
            return ListFailure(f"the list of messages took longer than {timeout_s:g} seconds", transient=True)
        answer = connection.get(messages_path(filters, after=after), left_s)
        page = _page(answer, now_s)
        if isinstance(page, ListFailure):
            return page
        found.update({message.message_id: message for message in page.messages})
        if page.after is None:
            return Listed(tuple(found.values()))
        if page.after in seen:
            return ListFailure("the list of messages has no end: a cursor came twice", transient=True)
        after = page.after
        seen.add(after)
    return ListFailure(f"the list of messages has more than {_MAX_PAGES} pages", transient=True)


def messages_of_key(connection: Connection, key: str, now_s: float, timeout_s: float) -> Listed | ListFailure:
    """Return the messages of the event with an idempotency key, as `list_messages` does.

    A message under another key belongs to another event. So may one without any key, unless the platform lists no keys: then
    no message has the field.
    """
    listed = list_messages(connection, {"idempotency_key": key}, now_s, timeout_s)
    if isinstance(listed, ListFailure):
        return listed
    if any("idempotency_key" in message.raw for message in listed.messages):
        return Listed(tuple(message for message in listed.messages if message.idempotency_key == key))
    return listed


def messages_path(filters: Mapping[str, Filter], *, limit: int = MAX_LIMIT, after: str | None = None) -> str:
    """Return the path of a list with its query, as it goes over the wire. Raises ValueError for an unknown filter."""
    pairs: list[tuple[str, str]] = [("limit", str(limit))]
    for name, value in filters.items():
        if name in _REPEATED:
            values = [value] if isinstance(value, str) else cast("Sequence[str]", value)
            pairs += [(f"{name}[]", each) for each in values]
        elif name in _SINGLE:
            pairs.append((name, str(value).lower() if isinstance(value, bool) else str(value)))
        else:
            raise ValueError(f"there is no filter '{name}'")
    pairs += [("after", after)] if after is not None else []
    return f"{MESSAGES_PATH}?{urlencode(pairs)}"


class _Page(NamedTuple):
    messages: list[SentMessage]
    after: str | None


def _page(answer: Answer | NoAnswer, now_s: float) -> _Page | ListFailure:
    if isinstance(answer, NoAnswer):
        return ListFailure(answer.message, transient=not answer.is_final)
    try:
        raw: Any = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        raw = None
    if not is_success(answer.status_code):
        pause_s = requested_pause_s(answer.retry_after, now_s)
        message = f"HTTP {answer.status_code}: {_error(raw)}"
        return ListFailure(message, answer.status_code, is_transient(answer.status_code), pause_s)
    if not isinstance(raw, dict) or not isinstance(raw.get("results"), list) or not isinstance(raw.get("meta"), dict):
        return ListFailure("not the platform's answer: it has no list of messages", answer.status_code, transient=True)
    messages = [_message(item) for item in raw["results"]]
    if None in messages:
        unread = raw["results"][messages.index(None)]
        return ListFailure(_unreadable(unread), answer.status_code, transient=True)
    meta, after = raw["meta"], raw["meta"].get("after")
    if not meta.get("has_next"):
        return _Page(cast("list[SentMessage]", messages), None)
    if not isinstance(after, str) or not after:
        return ListFailure("the list of messages goes on, but has no cursor", answer.status_code, transient=True)
    return _Page(cast("list[SentMessage]", messages), after)


_TIMED: Final[tuple[Status, ...]] = ("triggered", "delivered", "seen", "clicked", "dismissed", "read")


def _message(raw: object) -> SentMessage | None:
    if not isinstance(raw, dict):
        return None
    message_id, channel = _text(raw, "message_id"), _text(raw, "channel")
    status = _status(raw.get("status"))
    if message_id is None or channel is None or status is None:
        return None
    workflow, template, recipient = (_map(raw, key) for key in ("workflow", "template", "recipient"))
    times = {name: moment for name in _TIMED if (moment := _moment(raw.get(f"{name}_at"))) is not None}
    return SentMessage(
        message_id,
        status,
        CHANNELS[CHANNELS.index(channel)] if channel in CHANNELS else channel,
        _moment(raw.get("created_at")),
        times,
        _text(workflow, "slug"),
        _text(workflow, "node_ref"),
        _text(template, "slug"),
        _text(raw, "category"),
        _text(recipient, "distinct_id") or _text(recipient, "id"),
        _text(raw, "tenant_id"),
        _text(raw, "idempotency_key"),
        _text(raw, "failure_reason"),
        raw,
    )


def _unreadable(raw: object) -> str:
    """Return why an item of a list is not a message."""
    if isinstance(raw, dict) and _text(raw, "message_id") and _text(raw, "channel") and _text(raw, "status"):
        return f"a message has the unknown status '{raw['status'][:_MAX_STATUS]}'"
    return "not the platform's answer: a message has no id, status or channel"


def _status(value: object) -> Status | None:
    if not isinstance(value, str):
        return None
    return OTHER_NAMES.get(value) or next((status for status in STATUSES if status == value), None)


def _map(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _text(raw: Mapping[str, Any], key: str) -> str | None:
    value = raw.get(key)
    return value if isinstance(value, str) and value else None


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


_MAX_ERROR = 500


def _error(raw: object) -> str:
    if isinstance(raw, dict):
        for value in (raw.get("message"), raw.get("detail"), raw.get("error")):
            text = value.get("message") if isinstance(value, dict) else value
            if isinstance(text, str) and text:
                return text[:_MAX_ERROR]
    return "no text"
