"""How a shutdown ends what was submitted."""

from __future__ import annotations

from concurrent.futures import CancelledError, wait
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.workers import WorkerDied, Workers
from tests.bulk.workers.conftest import told, until
from tests.servers.switchboard import BOUND_S

if TYPE_CHECKING:
    from tests.servers.switchboard import Switchboard


def test_shutdown_lets_what_was_submitted_end(tasks: Any, board: Switchboard) -> None:
    workers = Workers(1, 1)
    futures = [workers.submit(tasks.wait_to_go, board.port) for _ in range(3)]
    ending = Thread(target=workers.shutdown)
    ending.start()
    calls = [board.call()]
    until(lambda: _is_refused(workers))
    for _ in range(2):
        calls[-1].let_go()
        calls.append(board.call())
    assert ending.is_alive()
    calls[-1].let_go()
    ending.join(BOUND_S)
    assert [future.result(0) for future in futures] == [call.pid for call in calls]


def _is_refused(workers: Workers) -> bool:
    try:
        workers.submit(abs, 1).cancel()
    except RuntimeError as error:
        return str(error) == "no task is taken after shutdown"
    return False


def test_shutdown_without_waiting_lets_tasks_end_in_their_time(tasks: Any, board: Switchboard) -> None:
    workers = Workers(1, 1)
    futures = [workers.submit(tasks.wait_to_go, board.port) for _ in range(2)]
    workers.shutdown(wait=False)
    for _ in range(2):
        board.call().let_go()
    assert len({future.result(BOUND_S) for future in futures}) == 1


def test_cancelling_at_shutdown_ends_what_is_under_way_and_begins_nothing_more(tasks: Any, board: Switchboard) -> None:
    workers = Workers(1, 1)
    first, second = (workers.submit(tasks.wait_to_go, board.port) for _ in range(2))
    call = board.call()
    ending = Thread(target=workers.shutdown, kwargs={"cancel_futures": True})
    ending.start()
    with pytest.raises(CancelledError):
        second.result(BOUND_S)
    assert not first.done()
    call.let_go()
    ending.join(BOUND_S)
    assert first.result(0) == call.pid


def test_shutdown_at_once_kills_what_is_under_way_and_cancels_the_rest(tasks: Any, board: Switchboard) -> None:
    workers = Workers(2, 1)
    futures = [workers.submit(tasks.hold_interpreter, board.port) for _ in range(4)]
    calls = board.calls(2)
    workers.shutdown(wait=False, cancel_futures=True)
    assert wait(futures, BOUND_S).not_done == set()
    died = WorkerDied, "its process was ended by signal 9 before it answered"
    assert [told(future.exception()) for future in futures[:2]] == [died] * 2
    assert [future.cancelled() for future in futures[2:]] == [True] * 2
    assert all(call.has_died_within(1) for call in calls)


def test_shutdown_at_once_does_not_try_a_false_start_again(slow_start: Switchboard) -> None:
    workers = Workers(1, 1)
    future = workers.submit(abs, 1)
    call = slow_start.call()
    workers.shutdown(wait=False, cancel_futures=True)
    assert told(future.exception(BOUND_S)) == (WorkerDied, "its process was ended by signal 9 before it answered")
    assert call.has_died_within(1)
    workers.shutdown()


def test_a_shutdown_may_be_repeated_and_needs_no_process() -> None:
    workers = Workers(1, 1)
    workers.shutdown()
    workers.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(RuntimeError, match=r"^no task is taken after shutdown$"):
        workers.submit(abs, 1)


@pytest.mark.parametrize(("processes", "threads"), [(0, 1), (1, 0)])
def test_at_least_one_process_and_one_thread_are_needed(processes: int, threads: int) -> None:
    message = f"^at least one process and one thread are needed, not {processes} x {threads}$"
    with pytest.raises(ValueError, match=message):
        Workers(processes, threads)
