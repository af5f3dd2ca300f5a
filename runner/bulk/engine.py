"""Parts of rows → outcomes, on an executor: bounded in flight, recorded before more is sent.

No more parts are out than requests are allowed to be under way, and each one is written down as begun before it is sent.
So after any end, however sudden, what is in doubt is what was under way.
"""

from __future__ import annotations

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
"""Of workers that had one part. A part without idempotency keys goes to no second one."""
_TELL_S = 1.0
"""So often it is told how things stand, also when nothing happens."""


class Book(Protocol):
    """What outcomes are written down in."""

    def write(self, done: Sequence[PartOutcome], begun: Sequence[Part]) -> None:
        """Write down what is done and what is about to be sent, in one go. Raises MachineError if it can't."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be under way, how fast, and after how many failures to stop. `rate` is in events a second.

    After `max_deaths` of its workers a part is given up: nobody knows how far they came with it.
    """

    concurrency: int
    rate: float | None = None
    max_failures: int | None = None
    max_deaths: int = MAX_DEATHS


@dataclass(slots=True)
class Tally:
    """What is known so far. `stopped` says why no more parts are begun; None to the end of the rows.

    The counts are those of rows that are done with: of what was not sent, only those that were tried and turned away.
    """

    counts: Counts = field(default_factory=Counts)
    stopped: Reason | None = None
    failures: list[RowOutcome] = field(default_factory=list)
    """The first ones, for people."""
    keys: KeyCount = field(default_factory=KeyCount, compare=False)
    """Of what was accepted."""


_SHOWN_FAILURES = 10


