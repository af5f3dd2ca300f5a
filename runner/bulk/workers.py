"""Tasks → processes with threads in each: a `concurrent.futures.Executor`.

A task that sends computes a little and waits long: a process gives it a core, and the threads of that process share it
while others wait.

A worker is a fresh interpreter with one end of a socket pair. multiprocessing's spawn would run the main module of the
parent again, which may be any program, and hand out descriptors that outlive it; fork is not for a process that has threads.
"""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import signal
import socket
import sys
from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from itertools import count
from struct import Struct
from subprocess import DEVNULL, Popen
from threading import Lock, Thread
from traceback import format_exception, format_exception_only
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, ParamSpec, TypeVar

from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

P = ParamSpec("P")
T = TypeVar("T")

MAX_FAILED_STARTS = 3
_PROTOCOL = pickle.HIGHEST_PROTOCOL
_FRAME = Struct("=QQ")
"""What precedes each task and each answer: its number and its size in bytes."""
_ASIDE = 0
"""The number of what is no task, which count from 1: a worker says that it has begun, its parent what to do at once."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What a terminal, or whoever ends a service, sends to the whole group: the parent decides what they mean."""


class WorkerDied(Exception):  # noqa: N818 - the exceptions of `runner.errors` name states of the world as well
    """The process of a task ended before it answered: the task may have run, in part or wholly."""


class Workers(Executor):
    """Runs tasks in processes with as many threads each; a process starts when a task needs it, also in place of one that died.

    Functions go by their names, so they must be importable, and can't be of `__main__`. A task goes to the process
    with the fewest under way. What is more than processes x threads waits here and can be cancelled. The future of a
    task whose process died has WorkerDied; when no process can be started, it has MachineError, and `submit` raises it.

    >>> with Workers(processes=2, threads=4) as workers:
    ...     workers.submit(max, 1, 2).result()
    2
    """

    def __init__(self, processes: int, threads: int) -> None:
        if processes < 1 or threads < 1:
            raise ValueError(f"at least one process and one thread are needed, not {processes} x {threads}")
        self._threads = threads
        self._lock = Lock()
        """Guards all that follows; nobody sends, or tells a future, while he has it."""
        self._places: list[_Process | None] = [None] * processes
        self._waiting: deque[_Task] = deque()
        self._numbers = count(_ASIDE + 1)
        self._asides: list[bytes] = []
        self._listeners: list[Thread] = []
        self._failed_starts = 0
        self._refusal: MachineError | None = None
        self._is_shut = False
        self._ends_at_once = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run `fn(*args, **kwargs)` in a worker. Raises what pickle does, and RuntimeError after a shutdown."""
        task = _Task(pickle.dumps((fn, args, kwargs), _PROTOCOL))
        with self._lock:
            if self._is_shut:
                raise RuntimeError("no task is taken after shutdown")
            if self._refusal:
                raise self._refusal
            self._waiting.append(task)
        self._hand_over()
        return task.future

    def tell(self, fn: Callable[[], object]) -> None:
        """Call a function in each process at once, beside its tasks; in those that start later before their first one.

        What comes of it is not told.
        """
        call = pickle.dumps(fn, _PROTOCOL)
        with self._lock:
            self._asides.append(call)
            processes = [process for process in self._places if process]
        for process in processes:
            process.send(_ASIDE, call)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks; with `wait` return when all are done and no process, thread or descriptor is left.

        `cancel_futures` cancels those that wait. Not to wait for the others either ends their processes at once, and
        their futures have WorkerDied.
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
            for listener in self._listeners:  # grows meanwhile if a process is replaced
                listener.join()

    def _hand_over(self) -> None:
        """Send what waits to processes that have a thread for it; when all is done after a shutdown, dismiss them."""
        try:
            while chosen := self._next():
                process, number, task = chosen
                process.send(number, task.call)
        except OSError as error:
            self._refuse([], error.strerror or str(error))

    def _next(self) -> tuple[_Process, int, _Task] | None:
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

    def _start(self, place: int) -> _Process:
        process = _Process(self._threads)
        listener = Thread(target=self._listen, args=(place, process), name=f"worker-{place}", daemon=True)
        try:
            listener.start()
        except RuntimeError as error:  # so Python tells that the system allows no more threads
            process.bury()
            raise OSError(str(error)) from error
        self._listeners.append(listener)
        self._places[place] = process
        for call in self._asides:
            process.send(_ASIDE, call)  # nothing is on its way to it: that waits for nobody
        return process

    def _listen(self, place: int, process: _Process) -> None:
        """Take the answers of a process until it ends, and see to what it leaves."""
        try:
            for number, answer in process.answers():
                if number == _ASIDE:
                    with self._lock:
                        process.has_begun = True
                        self._failed_starts = 0
                    continue
                result, error = _unpacked(answer)
                with self._lock:
                    future = process.tasks.pop(number).future
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(error)
                self._hand_over()
        finally:
            self._bury(place, process)

    def _bury(self, place: int, process: _Process) -> None:
        ending = process.bury()
        with self._lock:
            self._places[place] = None
            left = list(process.tasks.values())
            is_false_start = bool(left) and not process.has_begun and not self._ends_at_once
            self._failed_starts += is_false_start
            is_hopeless = self._failed_starts >= MAX_FAILED_STARTS
            if is_false_start and not is_hopeless:
                self._waiting.extendleft(reversed(left))  # it can't have run any of them
                left = []
        if is_false_start and is_hopeless:
            self._refuse(left, f"the last of {MAX_FAILED_STARTS} {ending}")
        else:
            for task in left:
                task.fail(WorkerDied(f"its process {ending} before it answered"))
        self._hand_over()

    def _refuse(self, tasks: Sequence[_Task], why: str) -> None:
        """Fail these tasks and all that wait or will come."""
        hint = "what it wrote to stderr may say why; --processes 1 needs none"
        error = MachineError(Problem("machine-refused", f"no worker process can start: {why}", hint=hint))
        with self._lock:
            self._refusal = error
            left = [*tasks, *self._waiting]
            self._waiting.clear()
        for task in left:
            task.fail(error)


class _Task:
    """A call on its way, and the future that will have what comes of it."""

    def __init__(self, call: bytes) -> None:
        self.call = call
        self.future: Future[Any] = Future()

    def claim(self) -> bool:
        """Tell whether it is still wanted; if so it can no longer be cancelled."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def fail(self, error: Exception) -> None:
        if self.claim():
            self.future.set_exception(error)


