"""How long answers took and how large events were: measured where a part is sent, stored with the part, summed up for reports.

Each time that a part is sent adds a line to its record in the ledger. A line has numbers alone, no text of a row.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.bulk.outcomes import Counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.suprsend.answer import Result
    from runner.suprsend.delivery import Delivery
    from runner.suprsend.encoding import Encoded

_FIRST = 5
"""Numbers of a line before its measures: the time and the counts."""
_LEAST_PARTS = 3
_STEPS_OF_DOUBLING = 3
"""Sizes are counted in steps: four from each power of two to the next one, named by their least number of bytes."""


def measures_of(events: Sequence[Encoded], results: Sequence[Result], took: Iterable[tuple[Delivery, float]]) -> str:
    """Return the measures of the events of a part. `took` has the seconds that each delivery took, with all its retries."""
    lengths = sorted([len(event.body) for event in events])
    largest = lengths[-1] if lengths else 0
    sizes: dict[int, int] = {}
    at = 0
    while at < len(lengths):  # a part has events of a few steps: to look for where each ends is faster than to count
        step = size_step(lengths[at])
        end = bisect_left(lengths, next_step(step), at)
        sizes[step], at = end - at, end
    tries = {result.attempts for result in results}
    attempts = dict.fromkeys(tries, len(results)) if len(tries) == 1 else Counter(result.attempts for result in results)
    waited = [[round(seconds * 10_000) / 10, len(delivery.events)] for delivery, seconds in took]
    return f"[{waited},{_pairs(sizes)},{_pairs(attempts)},{largest}]".replace(" ", "")


def _pairs(counts: Mapping[int, int]) -> list[list[int]]:
    return [[value, count] for value, count in counts.items() if value]


def size_step(length: int) -> int:
    """Return the least number of bytes in the step of a size.

    >>> size_step(1000), size_step(1023), size_step(1024)
    (896, 896, 1024)
    """
    shift = max(0, length.bit_length() - _STEPS_OF_DOUBLING)
    return length >> shift << shift


def next_step(step: int) -> int:
    """Return the step after that of a size.

    >>> next_step(896)
    1024
    """
    return step + (1 << max(0, step.bit_length() - _STEPS_OF_DOUBLING))


def line_of(at_ms: int, sent: Counts, measures: str) -> str:
    """Return the line of a part that was sent; `at_ms` is when its outcome was recorded. `measures` may be several, with commas."""
    return (
        f"[{at_ms},{sent.accepted},{sent.failed},{sent.unknown},{sent.not_sent}{',' if measures else ''}{measures}]\n"
    )


class Sent(NamedTuple):
    """A part that was sent: when its first request began and its outcome was recorded, and what came of its rows."""

    began_ms: float
    ended_ms: int
    counts: Counts


@dataclass(slots=True)
class RunMeasures:
    """The measures of a run, of all its sessions.

    The keys of `took_ms` are the times from a request to its answer with all retries, those of `sizes` the steps of sizes,
    those of `attempts` numbers of requests; the values count events.
    """

    parts: list[Sent] = field(default_factory=list)
    took_ms: Counter[float] = field(default_factory=Counter)
    sizes: Counter[int] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)
    largest_bytes: int = 0

    @property
    def has_rates(self) -> bool:
        """Whether there are enough parts for rows a second: those of one or two say how fast a request was."""
        return len(self.parts) >= _LEAST_PARTS

    def add(self, lines: str) -> None:
        """Add the lines of a part. Raises ValueError and TypeError for lines that this module does not write."""
        for line in lines.splitlines():
            (at_ms, accepted, failed, unknown, not_sent), measured = _numbers(line)
            waited_ms = sum(waited for took_ms, *_ in measured for waited, _ in took_ms)
            self.parts.append(Sent(at_ms - waited_ms, at_ms, Counts(accepted, failed, unknown, not_sent)))
            for took_ms, sizes, attempts, largest in measured:
                for counter, pairs in ((self.took_ms, took_ms), (self.sizes, sizes), (self.attempts, attempts)):
                    for value, count in pairs:
                        counter[value] += count
                self.largest_bytes = max(self.largest_bytes, largest)


def _numbers(line: str) -> tuple[list[int], list[Any]]:
    """Return the first numbers of a line, and the measures after them."""
    found: list[Any] = json.loads(line)
    first, measured = found[:_FIRST], found[_FIRST:]
    flat = list(first)
    for *columns, largest in measured:
        flat += [largest, *(number for pairs in columns for pair in pairs for number in pair)]
    if len(first) != _FIRST or not all(type(number) in (int, float) and number >= 0 for number in flat):
        raise ValueError("not a line of measures")
    return first, measured
