"""Accepted rows of a run → a sample of them, whose messages are waited for.

The sample follows from the seed of the run and the numbers of its accepted rows. It does not depend on the order in which
they were accepted, or on the session. Memory is limited by the size of the sample.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from runner.run import Outcome, Prepared, outcome_of
from runner.suprsend.delivery import NOT_SENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from runner.rows.row import BadRow, Row
    from runner.run import Rejected

Make: TypeAlias = "Callable[[Row | BadRow], Prepared | Rejected]"
_RANK_BYTES = 8


class SampledRow(NamedTuple):
    """An accepted row of the sample. `secrets` must not be printed.

    `accepted_s` is when it was accepted, in seconds since 1970; None if that was in an earlier session.
    """

    row: int
    line: int
    outcome: Outcome
    secrets: tuple[str, ...]
    accepted_s: float | None

    @property
    def key(self) -> str:
        """The idempotency key of its event."""
        return self.outcome.idempotency_key or ""


class Sample:
    """At most `size` accepted rows, drawn evenly. Of rows with the same key it has one: the platform counts only one.

    `now_s` is the clock, in seconds since 1970.
    """

    def __init__(self, size: int, seed: UUID, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._size = size
        self._seed = seed.bytes
        self._ranked: list[tuple[bytes, str]] = []
        """Rank and key of the rows, the lowest first."""
        self._rows: dict[str, tuple[bytes, SampledRow]] = {}

    def rows(self) -> list[SampledRow]:
        """Return the rows of the sample, in the order of the file."""
        return sorted((row for _, row in self._rows.values()), key=lambda row: row.row)

    def may_take(self, row: int) -> bool:
        """Return whether the row of this number belongs to the sample, so far, if it was accepted."""
        return len(self._ranked) < self._size or self._rank(row) < self._ranked[-1][0]

    def add(self, accepted: Iterable[Row | BadRow], make: Make) -> None:
        """Add rows that were accepted now, as far as they belong to the sample; `make` makes the event of one of these."""
        self._add(accepted, make, self._now_s())

    def add_earlier(self, accepted: Iterable[Row | BadRow], make: Make) -> None:
        """Add rows that were accepted in an earlier session, as far as they belong to the sample."""
        self._add(accepted, make, None)

    def _add(self, accepted: Iterable[Row | BadRow], make: Make, accepted_s: float | None) -> None:
        for row in accepted:
            if not self.may_take(row.number):
                continue
            event = make(row)
            if isinstance(event, Prepared):
                outcome = replace(outcome_of(event, NOT_SENT), state="accepted")
                self._take(SampledRow(row.number, row.line, outcome, event.secrets, accepted_s))

    def _take(self, row: SampledRow) -> None:
        rank = self._rank(row.row)
        if (known := self._rows.get(row.key)) is not None:
            if known[0] <= rank:
                return
            del self._ranked[bisect_left(self._ranked, (known[0], row.key))]
        elif len(self._ranked) == self._size:
            del self._rows[self._ranked.pop()[1]]
        insort(self._ranked, (rank, row.key))
        self._rows[row.key] = (rank, row)

    def _rank(self, row: int) -> bytes:
        return blake2b(b"%d" % row, digest_size=_RANK_BYTES, key=self._seed).digest()
