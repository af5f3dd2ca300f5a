"""Measured values → percentiles, classes of a histogram, and rates over time. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.bulk.measures import Sent

STATES = ("accepted", "failed", "unknown", "not_sent")
_CLASSES_OF_TEN = 8
"""Classes of a histogram from each power of ten to the next one."""
_WIDTHS_MS = (
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_200_000, 1_800_000,
)  # fmt: skip
_MAX_SLOTS = 60
_LONG_GAP_MS = 60_000
"""A longer time in which nothing was sent is left out: a run may be resumed the next day."""


def percentile(counts: Mapping[float, int], share: float) -> float:
    """Return the least value that this share of all values does not exceed. There must be one.

    >>> percentile({10: 98, 50: 1, 900: 1}, 0.99)
    50
    """
    wanted = math.ceil(share * sum(counts.values()))
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            break
    return value


@dataclass(frozen=True, slots=True)
class Class:
    """One class of a histogram: values from `least` on and below `most`."""

    least: float
    most: float
    count: int


def classes(counts: Mapping[float, int]) -> list[Class]:
    """Return the histogram of positive values, in classes that grow by the same factor; none is left out in between."""
    found: dict[int, int] = {}
    for value, count in counts.items():
        step = math.floor(math.log10(max(value, 0.1)) * _CLASSES_OF_TEN + 1e-9)
        found[step] = found.get(step, 0) + count
    if not found:
        return []
    return [
        Class(10 ** (step / _CLASSES_OF_TEN), 10 ** ((step + 1) / _CLASSES_OF_TEN), found.get(step, 0))
        for step in range(min(found), max(found) + 1)
    ]


@dataclass(frozen=True, slots=True)
class Rates:
    """Events a second in slots of the same width. `rates` has those of each state of `STATES`, slot by slot.

    `gaps` are the starts of slots before which a long time without requests is left out.
    """

    width_s: float
    rates: Sequence[Sequence[float]]
    gaps: Sequence[float]
    took_s: float
    """The time from the first request to the last answer, without gaps."""
    mean: float
    """Rows a second in all of this time."""

    @property
    def lasts_s(self) -> float:
        """The time of all slots; the last one may end after the last answer."""
        return self.width_s * len(self.rates)

    @property
    def highest(self) -> float:
        """The rate of the fullest slot. The mean is higher where all fell into the last slot, which is longer than its time."""
        return max(self.mean, *map(sum, self.rates))


def rates_over_time(parts: Sequence[Sent]) -> Rates:
    """Spread the rows of each part evenly over the time that it took."""
    ordered = sorted(parts, key=lambda part: part.began_ms)
    if not ordered:
        return Rates(1, (), (), 0, 0)
    shift_ms = until_ms = ordered[0].began_ms
    gaps: list[float] = []
    placed: list[tuple[float, float, Sent]] = []
    for part in ordered:
        if part.began_ms - until_ms > _LONG_GAP_MS:
            gaps.append((until_ms - shift_ms) / 1000)
            shift_ms += part.began_ms - until_ms
        placed.append((part.began_ms - shift_ms, part.ended_ms - shift_ms, part))
        until_ms = max(until_ms, part.ended_ms)
    lasts_ms = max(until_ms - shift_ms, 1)
    width_ms = next((each for each in _WIDTHS_MS if lasts_ms / each <= _MAX_SLOTS), lasts_ms / _MAX_SLOTS)
    slots = [[0.0] * len(STATES) for _ in range(max(1, math.ceil(lasts_ms / width_ms)))]
    for start_ms, end_ms, part in placed:
        _spread(slots, start_ms / width_ms, end_ms / width_ms, part)
    per_s = 1000 / width_ms
    mean = sum(part.counts.rows for part in parts) * 1000 / lasts_ms
    return Rates(width_ms / 1000, [[count * per_s for count in slot] for slot in slots], gaps, lasts_ms / 1000, mean)


def _spread(slots: list[list[float]], start: float, end: float, part: Sent) -> None:
    """Add the rows of a part to the slots; `start` and `end` are counted in slots."""
    first, last = (min(int(each), len(slots) - 1) for each in (start, end))
    length = end - start
    for slot in range(first, last + 1):
        inside = min(end, slot + 1) - max(start, slot) if slot < last else end - max(start, slot)
        share = inside / length if length > 0 else 1 / (last - first + 1)
        for index, name in enumerate(STATES):
            slots[slot][index] += share * getattr(part.counts, name)
