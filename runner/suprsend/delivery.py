"""The events of one request → a result for each, after the allowed retries.

Source: the platform's documentation, "Idempotent requests". An event without an idempotency key could count twice, so it is
sent again only if no byte of the request was written, or if the request was refused as too large.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from runner.suprsend.answer import Answer, NoAnswer, Result, bulk_results, single_result
from runner.suprsend.attempts import Attempt, TraceContext, new_span_id
from runner.suprsend.chunks import array_of, chunks
from runner.suprsend.encoding import Encoded
from runner.suprsend.endpoints import BULK_PATH, SINGLE_PATH
from runner.suprsend.retry import pause_s, requested_pause_s
from runner.suprsend.rules import MAX_BODY_BYTES
from runner.suprsend.statuses import is_too_large, refuses_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

NOT_SENT = Result("not_sent", 0, "not sent", attempts=0)
INTERRUPTED = Result("unknown", 0, "interrupted before an answer came")


class Delivery:
    """Events that are sent together. At any time, also after an interrupt, `results` has what is known of each.

    `met_refused_credentials` means that all other requests with these credentials would be refused, too. `attempts` has its
    requests, if they are traced.
    """

    __slots__ = ("attempts", "events", "is_array", "met_refused_credentials", "path", "results")

    def __init__(self, path: str, events: Sequence[Encoded], *, is_array: bool) -> None:
        """Make a delivery to a path: an array of events if `is_array`, else a single event or a complete body."""
        self.path = path
        self.events = events
        self.is_array = is_array
        self.results = [NOT_SENT] * len(events)
        self.met_refused_credentials = False
        self.attempts: list[Attempt] = []

    def body_of(self, events: Sequence[Encoded]) -> bytes:
        """Return the body for some of the events."""
        return array_of(events) if self.is_array else events[0].body


def single_delivery(event: Encoded) -> Delivery:
    """Return the delivery of one event to the single endpoint."""
    return Delivery(SINGLE_PATH, (event,), is_array=False)


def body_delivery(path: str, body: bytes, *, has_keys: bool) -> Delivery:
    """Return the delivery of a complete body: it is never split, and retried only if each event in it has a key."""
    return Delivery(path, (Encoded(body, has_keys),), is_array=False)


def bulk_deliveries(events: Iterable[Encoded]) -> list[Delivery]:
    """Return deliveries of events to the bulk endpoint, as many as the platform's limits require.

    An event that leaves no room for the brackets of an array goes to the single endpoint.
    """
    return [
        single_delivery(chunk[0])
        if len(chunk[0].body) + 2 > MAX_BODY_BYTES
        else Delivery(BULK_PATH, chunk, is_array=True)
        for chunk in chunks(events)
    ]


class Cancellation:
    """Lets attempts begin until it is cancelled. An attempt that begins is marked as in flight atomically."""

    def __init__(self) -> None:
        self.is_cancelled = False
        self._lock = Lock()

    def begin(self, delivery: Delivery, indexes: Sequence[int]) -> bool:
        """Begin an attempt for some events of a delivery; return False if no more may begin."""
        with self._lock:
            if self.is_cancelled:
                return False
            if len(indexes) == len(delivery.results):
                delivery.results[:] = [INTERRUPTED] * len(indexes)
                return True
            for index in indexes:
                delivery.results[index] = INTERRUPTED
            return True

    def cancel(self) -> None:
        """Let no more attempts begin."""
        with self._lock:
            self.is_cancelled = True


class Pauses:
    """Pauses before retries. Ending them ends a running pause, and no retry follows."""

    def __init__(self) -> None:
        self._are_over = Flag()

    @property
    def are_over(self) -> bool:
        """Whether the pauses were ended, so that no retry follows."""
        return self._are_over.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds, or until the pauses are ended."""
        self._are_over.wait(seconds)

    def end(self) -> None:
        """End the running pause and all later ones."""
        self._are_over.set()

    def begin(self) -> None:
        """Allow pauses again."""
        self._are_over.clear()


class Wait(NamedTuple):
    """A pause before a retry: the `retry`-th of `retries`, after an answer that `message` describes."""

    retry: int
    retries: int
    pause_s: float
    status_code: int
    message: str


