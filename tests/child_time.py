"""The time of child processes, for limits: on a busy machine, seconds of the clock say little."""

from __future__ import annotations

from resource import RUSAGE_CHILDREN, getrusage


def time_of_children_s() -> float:
    """Return the seconds of the processor that child processes took, once they have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
