"""How long the messages of events are waited for, and which status they must reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Until = Literal["triggered", "delivered"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """`--wait` and `--until`."""

    within_s: float
    until: Until = "triggered"
