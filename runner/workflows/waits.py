"""How long a run waits: fixed, dynamic and relative times.

Source: the platform's documentation, "Delay" and "Batch".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.durations import shown_ms
from runner.workflows.condition_values import shown
from runner.workflows.definition import Expression, Offset
from runner.workflows.durations import seconds
from runner.workflows.evaluation import spelled, value_of
from runner.workflows.outcomes import RefusedError, StoppedError

if TYPE_CHECKING:
    from runner.source import Json
    from runner.workflows.definition import Wait
    from runner.workflows.run import Run

MAX_MS = 221_845_392_000_000
"""The start of the year 9000: the calendar can hold what recurs after it."""


def end_of(wait: Wait, run: Run) -> int:
    """Return the time at which a wait that begins now ends. Raise StoppedError if its expression has no such result."""
    if isinstance(wait, Expression):
        until_ms = _dynamic(value_of(run, wait), run.now_ms, wait)
    elif isinstance(wait, Offset):
        until_ms = _relative(wait, run)
    else:
        until_ms = run.now_ms + wait * 1000
    if until_ms > MAX_MS:
        raise RefusedError("the wait ends after the year 8999")
    return until_ms


def instant_ms(text: str) -> int:
    """Return an ISO 8601 time as milliseconds since 1970; one without a zone is in UTC. Raise ValueError for other texts."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return round(time.timestamp() * 1000)


def _dynamic(value: Json, now_ms: int, expression: Expression) -> int:
    duration = _whole(value)
    if duration is not None and duration >= 0:
        return now_ms + duration * 1000
    if isinstance(value, str):
        try:
            return now_ms + seconds(value) * 1000
        except ValueError:
            pass
        try:
            until_ms = instant_ms(value)
        except ValueError:
            pass
        else:
            if until_ms > now_ms:
                return until_ms
            raise StoppedError(f"the time {value} is in the past", expression.source)
    raise StoppedError(
        f"{spelled(expression)} is {shown(value)}, expected a duration, a number of seconds or a time",
        expression.source,
    )


def _relative(wait: Offset, run: Run) -> int:
    pivot = value_of(run, wait.pivot)
    try:
        pivot_ms = instant_ms(pivot if isinstance(pivot, str) else "")
    except ValueError:
        reason = f"{spelled(wait.pivot)} is {shown(pivot)}, expected a time in ISO 8601"
        raise StoppedError(reason, wait.pivot.source) from None
    if isinstance(wait.offset, Expression):
        value = value_of(run, wait.offset)
        offset = _whole(value)
        try:
            offset = seconds(value) if isinstance(value, str) else offset
        except ValueError:
            offset = None
        if offset is None:
            reason = f"{spelled(wait.offset)} is {shown(value)}, expected a duration or a number of seconds"
            raise StoppedError(reason, wait.offset.source)
    else:
        offset = wait.offset
    until_ms = pivot_ms - offset * 1000 if wait.is_before else pivot_ms + offset * 1000
    if until_ms <= run.now_ms:
        direction = "before" if wait.is_before else "after"
        raise StoppedError(f"{shown_ms(offset * 1000)} {direction} {pivot} is in the past", wait.pivot.source)
    return until_ms


def _whole(value: Json) -> int | None:
    """Return a whole number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value)
