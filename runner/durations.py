"""Durations as people write them."""

from __future__ import annotations

import re

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_DURATION = re.compile(rf"(?:{_PART.pattern}){{1,9}}")


def duration_s(text: str) -> float:
    """Return a duration in seconds: `50ms`, `2s`, `1.5m`, `24h`, `1d12h`. Raises ValueError, also for a number alone."""
    if _DURATION.fullmatch(text.strip()) is None:
        raise ValueError(f"'{text[:100]}' is not a duration, such as 50ms or 2s")
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))


def shown_duration(seconds: float) -> str:
    """Return a duration in days, hours, minutes and seconds, to the millisecond: `1d12h`, `0s`, `2.5s`.

    >>> shown_duration(129600)
    '1d12h'
    """
    left = round(abs(seconds) * 1000)
    shown = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
        count, left = divmod(left, size)
        shown += f"{count}{unit}" if count else ""
    shown += f"{left / 1000:g}s" if left else ""
    return f"{'-' if seconds < 0 else ''}{shown or '0s'}"


def shown_ms(milliseconds: float) -> str:
    """Return a duration of milliseconds as `shown_duration` does."""
    return shown_duration(milliseconds / 1000)
