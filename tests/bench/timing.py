"""Two ways to do the same thing → their times, taken in turns in one run, and one table of them.

Ours and theirs take turns, so that whatever else the machine does slows both. A ratio is taken within each turn, and
the median of these counts: it moves less than the ratio of two medians.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Turns:
    """Seconds that ours and theirs took, turn by turn."""

    ours_s: tuple[float, ...]
    theirs_s: tuple[float, ...]

    @property
    def cost(self) -> float:
        """Our time as a multiple of theirs."""
        return median(ours / theirs for ours, theirs in zip(self.ours_s, self.theirs_s, strict=True))

    @property
    def speedup(self) -> float:
        """Their time as a multiple of ours."""
        return median(theirs / ours for ours, theirs in zip(self.ours_s, self.theirs_s, strict=True))


class Row(NamedTuple):
    """A line of the table. `is_met` is None for what is shown to compare with and has no target."""

    what: str
    ours: str
    theirs: str
    ratio: str
    target: str = ""
    is_met: bool | None = None


def take_turns(ours: Callable[[], object], theirs: Callable[[], object], turns: int, *, warm_ups: int = 1) -> Turns:
    """Time two calls in turns, after a few that don't count."""
    for _ in range(warm_ups):
        ours()
        theirs()
    taken = [(_seconds(ours), _seconds(theirs)) for _ in range(turns)]
    return Turns(tuple(first for first, _ in taken), tuple(second for _, second in taken))


def faster(what: str, turns: Turns, *, at_least: float | None = None, aim: float | None = None, per: int = 1) -> Row:
    """Say how many times faster ours is. Each time stands for `per` of what the table names."""
    target = "" if at_least is None else f"≥ {at_least:g}x" + (f", aim {aim:g}x" if aim else "")
    is_met = None if at_least is None else turns.speedup >= at_least
    return Row(what, *_medians(turns, per), f"{turns.speedup:.2f}x faster", target, is_met)


def within(what: str, turns: Turns, *, at_most: float) -> Row:
    """Say how much of their time ours takes."""
    return Row(what, *_medians(turns), f"{turns.cost:.2f}x the time", f"≤ {at_most:g}x", turns.cost <= at_most)


def conclude(head: Row, rows: Sequence[Row]) -> int:
    """Write the table; returns the exit code, 1 when a target is missed."""
    marks = {None: "", True: "met", False: "MISSED"}
    cells = [[*row[:5], marks[row.is_met]] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        what, *others = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join((what, *others)).rstrip() + "\n")
    return int(any(row.is_met is False for row in rows))


def script(name: str) -> str:
    """Find a console script that belongs to this interpreter."""
    path = Path(sysconfig.get_path("scripts"), name)
    if not path.exists():
        sys.exit(f"no {name} beside {sys.executable}: pip install '.[bench]'")
    return str(path)


def run(args: Sequence[str], *, cwd: Path = REPOSITORY) -> None:
    """Run a process to its end; it must succeed, else its time says nothing."""
    ended = subprocess.run(args, cwd=cwd, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{' '.join(args[:3])} … ended with {ended.returncode}:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")


def peak_bytes(args: Sequence[str], *, cwd: Path, expected_code: int = 0) -> int:
    """Run a process to its end; returns the most memory that it had resident."""
    with subprocess.Popen(args, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected_code:
        sys.exit(f"{' '.join(args[:3])} … ended with {process.returncode}, not {expected_code}")
    # Linux counts in KiB, and lets a child begin with the peak of the process that it was forked from.
    if usage.ru_maxrss <= getrusage(RUSAGE_SELF).ru_maxrss:
        sys.exit("this script has more memory than what it measures")
    return usage.ru_maxrss * 1024


def _seconds(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def _medians(turns: Turns, per: int = 1) -> tuple[str, str]:
    return _duration(median(turns.ours_s) / per), _duration(median(turns.theirs_s) / per)


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e6:.2f} µs"
