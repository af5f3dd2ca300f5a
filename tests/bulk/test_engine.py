"""Parts go out bounded, recorded before they are sent, and stop when going on is in vain."""

from __future__ import annotations

import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Event as Flag
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.engine import Engine, Limits, Tally
from runner.bulk.outcomes import PartOutcome, RowOutcome
from runner.bulk.part import Part
from runner.bulk.parts import Idle
from runner.bulk.workers import WorkerDied
from runner.errors import ExitCode, MachineError, Problem
from runner.exits import of_event
from runner.rows.row import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.codes import Code


def parts(count: int, size: int = 10) -> Iterator[Part]:
    for index in range(count):
        first = index * size + 1
        yield Part(first, size, "", [Row(number, number + 1, {}) for number in range(first, first + size)])


def accepted(part: Part) -> PartOutcome:
    return outcome(part)


def outcome(part: Part, *failures: RowOutcome, refused: bool = False) -> PartOutcome:
    return PartOutcome(part.first_row, part.size, part.size - len(failures), failures, refused, "")


def all_failed(part: Part, code: Code, status_code: int, *, refused: bool = False) -> PartOutcome:
    failures = [RowOutcome(row.number, row.line, "failed", code, status_code, 1, message="no") for row in part.carried]
    return outcome(part, *failures, refused=refused)


@dataclass
class Book:
    """A ledger in memory: what was written, in order."""

    begun: list[int] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    under_way: int = 0
    peak: int = 0

    def write(self, done: Sequence[PartOutcome], begun: Sequence[Part]) -> None:
        self.done += [part.first_row for part in done]
        self.begun += [part.first_row for part in begun]
        self.under_way += len(begun) - len(done)
        self.peak = max(self.peak, self.under_way)


def run(task: Callable[[Part], PartOutcome], rows: Iterator[Part], **limits: Any) -> tuple[Tally, Book]:
    book = Book()
    chosen = Limits(**({"concurrency": 4} | limits))
    with ThreadPoolExecutor(chosen.concurrency) as executor:
        engine = Engine(executor, task, book, chosen, lambda: 0.0, lambda: None, lambda _: None)
        return engine.run(rows), book


def test_every_part_is_begun_and_done_once() -> None:
    tally, book = run(accepted, parts(50))
    assert (tally.counts.accepted, tally.counts.failed, tally.counts.unknown, tally.stopped) == (500, 0, 0, None)
    assert sorted(book.begun) == sorted(book.done) == [index * 10 + 1 for index in range(50)]


def test_no_more_parts_are_out_than_allowed_counting_those_that_are_not_written_down() -> None:
    _, book = run(accepted, parts(50), concurrency=3)
    assert book.peak == 3


def test_a_part_is_written_down_before_it_is_sent() -> None:
    book = Book()
    seen: list[bool] = []

    def task(part: Part) -> PartOutcome:
        seen.append(part.first_row in book.begun)
        return outcome(part)

    with ThreadPoolExecutor(2) as executor:
        Engine(executor, task, book, Limits(2), lambda: 0.0, lambda: None, lambda _: None).run(parts(20))
    assert seen == [True] * 20


def test_rows_are_not_read_far_ahead() -> None:
    taken, lock, go = [0], Lock(), Flag()

    def counted() -> Iterator[Part]:
        for part in parts(100):
            with lock:
                taken[0] += 1
            yield part

    def task(part: Part) -> PartOutcome:
        if part.first_row == 1:
            with lock:
                seen = taken[0]
            assert seen <= 6
            go.set()
        go.wait(10)
        return outcome(part)

    tally, _ = run(task, counted(), concurrency=4)
    assert tally.counts.accepted == 1000


def test_after_refused_credentials_no_part_is_begun() -> None:
    tally, book = run(lambda part: all_failed(part, "credentials-refused", 401, refused=True), parts(50), concurrency=1)
    assert (tally.counts.failed, tally.stopped, book.begun) == (10, "credentials", [1])


@pytest.mark.parametrize(
    ("code", "status_code", "stopped"),
    [("no-connection", 0, "no-answer"), ("no-answer", 0, "no-answer"), ("rate-limited", 429, "rate-limited")],
)
def test_a_run_that_goes_nowhere_stops(code: Code, status_code: int, stopped: str) -> None:
    tally, book = run(lambda part: all_failed(part, code, status_code), parts(50), concurrency=1)
    assert (tally.stopped, len(book.begun)) == (stopped, 1)
    tally, book = run(lambda part: all_failed(part, code, status_code), parts(50), concurrency=4)
    assert tally.stopped == stopped
    assert 4 <= len(book.begun) <= 8


