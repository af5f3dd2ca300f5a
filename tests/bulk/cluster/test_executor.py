"""Tasks on workers that come, leave and die: processes that were started as commands."""

from __future__ import annotations

import os
import signal
import socket
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

import distributed
import pytest

from runner.bulk.workers import WorkerDied
from runner.errors import InvalidInput, MachineError
from tests.bulk.cluster.conftest import ENVIRON, executing
from tests.bulk.workers import worker_tasks
from tests.bulk.workers.conftest import told, until
from tests.servers.dask_cluster import dask_cluster
from tests.servers.switchboard import BOUND_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.servers.dask_cluster import DaskCluster, Member
    from tests.servers.switchboard import Call, Switchboard

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def steady(cluster: DaskCluster, client: Any) -> Member:
    """Start a worker that lives as long as the module."""
    worker = cluster.worker(threads=2)
    client.wait_for_workers(1, timeout=BOUND_S)
    return worker


@pytest.fixture
def another(cluster: DaskCluster, client: Any, steady: Member) -> Iterator[Member]:  # noqa: ARG001 - it comes first
    """Start a second worker of one thread."""
    worker = cluster.worker()
    client.wait_for_workers(2, timeout=BOUND_S)
    yield worker
    worker.kill()
    until(lambda: len(client.nthreads()) == 1)


@pytest.mark.usefixtures("steady")
def test_results_and_errors_come_as_they_are(client: Any, briefing: bytes) -> None:
    with executing(client, briefing) as executor:
        futures = [executor.submit(max, number, -number) for number in range(40)]
        assert [future.result(BOUND_S) for future in futures] == list(range(40))
        assert executor.submit(int, "ff", base=16).result(BOUND_S) == 255
        assert told(executor.submit(int, "x").exception(BOUND_S)) == (
            ValueError,
            "invalid literal for int() with base 10: 'x'",
        )
        refused = executor.submit(worker_tasks.fail, InvalidInput, "one").exception(BOUND_S)
        assert isinstance(refused, InvalidInput)
        assert executor.capacity == 4, "one part for each of two threads, and one that waits"


@pytest.mark.usefixtures("steady")
def test_an_answer_that_its_worker_alone_can_read_counts_as_a_death(client: Any, briefing: bytes) -> None:
    with executing(client, briefing) as executor:
        [address] = executor._workers
        error = executor.submit(worker_tasks.make, worker_tasks.ReadableAtHome).exception(BOUND_S)
        assert told(error) == (WorkerDied, f"the answer of the worker {address} can't be read")
        assert executor.submit(abs, -1).result(BOUND_S) == 1


@pytest.mark.usefixtures("steady")
@pytest.mark.parametrize("kind", [worker_tasks.Local, worker_tasks.LostInTransit, worker_tasks.Unreadable])
def test_whatever_can_not_be_pickled_ends_its_task_alone(kind: Any, client: Any, briefing: bytes) -> None:
    task: Any = worker_tasks.make if kind is worker_tasks.Unreadable else worker_tasks.fail
    args = ("one", "two") if kind is worker_tasks.LostInTransit else ("one",) if kind is worker_tasks.Local else ()
    with executing(client, briefing) as executor:
        assert executor.submit(task, kind, *args).exception(BOUND_S) is not None
        assert executor.submit(abs, -1).result(BOUND_S) == 1


@pytest.mark.usefixtures("steady")
def test_after_a_shutdown_nothing_is_taken_and_the_worker_has_forgotten_the_run(client: Any, briefing: bytes) -> None:
    with executing(client, briefing, "left") as executor:
        assert executor.submit(abs, -1).result(BOUND_S) == 1
        assert seats(client) == [["left"]]
    assert seats(client) == [[]]
    with pytest.raises(RuntimeError, match="no task is taken after shutdown"):
        executor.submit(abs, -1)


def seats(client: Any) -> list[list[str]]:
    """Name the runs that each worker knows."""
    return list(client.run(_seats).values())


def _tasks(dask_scheduler: Any = None) -> list[str]:
    return list(dask_scheduler.tasks)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def let_go(calls: Iterable[Call]) -> None:
    for call in calls:
        call.let_go()


def test_a_worker_that_joins_later_and_can_not_send_ends_the_run_and_the_others_forget_it(
    cluster: DaskCluster, client: Any, briefing: bytes, steady: Member
) -> None:
    with executing(client, briefing) as executor:
        assert executor.submit(abs, -1).result(BOUND_S) == 1
        late = cluster.worker(environ={"SUPRSEND_WORKSPACE_SECRET": "another"})
        until(lambda: executor._refusal is not None)
        with pytest.raises(MachineError, match="its environment has other credentials or secrets"):
            executor.submit(abs, -1)
    assert seats(client) == [[], []]
    late.kill()
    until(lambda: list(client.run(os.getpid).values()) == [steady.process.pid])


def _seats() -> list[str]:
    from runner.bulk.cluster import seat  # noqa: PLC0415 - on the worker

    return list(seat._seats)


def test_a_worker_that_is_killed_fails_its_own_parts_and_another_one_takes_over(
    client: Any, briefing: bytes, steady: Member, another: Member, board: Switchboard
) -> None:
    with executing(client, briefing) as executor:
        futures = [executor.submit(worker_tasks.wait_to_go, board.port) for _ in range(6)]
        calls = board.calls(3)
        another.kill()
        until(lambda: sum(future.done() for future in futures) == 2)
        errors = [told(future.exception()) for future in futures if future.done()]
        assert {kind for kind, _ in errors} == {WorkerDied}
        assert all(message.endswith("left before it answered") for _, message in errors)
        again = executor.submit(worker_tasks.wait_to_go, board.port)
        let_go(calls)
        for _ in range(3):
            let_go([board.call()])
        assert wait([*futures, again], BOUND_S).not_done == set()
        assert {future.result() for future in (*futures, again) if future.exception() is None} == {steady.process.pid}
        until(lambda: not client.run_on_scheduler(_tasks))


