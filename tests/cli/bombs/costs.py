"""What a command costs: measured as a process of its own."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

from tests.processes import Preloaded

if TYPE_CHECKING:
    from pathlib import Path


class Cost(NamedTuple):
    """What a process took."""

    code: int
    seconds: float
    peak_mb: float
    told: str


LOADING_S = 0.3
"""What a command takes to load, which is done before it is measured."""


def cost(folder: Path, *args: str) -> Cost:
    """Run a command line of runner in a folder, and measure it: its time is its own, user and system."""
    with Preloaded(
        ["runner", *args], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as process:
        told, _ = process.communicate()
    return Cost(process.returncode, LOADING_S + process.usage.seconds, process.usage.peak_mb, told)


def is_bounded(took: Cost) -> bool:
    """Return whether a process kept to 3 seconds and 300 MB."""
    return took.seconds < 3 and took.peak_mb < 300
