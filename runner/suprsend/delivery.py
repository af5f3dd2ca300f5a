"""Some events of one request → a result for each, after as many attempts as it takes and is allowed.

Source: the platform's documentation, "Idempotent requests". An event that has no idempotency key may be counted twice
when it is sent twice, so it is sent again only if nothing of the request was ever written; or if the request was too
large, since then nobody took it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from runner.suprsend.answer import Answer, NoAnswer, Result, bulk_results, single_result
from runner.suprsend.chunks import array_of, chunks
from runner.suprsend.encoding import Encoded
from runner.suprsend.endpoints import BULK_PATH, SINGLE_PATH
from runner.suprsend.retry import asked_s, pause_s
from runner.suprsend.rules import MAX_BODY_BYTES
from runner.suprsend.statuses import is_too_large, refuses_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NOT_SENT = Result("not_sent", 0, "not sent", attempts=0)
INTERRUPTED = Result("unknown", 0, "interrupted before an answer came")


class Delivery:
    """Events that go out together. At any instant, also when interrupted, `results` say what is known of each.

    Whoever `met_refused_credentials` would meet them with all else that is sent with the same ones.
    """

    __slots__ = ("events", "is_array", "met_refused_credentials", "path", "results")

    def __init__(self, path: str, events: Sequence[Encoded], *, is_array: bool) -> None:
        """Deliver to a path the array of events that `is_array` asks for, else one event, or what stands for one."""
        self.path = path
        self.events = events
        self.is_array = is_array
        self.results = [NOT_SENT] * len(events)
        self.met_refused_credentials = False

    def body_of(self, events: Sequence[Encoded]) -> bytes:
        """Return the body that sends some of the events."""
        return array_of(events) if self.is_array else events[0].body


def alone(event: Encoded) -> Delivery:
    """Deliver one event to the single endpoint."""
    return Delivery(SINGLE_PATH, (event,), is_array=False)


def whole(path: str, body: bytes, *, has_keys: bool) -> Delivery:
    """Deliver a body as it is: it is never split, and sent again only if `has_keys` says that each event in it has one."""
    return Delivery(path, (Encoded(body, has_keys),), is_array=False)


def together(events: Iterable[Encoded]) -> list[Delivery]:
    """Deliver events to the bulk endpoint, in as many requests as the platform's limits ask for.

    One that leaves no room for the array's brackets goes to the single endpoint.
    """
    return [
        alone(chunk[0]) if len(chunk[0].body) + 2 > MAX_BODY_BYTES else Delivery(BULK_PATH, chunk, is_array=True)
        for chunk in chunks(events)
    ]


class Gate:
    """Lets attempts begin until it is shut. What was let through is marked as under way in the same instant."""

    def __init__(self) -> None:
        self.is_shut = False
        self._lock = Lock()

    def begin(self, delivery: Delivery, indexes: Sequence[int]) -> bool:
        """Let an attempt of some of a delivery's events begin. False if the gate is shut."""
        with self._lock:
            if self.is_shut:
                return False
            for index in indexes:
                delivery.results[index] = INTERRUPTED
            return True

    def shut(self) -> None:
        """Let nothing more begin."""
        with self._lock:
            self.is_shut = True


