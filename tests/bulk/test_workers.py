"""Workers: what runs where, what is told of it, and that nothing stays behind. All processes are real."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import CancelledError, Future, wait
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

import pytest

from runner.bulk.workers import WorkerDied, Workers
from runner.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BOUND_S = 10


class Bounded(Workers):
    """Workers whose `with` block does not wait for what never ends when the test has failed."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.shutdown(wait=kind is None, cancel_futures=kind is not None)


class Call:
    """A task that has called, and waits until it is let go."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.pid = int(line.recv(32))

    def let_go(self) -> None:
        self._line.close()

    def tell(self, word: bytes) -> None:
        self._line.sendall(word)
        self.let_go()

    def has_died_within(self, seconds: float) -> bool:
        """Tell whether the process of the task ends: the kernel closes its connection."""
        self._line.settimeout(seconds)
        try:
            return self._line.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


class Switchboard:
    """Where tasks call."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(BOUND_S)
        self.port: int = self._listening.getsockname()[1]
        self._open = ExitStack()
        self._open.enter_context(self._listening)

    def calls(self, number: int) -> list[Call]:
        return [self.call() for _ in range(number)]

    def call(self) -> Call:
        line, _ = self._listening.accept()
        line.settimeout(BOUND_S)
        return Call(self._open.enter_context(line))

    def close(self) -> None:
        self._open.close()


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Hold every test to leaving no thread, process or descriptor."""
    threads, children, descriptors = set(threading.enumerate()), children_of(os.getpid()), count_descriptors()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(BOUND_S)
    # What a test before has left to end may be gone by now.
    assert set(threading.enumerate()) <= threads
    assert children_of(os.getpid()) <= children
    assert count_descriptors() <= descriptors


@pytest.fixture
def board() -> Iterator[Switchboard]:
    board = Switchboard()
    yield board
    board.close()


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`worker_tasks`, under a name by which workers find it too."""
    monkeypatch.syspath_prepend(HERE)
    return import_module("worker_tasks")


@pytest.fixture
def slow_start(board: Switchboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Switchboard:
    """Have each interpreter that starts call before it does anything, and die if it is told so."""
    code = (
        "import os, socket\n"
        f"with socket.create_connection(('127.0.0.1', {board.port})) as caller:\n"
        "    caller.sendall(b'%d\\n' % os.getpid())\n"
        "    if caller.recv(3) == b'die': os._exit(7)\n"
    )
    (tmp_path / "sitecustomize.py").write_text(code, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return board


OTHERS: set[int] = set()
"""Processes that tests of other rooms keep for the whole session."""


@pytest.fixture(autouse=True)
def _others() -> None:
    OTHERS.clear()
    OTHERS.update(children_of(os.getpid()))


def children_of(pid: int) -> set[int]:
    """Name the processes, also unburied ones, that a process has started during a test."""
    children = set()
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is gone
            if (path / "stat").read_text().rpartition(")")[2].split()[1] == str(pid):
                children.add(int(path.name))
    return children - OTHERS


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def until(is_so: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + BOUND_S
    while not is_so():
        assert time.monotonic() < deadline_s
        time.sleep(0.001)


def told(error: BaseException | None) -> tuple[type[BaseException], str]:
    assert error is not None
    return type(error), str(error)


def no_worker(why: str) -> str:
    return f"no worker process can start: {why} (its output on stderr may say why; --processes 1 starts no worker processes)"


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
        assert told(error) == (WorkerDied, "its process ended with status 0 before it answered")
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


PROGRAM = """
import sys
sys.path[:0] = {paths}
print("main", flush=True)
import worker_tasks
from runner.bulk.workers import Workers
workers = Workers(2, 2)
for task in {tasks}:
    future = workers.submit(getattr(worker_tasks, task), {port})
"""


def program(port: int, *tasks: str, then: str) -> str:
    return PROGRAM.format(paths=[str(REPOSITORY), str(HERE)], tasks=tasks, port=port) + then + "\n"


@pytest.mark.parametrize("kind", ["script", "module", "package", "command"])
def test_a_worker_does_not_run_the_main_module_of_its_parent(kind: str, board: Switchboard, tmp_path: Path) -> None:
    text = program(board.port, "wait_to_go", "wait_to_go", then="workers.shutdown()")
    (tmp_path / "package").mkdir()
    for name in ("script.py", "package/__main__.py"):
        (tmp_path / name).write_text(text, "utf-8")
    args = {"script": ["script.py"], "module": ["-m", "script"], "package": ["-m", "package"], "command": ["-c", text]}
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        [sys.executable, *args[kind]], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        for call in board.calls(2):
            call.let_go()
        assert parent.communicate(timeout=BOUND_S) == (b"main\n", b"")
    assert parent.returncode == 0


def test_a_worker_does_not_take_the_input_of_its_parent() -> None:
    then = "import os; print(workers.submit(os.readlink, '/proc/self/fd/0').result(), sys.stdin.read())"
    ended = subprocess.run(
        [sys.executable, "-c", program(0, then=f"{then}; workers.shutdown()")],
        input=b"rows",
        capture_output=True,
        timeout=BOUND_S,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == (b"main\n/dev/null rows\n", b"")


@pytest.mark.parametrize("task", ["rest", "compute", "hold_interpreter"])
def test_no_worker_outlives_a_killed_parent(task: str, board: Switchboard) -> None:
    text = program(board.port, task, task, then="future.result()")
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        calls = board.calls(2)
        parent.kill()
        assert [call.has_died_within(1) for call in calls] == [True, True]
        assert parent.communicate(timeout=BOUND_S) == (b"main\n", b"")


def test_no_worker_outlives_a_parent_that_is_killed_while_it_starts(slow_start: Switchboard) -> None:
    text = program(slow_start.port, "rest", then="future.result()")
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        slow_start.call().let_go()  # the parent's own interpreter
        worker = slow_start.call()
        parent.kill()
        worker.let_go()
        assert parent.communicate(timeout=BOUND_S) == (b"main\n", b"")  # the worker has the other end of stderr


def test_a_parent_that_ends_without_a_shutdown_ends_its_workers(board: Switchboard) -> None:
    text = program(board.port, "compute", "rest", then="sys.stdin.read()")
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        calls = board.calls(2)
        assert parent.communicate(timeout=BOUND_S) == (b"main\n", b"")
        assert [call.has_died_within(1) for call in calls] == [True, True]
    assert parent.returncode == 0
