"""Parts of rows → outcomes, on an executor: bounded in flight, recorded before more is sent.

The number of parts in flight is limited, and each part is recorded as begun before it is sent. So even after a sudden end,
only the parts in flight are in doubt.
"""

from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

from runner.bulk.keys import KeyCount
from runner.bulk.outcomes import Counts, PartOutcome, RowOutcome
from runner.bulk.parts import Idle
from runner.bulk.reason import outage_of
from runner.bulk.workers import WorkerDied
from runner.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor, Future

    from runner.bulk.part import Part
    from runner.bulk.reason import Reason

MAX_DEATHS = 3
"""Limit for the workers that die with the same part. A part without idempotency keys is not sent again."""
_REPORT_S = 1.0
"""Longest time between two reports of progress."""


class Book(Protocol):
    """A record of outcomes."""

    def write(self, done: Sequence[PartOutcome], begun: Sequence[Part]) -> None:
        """Record finished parts and parts about to be sent, atomically. Raises MachineError."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for requests in flight, rate in events a second, failures before the run stops, and seconds in which parts begin.

    After `max_deaths` of its workers a part is given up; how far they came is unknown.
    """

    concurrency: int
    rate: float | None = None
    max_failures: int | None = None
    max_deaths: int = MAX_DEATHS
    lasts_s: float = math.inf


@dataclass(slots=True)
class Tally:
    """Counts so far. `stopped` says why no more parts are sent; None if that is the end of the rows.

    The counts are those of finished rows; of unsent rows, only those that were tried and turned away.
    """

    counts: Counts = field(default_factory=Counts)
    stopped: Reason | None = None
    failures: list[RowOutcome] = field(default_factory=list)
    """The first failures, for the report."""
    codes: Counter[str] = field(default_factory=Counter)
    """The number of failed rows of each code."""
    workers: Counter[str] = field(default_factory=Counter, compare=False)
    """The number of rows that each process dealt with, by its name."""
    keys: KeyCount = field(default_factory=KeyCount, compare=False)
    """The keys of accepted events."""


_SHOWN_FAILURES = 10
_GATHER_S = 0.002
_GATHERED = 4
"""A quarter of the parts in flight are recorded together if they end within `_GATHER_S`: the others keep the workers busy."""


