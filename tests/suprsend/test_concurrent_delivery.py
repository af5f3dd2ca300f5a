"""Several requests under way, threads that append, interrupts: what is then known."""

from __future__ import annotations

import os
import signal
import time
from threading import Condition, Semaphore, Thread, Timer
from threading import Event as Flag
from typing import TYPE_CHECKING

import pytest

from runner import Event
from runner.secrets import Secret
from runner.suprsend.auth import WorkspaceKey
from runner.suprsend.connection import Connection
from runner.suprsend.delivery import Pauses, single_delivery
from runner.suprsend.encoding import Encoded
from tests.suprsend.deliveries import BUSY, GOOD, Client, answer_of, failures, keyed, record, users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers.capturing import CapturingServer, Received


class Held:
    """A server that keeps its answers back until it is told to give them."""

    def __init__(self, server: CapturingServer) -> None:
        self.base_url = server.base_url
        self.users: list[str] = []
        self.open = Flag()
        self.under_way = 0
        self._changed = Condition()
        self._accept = server.answer_to
        server.answer_to = self._answer  # type: ignore[method-assign] # this server has answers of its own

    def once(self, requests: int, then: Callable[[], object]) -> None:
        """Do something when so many requests wait for their answers."""

        def wait() -> None:
            assert self.has(requests, within_s=20)
            then()

        Thread(target=wait).start()

    def has(self, requests: int, within_s: float) -> bool:
        """Wait until so many requests wait for their answers."""
        with self._changed:
            return self._changed.wait_for(lambda: self.under_way >= requests, within_s)

    def _answer(self, request: Received) -> tuple[int, bytes, dict[str, str]]:
        with self._changed:
            self.users += [event["distinct_id"] for event in request.json]
            self.under_way += 1
            self._changed.notify_all()
        assert self.open.wait(20)
        return self._accept(request)


@pytest.fixture
def held(server: CapturingServer) -> Iterator[Held]:
    held = Held(server)
    yield held
    held.open.set()


def test_no_more_requests_are_under_way_than_allowed(held: Held) -> None:
    seen: list[bool] = []

    def look() -> None:
        seen.append(held.has(4, within_s=0.3))
        held.open.set()

    bulk = Client(held.base_url, concurrency=3).bulk(*map(keyed, range(1000)))
    held.once(3, look)
    assert bulk.trigger().success == 1000
    assert seen == [False]


def test_what_is_appended_by_other_threads_is_sent_now_or_next_time(server: CapturingServer) -> None:
    bulk = Client(server.base_url, concurrency=2).bulk()

    def append(thread: int) -> None:
        for number in range(500):
            bulk.append(keyed(thread * 500 + number))

    threads = [Thread(target=append, args=[thread]) for thread in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        bulk.trigger()
    assert (bulk.trigger().total, bulk.response.success) == (2000, 2000)
    assert sorted(user for request in users(server) for user in request) == sorted(
        f"u{number}" for number in range(2000)
    )


def test_what_a_thread_raises_reaches_the_caller_and_the_rest_waits(server: CapturingServer) -> None:
    def break_(_: float) -> None:
        raise ZeroDivisionError("a sleep that does not")

    server.answers.extend([(503, BUSY)])
    bulk = Client(server.base_url, concurrency=2, sleep=break_).bulk(*map(keyed, range(1000)))
    with pytest.raises(ZeroDivisionError):
        bulk.trigger()
    assert {failure[1:] for failure in failures(bulk)} == {("busy", 503, False)}
    assert (bulk.trigger().total, bulk.response.success) == (1000, 900)
    assert sorted(user for request in users(server) for user in request) == sorted(
        f"u{number}" for number in range(1000)
    )


# Interrupts


def test_an_interrupt_leaves_what_is_known_and_the_rest_for_the_next_call(server: CapturingServer) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    server.answers.extend([answer_of(*[GOOD] * 98, record(404), record(503, "busy"))])
    bulk = Client(server.base_url, sleep=interrupt).bulk(Event("", "wrong"), *map(keyed, range(150)))
    with pytest.raises(KeyboardInterrupt):
        bulk.trigger()
    assert (bulk.response.total, bulk.response.success) == (101, 98)
    assert [failure[1:] for failure in failures(bulk)] == [
        ("distinct_id is blank (it identifies one user in your application)", 0, False),
        ("no", 404, False),
        ("busy", 503, False),
    ]
    assert repr(bulk) == "BulkEvents(50 to send, 101 sent)"
    assert (bulk.trigger().total, bulk.response.success) == (151, 148)
    assert users(server) == [[f"u{number}" for number in range(100)], [f"u{number}" for number in range(100, 150)]]


def test_an_interrupt_with_several_requests_under_way_leaves_those_unknown_and_alone(
    server: CapturingServer, held: Held
) -> None:
    paused = Semaphore(0)
    server.answers.extend([(503, BUSY)] * 4)
    bulk = Client(held.base_url, concurrency=4, sleep=lambda _: paused.release()).bulk(*map(keyed, range(1000)))
    held.once(4, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        bulk.trigger()
    assert (bulk.response.total, bulk.response.unknown, bulk.response.success) == (400, 400, 0)
    assert {failure[1:] for failure in failures(bulk)} == {("interrupted before an answer came", 0, True)}
    held.open.set()
    assert all(paused.acquire(timeout=20) for _ in range(4))
    # The answers that came after all settle what was unknown; they are not followed by a retry.
    assert (bulk.trigger().total, bulk.response.success, bulk.response.unknown) == (1000, 600, 0)
    assert sorted(held.users) == sorted(f"u{number}" for number in range(1000))


def test_when_pauses_are_ended_the_one_under_way_is_over_and_no_retry_follows(server: CapturingServer) -> None:
    pauses = Pauses()
    server.answers.extend([(429, BUSY, {"Retry-After": "60"})] * 3)
    connection = Connection(
        WorkspaceKey("k", Secret("secret")),
        server.base_url,
        sleep=pauses.sleep,
        may_retry=lambda: not pauses.are_over,
        on_retry=lambda _: Timer(0.05, pauses.end).start(),
        timeout_s=300,
    )
    began_s = time.monotonic()
    for number in (1, 2):  # the second one begins no pause
        delivery = single_delivery(Encoded(b'{"n": %d}' % number, has_key=True))
        connection.deliver(delivery)
        [result] = delivery.results
        assert (result.state, result.status_code, result.attempts) == ("failed", 429, 1)
    connection.close()
    assert time.monotonic() - began_s < 10
    assert len(server.received) == 2