def test_refused_rows_do_not_stop_a_run() -> None:
    tally, _ = run(lambda part: all_failed(part, "refused", 404), parts(50))
    assert (tally.counts.failed, tally.stopped, len(tally.failures)) == (500, None, 10)


def test_a_run_stops_after_as_many_failures_as_it_may_have() -> None:
    tally, book = run(lambda part: all_failed(part, "refused", 404), parts(50), concurrency=1, max_failures=15)
    assert (tally.counts.failed, tally.stopped, len(book.begun)) == (20, "failures", 2)


def test_what_was_not_sent_is_no_failure() -> None:
    def task(part: Part) -> PartOutcome:
        return outcome(part, RowOutcome(part.first_row, 0, "not_sent", "not-sent", 0, 0, message="not sent"))

    tally, _ = run(task, parts(2))
    assert (tally.counts.accepted, tally.counts.failed, tally.counts.unknown) == (18, 0, 0)


class Mortal(Executor):
    """Runs tasks at once; a task of a part that it was told of dies so many times before."""

    def __init__(self, deaths: dict[int, int]) -> None:
        self._deaths = deaths

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self._deaths.get(args[0].first_row, 0):
            self._deaths[args[0].first_row] -= 1
            future.set_exception(WorkerDied())
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_the_part_of_a_worker_that_died_is_begun_and_sent_again() -> None:
    book = Book()
    engine = Engine(Mortal({11: 2}), accepted, book, Limits(2), lambda: 0.0, lambda: None, lambda _: None)
    tally = engine.run(parts(5))
    assert (tally.counts.accepted, tally.counts.unknown, book.begun.count(11), book.done.count(11)) == (50, 0, 3, 1)


def test_a_part_whose_workers_die_three_times_is_unknown() -> None:
    book = Book()
    engine = Engine(Mortal({11: 3}), accepted, book, Limits(2), lambda: 0.0, lambda: None, lambda _: None)
    tally = engine.run(parts(5))
    assert (tally.counts.accepted, tally.counts.unknown) == (40, 10)
    assert tally.failures[0] == RowOutcome(
        11, 12, "unknown", "worker-died", 0, 3, message="the process that sent it died 3 times"
    )


def test_a_part_without_keys_goes_to_no_second_worker() -> None:
    book = Book()
    limits = Limits(2, max_deaths=1)
    engine = Engine(Mortal({11: 1}), accepted, book, limits, lambda: 0.0, lambda: None, lambda _: None)
    tally = engine.run(parts(5))
    assert (tally.counts.accepted, tally.counts.unknown, book.begun.count(11), book.done.count(11)) == (40, 10, 1, 1)
    message = "the process that sent it died; rows without an idempotency key are not sent again automatically"
    assert tally.failures[0] == RowOutcome(11, 12, "unknown", "worker-died", 0, 1, message=message)


@dataclass
class Shut(Book):
    """A ledger that can't be written the third time, nor so many times after it."""

    refusals: int = 99
    writes: int = 0

    def write(self, done: Sequence[PartOutcome], begun: Sequence[Part]) -> None:
        self.writes += 1
        if 3 <= self.writes < 3 + self.refusals:
            raise MachineError(Problem("ledger-refused", "full"))
        super().write(done, begun)


@pytest.mark.parametrize("refusals", [1, 99])
def test_when_outcomes_can_not_be_written_down_nothing_more_is_begun_and_what_is_under_way_is_known(
    refusals: int,
) -> None:
    book = Shut(refusals=refusals)
    with ThreadPoolExecutor(1) as executor:
        engine = Engine(executor, accepted, book, Limits(1), lambda: 0.0, lambda: None, lambda _: None)
        tally = engine.run(parts(9))
    assert (tally.counts.accepted, tally.stopped, str(engine.failure)) == (20, "machine", "full")
    assert book.begun == [1, 11]
    unwritten = [outcome.first_row for outcome in engine.unwritten]
    assert (book.done, unwritten) == (([1, 11], []) if refusals == 1 else ([1], [11]))