def test_a_worker_that_joins_later_gets_work(
    cluster: DaskCluster, client: Any, briefing: bytes, steady: Member, board: Switchboard
) -> None:
    with executing(client, briefing) as executor:
        futures = [executor.submit(worker_tasks.wait_to_go, board.port) for _ in range(5)]
        calls = board.calls(2)
        late = cluster.worker()
        calls.append(board.call())
        assert {call.pid for call in calls} == {steady.process.pid, late.process.pid}
        assert executor.capacity == 6
        let_go(calls)
        let_go(board.calls(2))
        assert wait(futures, BOUND_S).not_done == set()
    late.kill()
    until(lambda: len(client.nthreads()) == 1)


def test_a_worker_that_is_retired_runs_no_part_twice(
    client: Any, briefing: bytes, another: Member, board: Switchboard
) -> None:
    [address] = [each for each, pid in client.run(os.getpid).items() if pid == another.process.pid]
    with executing(client, briefing) as executor:
        futures = [executor.submit(worker_tasks.wait_to_go, board.port) for _ in range(6)]
        calls = board.calls(3)
        client.retire_workers([address])
        until(lambda: sum(future.done() for future in futures) == 2)
        let_go(calls)
        let_go(board.calls(2))
        assert wait(futures, BOUND_S).not_done == set()
        died = [future for future in futures if future.exception() is not None]
        assert {told(future.exception())[0] for future in died} == {WorkerDied}
        assert len(died) == 2
        board._listening.settimeout(0.5)
        with pytest.raises(TimeoutError):
            board.call()


@pytest.mark.parametrize("is_at_same_address", [False, True])
def test_a_worker_with_a_nanny_comes_back_as_another_one(
    is_at_same_address: bool, cluster: DaskCluster, client: Any, briefing: bytes, steady: Member, board: Switchboard
) -> None:
    nannied = cluster.worker(*(("--worker-port", str(free_port())) if is_at_same_address else ()), nanny=True)
    client.wait_for_workers(2, timeout=BOUND_S)
    with executing(client, briefing) as executor:
        futures = [executor.submit(worker_tasks.wait_to_go, board.port) for _ in range(6)]
        calls = board.calls(3)
        [pid] = {call.pid for call in calls} - {steady.process.pid}
        os.kill(pid, signal.SIGKILL)
        until(lambda: sum(future.done() for future in futures) == 2)
        futures += [executor.submit(worker_tasks.wait_to_go, board.port) for _ in range(2)]
        calls.append(board.call())
        assert calls[-1].pid not in (pid, steady.process.pid)
        let_go(calls)
        let_go(board.calls(3))
        assert wait(futures, BOUND_S).not_done == set()
        assert sum(future.exception() is not None for future in futures) == 2
    nannied.kill()
    until(lambda: len(client.nthreads()) == 1)


def test_a_hurry_reaches_workers_that_join_later(
    cluster: DaskCluster, client: Any, briefing: bytes, steady: Member
) -> None:
    with executing(client, briefing, "hurried") as executor:
        executor.hurry()
        until(lambda: client.run(_is_hurried) == dict.fromkeys(client.nthreads(), True))
        late = cluster.worker()
        client.wait_for_workers(2, timeout=BOUND_S)
        until(lambda: list(client.run(_is_hurried).values()) == [True, True])
    late.kill()
    until(lambda: list(client.run(os.getpid).values()) == [steady.process.pid])


def _is_hurried() -> bool:
    from runner.bulk.cluster import seat  # noqa: PLC0415 - on the worker

    return "hurried" in seat._seats and seat._seats["hurried"].tools.pauses.are_over


@pytest.mark.usefixtures("steady")
def test_a_run_that_a_worker_forgot_is_told_to_it_again(client: Any, briefing: bytes) -> None:
    """It knows the runs that came last; a worker may also be replaced by another one at its address."""
    with executing(client, briefing) as executor:
        [worker] = executor._workers.values()
        client.run(_forget, "seat")
        error = executor.submit(abs, -1).exception(BOUND_S)
        assert told(error) == (WorkerDied, f"the worker {worker.address} had forgotten the run, and did not run it")
        assert executor.submit(abs, -2).result(BOUND_S) == 2


def _forget(name: str) -> None:
    from runner.bulk.cluster.seat import leave_seat  # noqa: PLC0415 - on the worker

    leave_seat(name)


def test_a_cluster_without_workers_is_waited_for_and_then_lost(briefing: bytes, tmp_path: Path) -> None:
    with (
        dask_cluster(tmp_path / "empty", ENVIRON) as empty,
        distributed.Client(empty.url, set_as_default=False) as client,
    ):
        with executing(client, briefing) as executor:
            future = executor.submit(abs, -1)
            assert executor.capacity == 1
            empty.worker()
            assert future.result(BOUND_S) == 1
        empty.members[-1].kill()
        until(lambda: not client.nthreads())
        with executing(client, briefing, no_workers_s=1) as executor:
            error = executor.submit(abs, -1).exception(BOUND_S)
            lost = (MachineError, "the cluster has had no workers for 1s (start workers, and resume the run)")
            assert told(error) == lost
            with pytest.raises(MachineError) as refused:
                executor.submit(abs, -1)
            assert told(refused.value) == lost
