"""What a process may take of its address space (`ulimit -v`) → whether a run has room in it.

Where it has not, libraries written in other languages abort and imports break off in any thread: no error can be reported then.
What counts is not the memory that is used, but the addresses that are set aside, most of them for threads.
"""

from __future__ import annotations

import os
import resource

from runner.errors import MachineError, Problem

_MIB = 1024 * 1024
_PROCESS_MIB = 192
"""The interpreter and all libraries of a run take 117 (Linux, x86-64, Python 3.11); the rest is for the rows at hand."""
_PARQUET_MIB = 1_280
"""What pyarrow takes beyond that, 1,153: its allocator sets 1,024 aside at once."""
_HEAP_MIB = 64
"""What glibc sets aside for the heap of a thread, for at most so many of them a core."""
_HEAPS_PER_CORE = 8
_OTHER_THREADS = 1
"""That of a sandbox that is started for the run, beside those that send."""


def check_address_space(processes: int, threads: int, *, reads_parquet: bool) -> None:
    """Raise MachineError if a process is allowed less than it needs for its share of the requests under way.

    Each of the `processes` has so many `threads`. One alone reads the rows as well; several have one that reads for them.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    reading = _PARQUET_MIB if reads_parquet else 0
    if processes == 1:
        needed_mib = _needed_mib(threads) + reading
    else:
        needed_mib = max(_needed_mib(processes) + reading, _needed_mib(threads))  # a thread listens to each process
    if limit < needed_mib * _MIB:
        message = f"a process may take {limit // _MIB:,} MiB (ulimit -v), and this run needs {needed_mib:,}"
        fewer = f", or a lower --concurrency: {threads} threads take most of it" if threads > 1 else ""
        hint = f"ulimit -v {needed_mib * 1024}{fewer}"
        raise MachineError(Problem("machine-refused", message, hint=hint))


def _needed_mib(threads: int) -> int:
    threads += _OTHER_THREADS
    heaps = min(threads, _HEAPS_PER_CORE * (os.cpu_count() or 1))
    return _PROCESS_MIB + threads * _stack_mib() + heaps * _HEAP_MIB


def _stack_mib() -> int:
    """Return what is set aside for the stack of a thread (`ulimit -s`)."""
    size, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return _UNLIMITED_STACK_MIB if size == resource.RLIM_INFINITY else -(-size // _MIB)


_UNLIMITED_STACK_MIB = 2
"""What glibc takes then."""
