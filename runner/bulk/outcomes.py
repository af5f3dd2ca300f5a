"""What became of rows: of each one, of a part, and how many came to what. Everything that reports a run is made from these."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.codes import Code
    from runner.suprsend.answer import State


class RowOutcome(NamedTuple):
    """A row that was not accepted, or isn't known to be. `status_code` is 0 where no answer came.

    `origin` is the row's number in the first run that it failed in, if that is another one; else 0. `variable` is the name
    of the one whose value was wrong, if one was. The ledger keeps no `message`: it may quote the row.
    """

    row: int
    line: int
    state: State
    code: Code
    status_code: int
    attempts: int
    origin: int = 0
    variable: str = ""
    message: str = ""


class PartOutcome(NamedTuple):
    """What became of the rows of a part that went out: so many were accepted, `failures` are all the others of them.

    `results` has a line of JSON for each row, if they are wanted. `keys` are the digests of the idempotency keys of what
    was accepted, where two rows may have the same one.
    """

    first_row: int
    size: int
    accepted: int
    failures: Sequence[RowOutcome]
    met_refused_credentials: bool = False
    results: str = ""
    keys: bytes = b""


class Counts(NamedTuple):
    """How many rows came to what. `in_flight` are those of parts that are begun and not done.

    >>> Counts(accepted=8, failed=2) + Counts(accepted=10)
    Counts(accepted=18, failed=2, unknown=0, not_sent=0, in_flight=0)
    """

    accepted: int = 0
    failed: int = 0
    unknown: int = 0
    not_sent: int = 0
    in_flight: int = 0

    @classmethod
    def of(cls, accepted: int, others: Iterable[RowOutcome]) -> Counts:
        """Count rows that were accepted, and others by their states."""
        states = [each.state for each in others]
        return cls(accepted, states.count("failed"), states.count("unknown"), states.count("not_sent"))

    @property
    def rows(self) -> int:
        """How many rows these are."""
        return sum(self)

    def settled(self, total: int | None) -> Counts:
        """Return the counts of a run that is over: what was in flight is unknown, and of a `total` the rest was not sent."""
        unknown = self.unknown + self.in_flight
        not_sent = self.not_sent if total is None else total - self.accepted - self.failed - unknown
        return Counts(self.accepted, self.failed, unknown, not_sent)

    def __add__(self, other: Counts) -> Counts:  # type: ignore[override]  # counts are added, not strung together
        return Counts(
            self.accepted + other.accepted,
            self.failed + other.failed,
            self.unknown + other.unknown,
            self.not_sent + other.not_sent,
            self.in_flight + other.in_flight,
        )
