"""A worker process, as its parent sees it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from subprocess import DEVNULL, Popen
from threading import Lock
from typing import TYPE_CHECKING, Any

from runner.bulk.worker_messages import FRAME, SIGNALS, frames

if TYPE_CHECKING:
    from collections.abc import Iterator


class Task:
    """A pickled call and the future for its result."""

    def __init__(self, call: bytes) -> None:
        self.call = call
        self.future: Future[Any] = Future()

    def claim(self) -> bool:
        """Return whether the task is still wanted; if so, it can no longer be cancelled."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def fail(self, error: Exception) -> None:
        """Set the exception of the future, unless it was cancelled."""
        if self.claim():
            self.future.set_exception(error)


class WorkerProcess:
    """A worker process with the tasks that it is running, as its parent sees it."""

    def __init__(self, threads: int) -> None:
        self.tasks: dict[int, Task] = {}
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
        """Send a task. If the process is dead, its listener notices, not this method."""
        is_whole = False
        with self._sending, suppress(OSError):
            try:
                self._channel.sendall(FRAME.pack(number, len(call)) + call)
                is_whole = True
            finally:
                if not is_whole:  # a signal handler raised: the next message would be read as the rest of this one
                    self.kill()

    def answers(self) -> Iterator[tuple[int, bytes]]:
        """Yield answers with their numbers as they arrive, until the process ends."""
        with self._channel.makefile("rb") as incoming, suppress(OSError):  # it ended with tasks unread
            yield from frames(incoming)

    def dismiss(self) -> None:
        """Close the channel for sending, so that the idle process exits."""
        with suppress(OSError):  # it is dead already
            self._channel.shutdown(socket.SHUT_WR)

    def kill(self) -> None:
        """Kill the process at once."""
        self._process.kill()

    def reap(self) -> str:
        """Release the resources of the process, and return how it ended."""
        self.kill()  # a process that only closed its end would be waited for otherwise
        status = self._process.wait()
        with self._sending:
            self._channel.close()
        self._lifeline.close()
        return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


_BOOT = """
import sys
sys.path[:] = sys.argv[4:]
from runner.bulk.worker import serve
serve(*map(int, sys.argv[1:4]))
"""


def _start_worker(channel: int, lifeline: int, threads: int) -> Popen[bytes]:
    """Start an interpreter as a worker; it inherits only two descriptors, stderr and `sys.path`."""
    warnings = [f"-W{option}" for option in sys.warnoptions]
    numbers = [str(channel), str(lifeline), str(threads)]
    # The worker must not receive these signals before it ignores them.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        return Popen(  # noqa: S603 - this very interpreter
            [sys.executable, *warnings, "-c", _BOOT, *numbers, *sys.path],
            stdin=DEVNULL,
            stdout=DEVNULL,
            pass_fds=[channel, lifeline],
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
