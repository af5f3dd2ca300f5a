"""Durations as people write them."""

from __future__ import annotations

import re

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")


def duration_s(text: str) -> float:
    """Return a duration in seconds: `50ms`, `2s`, `1.5m`, `24h`, `7d`. Raises ValueError, also for a number alone."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{text[:100]}' is not a duration, such as 50ms or 2s")
    return float(found[1]) * _UNITS_S[found[2]]
