"""The log of `runner sandbox`: a line for each request, as it arrives; and before, one for each file that is left out."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.report.style import counted, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.report.style import Style
    from runner.sandbox.arrival import Arrival
    from runner.workflows.project import LeftOut

MAX_REFUSED = 10
"""Refused records of one request that have a line of their own."""
_MAX_CHARS = 200
_MAX_LEFT_OUT = 5
_BULK = "/v2/bulk/event/"
_BULK_STATUS = 207


def log_lines(arrivals: Sequence[Arrival], style: Style) -> Iterator[str]:
    """Yield the lines for one request: one for its only record, or one with counts and one for each refused record."""
    if not arrivals:
        return
    first = arrivals[0]
    time = style.faint(datetime.fromtimestamp(first.received_ms / 1000, UTC).astimezone().strftime("%H:%M:%S"))
    session = f" [{first.session}]" if first.session else ""
    is_bulk = first.endpoint.startswith(_BULK) and (first.outcome != "refused" or first.event is not None)
    if len(arrivals) == 1 and not is_bulk:
        yield f"{time}{session} {_record(first, style)}"
        return
    counts = Counter(each.outcome for each in arrivals)
    parts = [f"{counts[outcome]:,} {outcome}" for outcome in ("accepted", "duplicate", "refused") if counts[outcome]]
    status = _BULK_STATUS if is_bulk else first.status_code
    yield f"{time}{session} {_painted(status, style)} {counted(len(arrivals), 'event')}: {', '.join(parts)}"
    noted = [each for each in arrivals if each.outcome == "refused" or each.warning]
    for each in noted[:MAX_REFUSED]:
        yield f"         {_record(each, style)}"
    if len(noted) > MAX_REFUSED:
        yield f"         and {len(noted) - MAX_REFUSED:,} more"


def left_out_lines(found: Sequence[LeftOut]) -> Iterator[str]:
    """Yield a line for each file that is left out of the workflows, with the events for which no messages come of it."""
    for each in found[:_MAX_LEFT_OUT]:
        position = each.problem.position
        place = f"{position.path}:{position.line}: " if position is not None else ""
        yield f"  left out: {printable(place)}{printable(each.problem.message)}{_without(each)}"
    if len(found) > _MAX_LEFT_OUT:
        yield f"  left out: {counted(len(found) - _MAX_LEFT_OUT, 'more file')}; `runner validate` names them"


def _without(each: LeftOut) -> str:
    if not each.is_workflow:
        return ""
    if each.events is None:
        return "; no messages come of it, and it is not known for which events"
    events = printable(", ".join(each.events))
    return f"; no messages come of it for {events}" if events else "; no messages come of it"


def _record(arrival: Arrival, style: Style) -> str:
    what = _shown(arrival.event) if arrival.event is not None else _shown(arrival.endpoint)
    text = f"{_painted(arrival.status_code, style)} {style.strong(what)}"
    if arrival.distinct_id is not None:
        text += f" user {_shown(arrival.distinct_id)}"
    if arrival.tenant_id is not None:
        text += f" tenant {_shown(arrival.tenant_id)}"
    if arrival.duplicate:
        text += f" {style.warning('duplicate')}"
    if arrival.reason is not None:
        text += f": {style.error(_shown(arrival.reason))}"
    if arrival.warning is not None:
        text += f": {style.warning('warning:')} {_shown(arrival.warning)}"
    return text


def _painted(status_code: int, style: Style) -> str:
    text = str(status_code) if status_code else "-"  # no answer, as in a rehearsed reset of the connection
    return style.good(text) if 0 < status_code < 400 else style.error(text)  # noqa: PLR2004


def _shown(text: str) -> str:
    shown = printable(text[: _MAX_CHARS + 1])
    return shown if len(text) <= _MAX_CHARS else f"{shown[:_MAX_CHARS]}…"
