"""How a session ended decides the exit code and what to do next, whatever ended it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from runner.bulk.conclusion import Conclusion, Step
from runner.bulk.ledger_errors import LedgerGone
from runner.bulk.options import BulkOptions
from runner.bulk.outcomes import Counts
from runner.bulk.record import RunRecord
from runner.errors import ExitCode, InvalidInput, MachineError, Problem
from runner.rows.dataset import DataFile, Dataset
from runner.rows.places import Places

RECORD = RunRecord("run", UUID(int=1), datetime(2026, 1, 2, tzinfo=UTC), "order.yaml", ("rows.csv",), {}, {})
PIPED = replace(RECORD, rows=("-",))
OPTIONS = BulkOptions(
    dataset=Dataset(("rows.csv",), (DataFile("rows.csv"),)),
    renamed={},
    ignore_extra=False,
    limit=None,
    offset=0,
    concurrency=16,
    processes=None,
    rate=None,
    max_failures=None,
    results=None,
    part_rows=100,
)
REFUSED = frozenset({("failed", "refused", True)})
INVALID = frozenset({("failed", "var-type", False)})
SYNTAX = InvalidInput(Problem("rows-syntax", "broken"))
ORIGIN = InvalidInput(Problem("row-origin", "of another run"))
FULL = MachineError(Problem("ledger-refused", "disk full"))
GONE = LedgerGone(Path("ledger.sqlite3"))


def ended(accepted: int = 0, failed: int = 0, unknown: int = 0, not_sent: int = 0, **changes: Any) -> Conclusion:
    """End a session of a run of ten rows."""
    counts = Counts(accepted, failed, unknown, not_sent)
    plain = Conclusion(
        record=RECORD, options=OPTIONS, has_keys=True, counts=counts, total=10, rows_read=10, places=Places(), stop_reason=None, signal=None, read_error=None,
        ledger_error=None, failure_kinds=frozenset(), session_rows=counts.rows, took_s=1.0, failures=(), repeated_keys=0,
    )  # fmt: skip
    return replace(plain, **changes)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (ended(10), ExitCode.OK),
        (ended(total=0), ExitCode.OK),
        (ended(9, 1, failure_kinds=REFUSED), ExitCode.REFUSED),
        (ended(9, 1, failure_kinds=INVALID), ExitCode.INVALID),
        (ended(8, 2, failure_kinds=INVALID | REFUSED), ExitCode.REFUSED),
        (ended(9, 0, 1, failure_kinds=frozenset({("unknown", "no-answer", True)})), ExitCode.NO_ANSWER),
        (ended(9, 0, 0, 1, failure_kinds=frozenset({("not_sent", "rate-limited", True)})), ExitCode.RATE_LIMITED),
        (ended(9, stop_reason="interrupted", signal=15), ExitCode.TERMINATED),
        (ended(0, 1, failure_kinds=REFUSED, stop_reason="credentials"), ExitCode.CREDENTIALS),
        (ended(0, 1, failure_kinds=REFUSED, stop_reason="failures"), ExitCode.REFUSED),
        (ended(stop_reason="unavailable"), ExitCode.NO_ANSWER),
        (ended(stop_reason="rate-limited"), ExitCode.RATE_LIMITED),
        (ended(9, total=None, read_error=SYNTAX), ExitCode.INVALID),
        (ended(9, total=None, ledger_error=FULL, stop_reason="machine"), ExitCode.MACHINE),
        (ended(9, total=None, ledger_error=FULL, stop_reason="credentials", read_error=SYNTAX), ExitCode.MACHINE),
    ],
)
def test_each_end_has_its_exit_code(end: Conclusion, code: ExitCode) -> None:
    assert end.exit_code is code


@pytest.mark.parametrize(
    ("end", "steps"),
    [
        (ended(10), []),
        (ended(9, 1), [Step.SEND_FAILED]),
        (ended(9, 1, record=PIPED), []),
        (ended(9, 1, record=replace(PIPED, parent="parent")), [Step.SEND_FAILED]),
        (ended(5), [Step.RESUME]),
        (ended(9, 0, 1), [Step.RESUME]),
        (ended(9, 0, 1, has_keys=False), [Step.RESUME_UNKNOWN]),
        (ended(8, 0, 1, has_keys=False), [Step.RESUME, Step.RESUME_UNKNOWN]),
        (ended(9, 1, total=None), [Step.SEND_FAILED, Step.RESUME]),
        (ended(9, 1, ledger_error=FULL, total=None), [Step.RESUME]),
        (ended(9, 1, ledger_error=GONE, total=None), []),
        (ended(5, total=None, read_error=SYNTAX), [Step.SEND_REST]),
        (ended(4, not_sent=1, total=None, read_error=SYNTAX), [Step.RESUME, Step.SEND_REST]),
        (ended(5, total=None, read_error=SYNTAX, stop_reason="interrupted"), [Step.RESUME]),
        (ended(5, total=None, read_error=ORIGIN), []),
    ],
)
def test_each_end_has_its_next_steps(end: Conclusion, steps: list[Step]) -> None:
    assert list(end.next_steps()) == steps


def test_rows_that_were_never_begun_were_not_sent_once_all_are_counted() -> None:
    assert (ended(5, 1, 1, 1).not_sent, ended(5, 1, 1, 1, total=None).not_sent) == (3, None)
    assert ended(5, 1, 1, 1).not_accepted == 3


def test_the_rest_behind_a_fault_begins_after_the_rows_that_were_read() -> None:
    assert ended(rows_read=4).unread_rows == (4, None)
    assert ended(rows_read=4, options=replace(OPTIONS, offset=3, limit=10)).unread_rows == (7, 6)


def test_counts_are_added_and_settled() -> None:
    counts = Counts(accepted=8, failed=2) + Counts(accepted=1, unknown=3, in_flight=4)
    assert counts == Counts(accepted=9, failed=2, unknown=3, not_sent=0, in_flight=4)
    assert counts.rows == 18
    assert counts.settled(None) == Counts(accepted=9, failed=2, unknown=7)
    assert counts.settled(20) == Counts(accepted=9, failed=2, unknown=7, not_sent=2)
