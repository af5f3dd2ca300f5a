"""The end of a session of a run → its exit code, and the useful next steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from runner.bulk.refusals import LedgerGone
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
    counted. `stopped` says why the session ended early, and `signal` which signal interrupted it. `cause` is why the rest of
    the rows could not be read, `failure` why nothing more could be recorded.
    """

    record: RunRecord
    options: BulkOptions
    has_keys: bool
    counts: Counts
    total: int | None
    read: int
    """Number of rows that were read from the file."""
    stopped: Reason | None
    signal: int | None
    cause: RunnerError | None
    failure: MachineError | None
    kinds: frozenset[tuple[State, str, bool]]
    """States and codes of the rows that were not accepted, and whether they were sent; empty if the ledger can't be read."""
    session_rows: int
    """Number of rows that this session finished."""
    took_s: float
    failures: tuple[RowOutcome, ...]
    """The first failures of this session."""
    repeated: int
    """Number of accepted rows of this session with the key of another one: the platform counts only one of them."""

    @property
    def not_sent(self) -> int | None:
        """Number of rows that certainly did not arrive; None if the rows were not all counted."""
        return None if self.total is None else self.counts.settled(self.total).not_sent

    @property
    def recorded(self) -> int:
        """Number of rows that the run dealt with and that were not accepted."""
        return self.counts.rows - self.counts.accepted

    @property
    def is_ledger_gone(self) -> bool:
        """Whether the ledger that a resume needs was removed."""
        return isinstance(self.failure, LedgerGone)

    @property
    def has_rest(self) -> bool:
        """Whether rows are left that a resume can't read: a corrected file is a different one."""
        return Trait.ENDS_ROWS in self._fault and not self.stopped

    @property
    def rest(self) -> tuple[int, int | None]:
        """Offset and limit of the rows after a fault of the file."""
        offset, limit = self.options.offset, self.options.limit
        return offset + self.read, None if limit is None else limit - self.read

    @property
    def makes_mending_sense(self) -> bool:
        """Whether all failed rows are invalid themselves."""
        kinds = {of_event(code, was_sent=was_sent) for state, code, was_sent in self.kinds if state == "failed"}
        return kinds == {ExitCode.INVALID}

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command that sent this session."""
        if self.failure is not None:
            return self.failure.exit_code
        if self.stopped == "interrupted" and self.signal is not None:
            return ExitCode(SIGNALLED + self.signal)
        if self.stopped is not None and (code := of_stop(self.stopped)) is not None:
            return code
        if self.cause is not None:
            return self.cause.exit_code
        if self.total == self.counts.accepted:
            return ExitCode.OK
        return summed(of_event(code, was_sent=was_sent) for _, code, was_sent in self.kinds)

    def next_steps(self) -> Iterator[Step]:
        """Yield the next steps, the most useful first."""
        if self.is_ledger_gone:
            return
        record, unknown = self.record, self.counts.unknown
        if self.failure is None and self.counts.failed and (record.rows != "-" or record.parent):
            yield Step.SEND_FAILED
        has_open = self.counts.not_sent > 0 if self.has_rest else self.not_sent is None or self.not_sent > 0
        if has_open or (unknown and self.has_keys):
            yield Step.RESUME
        if unknown and not self.has_keys:
            yield Step.RESUME_UNKNOWN
        if self.has_rest and Trait.MENDABLE in self._fault:
            yield Step.SEND_REST

    @property
    def _fault(self) -> Trait:
        return ENTRIES[self.cause.problems[0].code].traits if self.cause is not None else Trait.NONE
