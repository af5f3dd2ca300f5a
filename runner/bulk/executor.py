"""The options of a run → an executor with processes and threads for its parts."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from math import ceil
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from runner.bulk.machine import cores, room_for_processes
from runner.bulk.tools import end_pauses, pauses
from runner.bulk.workers import Workers
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future

    from runner.bulk.options import BulkOptions
    from runner.bulk.part import Part

_Result = TypeVar("_Result")

_SMALL_BYTES = 256 * 1024
"""This process sends a smaller file faster than it could start others."""


class Share(NamedTuple):
    """Number of processes, and of threads in each."""

    processes: int
    threads: int

    @classmethod
    def of(cls, options: BulkOptions) -> Share:
        """Distribute the concurrent requests of a run."""
        processes = options.processes or _processes(options)
        return cls(processes, ceil(options.concurrency / processes))


@contextmanager
def executor_of(options: BulkOptions) -> Iterator[Executor]:
    """Start the executor. After an interrupt its shutdown does not wait for running parts."""
    pauses.begin()
    processes, threads = Share.of(options)
    executor = Threads(threads) if processes == 1 else Workers(processes, threads)
    is_over = False
    try:
        yield executor
        is_over = True
    finally:
        executor.shutdown(wait=is_over, cancel_futures=not is_over)


def hurry(executor: Executor) -> None:
    """Stop retrying the requests in flight."""
    if isinstance(executor, Workers):
        executor.call_in_each(end_pauses)
    else:
        end_pauses()


def in_order(
    parts: Iterable[Part], executor: Executor, task: Callable[[Part], _Result], concurrency: int
) -> Iterator[_Result]:
    """Yield the result of each part, in their order; at most `concurrency` parts and one more are under way."""
    under_way: deque[Future[_Result]] = deque()
    for part in parts:
        under_way.append(executor.submit(task, part))
        if len(under_way) > concurrency:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def _processes(options: BulkOptions) -> int:
    is_small = options.is_piped or options.dataset.size_bytes() < _SMALL_BYTES
    return 1 if is_small else room_for_processes(cores())
