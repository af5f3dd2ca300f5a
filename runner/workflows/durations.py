"""Durations of workflow files (documentation: "Delay"): `1d12h30m`, `90s`. Units may repeat and stand in any order."""

from __future__ import annotations

import re

_UNITS_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"([0-9]{1,9}[dhms]){1,20}")
_PART = re.compile(r"([0-9]+)([dhms])")


def seconds(text: str) -> int:
    """Return a duration in seconds. Raises ValueError.

    >>> seconds("1d12h")
    129600
    """
    if _DURATION.fullmatch(text) is None:
        raise ValueError(f"'{text[:100]}' is not a duration, such as 30s or 1d12h")
    return sum(int(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))
