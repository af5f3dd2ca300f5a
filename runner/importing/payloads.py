"""JSON values → events: those of the platform as they go over the wire, and any other payload as an event's properties."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeGuard

from runner.importing.sample import ABSENT, Found, Hole, Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.importing.sample import Absent, Value

_OF_SDK = "$ss_sdk_version"
_ATTACHMENTS = "$attachments"
_NAMED_BY = ("event", "event_name", "event_type", "type", "topic", "name")
_USERS = ("distinct_id", "user_id", "userId", "customer_id", "customerId", "recipient", "user")
_EVENT_NAME = re.compile(r"[A-Za-z][\w.:/ -]{1,99}")
_NOT_IN_SLUG = re.compile("[^a-z0-9]+")


def is_event(value: Value) -> TypeGuard[dict[str, Value]]:
    """Return whether a value is an event of the platform."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("event"), str)
        and "distinct_id" in value
        and isinstance(value.get("properties", {}), dict)
    )


def events_in(value: Value, origin: str, stem: str) -> Found:
    """Return the events of a JSON value: one, a list of them, or a payload of another program. `stem` names the latter."""
    if isinstance(value, list) and value and all(map(is_event, value)):
        events = [each for each in value if is_event(each)]
        return Found(tuple(event_of(each, f"{origin}, item {index}") for index, each in enumerate(events, 1)))
    if is_event(value):
        return Found((event_of(value, origin),))
    if isinstance(value, dict) and value:
        return Found((payload_of(value, origin, stem),))
    if isinstance(value, list) and value and all(isinstance(each, dict) and each for each in value):
        maps = [each for each in value if isinstance(each, dict)]
        return Found(tuple(payload_of(each, f"{origin}, item {index}", stem) for index, each in enumerate(maps, 1)))
    return Found((), (f"{origin}: not an event or a payload: expected a map with entries",))


def event_of(value: Mapping[str, Value], origin: str) -> Sample:
    """Return an event of the platform."""
    given = value.get("properties", {})
    properties = dict(given) if isinstance(given, dict) else {}
    properties.pop(_OF_SDK, None)
    questions: list[tuple[str, str]] = []
    attached = properties.pop(_ATTACHMENTS, [])
    for key in [key for key in properties if key.startswith("$") or key[:3].lower() == "ss_"]:
        del properties[key]
        questions.append(
            ("properties", f"The property {key} was left out: its name is the platform's own. Is it needed?")
        )
    return Sample(
        origin,
        str(value["event"]),
        _id(value["distinct_id"]),
        properties,
        _given(value, "$idempotency_key"),
        _given(value, "tenant_id") or None,
        _given(value, "brand_id") or None,
        tuple(_attachment(each) for each in attached if isinstance(each, dict) and each.get("url"))
        if isinstance(attached, list)
        else (),
        questions=tuple(questions),
    )


def _given(event: Mapping[str, Value], key: str) -> Value:
    value = event.get(key)
    return str(value) if isinstance(value, int | float) else value


def _id(value: Value) -> Value:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


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
    name = str(value[key]) if key is not None else slug(stem, "_") or "event"
    named_by = f"{name} is its {key}" if key is not None else "the payload does not say"
    questions = [("event", f"Is this the name of the event? {named_by[:1].upper()}{named_by[1:]}.")]
    user = next(
        (key for key in _USERS if isinstance(value.get(key), str | int) and not isinstance(value.get(key), bool)), None
    )
    if user is not None:
        distinct_id: Value = _id(value[user])
        questions.append(("distinct_id", f"Is {user} the id of the user who is notified?"))
    else:
        distinct_id = Hole("user", {"type": "string"}, "u1")
        questions.append(("distinct_id", "Who is notified? The payload does not say, so u1 stands in the case."))
    properties, left_out = _without_reserved(value)
    questions += (
        ("properties", f"{each} was left out: such names are the platform's own. Under which name is it needed?")
        for each in left_out
    )
    return Sample(origin, name, distinct_id, properties, ABSENT, questions=tuple(questions))


def _is_name(value: Value | Absent | None) -> bool:
    return isinstance(value, str) and _EVENT_NAME.fullmatch(value) is not None and value[:3].lower() != "ss_"


def _without_reserved(value: Mapping[str, Value]) -> tuple[dict[str, Value], list[str]]:
    reserved = [key for key in value if key.startswith("$") or key[:3].lower() == "ss_"]
    return {key: item for key, item in value.items() if key not in reserved}, reserved


def slug(text: str, between: str = "-") -> str:
    """Return a text as the name of a file or an event.

    >>> slug("Order Placed!")
    'order-placed'
    """
    return _NOT_IN_SLUG.sub(between, text[:100].lower()).strip(between)
