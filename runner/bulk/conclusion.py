"""The end of a session of a run → its exit code, and the useful next steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from runner.bulk.ledger_errors import LedgerGone
from runner.errors import SIGNALLED, ExitCode
from runner.exits import of_event, of_stop, summed
from runner.problems import ENTRIES, Trait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.bulk.options import BulkOptions
    from runner.bulk.outcomes import Counts, RowOutcome
    from runner.bulk.reason import Reason
    from runner.bulk.record import RunRecord
    from runner.errors import MachineError, RunnerError
    from runner.rows.places import Places
    from runner.suprsend.answer import State


class Step(Enum):
    """A next step for a run."""

    SEND_FAILED = auto()
    RESUME = auto()
    RESUME_UNKNOWN = auto()
    """Resume, and also send rows that may have arrived and have no key."""
    SEND_REST = auto()
    """Send the rows after a fault of the file, once it is corrected."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a session of a run ended, and how the whole run stands.

    `counts` are the recorded ones of the run; rows in flight count as unknown. `total` is None if the rows were not all
    counted. `stop_reason` says why the session ended early, and `signal` which signal interrupted it. `read_error` is why the
    remaining rows could not be read, `ledger_error` why no more outcomes could be recorded.
    """

    record: RunRecord
    options: BulkOptions
    has_keys: bool
    counts: Counts
    total: int | None
    rows_read: int
    """Number of rows that were read."""
    places: Places
    stop_reason: Reason | None
    signal: int | None
    read_error: RunnerError | None
    ledger_error: MachineError | None
    failure_kinds: frozenset[tuple[State, str, bool]]
    """States and codes of the rows that were not accepted, and whether they were sent; empty if the ledger can't be read."""
    session_rows: int
    """Number of rows that this session finished."""
    took_s: float
    failures: tuple[RowOutcome, ...]
    """The first failures of this session."""
    repeated_keys: int
    """Number of accepted rows of this session with the key of another one: the platform counts only one of them."""

    @property
    def not_sent(self) -> int | None:
        """Number of rows that certainly did not arrive; None if the rows were not all counted."""
        return None if self.total is None else self.counts.settled(self.total).not_sent

    @property
    def is_cut(self) -> bool:
        """Whether the session ended before all rows that can be read were dealt with and recorded."""
        return self.stop_reason is not None or self.ledger_error is not None

    @property
    def not_accepted(self) -> int:
        """Number of rows that the run dealt with and that were not accepted."""
        return self.counts.rows - self.counts.accepted

    @property
    def is_ledger_gone(self) -> bool:
        """Whether the ledger that a resume needs was removed."""
        return isinstance(self.ledger_error, LedgerGone)

    @property
    def has_unread_rows(self) -> bool:
        """Whether rows are left that a resume can't read: a corrected file is a different one."""
        return Trait.ENDS_ROWS in self._fault and not self.stop_reason

    @property
    def unread_rows(self) -> tuple[int, int | None]:
        """Offset and limit of the rows after a fault of the file."""
        offset, limit = self.options.offset, self.options.limit
        return offset + self.rows_read, None if limit is None else limit - self.rows_read

    @property
    def only_invalid_failed(self) -> bool:
        """Whether all failed rows are invalid themselves."""
        kinds = {of_event(code, was_sent=was_sent) for state, code, was_sent in self.failure_kinds if state == "failed"}
        return kinds == {ExitCode.INVALID}

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command that sent this session."""
        if self.ledger_error is not None:
            return self.ledger_error.exit_code
        if self.stop_reason == "interrupted" and self.signal is not None:
            return ExitCode(SIGNALLED + self.signal)
        if self.stop_reason is not None and (code := of_stop(self.stop_reason)) is not None:
            return code
        if self.read_error is not None:
            return self.read_error.exit_code
        if self.total == self.counts.accepted:
            return ExitCode.OK
        return summed(of_event(code, was_sent=was_sent) for _, code, was_sent in self.failure_kinds)

    def next_steps(self) -> Iterator[Step]:
        """Yield the next steps, the most useful first."""
        if self.is_ledger_gone:
            return
        record, unknown = self.record, self.counts.unknown
        if self.ledger_error is None and self.counts.failed and (not record.is_piped or record.parent):
            yield Step.SEND_FAILED
        has_open = self.counts.not_sent > 0 if self.has_unread_rows else self.not_sent is None or self.not_sent > 0
        if has_open or (unknown and self.has_keys):
            yield Step.RESUME
        if unknown and not self.has_keys:
            yield Step.RESUME_UNKNOWN
        if self.has_unread_rows and Trait.MENDABLE in self._fault:
            yield Step.SEND_REST

    @property
    def _fault(self) -> Trait:
        return ENTRIES[self.read_error.problems[0].code].traits if self.read_error is not None else Trait.NONE
