"""How many processes there is room for, by what a machine says of itself: its files, written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.bulk.machine import PROCESS_BYTES, cores, room_for_processes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MIB = 1024 * 1024
MUCH = {"proc/meminfo": "MemTotal:  64000000 kB\nMemAvailable:   48000000 kB\n"}
SECOND = {"proc/self/cgroup": "0::/\n"}
FIRST = {"proc/self/cgroup": "12:memory:/docker/ab12\n4:cpu,cpuacct:/docker/ab12\n1:name=systemd:/docker/ab12\n"}
GROUP = "sys/fs/cgroup"


def room(root: Path, files: Mapping[str, str], *, among: int = 64) -> int:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return room_for_processes(among, root)


def test_a_system_that_says_nothing_has_room_for_one_a_core(tmp_path: Path) -> None:
    assert room(tmp_path, {}) == 64


def test_this_machine_has_room_for_one_at_least() -> None:
    assert 1 <= room_for_processes(cores()) <= cores()


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 64), ("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("1000 100000", 1), ("", 64)],
)
def test_the_second_version_bounds_by_time(tmp_path: Path, quota: str, expected: int) -> None:
    assert room(tmp_path, MUCH | SECOND | {f"{GROUP}/cpu.max": f"{quota}\n"}) == expected


def test_the_second_version_bounds_by_memory(tmp_path: Path) -> None:
    files = {f"{GROUP}/memory.max": f"{400 * MIB}\n", f"{GROUP}/memory.current": f"{60 * MIB}\n"}
    assert room(tmp_path, MUCH | SECOND | files) == 340 * MIB // PROCESS_BYTES == 5


def test_cached_files_are_no_memory_that_is_gone(tmp_path: Path) -> None:
    files = {
        f"{GROUP}/memory.max": f"{400 * MIB}\n",
        f"{GROUP}/memory.current": f"{400 * MIB}\n",
        f"{GROUP}/memory.stat": f"anon 1\ninactive_file {340 * MIB}\nactive_file 5\n",
    }
    assert room(tmp_path, MUCH | SECOND | files) == 5


def test_the_tightest_group_above_counts_too(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "0::/system.slice/job.scope\n",
        f"{GROUP}/system.slice/cpu.max": "300000 100000\n",
        f"{GROUP}/system.slice/job.scope/cpu.max": "max 100000\n",
        f"{GROUP}/system.slice/memory.high": f"{129 * MIB}\n",
        f"{GROUP}/system.slice/memory.max": "max\n",
        f"{GROUP}/system.slice/memory.current": "0\n",
    }
    assert room(tmp_path, MUCH | files) == 2


@pytest.mark.parametrize("below", ["", "/docker/ab12"])
def test_the_first_version_bounds_by_time_and_memory(tmp_path: Path, below: str) -> None:
    """In a container, its group is the root of what is mounted, whatever its path is called outside."""
    cpu, memory = f"{GROUP}/cpu,cpuacct{below}", f"{GROUP}/memory{below}"
    files = {
        f"{cpu}/cpu.cfs_quota_us": "600000\n",
        f"{cpu}/cpu.cfs_period_us": "100000\n",
        f"{memory}/memory.limit_in_bytes": f"{64 * MIB * 3}\n",
        f"{memory}/memory.usage_in_bytes": "0\n",
    }
    assert room(tmp_path, MUCH | FIRST | files) == 3
    assert room(tmp_path, {f"{memory}/memory.limit_in_bytes": "9223372036854771712\n"}) == 6
    assert room(tmp_path, {f"{cpu}/cpu.cfs_quota_us": "-1\n"}) == 64


def test_the_machine_s_own_memory_counts(tmp_path: Path) -> None:
    assert room(tmp_path, {"proc/meminfo": f"MemAvailable:  {200 * 1024} kB\n"}) == 3


def test_there_is_room_for_one_however_little_is_left(tmp_path: Path) -> None:
    files = {f"{GROUP}/memory.max": f"{MIB}\n", f"{GROUP}/memory.current": f"{2 * MIB}\n"}
    assert room(tmp_path, MUCH | SECOND | files) == 1
