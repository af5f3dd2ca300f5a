"""Every named fault, in the order in which the matrix shows them."""

from __future__ import annotations

# Each module lists its faults when it is imported, so the order of these imports is the order of the list.
# isort: off
from tests.servers.misbehaving import (  # noqa: F401
    connections,
    framing,
    interim,
    successes,
    records,
    refusals,
    codings,
)

# isort: on
from tests.servers.misbehaving.fault import FAULTS

__all__ = ["FAULTS"]