class Engine:
    """Sends parts. `stop` and `wake` may be called by a signal handler, and by any thread.

    After `stop` nothing more is begun, and what is under way ends. If somebody interrupted, `hurry` is called once, to have
    it end soon. When the book can't be written, nothing more is begun either: `failure` says why, and `unwritten` has what
    is not in it.
    """

    def __init__(
        self,
        executor: Executor,
        task: Callable[[Part], PartOutcome],
        book: Book,
        limits: Limits,
        monotonic: Callable[[], float],
        hurry: Callable[[], None],
        tell: Callable[[Counts], None],
    ) -> None:
        self.tally = Tally()
        self.failure: MachineError | None = None
        self.unwritten: list[PartOutcome] = []
        self._executor = executor
        self._task = task
        self._book = book
        self._limits = limits
        self._monotonic = monotonic
        self._hurry = hurry
        self._tell = tell
        self._pace = _Pace(limits.rate, monotonic())
        self._deaths: dict[int, int] = {}
        self._in_vain = 0
        """Parts in a row that failed for a reason for which the next ones would fail too; `_why` is that of the last."""
        self._why: Reason | None = None
        self._heard = 0
        """Parts of which the platform said something."""
        self._bell: SimpleQueue[Future[PartOutcome] | None] = SimpleQueue()
        """Has what is done, and None to look around. Of all queues a signal handler can put something in this one."""
        self._is_over = False
        self._is_to_hurry = False

    def stop(self, reason: Reason) -> None:
        """Begin nothing more."""
        self.tally.stopped = self.tally.stopped or reason
        self._is_to_hurry = self._is_to_hurry or reason == "interrupted"
        self.wake()

    def wake(self) -> None:
        """Have it ask for parts again, after it was told that none is due."""
        self._bell.put(None)

    def run(self, parts: Iterator[Part | Idle]) -> Tally:
        """Send all parts; returns when none is under way."""
        under_way: dict[Future[PartOutcome], Part] = {}
        done: list[PartOutcome] = []
        is_hurried = False
        while True:
            begun, at_most_s = self._due(parts, len(under_way))
            if done or begun:
                begun = self._written(done, begun)
            self._tell(self.tally.counts)
            for part in begun:
                self._submit(part, under_way)
            if self._is_to_hurry and not is_hurried:
                is_hurried = True
                self._hurry()
            if not under_way and (self._is_over or self.tally.stopped):
                return self._concluded()
            done = self._finished(under_way, at_most_s)

    def _due(self, parts: Iterator[Part | Idle], under_way: int) -> tuple[list[Part], float]:
        """Take the parts that may be begun, and tell for how long it makes no sense to ask again."""
        begun: list[Part] = []
        while not (self._is_over or self.tally.stopped) and under_way + len(begun) < self._limits.concurrency:
            wait_s = self._pace.wait_s(self._monotonic())
            if wait_s:
                return begun, min(wait_s, _TELL_S)
            part = next(parts, None)
            if part is None:
                self._is_over = True
            elif isinstance(part, Idle):
                return begun, _TELL_S if part.at_most_s is None else min(part.at_most_s, _TELL_S)
            else:
                self._pace.count(len(part.rows), self._monotonic())
                begun.append(part)
        return begun, _TELL_S

    def _submit(self, part: Part, under_way: dict[Future[PartOutcome], Part]) -> None:
        future = self._executor.submit(self._task, part)
        under_way[future] = part
        future.add_done_callback(self._bell.put)

    def _finished(self, under_way: dict[Future[PartOutcome], Part], at_most_s: float) -> list[PartOutcome]:
        """Wait until a part is done, or more may be begun."""
        outcomes = []
        for future in self._rung(at_most_s):
            part = under_way.pop(future)
            try:
                outcomes.append(future.result())
            except WorkerDied:
                self._deaths[part.first_row] = self._deaths.get(part.first_row, 0) + 1
                # Begun once more: what it may have done stays in doubt.
                if self._deaths[part.first_row] < self._limits.max_deaths and self._written([], [part]):
                    self._submit(part, under_way)
                else:
                    outcomes.append(_given_up(part, self._deaths[part.first_row]))
        for outcome in outcomes:
            self._count(outcome)
        return outcomes

    def _rung(self, at_most_s: float) -> Iterator[Future[PartOutcome]]:
        """Wait for the bell, and give all that is done by then."""
        try:
            future = self._bell.get(timeout=at_most_s)
            while True:
                if future is not None:
                    yield future
                future = self._bell.get_nowait()
        except Empty:
            return

    def _written(self, done: Sequence[PartOutcome], begun: list[Part]) -> list[Part]:
        """Write down what is done and begun; returns the parts that may be sent: none once that can't be."""
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
        """Come to an end, in vain if all parts were; fewer than may be under way are enough for that.

        What could not be written down is tried once more: a disk may have room by now, another program be done.
        """
        if self._why and self._in_vain == self._heard:
            self.stop(self._why)
        if self.unwritten:
            with suppress(MachineError):
                self._book.write(self.unwritten, [])
                self.unwritten = []
        return self.tally

    def _count(self, outcome: PartOutcome) -> None:
        tally = self.tally
        tried = [failure for failure in outcome.failures if failure.attempts]
        tally.counts += Counts.of(
            outcome.accepted, [each for each in outcome.failures if each.attempts or each.state != "not_sent"]
        )
        tally.keys.add(outcome.keys)
        tally.failures += outcome.failures[: max(0, _SHOWN_FAILURES - len(tally.failures))]
        reasons = {outage_of(failure) for failure in tried}
        why = None if outcome.accepted or None in reasons else next(iter(reasons), None)
        if outcome.accepted or tried:  # rows that make no event say nothing of the platform
            self._heard += 1
            self._in_vain = self._in_vain + 1 if why else 0
            self._why = why
        unhappy = tally.counts.rows - tally.counts.accepted
        if outcome.met_refused_credentials:
            self.stop("credentials")
        elif why and self._in_vain >= self._limits.concurrency:
            self.stop(why)
        elif self._limits.max_failures is not None and unhappy >= self._limits.max_failures:
            self.stop("failures")


class _Pace:
    """Lets so many events begin in a second."""

    def __init__(self, rate: float | None, now_s: float) -> None:
        self._rate = rate
        self._next_s = now_s

    def count(self, events: int, now_s: float) -> None:
        """Count events that begin now."""
        if self._rate is not None:
            self._next_s = max(self._next_s, now_s) + events / self._rate

    def wait_s(self, now_s: float) -> float | None:
        """How long until more may begin; None if they may."""
        return None if self._rate is None or now_s >= self._next_s else self._next_s - now_s


def _given_up(part: Part, deaths: int) -> PartOutcome:
    times = f" {deaths} times" if deaths > 1 else "; what has no idempotency key is not sent again by itself"
    message = f"the process that sent it died{times}"
    failures = tuple(
        RowOutcome(row.number, row.line, "unknown", "worker-died", 0, deaths, row.origin, message=message)
        for row in part.rows
    )
    return PartOutcome(part.first_row, part.size, 0, failures)
