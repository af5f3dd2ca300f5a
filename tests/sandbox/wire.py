"""What tests of the requests to a sandbox share: paths, events that it refuses, and its answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.sandbox.conftest import TOKEN

if TYPE_CHECKING:
    from tests.sandbox.conftest import Api, Caller

SINGLE, BULK, LEGACY = "/v2/event/", "/v2/bulk/event/", "/event/"
EVENTS = "/_sandbox/events"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
UNAUTHORIZED = (401, "invalid workspace key, secret or signature", "authentication_error")


def bad(message: str) -> tuple[int, str, str]:
    return 400, message, "bad_request"


def nothing_stored(api: Api) -> bool:
    """Return whether no event was accepted; refused ones are stored with their reason."""
    return api.store.events() == [] and api.store.total == 0


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"distinct_id": ...}, "error: must pass value for distinct_id"),
    (
        {"distinct_id": ..., "event": ...},
        "error: must pass value for either event or distinct_id/anonymous_id",
    ),
    ({"distinct_id": " "}, "error: distinct_id is blank"),
    ({"distinct_id": None}, "error: distinct_id is missing"),
    ({"distinct_id": True}, "error: distinct_id is bool, not text"),
    ({"event": "x"}, "error: the event's name 'x' is shorter than 2 characters"),
    ({"event": 7}, "error: the event's name must be text, not int"),
    ({"event": "$purchase"}, "error: event name '$purchase' is reserved"),
    ({"event": "SS_purchase"}, "error: event name 'SS_purchase' is reserved"),
    ({"properties": []}, 'Request body contains an invalid value for the "properties" field'),
    ({"properties": None}, 'Request body contains an invalid value for the "properties" field'),
    ({"properties": "x"}, 'Request body contains an invalid value for the "properties" field'),
    ({"properties": {"$a": 1}}, "error: property '$a' is reserved"),
    ({"properties": {"ss_a": 1}}, "error: property 'ss_a' is reserved"),
    ({"properties": {"$attachments": {}}}, "error: $attachments must be a list"),
    ({"properties": {"$attachments": ["a.pdf"]}}, "error: an attachment must be an object with a url"),
    ({"properties": {"$attachments": [{}]}}, "error: the attachment has no URL"),
    ({"properties": {"$attachments": [{"url": "a.pdf"}]}}, "error: 'a.pdf' is not an http(s) URL"),
    (
        {"properties": {"$attachments": [{"url": "https://example.com/a", "ignore_if_error": 1}]}},
        "error: ignore_if_error must be true or false",
    ),
    ({"$idempotency_key": "k" * 256}, "error: the idempotency key has 256 characters"),
    ({"$idempotency_key": " "}, "error: the idempotency key is blank"),
    ({"$idempotency_key": 7}, "error: the idempotency key must be text, not int"),
    ({"tenant_id": "a b"}, "error: tenant_id 'a b' is not an id of a tenant"),
    ({"brand_id": 7}, "error: brand_id must be text, not int"),
    ({"$insert_id": ...}, "error: $insert_id must be a string of 36 characters or more"),
    ({"$insert_id": "x" * 35}, "error: $insert_id must be a string of 36 characters or more"),
    ({"$insert_id": 10**40}, "error: $insert_id must be a string of 36 characters or more"),
    ({"$time": ...}, "error: $time must be milliseconds since 1970, in 2022 or later"),
    ({"$time": 1640995199999}, "error: $time must be milliseconds since 1970, in 2022 or later"),
    ({"$time": "1767225600000"}, "error: $time must be milliseconds since 1970, in 2022 or later"),
    ({"$time": 1767225600000.0}, "error: $time must be milliseconds since 1970, in 2022 or later"),
    ({"$time": True}, "error: $time must be milliseconds since 1970, in 2022 or later"),
]


def of_size(caller: Caller, size_bytes: int) -> dict[str, Any]:
    room = size_bytes - len(json.dumps(caller.event(properties={"x": ""}), separators=(",", ":")))
    return caller.event(properties={"x": "x" * room})
