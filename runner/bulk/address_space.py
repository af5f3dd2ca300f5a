"""The limit of a process's address space (`ulimit -v`) → whether a run has enough of it.

Without this check, native libraries abort and imports fail in any thread, where no error can be reported. The limit counts
reserved addresses, not used memory; most are reserved for threads.
"""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from runner.rows.dataset import Dataset

_MIB = 1024 * 1024
_PROCESS_MIB = 192
"""The interpreter and all libraries of a run need 117 (Linux, x86-64, Python 3.11); the rest is for rows in memory."""
_PARQUET_MIB = 1_280
"""pyarrow needs 1,153 more: its allocator reserves 1,024 at once."""
_QUERY_MIB = 3_200
"""A query needs 3,069 more, with pyarrow, when it uses all of its memory."""
_HEAP_MIB = 64
"""glibc reserves this for the heap of a thread, for a limited number of threads per core."""
_HEAPS_PER_CORE = 8
_OTHER_THREADS = 1
"""The thread of a sandbox that is started for the run."""


def check_address_space(processes: int, threads: int, dataset: Dataset) -> None:
    """Raise MachineError if the limit is lower than what a process needs for its share of the requests.

    Each of the `processes` has `threads` threads. A single process also reads the rows; for several, the parent does.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    reading = _QUERY_MIB if dataset.query is not None else _PARQUET_MIB if dataset.has_parquet else 0
    if processes == 1:
        needed_mib = _needed_mib(threads) + reading
    else:
        needed_mib = max(_needed_mib(processes) + reading, _needed_mib(threads))  # a thread listens to each process
    if limit < needed_mib * _MIB:
        message = f"a process may use {limit // _MIB:,} MiB (ulimit -v), but this run needs {needed_mib:,}"
        fewer = f", or a lower --concurrency: {threads} threads need most of it" if threads > 1 else ""
        hint = f"ulimit -v {needed_mib * 1024}{fewer}"
        raise MachineError(Problem("machine-refused", message, hint=hint))


def _needed_mib(threads: int) -> int:
    threads += _OTHER_THREADS
    heaps = min(threads, _HEAPS_PER_CORE * (os.cpu_count() or 1))
    return _PROCESS_MIB + threads * _stack_mib() + heaps * _HEAP_MIB


def _stack_mib() -> int:
    """Return the size of a thread's stack (`ulimit -s`)."""
    size, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return _UNLIMITED_STACK_MIB if size == resource.RLIM_INFINITY else -(-size // _MIB)


_UNLIMITED_STACK_MIB = 2
"""The default of glibc if there is no limit."""
