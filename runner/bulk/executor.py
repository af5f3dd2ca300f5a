"""How many processes and threads a run works with → an executor that runs its parts."""

from __future__ import annotations

from contextlib import contextmanager
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.machine import cores, room_for_processes
from runner.bulk.tools import end_pauses, pauses
from runner.bulk.workers import Workers
from runner.suprsend.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from runner.bulk.options import BulkOptions

_SMALL_BYTES = 256 * 1024
"""A file of less is sent sooner by this process than others are started."""


class Share(NamedTuple):
    """In how many processes a run works, and with how many threads in each."""

    processes: int
    threads: int

    @classmethod
    def of(cls, options: BulkOptions) -> Share:
        """Share the requests of a run out."""
        processes = options.processes or _processes(options)
        return cls(processes, ceil(options.concurrency / processes))


@contextmanager
def executor_of(options: BulkOptions) -> Iterator[Executor]:
    """Start what runs the parts. An interrupt does not wait for it."""
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
    """Have nothing tried again of what is under way."""
    if isinstance(executor, Workers):
        executor.call_in_each(end_pauses)
    else:
        end_pauses()


def _processes(options: BulkOptions) -> int:
    is_small = options.is_piped or Path(options.rows).stat().st_size < _SMALL_BYTES
    return 1 if is_small else room_for_processes(cores())