class Pauses:
    """Pauses before retries, until somebody ends them: then one that is under way is over, and no retry follows."""

    def __init__(self) -> None:
        self._are_over = Flag()

    @property
    def are_over(self) -> bool:
        """Whether no retry is to follow any more."""
        return self._are_over.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait so long, or until the pauses are over."""
        self._are_over.wait(seconds)

    def end(self) -> None:
        """End the pause that is under way, and all that would follow."""
        self._are_over.set()

    def begin(self) -> None:
        """Let there be pauses again."""
        self._are_over.clear()


class Wait(NamedTuple):
    """A pause before a retry: the `retry`-th of `retries`, after an answer that `message` tells of."""

    retry: int
    retries: int
    pause_s: float
    status_code: int
    message: str


@dataclass(frozen=True, slots=True)
class Courier:
    """Delivers, and tries again what may pass.

    `post` sends a body to a path, until an instant of `time.monotonic`. `timeout_s` bounds an event with all its
    retries and pauses: a pause that would end later is not begun. `sleep` takes seconds; `random` gives a number from
    0 to 1; `clock` gives seconds since 1970; `tell` hears of each pause. `may_retry` is asked before and after each pause.
    """

    post: Callable[[str, bytes, float], Answer | NoAnswer]
    timeout_s: float
    retries: int
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    tell: Callable[[Wait], None]
    may_retry: Callable[[], bool]

    def deliver(self, delivery: Delivery, gate: Gate) -> None:
        """Send what a delivery holds, as long as the gate is open; its results tell how it went."""
        until_s = time.monotonic() + self.timeout_s
        groups = [(list(range(len(delivery.events))), 0)]
        while groups:
            indexes, retry = groups.pop()
            answer = self._attempt(delivery, indexes, until_s, gate)
            if answer is None:
                continue
            if _asks_for_less(answer, indexes):
                middle = len(indexes) // 2
                groups += [(indexes[middle:], retry), (indexes[:middle], retry)]
                continue
            open_indexes = [index for index in indexes if delivery.results[index].state != "accepted"]
            again = [index for index in open_indexes if _may_repeat(delivery, index, answer)]
            if again and retry < self.retries and self._pause(delivery, again, answer, retry + 1, until_s):
                groups.append((again, retry + 1))

    def _attempt(
        self, delivery: Delivery, indexes: Sequence[int], until_s: float, gate: Gate
    ) -> Answer | NoAnswer | None:
        """Send some of the events once, and note what came of it. None if nothing can be sent, or may be."""
        events = [delivery.events[index] for index in indexes]
        body = delivery.body_of(events)
        before = [delivery.results[index] for index in indexes]
        if not gate.begin(delivery, indexes):
            return None
        answer = self.post(delivery.path, body, until_s)
        if isinstance(answer, Answer) and refuses_credentials(answer.status_code):
            delivery.met_refused_credentials = True
            gate.shut()
        results = bulk_results(answer, len(events)) if delivery.is_array else [single_result(answer)]
        if _asks_for_less(answer, indexes):  # nobody took them: all is as it was before
            results = before
        for index, earlier, result in zip(indexes, before, results, strict=True):
            delivery.results[index] = result if earlier is NOT_SENT or earlier is result else result.after(earlier)
        return answer

    def _pause(
        self, delivery: Delivery, again: Sequence[int], answer: Answer | NoAnswer, retry: int, until_s: float
    ) -> bool:
        """Wait before a retry. False if there is no time for it, or if none is wanted any more."""
        if not self.may_retry():
            return False
        asked = asked_s(answer.retry_after, self.clock()) if isinstance(answer, Answer) else None
        pause = pause_s(retry, asked, self.random())
        if time.monotonic() + pause >= until_s:
            if asked is not None:
                for index in again:
                    result = delivery.results[index]
                    message = f"{result.message} (asked to wait {asked:g} s, which the timeout does not leave)"
                    delivery.results[index] = result._replace(message=message)
            return False
        result = delivery.results[again[0]]
        self.tell(Wait(retry, self.retries, pause, result.status_code, result.message))
        self.sleep(pause)
        return self.may_retry()


def _asks_for_less(answer: Answer | NoAnswer, indexes: Sequence[int]) -> bool:
    return isinstance(answer, Answer) and is_too_large(answer.status_code) and len(indexes) > 1


def _may_repeat(delivery: Delivery, index: int, answer: Answer | NoAnswer) -> bool:
    was_written = isinstance(answer, Answer) or answer.sent
    result = delivery.results[index]
    return result.transient and (delivery.events[index].has_key or not was_written)
