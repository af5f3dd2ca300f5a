"""The main function of a worker process: it runs tasks from a socket in threads."""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import signal
import socket
from contextlib import suppress
from threading import Lock, Semaphore, Thread
from traceback import format_exception, format_exception_only, print_exc
from typing import NoReturn

from runner.bulk.worker_messages import ASIDE, FRAME, SIGNALS, frames, packed


def serve(channel_fd: int, lifeline: int) -> NoReturn:
    """Run tasks until the parent closes its end of the channel, then exit the process."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    _die_with_parent(lifeline)
    gc.set_threshold(50_000, 20, 100)  # a task's many small values live for that task alone
    channel = socket.socket(fileno=channel_fd)
    channel.set_inheritable(False)
    _Server(channel).run()


def _die_with_parent(lifeline: int) -> None:
    """Let the kernel end this process when the other end of a pipe closes, even while native code blocks Python."""
    os.set_inheritable(lifeline, False)
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC)


class _Server:
    """Runs tasks in threads that take turns to read: the one that reads a task runs it, and another one reads on.

    There are about as many threads as there were tasks at the same time, and one of them is always free to read. So a full
    socket buffer can't deadlock both sides: the parent may wait for this process to read before it reads itself.
    """

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._incoming = frames(channel.makefile("rb"))
        self._reading = Lock()
        self._sending = Lock()
        self._idle = Semaphore(0)
        """Counts the threads that wait for their turn to read, and those that are about to."""

    def run(self) -> NoReturn:
        """Report that the worker has started, then run each task that arrives; exit when the channel closes."""
        self._send(ASIDE, b"")
        self._take_turns()

    def _take_turns(self) -> NoReturn:
        try:
            while task := self._read():
                number, call = task
                self._send(number, _answer(call))
                self._idle.release()
        except BaseException:  # noqa: BLE001 - whatever it is, a task would stay without its answer
            print_exc()
            os._exit(1)  # the parent then reports WorkerDied
        os._exit(0)

    def _read(self) -> tuple[int, bytes] | None:
        """Return the next task, and let another thread read; None at the end. The calls of the parent are made meanwhile."""
        with self._reading, suppress(OSError):  # the parent is gone
            for number, call in self._incoming:
                if number != ASIDE:
                    if not self._idle.acquire(blocking=False):
                        Thread(target=self._take_turns, daemon=True).start()
                    return number, call
                pickle.loads(call)()  # noqa: S301 - its parent made it
        return None

    def _send(self, number: int, answer: bytes) -> None:
        try:
            with self._sending:
                self._channel.sendall(FRAME.pack(number, len(answer)) + answer)
        except OSError:
            os._exit(0)  # the parent is gone


def _answer(call: bytes) -> bytes:
    """Run a task, and pack its result or what it raised; raise only what can't be packed either."""
    try:
        function, args, kwargs = pickle.loads(call)  # noqa: S301 - its parent made it
        return packed(function(*args, **kwargs))
    except BaseException as error:  # noqa: BLE001 - the parent raises it again
        try:
            return packed(None, error, "".join(format_exception(error)))
        except BaseException:  # noqa: BLE001 - an exception is whatever a library made of it
            text = "".join(format_exception_only(error)).rstrip("\n")
            return packed(None, RuntimeError(text), "".join(format_exception(error)))
