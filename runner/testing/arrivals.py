"""What arrived in one session of a sandbox: events, and refused requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.suprsend.rules import own_properties

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event that a sandbox received. `duplicate` means that its idempotency key was known, so it does not count again.

    `body` is the whole event as it was sent. `received_ms` is the time on the session's clock, in milliseconds since 1970.
    """

    id: int
    event: str
    user: str
    tenant: str | None
    properties: Mapping[str, Any]
    idempotency_key: str | None
    message_id: str | None
    duplicate: bool
    warning: str | None
    received_ms: int
    body: Mapping[str, Any]

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> ReceivedEvent:
        """Return the event in a record of `/_sandbox/events`."""
        body = record["body"] or {}
        return cls(
            record["id"],
            record["event"] or "",
            record["distinct_id"] or "",
            record["tenant_id"],
            own_properties(body.get("properties")),
            record["idempotency_key"],
            record["message_id"],
            record["outcome"] == "duplicate",
            record["warning"],
            record["received_ms"],
            body,
        )


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A request of which a sandbox refused all events, or some. `reasons` has one for each refused event.

    `body` is the text of the request, up to 64 KiB.
    """

    id: int
    status_code: int
    reasons: tuple[str, ...]
    method: str
    path: str
    headers: Mapping[str, str]
    body: str
    received_ms: int

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> RefusedRequest:
        """Return a request of `/_sandbox/requests`."""
        return cls(
            request["id"],
            request["status_code"],
            tuple(str(each["reason"]) for each in request["refused"]),
            request["method"],
            request["target"],
            dict(request["headers"]),
            request["body"],
            request["received_ms"],
        )
