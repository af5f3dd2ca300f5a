"""Tasks run in other processes, and their results and errors travel."""

from __future__ import annotations

import os
import sys
from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.workers import WorkerDied
from tests.bulk.workers.conftest import HERE, Bounded, children_of, told, until
from tests.servers.switchboard import BOUND_S

if TYPE_CHECKING:
    from tests.servers.switchboard import Switchboard


def test_a_call_runs_in_another_process_and_answers() -> None:
    with Bounded(1, 1) as workers:
        assert workers.submit(int, "ff", base=16).result(BOUND_S) == 255
        assert {workers.submit(os.getpid).result(BOUND_S)} == children_of(os.getpid())


def test_no_process_starts_before_a_task_needs_it() -> None:
    with Bounded(4, 1) as workers:
        assert children_of(os.getpid()) == set()
        workers.submit(int).result(BOUND_S)
        workers.submit(int).result(BOUND_S)
        assert len(children_of(os.getpid())) == 1


def test_each_thread_of_each_process_runs_a_task_and_what_is_more_can_be_cancelled(
    tasks: Any, board: Switchboard
) -> None:
    with Bounded(2, 3) as workers:
        futures = [workers.submit(tasks.wait_to_go, board.port) for _ in range(8)]
        calls = board.calls(6)
        assert sorted(Counter(call.pid for call in calls).values()) == [3, 3]
        assert [future.running() for future in futures] == [True] * 6 + [False] * 2
        assert [future.cancel() for future in futures] == [False] * 6 + [True, True]
        for call in calls:
            call.let_go()
        assert {future.result(BOUND_S) for future in futures[:6]} == {call.pid for call in calls}


def test_tasks_that_wait_are_run_in_their_order(tasks: Any, board: Switchboard) -> None:
    ended: list[int] = []
    with Bounded(1, 1) as workers:
        workers.submit(tasks.wait_to_go, board.port)
        for number in range(5):
            workers.submit(abs, number).add_done_callback(lambda future: ended.append(future.result()))
        board.call().let_go()
    assert ended == [0, 1, 2, 3, 4]


def test_a_task_goes_to_the_process_with_the_fewest_under_way(tasks: Any, board: Switchboard) -> None:
    with Bounded(2, 2) as workers:
        futures = {workers.submit(tasks.wait_to_go, board.port) for _ in range(4)}
        calls = board.calls(4)
        chosen = calls[0].pid
        for call in [call for call in calls if call.pid == chosen]:
            call.let_go()
        until(lambda: sum(future.done() for future in futures) == 2)
        for _ in range(2):
            workers.submit(tasks.wait_to_go, board.port)
        late = board.calls(2)
        assert [call.pid for call in late] == [chosen, chosen]
        for call in [*calls, *late]:
            call.let_go()


def test_an_error_travels_with_its_type_its_text_and_where_it_was_raised(tasks: Any) -> None:
    with Bounded(1, 1) as workers:
        error = workers.submit(tasks.fail, OSError, "13", "no way").exception(BOUND_S)
    assert told(error) == (OSError, "[Errno 13] no way")
    note = error.__notes__[0] if error else ""
    assert note.startswith("in a worker process:\nTraceback (most recent call last):\n")
    assert f'File "{HERE / "worker_tasks.py"}"' in note
    assert note.endswith("\nOSError: [Errno 13] no way\n")


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_what_would_end_a_program_does_not_end_a_worker(tasks: Any, kind: type[BaseException]) -> None:
    with Bounded(1, 1) as workers:
        before = workers.submit(os.getpid).result(BOUND_S)
        assert told(workers.submit(tasks.fail, kind, "enough").exception(BOUND_S)) == (kind, "enough")
        assert workers.submit(os.getpid).result(BOUND_S) == before


def test_an_error_that_cannot_travel_is_told_as_text(tasks: Any) -> None:
    with Bounded(1, 1) as workers:
        local = workers.submit(tasks.fail, tasks.Local, "here").exception(BOUND_S)
        lost = workers.submit(tasks.fail, tasks.LostInTransit, "here", "there").exception(BOUND_S)
    assert told(local) == (RuntimeError, "worker_tasks.Local: here")
    assert told(lost) == (RuntimeError, "worker_tasks.LostInTransit: here and there")


def test_an_error_that_cannot_be_told_at_all_is_told_as_a_death(tasks: Any) -> None:
    with Bounded(1, 1) as workers:
        error = workers.submit(tasks.fail, tasks.Unspeakable).exception(BOUND_S)
        assert told(error) == (WorkerDied, "its process ended with status 1 before it answered")
        assert workers.submit(abs, -1).result(BOUND_S) == 1


def test_a_result_that_cannot_travel_is_an_error_of_its_task_alone(tasks: Any) -> None:
    with Bounded(1, 1) as workers:
        local = workers.submit(tasks.make, Lock).exception(BOUND_S)
        unreadable = workers.submit(tasks.make, tasks.Unreadable).exception(BOUND_S)
        assert workers.submit(abs, -1).result(BOUND_S) == 1
    assert told(local) == (TypeError, "cannot pickle '_thread.lock' object")
    assert told(unreadable) == (ValueError, "invalid literal for int() with base 10: 'no number'")


def test_a_call_that_cannot_be_packed_is_refused_at_once() -> None:
    with Bounded(1, 1) as workers, pytest.raises(TypeError, match=r"^cannot pickle '_thread.lock' object$"):
        workers.submit(print, Lock())


def test_a_function_that_a_worker_cannot_find_is_an_error_of_its_task_alone(
    tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(HERE)])
    with Bounded(1, 1) as workers:
        error = workers.submit(tasks.say, "").exception(BOUND_S)
        assert told(error) == (ModuleNotFoundError, "No module named 'worker_tasks'")
        assert workers.submit(abs, -1).result(BOUND_S) == 1
