"""The reasons that stop a run before the end of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from runner.suprsend.statuses import is_server_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.bulk.outcomes import RowOutcome
    from runner.codes import Code

Reason = Literal[
    "interrupted", "failures", "credentials", "no-answer", "rate-limited", "unavailable", "machine", "time"
]
_OUTAGES: Mapping[Code, Reason] = {
    "no-answer": "no-answer",
    "no-connection": "no-answer",
    "rate-limited": "rate-limited",
}


def outage_of(failure: RowOutcome) -> Reason | None:
    """Return why a row failed if the next rows would fail for the same reason; None if the fault is in the row."""
    if is_server_error(failure.status_code):
        return "unavailable"
    return _OUTAGES.get(failure.code)
