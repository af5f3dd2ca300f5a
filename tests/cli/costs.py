"""What a command costs: measured as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Cost(NamedTuple):
    """What a process took."""

    code: int
    seconds: float
    peak_mb: float
    told: str


LAUNCHER = """
import json, resource, subprocess, sys
with open("told.txt", "wb") as told:
    code = subprocess.call(sys.argv[1:], stdout=told, stderr=subprocess.STDOUT)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""
"""A small process between: a child begins with the peak of memory of the one that it was forked from."""


def cost(folder: Path, *args: str) -> Cost:
    """Run a command line of runner in a folder, and measure it: its time is its own, user and system."""
    command = [sys.executable, "-c", LAUNCHER, sys.executable, "-m", "runner", *args]
    ended = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    code, seconds, peak_mb = json.loads(ended.stdout)
    return Cost(code, seconds, peak_mb, (folder / "told.txt").read_text("utf-8"))


def is_bounded(took: Cost) -> bool:
    """Return whether a process kept to 3 seconds and 300 MB."""
    return took.seconds < 3 and took.peak_mb < 300