class _Process:
    """A worker, as its parent sees it."""

    def __init__(self, threads: int) -> None:
        self.tasks: dict[int, _Task] = {}
        self.has_begun = False
        self._sending = Lock()
        with ExitStack() as on_failure:
            self._channel, theirs = socket.socketpair()
            on_failure.callback(self._channel.close)
            with theirs:
                lifeline, lifeline_end = os.pipe()
                self._lifeline = on_failure.enter_context(os.fdopen(lifeline_end, "wb"))
                with os.fdopen(lifeline, "rb"):
                    self._process = _start_worker(theirs.fileno(), lifeline, threads)
            on_failure.pop_all()

    def send(self, number: int, call: bytes) -> None:
        """Hand over a task. That the process is dead is for its listener to find."""
        is_whole = False
        with self._sending, suppress(OSError):
            try:
                self._channel.sendall(_FRAME.pack(number, len(call)) + call)
                is_whole = True
            finally:
                if not is_whole:  # a signal handler raised: what came next would be read as the rest of this
                    self.kill()

    def answers(self) -> Iterator[tuple[int, bytes]]:
        """Yield numbered answers as they come, until the process ends."""
        with self._channel.makefile("rb") as incoming, suppress(OSError):  # it ended with tasks unread
            yield from _frames(incoming)

    def dismiss(self) -> None:
        """Let it end: it has nothing to do, and nothing more will come."""
        with suppress(OSError):  # it is dead already
            self._channel.shutdown(socket.SHUT_WR)

    def kill(self) -> None:
        self._process.kill()

    def bury(self) -> str:
        """Free what it held, and tell how it ended."""
        self.kill()  # else one that only closed its end would be waited for
        status = self._process.wait()
        with self._sending:
            self._channel.close()
        self._lifeline.close()
        return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


_BOOT = """
import sys
sys.path[:] = sys.argv[4:]
from runner.bulk.workers import serve
serve(*map(int, sys.argv[1:4]))
"""


