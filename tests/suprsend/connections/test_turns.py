"""Threads that take turns compute one at a time, and wait for the network together."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from threading import Barrier, BrokenBarrierError, Lock
from typing import TYPE_CHECKING, Literal

import pytest

from runner.secrets import Secret
from runner.suprsend.auth import WorkspaceKey
from runner.suprsend.connection import Connection
from runner.suprsend.delivery import single_delivery
from runner.suprsend.encoding import Encoded
from runner.suprsend.turns import Turns
from tests.servers.event_api import Arrived, Platform, Reply, http
from tests.servers.loopback import WAIT_S

if TYPE_CHECKING:
    import ssl

THREADS = 4
CHUNKED = (
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n18\r\n" + b'{"status": "success"}   \r\n0\r\n\r\n'
)
ANSWERS = {"plain": http(202, {"status": "success"}), "chunked": CHUNKED}


def test_one_thread_at_a_time_has_a_turn() -> None:
    turns, lock = Turns(), Lock()
    seen = []

    def compute(_: int) -> None:
        with turns.taken():
            seen.append(lock.acquire(blocking=False))
            time.sleep(0.001)
            lock.release()

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(compute, range(50)))
    assert seen == [True] * 50


def test_another_thread_has_the_turn_that_one_passes() -> None:
    turns, met = Turns(), Barrier(2)

    def compute() -> None:
        with turns.taken(), turns.passed():
            met.wait(WAIT_S)

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(compute) for _ in range(2)]:
            future.result()


def test_a_turn_is_free_after_a_failure() -> None:
    turns = Turns()
    for _ in range(2):
        with pytest.raises(OSError, match="lost"), turns.taken(), turns.passed():
            raise OSError("lost")


def test_a_thread_without_a_turn_has_none_to_pass() -> None:
    turns = Turns()
    with turns.passed(), turns.taken():
        pass


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("size", [10, 8_000_000], ids=["small", "large"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_threads_with_turns_wait_for_the_network_together(
    tls: ssl.SSLContext, secure: bool, size: int, answer: Literal["plain", "chunked"]
) -> None:
    together = Barrier(THREADS)
    turns = Turns()
    most = 0

    def respond(_: Arrived) -> Reply:
        nonlocal most
        with suppress(BrokenBarrierError):
            together.wait(WAIT_S)
            most += 1
        return Reply(ANSWERS[answer])

    def send(connection: Connection) -> list[str]:
        states: list[str] = []
        for _ in range(3):
            with turns.taken():
                delivery = single_delivery(Encoded(b'{"x": "%b"}' % (b"x" * size), has_key=True))
                connection.deliver(delivery)
                states += [result.state for result in delivery.results]
        return states

    with (
        Platform(respond, tls=tls if secure else None) as platform,
        closing(Connection(WorkspaceKey("k", Secret("s")), platform.url(), retries=0, turns=turns)) as connection,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        assert list(threads.map(send, [connection] * THREADS)) == [["accepted"] * 3] * THREADS
    assert len(platform.connections) == THREADS