class Engine:
    """Sends parts. `stop` and `wake` may be called by a signal handler, and by any thread.

    After `stop` no more parts are sent, and those in flight are finished. After an interrupt, `hurry` is called once, so
    that they end soon. If the book can't be written, no more parts are sent either: `failure` says why, and `unwritten` has
    the outcomes that are not recorded.
    """

    def __init__(
        self,
        executor: Executor,
        task: Callable[[Part], PartOutcome],
        book: Book,
        limits: Limits,
        monotonic: Callable[[], float],
        hurry: Callable[[], None],
        on_progress: Callable[[Tally], None],
        on_done: Callable[[Part, PartOutcome], None] = lambda *_: None,
        capacity: Callable[[], int] | None = None,
    ) -> None:
        """`capacity` returns how many parts may be in flight now, if the executor knows better than the limits."""
        self.tally = Tally()
        self.failure: MachineError | None = None
        self.unwritten: list[PartOutcome] = []
        self._executor = executor
        self._task = task
        self._book = book
        self._limits = limits
        self._capacity = capacity or (lambda: limits.concurrency)
        self._monotonic = monotonic
        self._hurry = hurry
        self._on_progress = on_progress
        self._on_done = on_done
        self._pace = _Pace(limits.rate, monotonic())
        self._ends_s = monotonic() + limits.lasts_s
        self._deaths: dict[int, int] = {}
        self._in_vain = 0
        """Number of consecutive parts that failed for a reason that affects the next ones too; `_why` is the last reason."""
        self._why: Reason | None = None
        self._tried = 0
        """Number of parts that were tried to be sent."""
        self._bell: SimpleQueue[Future[PartOutcome] | None] = SimpleQueue()
        """Receives finished futures, and None to check for new parts. Safe to use in a signal handler, unlike other queues."""
        self._is_over = False
        self._is_to_hurry = False

    def stop(self, reason: Reason) -> None:
        """Send no more parts."""
        self.tally.stopped = self.tally.stopped or reason
        self._is_to_hurry = self._is_to_hurry or reason == "interrupted"
        self.wake()

    def wake(self) -> None:
        """Check again whether a part is due."""
        self._bell.put(None)

    def run(self, parts: Iterator[Part | Idle]) -> Tally:
        """Send all parts; return when none is in flight."""
        under_way: dict[Future[PartOutcome], Part] = {}
        done: list[PartOutcome] = []
        is_hurried = False
        while True:
            begun, at_most_s = self._due(parts, len(under_way))
            if done or begun:
                begun = self._written(done, begun)
            self._on_progress(self.tally)
            for part in begun:
                self._submit(part, under_way)
            if self._is_to_hurry and not is_hurried:
                is_hurried = True
                self._hurry()
            if not under_way and (self._is_over or self.tally.stopped):
                return self._concluded()
            done = self._finished(under_way, at_most_s)

    def _due(self, parts: Iterator[Part | Idle], under_way: int) -> tuple[list[Part], float]:
        """Take the parts that may be sent now, and return them with the time until the next check."""
        begun: list[Part] = []
        while not (self._is_over or self.tally.stopped) and under_way + len(begun) < self._capacity():
            if self._monotonic() >= self._ends_s:
                self.stop("time")
                break
            wait_s = self._pace.wait_s(self._monotonic())
            if wait_s:
                return begun, min(wait_s, _REPORT_S)
            part = next(parts, None)
            if part is None:
                self._is_over = True
            elif isinstance(part, Idle):
                return begun, _REPORT_S if part.at_most_s is None else min(part.at_most_s, _REPORT_S)
            else:
                self._pace.count(len(part.rows), self._monotonic())
                begun.append(part)
        return begun, _REPORT_S

    def _submit(self, part: Part, under_way: dict[Future[PartOutcome], Part]) -> None:
        future = self._executor.submit(self._task, part)
        under_way[future] = part
        future.add_done_callback(self._bell.put)

    def _finished(self, under_way: dict[Future[PartOutcome], Part], at_most_s: float) -> list[PartOutcome]:
        """Wait until a part is done or the next check is due, and return the outcomes."""
        outcomes = []
        for future in self._woken(at_most_s, len(under_way) // _GATHERED):
            part = under_way.pop(future)
            try:
                outcome = future.result()
            except WorkerDied:
                self._deaths[part.first_row] = self._deaths.get(part.first_row, 0) + 1
                # Recorded as begun once more, so that rows it may have sent stay in doubt.
                if self._deaths[part.first_row] < self._limits.max_deaths and self._written([], [part]):
                    self._submit(part, under_way)
                else:
                    outcomes.append(_given_up(part, self._deaths[part.first_row]))
            else:
                self._on_done(part, outcome)
                outcomes.append(outcome)
        for outcome in outcomes:
            self._count(outcome)
        return outcomes

    def _woken(self, at_most_s: float, wanted: int) -> Iterator[Future[PartOutcome]]:
        """Wait for a wake-up, and for this number of finished futures for a moment; yield all that are finished by then."""
        try:
            future = self._bell.get(timeout=at_most_s)
            until_s = self._monotonic() + _GATHER_S
            while True:
                if future is not None:
                    yield future
                    wanted -= 1
                left_s = until_s - self._monotonic()
                future = self._bell.get(timeout=left_s) if wanted > 0 and left_s > 0 else self._bell.get_nowait()
        except Empty:
            return

    def _written(self, done: Sequence[PartOutcome], begun: list[Part]) -> list[Part]:
        """Record outcomes and begun parts; return the parts that may be sent, none if recording failed."""
        self.unwritten += done
        if self.failure is None:
            try:
                self._book.write(self.unwritten, begun)
            except MachineError as error:
                self.failure = error
                self.stop("machine")
            else:
                self.unwritten = []
                return begun
        return []

    def _concluded(self) -> Tally:
        """End the run; stop it for an outage if all parts failed for one, even if they were few.

        Outcomes that could not be recorded are tried once more: a disk may have space again, or a lock be free.
        """
        if self._why and self._in_vain == self._tried:
            self.stop(self._why)
        if self.unwritten:
            with suppress(MachineError):
                self._book.write(self.unwritten, [])
                self.unwritten = []
        return self.tally

    def _count(self, outcome: PartOutcome) -> None:
        tally = self.tally
        tried = [failure for failure in outcome.failures if failure.attempts]
        told = [each for each in outcome.failures if each.attempts or each.state != "not_sent"]
        tally.counts += Counts.of(outcome.accepted, told)
        tally.codes.update(each.code for each in outcome.failures if each.state == "failed")
        if outcome.worker:
            tally.workers[outcome.worker] += outcome.accepted + len(outcome.failures)
        tally.keys.add(outcome.keys)
        tally.failures += told[: max(0, _SHOWN_FAILURES - len(tally.failures))]
        reasons = {outage_of(failure) for failure in tried}
        why = None if outcome.accepted or None in reasons else next(iter(reasons), None)
        if outcome.accepted or tried:  # invalid rows say nothing about the platform
            self._tried += 1
            self._in_vain = self._in_vain + 1 if why else 0
            self._why = why
        unhappy = tally.counts.rows - tally.counts.accepted
        if outcome.met_refused_credentials:
            self.stop("credentials")
        elif why and self._in_vain >= self._capacity():
            self.stop(why)
        elif self._limits.max_failures is not None and unhappy >= self._limits.max_failures:
            self.stop("failures")


class _Pace:
    """Limits the number of events sent in a second."""

    def __init__(self, rate: float | None, now_s: float) -> None:
        self._rate = rate
        self._next_s = now_s

    def count(self, events: int, now_s: float) -> None:
        """Count events that are sent now."""
        if self._rate is not None:
            self._next_s = max(self._next_s, now_s) + events / self._rate

    def wait_s(self, now_s: float) -> float | None:
        """Return the seconds until more may be sent; None if they may now."""
        return None if self._rate is None or now_s >= self._next_s else self._next_s - now_s


def _given_up(part: Part, deaths: int) -> PartOutcome:
    times = f" {deaths} times" if deaths > 1 else "; rows without an idempotency key are not sent again automatically"
    message = f"the process that sent it died{times}"
    failures = tuple(
        RowOutcome(number, line, "unknown", "worker-died", 0, deaths, origin, message=message)
        for number, line, origin in part.marks()
    )
    return PartOutcome(part.first_row, part.size, 0, failures)
