"""The number of processes that this machine can run, by its cores, its memory and its control groups."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESS_BYTES = 64 * 1024 * 1024
"""Memory that a process of a run needs at most, a sending one or the one that reads and records."""


def room_for_processes(cores: int, root: Path = Path("/")) -> int:
    """Return the number of worker processes: one a core, at least one, and fewer if memory is short.

    Control groups of both versions, with their parents, may limit processor time and memory further. `root` contains `proc`
    and `sys`.
    """
    memory = [available for available in (_memory_available(root), *_memory_left(root)) if available is not None]
    most = [cores, *(ceil(quota) for quota in _quotas(root))]
    if memory:
        most.append(min(memory) // PROCESS_BYTES)
    return max(1, min(most))


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Group(NamedTuple):
    """The folder of a control group, version 1 or 2."""

    path: Path
    is_second: bool


def _groups(root: Path, controller: str) -> Iterator[_Group]:
    """Yield the control group of this process for a controller, and its parents."""
    mounts = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        if not names:
            mount = mounts / "unified" if (mounts / "unified").is_dir() else mounts
        elif controller in names.split(","):
            mount = next((each for each in (mounts / names, mounts / controller) if each.is_dir()), mounts)
        else:
            continue
        steps = [step for step in path.split("/") if step not in ("", "..")]
        # In a container, the path may be that of the host; the mounted group is the process's own then.
        for depth in range(len(steps), -1, -1):
            yield _Group(mount.joinpath(*steps[:depth]), not names)


def _quotas(root: Path) -> Iterator[float]:
    for group in _groups(root, "cpu"):
        if group.is_second:
            quota, period = [*_text(group.path / "cpu.max").split(), "", ""][:2]
        else:
            quota, period = (_text(group.path / f"cpu.cfs_{what}_us").strip() for what in ("quota", "period"))
        if quota.isdigit() and period.isdigit() and int(period):
            yield int(quota) / int(period)


def _memory_left(root: Path) -> Iterator[int]:
    """Yield the free memory of each group. Cached files count as used there, but are freed when memory is needed."""
    for group in _groups(root, "memory"):
        limit, used = (
            (("memory.max", "memory.high"), "memory.current")
            if group.is_second
            else (("memory.limit_in_bytes",), "memory.usage_in_bytes")
        )
        limits = [text for text in (_text(group.path / name).strip() for name in limit) if text.isdigit()]
        current = _text(group.path / used).strip()
        if limits and current.isdigit():
            cached = _entry(
                _text(group.path / "memory.stat"), "inactive_file" if group.is_second else "total_inactive_file"
            )
            yield max(0, min(map(int, limits)) - max(0, int(current) - (cached or 0)))


def _memory_available(root: Path) -> int | None:
    kilobytes = _entry(_text(root / "proc/meminfo"), "MemAvailable:")
    return None if kilobytes is None else kilobytes * 1024


def _entry(table: str, name: str) -> int | None:
    for line in table.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdigit():
            return int(words[1])
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:  # this system has no control groups
        return ""
