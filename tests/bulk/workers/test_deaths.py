"""A dead process fails its own tasks alone, and is replaced."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.workers import WorkerDied
from runner.errors import MachineError
from tests.bulk.workers.conftest import Bounded, children_of, told, until
from tests.servers.switchboard import BOUND_S

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.switchboard import Switchboard


def no_worker(why: str) -> str:
    return f"no worker process can start: {why} (its output on stderr may say why; --processes 1 starts no worker processes)"


def test_a_dead_process_fails_its_own_tasks_at_once_and_is_replaced(tasks: Any, board: Switchboard) -> None:
    with Bounded(2, 2) as workers:
        futures = {workers.submit(tasks.wait_to_go, board.port) for _ in range(4)}
        calls = board.calls(4)
        dead, alive = sorted({call.pid for call in calls})
        os.kill(dead, signal.SIGKILL)
        until(lambda: sum(future.done() for future in futures) == 2)
        failed = {future for future in futures if future.done()}
        errors = [told(future.exception()) for future in failed]
        assert errors == [(WorkerDied, "its process was ended by signal 9 before it answered")] * 2

        futures -= failed
        futures |= {workers.submit(tasks.wait_to_go, board.port) for _ in range(2)}
        calls += board.calls(2)
        assert alive != calls[4].pid == calls[5].pid != dead
        for call in calls:
            call.let_go()
        assert Counter(future.result(BOUND_S) for future in futures) == {alive: 2, calls[4].pid: 2}


def test_tasks_that_wait_go_to_the_replacement_of_a_dead_process(tasks: Any, board: Switchboard) -> None:
    with Bounded(1, 1) as workers:
        first = workers.submit(tasks.wait_to_go, board.port)
        second = workers.submit(abs, -1)
        os.kill(board.call().pid, signal.SIGKILL)
        assert told(first.exception(BOUND_S))[0] is WorkerDied
        assert second.result(BOUND_S) == 1


def test_how_a_process_ended_is_told(tasks: Any, board: Switchboard) -> None:
    with Bounded(1, 1) as workers:
        left = workers.submit(os._exit, 3).exception(BOUND_S)
        assert told(left) == (WorkerDied, "its process ended with status 3 before it answered")
        terminated = workers.submit(tasks.compute, board.port)
        os.kill(board.call().pid, signal.SIGUSR1)
        expected = WorkerDied, "its process was ended by signal 10 before it answered"
        assert told(terminated.exception(BOUND_S)) == expected


def test_a_task_rather_goes_to_an_idle_process_than_to_a_new_one(tasks: Any, board: Switchboard) -> None:
    with Bounded(2, 1) as workers:
        futures = [workers.submit(tasks.wait_to_go, board.port) for _ in range(2)]
        for call in board.calls(2):
            call.let_go()
        first, second = (future.result(BOUND_S) for future in futures)
        os.kill(first, signal.SIGKILL)
        until(lambda: "worker-0" not in {thread.name for thread in threading.enumerate()})
        assert workers.submit(os.getpid).result(BOUND_S) == second
        assert children_of(os.getpid()) == {second}


def test_a_process_that_closes_its_end_counts_as_dead() -> None:
    with Bounded(1, 1) as workers:
        error = workers.submit(os.closerange, 3, 100).exception(BOUND_S)
        ways = "ended with status 0", "was ended by signal 9"  # it exits, unless it is killed before that
        assert told(error) in [(WorkerDied, f"its process {way} before it answered") for way in ways]
        assert workers.submit(abs, -1).result(BOUND_S) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_answer_that_its_worker_alone_can_read_counts_as_a_death(tasks: Any) -> None:
    with Bounded(1, 1) as workers:
        error = workers.submit(tasks.make, tasks.ReadableAtHome).exception(BOUND_S)
        assert told(error) == (WorkerDied, "its process was ended by signal 9 before it answered")
        assert workers.submit(abs, -1).result(BOUND_S) == 1


def test_every_future_ends_however_often_processes_die() -> None:
    with Bounded(2, 4) as workers:
        futures: list[Future[Any]] = [
            workers.submit(os._exit, 1) if number % 40 == 7 else workers.submit(abs, -number) for number in range(400)
        ]
        assert wait(futures, BOUND_S).not_done == set()
    died = [future for future in futures if future.exception()]
    assert {type(future.exception()) for future in died} == {WorkerDied}
    assert 10 <= len(died) <= 10 * 4
    assert [number for number, future in enumerate(futures) if future not in died and future.result() != number] == []


def test_a_death_before_a_worker_begins_costs_no_task(slow_start: Switchboard) -> None:
    ended: list[int] = []
    with Bounded(1, 1) as workers:
        futures = [workers.submit(abs, -number) for number in range(4)]
        for future in futures:
            future.add_done_callback(lambda future: ended.append(future.result()))
        slow_start.call().tell(b"die")
        slow_start.call().tell(b"die")
        slow_start.call().let_go()
        assert wait(futures, BOUND_S).not_done == set()
        assert ended == [0, 1, 2, 3]
        assert workers.submit(os._exit, 1).exception(BOUND_S)
        again = workers.submit(abs, -5)
        slow_start.call().tell(b"die")  # counts from the last success
        slow_start.call().let_go()
        assert again.result(BOUND_S) == 5


def test_workers_that_die_three_times_before_they_begin_are_given_up(slow_start: Switchboard) -> None:
    message = no_worker("the last of 3 ended with status 7")
    with Bounded(1, 1) as workers:
        futures = [workers.submit(abs, n) for n in range(3)]
        for call in (slow_start.call() for _ in range(3)):
            call.tell(b"die")
        assert [told(future.exception(BOUND_S)) for future in futures] == [(MachineError, message)] * 3
        with pytest.raises(MachineError) as caught:
            workers.submit(abs, 1)
        assert str(caught.value) == message


def test_an_interpreter_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with Bounded(2, 1) as workers:
        error = workers.submit(abs, 1).exception(BOUND_S)
    assert told(error) == (MachineError, no_worker("No such file or directory"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_ends_a_whole_group_does_not_reach_workers(
    number: signal.Signals, tasks: Any, slow_start: Switchboard, capfd: pytest.CaptureFixture[str]
) -> None:
    with Bounded(1, 1) as workers:
        future = workers.submit(tasks.wait_to_go, slow_start.port)
        booting = slow_start.call()
        os.kill(booting.pid, number)
        booting.let_go()
        busy = slow_start.call()
        os.kill(busy.pid, number)
        busy.let_go()
        assert future.result(BOUND_S) == booting.pid == busy.pid
        assert workers.submit(signal.getsignal, number).result(BOUND_S) is signal.SIG_IGN
        assert workers.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result(BOUND_S) == set()
    assert capfd.readouterr() == ("", "")