@dataclass(frozen=True, slots=True)
class Courier:
    """Delivers events, with retries after transient failures.

    `post` sends a body to a path, until an instant of `time.monotonic`, with a `traceparent` unless that is empty. `timeout_s` limits the time of an event with all
    retries and pauses: a pause that would end later is skipped. `sleep` takes seconds; `random` returns a number from 0
    to 1; `clock` returns seconds since 1970; `on_retry` receives each pause. `may_retry` is called before and after a pause.
    """

    post: Callable[[str, bytes, float, str], Answer | NoAnswer]
    timeout_s: float
    retries: int
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    on_retry: Callable[[Wait], None]
    may_retry: Callable[[], bool]
    trace: TraceContext | None = None

    def deliver(self, delivery: Delivery, cancellation: Cancellation) -> None:
        """Send a delivery, unless it is cancelled; the delivery then has the results."""
        until_s = time.monotonic() + self.timeout_s
        groups = [(list(range(len(delivery.events))), 0)]
        while groups:
            indexes, retry = groups.pop()
            answer = self._attempt(delivery, indexes, until_s, cancellation, retry)
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
        self, delivery: Delivery, indexes: Sequence[int], until_s: float, cancellation: Cancellation, retry: int
    ) -> Answer | NoAnswer | None:
        """Send some of the events once, and store the results. Return None if nothing can or may be sent."""
        are_all = len(indexes) == len(delivery.events)
        events = delivery.events if are_all else [delivery.events[index] for index in indexes]
        body = delivery.body_of(events)
        before = delivery.results.copy() if are_all else [delivery.results[index] for index in indexes]
        if not cancellation.begin(delivery, indexes):
            return None
        if self.trace is None:
            answer = self.post(delivery.path, body, until_s, "")
        else:
            answer = self._traced(self.trace, delivery, indexes, body, until_s, retry)
        if isinstance(answer, Answer) and refuses_credentials(answer.status_code):
            delivery.met_refused_credentials = True
            cancellation.cancel()
        results = bulk_results(answer, len(events)) if delivery.is_array else [single_result(answer)]
        if _asks_for_less(answer, indexes):  # refused as too large: nothing was accepted
            results = before
        if are_all and before.count(NOT_SENT) == len(before):
            delivery.results[:] = results
            return answer
        for index, earlier, result in zip(indexes, before, results, strict=True):
            delivery.results[index] = result if earlier is NOT_SENT or earlier is result else result.after(earlier)
        return answer

    def _traced(
        self,
        trace: TraceContext,
        delivery: Delivery,
        indexes: Sequence[int],
        body: bytes,
        until_s: float,
        retry: int,
    ) -> Answer | NoAnswer:
        """Send a body once, and write down the request."""
        span_id, began_ns = new_span_id(), time.time_ns()
        answer = self.post(delivery.path, body, until_s, trace.traceparent(span_id))
        ended_ns = max(began_ns, time.time_ns())
        code, error = (answer.status_code, "") if isinstance(answer, Answer) else (0, _failure_of(answer))
        results = bulk_results(answer, len(indexes)) if delivery.is_array else [single_result(answer)]
        delivery.attempts.append(
            Attempt(
                span_id,
                delivery.path,
                began_ns,
                ended_ns,
                len(body),
                len(indexes),
                sum(result.state == "accepted" for result in results),
                retry,
                delivery.is_array,
                code,
                error,
                tuple(indexes),
            )
        )
        return answer

    def _pause(
        self, delivery: Delivery, again: Sequence[int], answer: Answer | NoAnswer, retry: int, until_s: float
    ) -> bool:
        """Wait before a retry; return False if there is no time for it, or if retries were ended."""
        if not self.may_retry():
            return False
        requested_s = requested_pause_s(answer.retry_after, self.clock()) if isinstance(answer, Answer) else None
        pause = pause_s(retry, requested_s, self.random())
        if time.monotonic() + pause >= until_s:
            if requested_s is not None:
                for index in again:
                    result = delivery.results[index]
                    message = f"{result.message} (asked to wait {requested_s:g} s, more than the timeout allows)"
                    delivery.results[index] = result._replace(message=message)
            return False
        result = delivery.results[again[0]]
        self.on_retry(Wait(retry, self.retries, pause, result.status_code, result.message))
        self.sleep(pause)
        return self.may_retry()


def _failure_of(answer: NoAnswer) -> str:
    return "no-answer" if answer.sent else answer.stage or "no-connection"


def _asks_for_less(answer: Answer | NoAnswer, indexes: Sequence[int]) -> bool:
    return isinstance(answer, Answer) and is_too_large(answer.status_code) and len(indexes) > 1


def _may_repeat(delivery: Delivery, index: int, answer: Answer | NoAnswer) -> bool:
    was_written = isinstance(answer, Answer) or answer.sent
    result = delivery.results[index]
    return result.transient and (delivery.events[index].has_key or not was_written)
