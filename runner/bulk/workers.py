"""Tasks → processes with threads in each: a `concurrent.futures.Executor`.

A task that sends computes a little and waits long: a process gives it a core, and the threads of that process share it
while others wait.

A worker is a fresh interpreter with one end of a socket pair. multiprocessing's spawn would run the main module of the
parent again, which may be any program, and hand out descriptors that outlive it; fork is not for a process that has threads.
"""

from __future__ import annotations

import pickle
from collections import deque
from concurrent.futures import Executor, Future
from contextlib import suppress
from itertools import count
from threading import Lock, Thread
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from runner.bulk.worker_messages import ASIDE, PROTOCOL, unpacked
from runner.bulk.worker_process import Task, WorkerProcess
from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


P = ParamSpec("P")
T = TypeVar("T")

MAX_FAILED_STARTS = 3


class WorkerDied(Exception):  # noqa: N818 - the exceptions of `runner.errors` name states of the world as well
    """A process ended before it answered a task: the task may have run, partly or completely."""


class Workers(Executor):
    """Runs tasks in several processes with several threads each.

    A process starts when a task needs it, or at once with `start`; one that died is replaced. Functions are pickled by name, so they must be
    importable, and not from `__main__`. A task goes to the process with the fewest running tasks. Tasks beyond
    processes x threads wait in this process and can be cancelled. The future of a task whose process died raises
    WorkerDied; when no process can be started, it raises MachineError, and so does `submit`.

    >>> with Workers(processes=2, threads=4) as workers:
    ...     workers.submit(max, 1, 2).result()
    2
    """

    def __init__(self, processes: int, threads: int) -> None:
        if processes < 1 or threads < 1:
            raise ValueError(f"at least one process and one thread are needed, not {processes} x {threads}")
        self._threads = threads
        self._lock = Lock()
        """Guards the attributes below. Never held while sending or while resolving a future."""
        self._places: list[WorkerProcess | None] = [None] * processes
        self._waiting: deque[Task] = deque()
        self._numbers = count(ASIDE + 1)
        self._asides: list[bytes] = []
        self._listeners: list[Thread] = []
        self._failed_starts = 0
        self._refusal: MachineError | None = None
        self._is_shut = False
        self._ends_at_once = False

    def start(self, fn: Callable[[], object]) -> None:
        """Start all processes before a task needs them, and call a function in each. One that can't be started yet is left out."""
        with self._lock, suppress(OSError):
            self._asides.append(pickle.dumps(fn, PROTOCOL))
            for place, process in enumerate(self._places):
                if process is None:
                    self._start(place)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn(*args, **kwargs)` in a worker. Raises the errors of pickle, and RuntimeError after a shutdown."""
        task = Task(pickle.dumps((fn, args, kwargs), PROTOCOL))
        with self._lock:
            if self._is_shut:
                raise RuntimeError("no task is taken after shutdown")
            if self._refusal:
                raise self._refusal
            self._waiting.append(task)
        self._hand_over()
        return task.future

    def call_in_each(self, fn: Callable[[], object]) -> None:
        """Call a function in each process at once, beside its tasks; in later processes, before their first task.

        Its result is discarded.
        """
        call = pickle.dumps(fn, PROTOCOL)
        with self._lock:
            self._asides.append(call)
            processes = [process for process in self._places if process]
        for process in processes:
            process.send(ASIDE, call)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Refuse further tasks; with `wait`, return when all are done and all processes, threads and descriptors are gone.

        `cancel_futures` cancels the waiting tasks. Without `wait`, it also kills the processes of the running ones, whose
        futures then raise WorkerDied.
        """
        with self._lock:
            self._is_shut = True
            self._ends_at_once = self._ends_at_once or (cancel_futures and not wait)
            dropped = list(self._waiting) if cancel_futures else []
            if cancel_futures:
                self._waiting.clear()
            if self._ends_at_once:
                for process in filter(None, self._places):
                    process.kill()
        for task in dropped:
            task.future.cancel()
            task.fail(WorkerDied("no process could begin it before the shutdown"))
        self._hand_over()
        if wait:
            for listener in self._listeners:  # the list grows if a process is replaced meanwhile
                listener.join()

    def _hand_over(self) -> None:
        """Send waiting tasks to processes with a free thread; after a shutdown, dismiss the idle processes."""
        try:
            while chosen := self._next():
                process, number, task = chosen
                process.send(number, task.call)
        except OSError as error:
            self._refuse([], error.strerror or str(error))

    def _next(self) -> tuple[WorkerProcess, int, Task] | None:
        with self._lock:
            while self._waiting:
                place = min(range(len(self._places)), key=self._load)
                process = self._places[place]
                if process and len(process.tasks) == self._threads:
                    return None
                if self._waiting[0].claim():
                    process = process or self._start(place)
                    number, task = next(self._numbers), self._waiting.popleft()
                    process.tasks[number] = task
                    return process, number, task
                self._waiting.popleft()  # it was cancelled
            if self._is_shut:
                for process in filter(None, self._places):
                    if not process.tasks:
                        process.dismiss()
            return None

    def _load(self, place: int) -> tuple[int, bool]:
        process = self._places[place]
        return (len(process.tasks), False) if process else (0, True)

    def _start(self, place: int) -> WorkerProcess:
        process = WorkerProcess(self._threads)
        listener = Thread(target=self._listen, args=(place, process), name=f"worker-{place}", daemon=True)
        try:
            listener.start()
        except RuntimeError as error:  # the system allows no more threads
            process.reap()
            raise OSError(str(error)) from error
        self._listeners.append(listener)
        self._places[place] = process
        for call in self._asides:
            process.send(ASIDE, call)  # its channel is empty, so this does not block
        return process

    def _listen(self, place: int, process: WorkerProcess) -> None:
        """Resolve futures from the answers of a process; when it ends, requeue or fail its remaining tasks."""
        try:
            for number, answer in process.answers():
                if number == ASIDE:
                    with self._lock:
                        process.has_begun = True
                        self._failed_starts = 0
                    continue
                result, error = unpacked(answer)
                with self._lock:
                    future = process.tasks.pop(number).future
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)
                self._hand_over()
        finally:
            self._reap(place, process)

    def _reap(self, place: int, process: WorkerProcess) -> None:
        ending = process.reap()
        with self._lock:
            self._places[place] = None
            left = list(process.tasks.values())
            is_false_start = bool(left) and not process.has_begun and not self._ends_at_once
            self._failed_starts += is_false_start
            is_hopeless = self._failed_starts >= MAX_FAILED_STARTS
            if is_false_start and not is_hopeless:
                self._waiting.extendleft(reversed(left))  # the process can't have run any of them
                left = []
        if is_false_start and is_hopeless:
            self._refuse(left, f"the last of {MAX_FAILED_STARTS} {ending}")
        else:
            for task in left:
                task.fail(WorkerDied(f"its process {ending} before it answered"))
        self._hand_over()

    def _refuse(self, tasks: Sequence[Task], why: str) -> None:
        """Fail these tasks, all waiting ones and all later ones."""
        hint = "its output on stderr may say why; --processes 1 starts no worker processes"
        error = MachineError(Problem("machine-refused", f"no worker process can start: {why}", hint=hint))
        with self._lock:
            self._refusal = error
            left = [*tasks, *self._waiting]
            self._waiting.clear()
        for task in left:
            task.fail(error)
