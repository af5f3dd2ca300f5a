"""The main function of a worker process: it runs tasks from a socket in a pool of threads."""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import signal
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Lock
from traceback import format_exception, format_exception_only
from typing import TYPE_CHECKING, NoReturn

from runner.bulk.worker_messages import ASIDE, FRAME, SIGNALS, frames, packed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def serve(channel_fd: int, lifeline: int, threads: int) -> NoReturn:
    """Run tasks until the parent closes its end of the channel, then exit the process."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    _die_with_parent(lifeline)
    gc.set_threshold(50_000, 20, 100)  # a task's many small values live for that task alone
    channel = socket.socket(fileno=channel_fd)
    channel.set_inheritable(False)
    _Server(channel, threads).run()
    os._exit(0)


def _die_with_parent(lifeline: int) -> None:
    """Let the kernel end this process when the other end of a pipe closes, even while native code blocks Python."""
    os.set_inheritable(lifeline, False)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)


class _Server:
    """Runs tasks in a pool of threads, which catches whatever they raise.

    The main thread only reads and the pool's threads only write, so a full socket buffer can't deadlock both sides.
    """

    def __init__(self, channel: socket.socket, threads: int) -> None:
        self._channel = channel
        self._pool = ThreadPoolExecutor(threads)
        self._attaching = Lock()
        self._sending = Lock()

    def run(self) -> None:
        """Report that the worker has started, then run each task that arrives."""
        self._send(ASIDE, b"")
        with suppress(OSError):
            for number, call in frames(self._channel.makefile("rb")):
                if number == ASIDE:
                    pickle.loads(call)()  # noqa: S301 - its parent made it
                    continue
                ways = iter((_as_it_is, _as_text))
                with (
                    self._attaching
                ):  # a task that ended before its callback is attached would be answered by this thread
                    self._pool.submit(self._call, call).add_done_callback(partial(self._answer, number, ways, None))

    def _call(self, call: bytes) -> bytes:
        with self._attaching:
            pass
        function, args, kwargs = pickle.loads(call)  # noqa: S301 - its parent made it
        return packed(function(*args, **kwargs))

    def _answer(
        self,
        number: int,
        ways: Iterator[Callable[[BaseException], bytes]],
        raised: BaseException | None,
        attempt: Future[bytes],
    ) -> None:
        """Send the result of an attempt; if it failed, try the next way to report what the task raised."""
        if error := attempt.exception():
            raised = raised or error
            report = self._pool.submit(next(ways, _give_up), raised)
            report.add_done_callback(partial(self._answer, number, ways, raised))
        else:
            self._send(number, attempt.result())

    def _send(self, number: int, answer: bytes) -> None:
        try:
            with self._sending:
                self._channel.sendall(FRAME.pack(number, len(answer)) + answer)
        except OSError:
            os._exit(0)  # the parent is gone


def _as_it_is(error: BaseException) -> bytes:
    return packed(None, error, "".join(format_exception(error)))


def _as_text(error: BaseException) -> bytes:
    text = "".join(format_exception_only(error)).rstrip("\n")
    return packed(None, RuntimeError(text), "".join(format_exception(error)))


def _give_up(_: BaseException) -> NoReturn:
    os._exit(1)  # the parent then reports WorkerDied for the task
