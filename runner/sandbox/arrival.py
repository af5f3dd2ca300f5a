"""What arrives at a sandbox: a request, and its records, each accepted or refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.refusals import Refusal

Outcome = Literal["accepted", "duplicate", "refused"]
"""`duplicate`: accepted, but its key was known, so the platform would not process it again."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it was received. `session` is the part of the sandbox that its sender has chosen; "" by default."""

    session: str
    workspace: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a request, checked. `raw` is the event as compact JSON, empty if the record is not JSON.

    `warning` is a reason why the platform would accept the event, and do nothing.
    """

    event: Mapping[str, object]
    raw: bytes = b""
    refusal: Refusal | None = None
    warning: str | None = None


class Arrival(NamedTuple):
    """A stored record. Times are milliseconds since 1970, on the clock of its session."""

    id: int
    request_id: int
    session: str
    received_ms: int
    outcome: Outcome
    status_code: int
    reason: str | None
    warning: str | None
    workspace: str
    endpoint: str
    event: str | None
    distinct_id: str | None
    tenant_id: str | None
    idempotency_key: str | None
    insert_id: str | None
    message_id: str | None
    raw: bytes
    """The event as compact JSON: parsed, it would take several times the memory."""

    @property
    def duplicate(self) -> bool:
        """Whether the platform would not process the event again."""
        return self.outcome == "duplicate"

    @property
    def body(self) -> dict[str, object]:
        """The event, parsed; empty if the record is not JSON."""
        body: dict[str, object] = json.loads(self.raw) if self.raw else {}
        return body

    def summary(self) -> dict[str, object]:
        """Return everything but the event itself, for lists."""
        return {
            "id": self.id,
            "session": self.session,
            "received_ms": self.received_ms,
            "outcome": self.outcome,
            "status_code": self.status_code,
            "reason": self.reason,
            "warning": self.warning,
            "endpoint": self.endpoint,
            "event": self.event,
            "distinct_id": self.distinct_id,
            "tenant_id": self.tenant_id,
            "idempotency_key": self.idempotency_key,
            "message_id": self.message_id,
        }

    def as_json(self) -> bytes:
        """Return the summary and the event."""
        about = json.dumps(self.summary(), separators=(",", ":")).encode()
        return b'%s,"body":%s}' % (about[:-1], self.raw or b"null")
