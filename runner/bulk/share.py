"""The options of a run → how many processes and threads send it."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.machine import cores, room_for_processes

if TYPE_CHECKING:
    from runner.bulk.options import BulkOptions

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


def _processes(options: BulkOptions) -> int:
    is_small = options.is_piped or options.dataset.size_bytes() < _SMALL_BYTES
    return 1 if is_small else room_for_processes(cores())
