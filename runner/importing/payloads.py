"""JSON values → events: those of the platform as they go over the wire, and any other payload as an event's properties."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeGuard

from runner.importing.sample import ABSENT, Found, Hole, Pieces, Sample
from runner.suprsend.rules import MIN_EVENT_NAME, is_reserved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.importing.sample import Absent, Value

_OF_SDK = "$ss_sdk_version"
_ATTACHMENTS = "$attachments"
_NAMED_BY = ("event", "event_name", "eventName", "event_type", "eventType", "type", "topic")
_USERS = ("distinct_id", "user_id", "userId", "customer_id", "customerId", "recipient", "user")
_EVENT_NAME = re.compile(r"[A-Za-z][\w.:/ -]{1,99}")
_NAMED = 10
"""Number of items without an event that are named."""
_NOT_IN_SLUG = re.compile("[^a-z0-9]+")


def is_event(value: Value) -> TypeGuard[dict[str, Value]]:
    """Return whether a value is an event of the platform."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("event"), str)
        and "distinct_id" in value
        and isinstance(value.get("properties"), dict | None)
    )


def events_in(value: Value, origin: str, stem: str) -> Found:
    """Return the events of a JSON value: one, a list of them, or a payload of another program. `stem` names the latter."""
    items = value if isinstance(value, list) and value else [value]
    is_list = isinstance(value, list) and len(value) > 0
    samples: list[Sample] = []
    others: list[str] = []
    for index, each in enumerate(items, 1):
        item, questions = _with_name(each)
        place = f"{origin}, item {index}" if is_list else origin
        if is_event(item):
            found = event_of(item, place)
            samples.append(replace(found, questions=(*questions, *found.questions)))
        elif isinstance(item, dict) and item:
            samples.append(payload_of(item, place, stem))
        else:
            others.append(place)
    places = others[:_NAMED] if samples else [origin]
    notes = (f"{place}: not an event or a payload: expected a map with entries" for place in places)
    return Found(tuple(samples), tuple(notes) if others else ())


def _with_name(value: Value) -> tuple[Value, tuple[tuple[str, str], ...]]:
    """Return an event whose name is a text, and what is asked about it: a variable in it is known, or stands by its name."""
    name = value.get("event") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(name, Hole | Pieces):
        return value, ()
    parts = name.parts if isinstance(name, Pieces) else (name,)
    text = "".join(_shown(part) for part in parts)
    return value | {"event": text}, (("event", "The source has a variable in this name. Which events are there?"),)


def _shown(part: str | Hole) -> str:
    if isinstance(part, str):
        return part
    return part.name if part.value is ABSENT else str(part.value)


def event_of(value: Mapping[str, Value], origin: str) -> Sample:
    """Return an event of the platform."""
    given = value.get("properties", {})
    properties = dict(given) if isinstance(given, dict) else {}
    properties.pop(_OF_SDK, None)
    attached = _attached(properties.pop(_ATTACHMENTS, []))
    attachments = tuple(_attachment(each) for each in attached if has_public_url(each))
    questions = tuple(left_out(each.get("filename")) for each in attached if not has_public_url(each))
    return Sample(
        origin,
        str(value["event"]),
        _id(value["distinct_id"]),
        properties,
        _given(value, "$idempotency_key"),
        _given(value, "tenant_id") or None,
        _given(value, "brand_id") or None,
        attachments,
        questions=questions,
    )


def _given(event: Mapping[str, Value], key: str) -> Value:
    value = event.get(key)
    return str(value) if isinstance(value, int | float) else value


def _id(value: Value) -> Value:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _attached(value: Value) -> list[dict[str, Value]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def has_public_url(attached: Mapping[str, Value]) -> bool:
    """Return whether an attachment has a URL, or may have one: the platform takes no files of a machine."""
    url = attached.get("url")
    if isinstance(url, Pieces):
        url = url.parts[0]
    return isinstance(url, Hole) or (isinstance(url, str) and url.lower().startswith(("http://", "https://")))


def left_out(filename: Value) -> tuple[str, str]:
    """Return the question about an attachment without a public URL."""
    file = filename if isinstance(filename, str) else "without a name"
    return "properties", f"The attachment {file} was left out: it has no public URL. Where can the platform fetch it?"


def _attachment(value: Mapping[str, Value]) -> dict[str, Value]:
    """Return an attachment in the form of a spec."""
    attached: dict[str, Value] = {"url": value["url"]}
    if value.get("filename"):
        attached["filename"] = value["filename"]
    if value.get("ignore_if_error"):
        attached["ignore_if_error"] = value["ignore_if_error"]
    return attached


def payload_of(value: dict[str, Value], origin: str, stem: str) -> Sample:
    """Return a payload of another program as the properties of an event, whose name and user it may not say."""
    key = next((key for key in _NAMED_BY if _is_name(value.get(key))), None)
    name = str(value[key]) if key is not None else event_named(stem)
    named_by = f"It is the {key} of the payload." if key is not None else "The payload does not say."
    questions = [("event", f"Is this the name of the event? {named_by}")]
    user = next(
        (key for key in _USERS if isinstance(value.get(key), str | int) and not isinstance(value.get(key), bool)), None
    )
    if user is not None:
        distinct_id: Value = _id(value[user])
        questions.append(("distinct_id", f"Is {user} the id of the user who is notified?"))
    else:
        distinct_id = Hole("user", {"type": "string"}, "u1")
        questions.append(("distinct_id", "Who is notified? The payload does not say, so u1 stands in the case."))
    return Sample(origin, name, distinct_id, value, ABSENT, questions=tuple(questions), named_by=key)


def _is_name(value: Value | Absent | None) -> bool:
    return isinstance(value, str) and _EVENT_NAME.fullmatch(value) is not None and not is_reserved(value)


def event_named(text: str) -> str:
    """Return the nearest valid name of an event.

    >>> event_named("Orders 2026"), event_named("x"), event_named("ss_log")
    ('orders_2026', 'event_x', 'event_ss_log')
    """
    name = slug(text, "_")
    is_valid = len(name) >= MIN_EVENT_NAME and not is_reserved(name)
    return name if is_valid else f"event_{name}".rstrip("_")


def slug(text: str, between: str = "-") -> str:
    """Return a text as the name of a file or an event.

    >>> slug("Order Placed!")
    'order-placed'
    """
    return _NOT_IN_SLUG.sub(between, text[:100].lower()).strip(between)