def _start_worker(channel: int, lifeline: int, threads: int) -> Popen[bytes]:
    """Start an interpreter that serves; it has nothing of this one but two descriptors, stderr and the way to modules."""
    warnings = [f"-W{option}" for option in sys.warnoptions]
    numbers = [str(channel), str(lifeline), str(threads)]
    # They must not come through before the worker ignores them.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        return Popen(  # noqa: S603 - this very interpreter
            [sys.executable, *warnings, "-c", _BOOT, *numbers, *sys.path],
            stdin=DEVNULL,
            stdout=DEVNULL,
            pass_fds=[channel, lifeline],
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _frames(incoming: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while len(head := incoming.read(_FRAME.size)) == _FRAME.size:
        number, size = _FRAME.unpack(head)
        if len(body := incoming.read(size)) < size:
            return
        yield number, body


def serve(channel_fd: int, lifeline: int, threads: int) -> NoReturn:
    """Be a worker: run what comes until nobody is left to send it."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    _die_with_parent(lifeline)
    gc.set_threshold(50_000, 20, 100)  # a task's many small values live for that task alone
    channel = socket.socket(fileno=channel_fd)
    channel.set_inheritable(False)
    _Server(channel, threads).run()
    os._exit(0)


def _die_with_parent(lifeline: int) -> None:
    """Have the kernel end this process when the other end of a pipe closes, also while native code keeps Python busy."""
    os.set_inheritable(lifeline, False)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)


class _Server:
    """Runs tasks in a pool of threads: whatever they raise, the pool catches.

    This thread only reads, and the pool's only write, so a full pipe never keeps both sides waiting for each other.
    """

    def __init__(self, channel: socket.socket, threads: int) -> None:
        self._channel = channel
        self._pool = ThreadPoolExecutor(threads)
        self._attaching = Lock()
        self._sending = Lock()

    def run(self) -> None:
        self._send(_ASIDE, b"")
        with suppress(OSError):
            for number, call in _frames(self._channel.makefile("rb")):
                if number == _ASIDE:
                    pickle.loads(call)()  # noqa: S301 - its parent made it
                    continue
                ways = iter((_as_it_is, _as_text))
                with self._attaching:  # a task that was done before would be answered by this thread
                    self._pool.submit(self._call, call).add_done_callback(partial(self._answer, number, ways, None))

    def _call(self, call: bytes) -> bytes:
        with self._attaching:
            pass
        function, args, kwargs = pickle.loads(call)  # noqa: S301 - its parent made it
        return _packed(function(*args, **kwargs))

    def _answer(
        self,
        number: int,
        ways: Iterator[Callable[[BaseException], bytes]],
        raised: BaseException | None,
        attempt: Future[bytes],
    ) -> None:
        """Send what an attempt gave; if it failed, try the next way to tell what the task raised."""
        if error := attempt.exception():
            raised = raised or error
            telling = self._pool.submit(next(ways, _give_up), raised)
            telling.add_done_callback(partial(self._answer, number, ways, raised))
        else:
            self._send(number, attempt.result())

    def _send(self, number: int, answer: bytes) -> None:
        try:
            with self._sending:
                self._channel.sendall(_FRAME.pack(number, len(answer)) + answer)
        except OSError:
            os._exit(0)  # nobody is left to hear it


def _packed(result: object, error: BaseException | None = None, trace: str = "") -> bytes:
    """Pack an answer, and make sure that it can be unpacked: the parent has nobody to tell that it can't."""
    answer = pickle.dumps((result, error, trace), _PROTOCOL)
    _unpacked(answer)
    return answer


def _unpacked(answer: bytes) -> tuple[Any, BaseException | None]:
    result, error, trace = pickle.loads(answer)  # noqa: S301 - it comes from this package
    if error is not None:
        error.add_note(f"in a worker process:\n{trace}")
    return result, error


def _as_it_is(error: BaseException) -> bytes:
    return _packed(None, error, "".join(format_exception(error)))


def _as_text(error: BaseException) -> bytes:
    text = "".join(format_exception_only(error)).rstrip("\n")
    return _packed(None, RuntimeError(text), "".join(format_exception(error)))


def _give_up(_: BaseException) -> NoReturn:
    os._exit(1)  # so that its future hears of it at least as of a death
