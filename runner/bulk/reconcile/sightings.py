"""An item of an export → what it shows of an idempotency key: a message, a step of an execution, or a request.

Sources: the platform's documentation, "List messages" and "Amazon S3 v2.0", whose tables have other names for the same things.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from runner.suprsend.messages import OTHER_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.source import Json

Entries: TypeAlias = "Mapping[str, Json]"
"""The fields of an item by their names; those of inner objects have names such as `workflow.slug`."""
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("message_id",),
    "status": ("status", "message_status"),
    "key": ("idempotency_key",),
    "channel": ("channel", "channel_slug"),
    "reason": ("failure_reason", "delivery_failure_reason"),
    "created": ("created_at",),
    "updated": ("updated_at",),
    "execution": ("execution_id", "wf_execution_id"),
    "workflow": ("workflow.slug", "workflow_slug"),
    "node": ("workflow.node_ref", "node_ref", "node_id"),
    "recipient": (
        "recipient.distinct_id", "recipient.id", "recipient_distinct_id", "recipient_id", "recipient", "distinct_id",
    ),
    "parent": ("parent_entity_id", "parent_object"),
    "identity": ("channel_identity", "channel_value"),
    "failure": ("execution_failure_reason",),
    "stage": ("execution_stage",),
    "text": ("message",),
}  # fmt: skip
"""The names that a field has in the messages API, in a table made of its answers, and in the tables of S3."""
_MAX_REASON = 300
_BETWEEN = "\x1f"


class SeenMessage(NamedTuple):
    """A message. `slot` is the workflow, recipient and parent that it was made for; "" if that is not known.

    `target` is where it went: messages of one target replace each other. Times are microseconds since 1970, 0 if unknown.
    """

    key: str
    id: str
    status: str
    channel: str
    reason: str
    created_us: int
    updated_us: int
    execution: str
    slot: str
    target: str


class SeenStep(NamedTuple):
    """A step of an execution. `level` is `error`, `warning` or `info`."""

    key: str
    execution: str
    name: str
    level: str
    reason: str
    created_us: int
    updated_us: int
    slot: str


class SeenRequest(NamedTuple):
    """A request. `executions` are the ids of the executions that it began."""

    key: str
    created_us: int
    updated_us: int
    reason: str
    executions: tuple[str, ...]


Sighting: TypeAlias = SeenMessage | SeenStep | SeenRequest


def entries_of(item: Entries) -> Entries:
    """Return the fields of an item, those of inner objects too."""
    flat: dict[str, Json] = {}
    for name, value in item.items():
        flat[name] = value
        if isinstance(value, dict) and name != "channel_identity":
            flat.update({f"{name}.{inner}": each for inner, each in value.items()})
    return flat


def names_of(*fields: str) -> tuple[str, ...]:
    """Return the names that columns of these fields may have, those of the objects that hold them too."""
    names = [name for field in fields for name in NAMES[field]]
    return (*dict.fromkeys([*names, *(name.partition(".")[0] for name in names)]),)


MESSAGE_COLUMNS = names_of(
    "id", "status", "key", "channel", "reason", "created", "updated", "execution", "workflow", "node", "recipient",
    "parent", "identity", "failure",
)  # fmt: skip
STEP_COLUMNS = names_of(
    "key", "execution", "workflow", "recipient", "parent", "node", "stage", "status", "text", "created", "updated"
)
REQUEST_COLUMNS = (*names_of("key", "created", "updated"), "errors", "executions")


def message_of(entries: Entries) -> Sighting | None:
    """Return what a message shows; None if it has no key. In the table of S3, a row may be an execution without a message.

    Raises ValueError for an item that is not a message.
    """
    key, message_id, status, failure = (_text(entries, field) for field in ("key", "id", "status", "failure"))
    is_of_table = "execution_failure_reason" in entries
    if not is_of_table and not (message_id and status):
        raise ValueError(f"a message without {'a status' if message_id else 'an id'}")
    if not key:
        return None
    execution, workflow, recipient, parent, node, channel = (
        _text(entries, field) for field in ("execution", "workflow", "recipient", "parent", "node", "channel")
    )
    created_us, updated_us = _instant_us(entries, "created"), _instant_us(entries, "updated")
    slot = _BETWEEN.join((workflow, recipient, parent)) if workflow and recipient else ""
    if not status or not (message_id or not failure):
        level, reason = _explained(failure)
        return SeenStep(key, execution, f"message {node} {channel}", level, reason, created_us, updated_us, slot)
    target = _BETWEEN.join((execution, slot, node, channel, _text(entries, "identity")))
    if not execution:
        slot = target if slot and node and channel else ""
    reason = _text(entries, "reason") or _explained(failure)[1]
    return SeenMessage(
        key,
        message_id or target,
        OTHER_NAMES.get(status, status),
        channel,
        reason[:_MAX_REASON],
        created_us,
        updated_us,
        execution,
        slot,
        target,
    )


def step_of(entries: Entries) -> SeenStep | None:
    """Return what a row of the table of executions shows; None if it has no key."""
    key, execution = _text(entries, "key"), _text(entries, "execution")
    if not key or not execution:
        return None
    workflow, recipient, parent = (_text(entries, field) for field in ("workflow", "recipient", "parent"))
    slot = _BETWEEN.join((workflow, recipient, parent)) if workflow and recipient else ""
    level = _text(entries, "status").lower()
    return SeenStep(
        key,
        execution,
        f"{_text(entries, 'node')} {_text(entries, 'stage')}",
        level if level in ("error", "warning") else "info",
        _text(entries, "text")[:_MAX_REASON],
        _instant_us(entries, "created"),
        _instant_us(entries, "updated"),
        slot,
    )


def request_of(entries: Entries) -> SeenRequest | None:
    """Return what a row of the table of requests shows; None if it has no key."""
    key = _text(entries, "key")
    if not key:
        return None
    began = [execution for each in _objects(entries.get("executions")) if (execution := _plain(each.get("exec_id")))]
    reasons = dict.fromkeys(_reason_of(error) for error in _objects(entries.get("errors")))
    return SeenRequest(
        key,
        _instant_us(entries, "created"),
        _instant_us(entries, "updated"),
        "; ".join(filter(None, reasons))[:_MAX_REASON],
        (*began,),
    )


def instant_us(text: str) -> int:
    """Return a time in microseconds since 1970, 0 if it is not a time. Without a zone, it is in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000)


