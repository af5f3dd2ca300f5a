"""An event as it goes out → an event of the interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.suprsend.rules import own_properties
from runner.workflows.timeline import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json


def event_of(wire: Mapping[str, Json], at_ms: int) -> Event:
    """Return the accepted event of a valid record, at a time in milliseconds since 1970."""
    return Event(
        at_ms,
        str(wire.get("event", "")).strip(),
        str(wire.get("distinct_id", "")).strip(),
        own_properties(wire.get("properties")),
        _text(wire.get("tenant_id")) or _text(wire.get("brand_id")),
        _text(wire.get("$idempotency_key")),
    )


def _text(value: Json | None) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None
