"""The reasons that stop a run before the end of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from runner.errors import ExitCode
from runner.exits import of_event
from runner.suprsend.statuses import is_server_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.bulk.outcomes import RowOutcome

Reason = Literal[
    "interrupted", "failures", "credentials", "no-answer", "rate-limited", "unavailable", "machine", "time"
]
_OUTAGES: Mapping[ExitCode, Reason] = {ExitCode.NO_ANSWER: "no-answer", ExitCode.RATE_LIMITED: "rate-limited"}


def outage_of(failure: RowOutcome) -> Reason | None:
    """Return why a row failed if the next rows would fail for the same reason; None if the fault is in the row."""
    if is_server_error(failure.status_code):
        return "unavailable"
    return _OUTAGES.get(of_event(failure.code, was_sent=failure.attempts > 0))
