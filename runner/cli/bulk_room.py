"""What a process may take of its address space (`ulimit -v`) → whether a run has room in it.

Where it has not, libraries written in other languages crash and threads vanish, at any place: no error can be told then.
"""

from __future__ import annotations

import resource
from math import ceil

from runner.errors import MachineError, Problem

_MIB = 1024 * 1024
_PROCESS_MIB = 256
"""Of the interpreter, the libraries and the rows at hand."""
_THREAD_MIB = 40
"""Of a thread's stack and of its share of the heap: measured, with one half more."""


def check_room(concurrency: int, processes: int | None) -> None:
    """Raise MachineError if a process is allowed less than it needs for its share of the requests under way."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    threads = ceil(concurrency / (processes or 1))
    needed_mib = _PROCESS_MIB + threads * _THREAD_MIB
    if limit == resource.RLIM_INFINITY or limit >= needed_mib * _MIB:
        return
    message = f"a process may take {limit // _MIB:,} MiB (ulimit -v), a run with {threads} threads needs {needed_mib:,}"
    raise MachineError(
        Problem("machine-refused", message, hint=f"ulimit -v {needed_mib * 1024}, or a lower --concurrency")
    )
