"""Outcomes of rows, of parts, and counts of them. All reports of a run are made from these."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.codes import Code
    from runner.suprsend.answer import State
    from runner.suprsend.attempts import Attempt


INTERRUPTED: Code = "interrupted"
"""The code of a row that was in flight when its process died."""


class RowOutcome(NamedTuple):
    """A row that was not accepted, or may not have been. `status_code` is 0 if no answer came.

    `origin` is the row's number in the first run that it failed in, 0 if that is this run. `variable` is the name of the
    variable with the invalid value, if any. The ledger does not store `message`, which may quote the row.
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

    @property
    def was_interrupted(self) -> bool:
        """Whether the process died while the row was in flight, so that no answer is known."""
        return self.code == INTERRUPTED


class PartOutcome(NamedTuple):
    """The outcome of the rows of a part: the number of accepted ones, and all others as `failures`.

    `results` has a line of JSON for each row, if there is a file of results. `keys` are the digests of the idempotency keys
    of accepted events, if two rows can have the same key. `worker` is the name of the process. `measures` says how long
    answers took, and how large the events were: `measures.py` writes and reads it. `attempts`
    are its requests, if they are traced.
    """

    first_row: int
    size: int
    accepted: int
    failures: Sequence[RowOutcome]
    met_refused_credentials: bool = False
    results: str = ""
    keys: bytes = b""
    worker: str = ""
    measures: str = ""
    attempts: tuple[Attempt, ...] = ()

    def followed_by(self, more: PartOutcome) -> PartOutcome:
        """Return the outcome of these rows of a part and of the next ones."""
        return self._replace(
            accepted=self.accepted + more.accepted,
            failures=(*self.failures, *more.failures),
            met_refused_credentials=self.met_refused_credentials or more.met_refused_credentials,
            results=self.results + more.results,
            keys=self.keys + more.keys,
            measures=",".join(filter(None, (self.measures, more.measures))),
            attempts=(*self.attempts, *more.attempts),
        )


class Counts(NamedTuple):
    """Numbers of rows by their state. `in_flight` are those of parts that are begun and not done.

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
        """Return the counts of accepted rows and of others by their states."""
        states = [each.state for each in others]
        return cls(accepted, states.count("failed"), states.count("unknown"), states.count("not_sent"))

    @property
    def rows(self) -> int:
        """The sum of all counts."""
        return sum(self)

    def settled(self, total: int | None) -> Counts:
        """Return the counts of a finished run: rows in flight become unknown, and the rest of a `total` not sent."""
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
