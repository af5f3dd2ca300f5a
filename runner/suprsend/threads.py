"""Tasks → daemon threads of this process: a `concurrent.futures.Executor`."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


class Threads(Executor):
    """Runs tasks in daemon threads. The standard library's pool would let a second Ctrl-C wait for their requests.

    >>> with Threads(2) as threads:
    ...     threads.submit(max, 1, 2).result()
    2
    """

    def __init__(self, count: int) -> None:
        self._tasks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[Thread] = []
        for _ in range(count):
            thread = Thread(target=self._work, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads here, or the interpreter is ending
                break
            self._threads.append(thread)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in a free thread; if no thread could be started, call it here."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - raised again by the future's result()
                future.set_exception(error)
            else:
                future.set_result(result)

        if self._threads:
            self._tasks.put(run)
        else:
            run()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Refuse further tasks; wait for the others, or cancel those that have not begun."""
        while cancel_futures:
            try:
                self._tasks.get_nowait()
            except Empty:
                break
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _work(self) -> None:
        while (run := self._tasks.get()) is not None:
            run()
