"""What passes between a parent and its workers beside tasks."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import wait
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from tests.bulk.workers.conftest import Bounded, until
from tests.servers.switchboard import BOUND_S

if TYPE_CHECKING:
    from tests.servers.switchboard import Switchboard


def test_what_is_told_reaches_each_process_beside_its_tasks_and_those_that_start_later(
    tasks: Any, board: Switchboard
) -> None:
    with Bounded(2, 1) as workers:
        busy = workers.submit(tasks.wait_until_told, board.port)
        first = board.call().pid
        assert not busy.done()
        workers.call_in_each(tasks.be_told)
        assert busy.result(BOUND_S) == first
        workers.submit(tasks.wait_to_go, board.port)
        holding = board.call()
        assert holding.pid == first
        assert workers.submit(tasks.wait_until_told, board.port).result(BOUND_S) != first
        holding.let_go()


def test_what_a_task_prints_does_not_reach_stdout(tasks: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with Bounded(1, 1) as workers:
        workers.submit(tasks.say, "noise").result(BOUND_S)
        assert workers.submit(os.write, 2, b"trouble").result(BOUND_S) == 7
    assert capfd.readouterr() == ("", "trouble")


def test_a_worker_has_only_its_own_descriptors() -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    with Bounded(2, 1) as workers, os.fdopen(read_end), os.fdopen(write_end, "w"):
        listed = [workers.submit(os.listdir, "/proc/self/fd") for _ in range(2)]
        # 0, 1, 2, the socket, the pipe, and the listing itself
        assert [len(future.result(BOUND_S)) for future in listed] == [6, 6]


def test_large_tasks_and_large_answers_do_not_wait_for_each_other() -> None:
    texts = [bytes([97 + number % 26]) * 300_000 for number in range(400)]  # each more than a socket holds
    with Bounded(1, 4) as workers:
        workers.submit(sys.setswitchinterval, 1e-6).result(BOUND_S)  # so that its threads meet in all ways
        futures = [workers.submit(bytes.upper, text) for text in texts]
        assert wait(futures, BOUND_S).not_done == set()
    assert [number for number in range(400) if futures[number].result() != texts[number].upper()] == []


def test_many_threads_may_submit_at_once() -> None:
    answers: dict[int, list[int]] = {}

    def ask(number: int) -> None:
        answers[number] = list(workers.map(abs, range(-100 * number, 0)))

    with Bounded(2, 2) as workers:
        threads = [Thread(target=ask, args=(number,)) for number in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {number: list(range(100 * number, 0, -1)) for number in range(1, 5)}


def test_an_exception_out_of_a_half_sent_task_leaves_no_half_behind(tasks: Any, board: Switchboard) -> None:
    class TimeUp(Exception):  # noqa: N818
        pass

    interrupted = threading.Event()
    main = threading.get_ident()

    def raise_once(*_: object) -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise TimeUp

    def interrupt_sending() -> bool:
        """Signal again if need be: one that comes just before the system call does not end it."""
        if sys._current_frames()[main].f_code.co_name == "send":
            signal.pthread_kill(main, signal.SIGUSR1)
        return interrupted.is_set()

    before = signal.signal(signal.SIGUSR1, raise_once)
    try:
        with Bounded(1, 2) as workers:
            workers.submit(tasks.rest, board.port)
            worker = board.call().pid
            os.kill(worker, signal.SIGSTOP)
            watching = Thread(target=until, args=(interrupt_sending,))
            watching.start()
            with pytest.raises(TimeUp):
                workers.submit(len, b"x" * 5_000_000)
            watching.join()
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)
            assert workers.submit(abs, -1).result(BOUND_S) == 1
            workers.shutdown(wait=False, cancel_futures=True)
    finally:
        signal.signal(signal.SIGUSR1, before)