def _instant_us(entries: Entries, field: str) -> int:
    text = _text(entries, field)
    return instant_us(text) if text else 0


def _text(entries: Entries, field: str) -> str:
    """Return the text of a field under the first of its names that has one; "" without any."""
    for name in NAMES[field]:
        if text := _plain(entries.get(name)):
            return text
    return ""


def _plain(value: Json) -> str:
    match value:
        case None | bool():
            return ""
        case str():
            return value
        case dict():
            return json.dumps(value, sort_keys=True) if value else ""
        case _:
            return str(value)


def _explained(failure: str) -> tuple[str, str]:
    """Return the level and the text of a failure, which may be JSON; `info` and "" without one."""
    if not failure:
        return "info", ""
    reasons = _objects(failure)
    levels = {str(each.get("severity") or "error").lower() for each in reasons} or {"error"}
    text = "; ".join(filter(None, dict.fromkeys(map(_reason_of, reasons)))) or failure
    return "error" if levels - {"warning", "info"} else min(levels, key=("warning", "info").index), text[:_MAX_REASON]


_DESCRIPTIONS: Sequence[str] = ("error_description", "description", "message", "reason", "error")


def _reason_of(error: Mapping[str, Json]) -> str:
    code = _plain(error.get("error_code"))
    text = next((text for name in _DESCRIPTIONS if (text := _plain(error.get(name)))), "")
    return ": ".join(filter(None, (code, text)))


def _objects(value: Json) -> list[Mapping[str, Json]]:
    """Return the objects in a value: one alone, or those of a list; also if they are JSON in a text."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]
