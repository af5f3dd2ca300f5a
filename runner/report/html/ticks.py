"""Numbers of an axis → round marks, and their texts."""

from __future__ import annotations

import math

from runner.report.progress import shown_time

_KB = 1024
_MB = 1024 * 1024
_MINUTE_S = 60
_HOUR_S = 3600
_FEW = 10


def round_steps(most: float, about: int = 3, *, is_whole: bool = False) -> list[float]:
    """Return round numbers from 0 up to `most`, about that many; `is_whole` if there is nothing between whole numbers.

    >>> round_steps(870), round_steps(1), round_steps(1, is_whole=True)
    ([0, 250, 500, 750], [0, 0.5, 1], [0, 1])
    """
    if most <= 0:
        return [0]
    rough = most / about
    unit = 10 ** math.floor(math.log10(rough))
    steps = [unit * each for each in (1, 2, 2.5, 5, 10) if not (is_whole and unit * each % 1)] or [1]
    step = next(each for each in steps if each >= rough * 0.8)
    marks = [round(step * number, 10) for number in range(int(most / step) + 1)]
    return [int(mark) if mark == int(mark) else mark for mark in marks]


def growing_steps(least: float, most: float, unit: float = 1) -> list[float]:
    """Return the powers of ten of a unit from `least` to `most`; if there are too few, also twice and five times those.

    >>> growing_steps(0.5, 2000), growing_steps(15, 60), growing_steps(11, 14)
    ([1, 10, 100, 1000], [20, 50], [11, 14])
    """
    for factors in ((1,), (1, 2, 5)):
        values = (unit * factor * 10**power for power in range(-1, 9) for factor in factors)
        found = [value for value in values if least <= value <= most]
        if len(found) > 1:
            return found
    return [least, most]


def shown_number(value: float) -> str:
    """Return a number in few digits: `7`, `0.35`, `12.4`, `1,200`."""
    if value == int(value) or value >= 100:  # noqa: PLR2004 - three digits say enough
        return f"{value:,.0f}"
    return f"{value:.3g}"


def shown_rate(value: float) -> str:
    """Return a number of events a second: whole, unless there are few."""
    return shown_number(round(value) if value >= _FEW else round(value, 1))


def shown_ms(value: float) -> str:
    """Return milliseconds as a time: `0.4 ms`, `85 ms`, `1.25 s`."""
    if value < 1000:  # noqa: PLR2004 - a second
        return f"{value:.3g} ms"
    return f"{value / 1000:.3g} s" if value < 100_000 else f"{value / 60_000:.3g} min"  # noqa: PLR2004


def shown_length(seconds: float) -> str:
    """Return how long something took: `85 ms`, `4.6 s`, `2 min 10 s`."""
    return shown_ms(seconds * 1000) if seconds < 1 else shown_time(seconds)


def shown_s(value: float, whole: float) -> str:
    """Return a time since the beginning of something that takes `whole` seconds.

    >>> shown_s(90, 100), shown_s(90, 600), shown_s(0.05, 0.2)
    ('90 s', '1.5 min', '50 ms')
    """
    unit, name = _unit(whole)
    return f"{value / unit:.3g} {name}"


def time_steps(whole: float) -> list[float]:
    """Return seconds that are round in the unit of `shown_s`, about four up to `whole`.

    >>> time_steps(600), time_steps(100)
    ([0, 120, 240, 360, 480, 600], [0, 20, 40, 60, 80, 100])
    """
    unit, _ = _unit(whole)
    return [mark * unit for mark in round_steps(whole / unit, 4)]


def _unit(whole: float) -> tuple[float, str]:
    units = ((2 * _HOUR_S, _HOUR_S, "h"), (3 * _MINUTE_S, _MINUTE_S, "min"), (1, 1, "s"))
    return next(((unit, name) for least, unit, name in units if whole >= least), (0.001, "ms"))


def shown_bytes(value: float) -> str:
    """Return a size: `320 bytes`, `1.5 KB`, `100 KB`."""
    if value < _KB:
        return f"{value:.0f} bytes"
    return f"{value / _KB:.3g} KB" if value < _MB else f"{value / _MB:.3g} MB"
