"""The measures of a run → two lines of blocks for a terminal: events a second over time, and how long answers took."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from runner.report.distribution import classes, percentile, rates_over_time
from runner.report.html.ticks import shown_ms, shown_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.bulk.measures import RunMeasures
    from runner.report.output import Output

_BLOCKS = "▁▂▃▄▅▆▇█"
_LEAST_BLOCKS = 8
"""Fewer show no shape: a terminal that is narrower wraps the line."""


def show_measures(output: Output, measures: RunMeasures) -> None:
    """Show the rate of a run and its answers' times, on a terminal or with `-v`; nothing of a run that sent nothing."""
    if output.data_columns is None and not output.verbose:
        return
    if measures.has_rates:
        rates = rates_over_time(measures.parts)
        _show(output, "events a second", [*map(sum, rates.rates)], f"at most {shown_rate(rates.highest)}")
    if took_ms := measures.took_ms:
        shares = ", ".join(f"p{share * 100:.0f} {shown_ms(percentile(took_ms, share))}" for share in (0.5, 0.95, 0.99))
        _show(output, "time to the answer", [each.count for each in classes(took_ms)], shares)


def _show(output: Output, name: str, values: Sequence[float], text: str) -> None:
    before, after, columns = f"  {name:<18}  ", f"  {text}", output.data_columns
    if columns is None:
        output.data(f"{before}{blocks(values)}{after}")
    elif output.has_utf8:
        output.data(f"{before}{blocks(narrowed(values, columns - len(before + after)))}{after}")
    else:
        output.data(f"{before.rstrip()}{after}")


def narrowed(values: Sequence[float], most: int) -> list[float]:
    """Return at most this number of values, each the mean of about as many neighbors.

    >>> narrowed([1, 3, *range(10, 22)], 8)
    [2.0, 10.5, 12.0, 13.5, 15.5, 17.0, 18.5, 20.5]
    """
    count = min(len(values), max(most, _LEAST_BLOCKS))
    edges = [round(index * len(values) / count) for index in range(count + 1)]
    groups = [values[start:end] for start, end in pairwise(edges)]
    return [sum(group) / len(group) for group in groups]


def blocks(values: Sequence[float]) -> str:
    """Return a block for each value, as high as its share of the largest one.

    >>> blocks([0, 1, 4, 8])
    '▁▂▅█'
    """
    most = max(values, default=0) or 1
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int(value / most * len(_BLOCKS)))] for value in values)
