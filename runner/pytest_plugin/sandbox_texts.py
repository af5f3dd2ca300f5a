"""What arrived at a sandbox, and how it differs from what a test expects → texts of failures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from runner.report import as_text
from runner.report.style import printable
from runner.secrets import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.errors import Problem
    from runner.testing.arrivals import ReceivedEvent
    from runner.testing.wanted import Wanted

_MAX_SHOWN = 20
_MAX_CHARS = 200
_OPEN = Mask()
_FIELDS = {"event": "event", "distinct_id": "user", "tenant_id": "tenant", "idempotency_key": "key"}


def wanted_text(wanted: Wanted) -> str:
    """Return a description of the wanted event: `event order_placed, user u1`."""
    parts = [f"{_FIELDS[name]} {printable(value)}" for name, value in wanted.names.items()]
    parts += [f"case '{printable(wanted.case)}'"] if wanted.case is not None else []
    return ", ".join(parts) or "any event"


def differing_text(event: ReceivedEvent, differences: Sequence[Problem], mask: Mask) -> str:
    """Return how the nearest event differs, each difference as a problem with its line in the spec."""
    told = "\n".join(as_text(problem, mask=mask) for problem in differences)
    properties = mask.text(_short(event.properties))
    return f"nearest: {_who(event.event, event.user, event.tenant)}\n  properties {properties}\n{told}"


def instead_text(nearest: Sequence[Mapping[str, object]], strays: Sequence[Mapping[str, object]], key: str) -> str:
    """Return what arrived instead, or why nothing may have arrived.

    `strays` arrived outside of all sessions, `key` is the workspace key of this one.
    """
    if nearest:
        return f"arrived instead, the nearest first:\n{arrived_text(nearest)}"
    if strays:
        own = f"the application must use the credentials of the session, such as the workspace key {key}"
        return f"nothing else arrived here, but outside of this session:\n{arrived_text(strays)}\n{own}"
    return "nothing else arrived"


def arrived_text(records: Sequence[Mapping[str, object]]) -> str:
    """Return a line for each record, and the reason of a refusal; of many, the newest."""
    lines = [f"  … {len(records) - _MAX_SHOWN} more before"] if len(records) > _MAX_SHOWN else []
    for record in records[-_MAX_SHOWN:]:
        outcome = str(record["outcome"])
        outcome += f" {record['status_code']}" if outcome == "refused" else ""
        who = _who(record["event"], record["distinct_id"], record["tenant_id"])
        lines.append(f"  {outcome.ljust(12)} {who}")
        note = record["reason"] or record["warning"]
        lines += [f"    {printable(_cut(str(note)))}"] if note else []
    return "\n".join(lines)


def _who(event: object, user: object, tenant: object) -> str:
    parts = [str(event) if event else "(no event)"]
    parts += [f"user {user}"] if user else []
    parts += [f"tenant {tenant}"] if tenant else []
    return printable(_cut(", ".join(parts)))


def _short(value: object) -> str:
    return printable(_cut(json.dumps(value, ensure_ascii=False)))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}…"
