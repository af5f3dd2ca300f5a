"""How many processes this machine has room for: by its cores, by its memory, and by what a control group leaves of both."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESS_BYTES = 64 * 1024 * 1024
"""What a process of a run needs; most need less. One that sends and one that reads and records are counted alike."""


def room_for_processes(cores: int, root: Path = Path("/")) -> int:
    """Return how many processes may work for one that is there already: one a core, at least one.

    A control group may allow less time than that of all cores, and less memory than the machine has. Both versions are
    understood, and what a group above allows counts too. `root` is where `proc` and `sys` are.
    """
    memory = [available for available in (_memory_available(root), *_memory_left(root)) if available is not None]
    most = [cores, *(ceil(quota) for quota in _quotas(root))]
    if memory:
        most.append(min(memory) // PROCESS_BYTES)
    return max(1, min(most))


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Group(NamedTuple):
    """A folder of a control group, of the first version or the second."""

    path: Path
    is_second: bool


def _groups(root: Path, controller: str) -> Iterator[_Group]:
    """Find the group that this process is in, by one controller, and those above it."""
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
        # In a container the path may be the one that it has outside: what is mounted is its own then.
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
    """Return what each group still allows. Files that are cached count as used there, and are given up when it is needed."""
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
    except OSError:  # this system has no such thing
        return ""