@pytest.mark.parametrize(("status_code", "state"), [(503, "not_sent"), (500, "not_sent"), (502, "unknown")])
def test_a_platform_that_is_down_stops_a_run(status_code: int, state: Any) -> None:
    code: Code = "unclear-answer" if state == "unknown" else "refused"

    def task(part: Part) -> PartOutcome:
        return outcome(
            part, *(RowOutcome(row.number, row.line, state, code, status_code, 4, message="no") for row in part.carried)
        )

    tally, book = run(task, parts(50), concurrency=4)
    assert tally.stopped == "unavailable"
    assert 4 <= len(book.begun) <= 8
    tally, book = run(task, parts(3), concurrency=4)
    assert (tally.stopped, len(book.begun)) == ("unavailable", 3)


def test_what_a_task_raises_ends_the_run() -> None:
    def task(part: Part) -> PartOutcome:
        raise ZeroDivisionError(part.first_row)

    with pytest.raises(ZeroDivisionError):
        run(task, parts(5))


def test_a_rate_is_kept_over_all_parts() -> None:
    began_s = time.monotonic()
    with ThreadPoolExecutor(1) as executor:
        engine = Engine(
            executor, accepted, Book(), Limits(1, rate=200), time.monotonic, lambda: None, lambda _: None
        )  # fmt: skip
        assert engine.run(parts(4)).counts.accepted == 40
    assert 0.15 <= time.monotonic() - began_s < 1  # parts of 10 events, at 200 a second


def test_nobody_is_asked_for_parts_that_are_not_due_until_the_engine_is_woken_or_the_time_is_up() -> None:
    asked: list[float] = []
    engine = Engine(Mortal({}), accepted, Book(), Limits(1), time.monotonic, lambda: None, lambda _: None)

    def come_and_go() -> Iterator[Part | Idle]:
        first, second = parts(2)
        asked.append(time.monotonic())
        yield Idle(0.2)
        asked.append(time.monotonic())
        yield first
        Timer(0.1, engine.wake).start()
        asked.append(time.monotonic())
        yield Idle(None)
        asked.append(time.monotonic())
        yield second

    assert engine.run(come_and_go()).counts.accepted == 20
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[0] >= 0.2
    assert 0.05 <= pauses[2] < 0.9, "it was woken"


def test_what_is_done_is_recorded_while_nothing_comes() -> None:
    book = Book()
    engine = Engine(Mortal({}), accepted, book, Limits(4), time.monotonic, lambda: None, lambda _: None)

    def one_and_no_more() -> Iterator[Part | Idle]:
        yield from parts(1)
        while book.done != [1]:
            yield Idle(None)
        engine.stop("interrupted")
        yield Idle(None)

    assert engine.run(one_and_no_more()).counts.accepted == 10


def test_an_interrupt_while_nothing_comes_ends_it_at_once_and_hurries_what_is_under_way() -> None:
    hurried: list[str] = []
    engine = Engine(
        Mortal({}), accepted, Book(), Limits(1), time.monotonic, lambda: hurried.append("!"), lambda _: None
    )

    def silence() -> Iterator[Part | Idle]:
        Timer(0.05, engine.stop, ["interrupted"]).start()
        while True:
            yield Idle(None)

    began_s = time.monotonic()
    assert engine.run(silence()).stopped == "interrupted"
    assert time.monotonic() - began_s < 0.9
    assert hurried == ["!"]


@pytest.mark.slow
def test_how_things_stand_is_told_also_when_nothing_happens() -> None:
    told: list[float] = []
    engine = Engine(
        Mortal({}), accepted, Book(), Limits(1), time.monotonic, lambda: None, lambda _: told.append(time.monotonic())
    )

    def silence() -> Iterator[Part | Idle]:
        Timer(2.5, engine.stop, ["interrupted"]).start()
        while True:
            yield Idle(None)

    engine.run(silence())
    assert 3 <= len(told) <= 4


@pytest.mark.parametrize(
    ("code", "was_sent", "kind"),
    [
        ("credentials-refused", True, ExitCode.CREDENTIALS),
        ("rate-limited", True, ExitCode.RATE_LIMITED),
        ("no-answer", True, ExitCode.NO_ANSWER),
        ("no-connection", True, ExitCode.NO_ANSWER),
        ("refused", True, ExitCode.REFUSED),
        ("var-type", False, ExitCode.INVALID),
        ("not-sent", False, ExitCode.OK),
    ],
)
def test_each_failure_has_its_exit_code(code: str, was_sent: bool, kind: ExitCode) -> None:
    assert of_event(code, was_sent=was_sent) is kind
