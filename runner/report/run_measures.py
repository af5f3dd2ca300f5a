"""The measures of a run → two lines of blocks for a terminal: events a second over time, and how long answers took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.distribution import classes, percentile, rates_over_time
from runner.report.html.ticks import shown_ms, shown_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.bulk.measures import RunMeasures
    from runner.report.output import Output

_BLOCKS = "▁▂▃▄▅▆▇█"


def show_measures(output: Output, measures: RunMeasures) -> None:
    """Show the rate of a run and its answers' times, on a terminal or with `-v`; nothing of a run that sent nothing."""
    if not measures.parts or not (output.has_terminal or output.verbose):
        return
    rates = rates_over_time(measures.parts)
    output.data(f"  events a second     {blocks([*map(sum, rates.rates)])}  at most {shown_rate(rates.highest)}")
    if took_ms := measures.took_ms:
        shares = ", ".join(f"p{share * 100:.0f} {shown_ms(percentile(took_ms, share))}" for share in (0.5, 0.95, 0.99))
        output.data(f"  time to the answer  {blocks([each.count for each in classes(took_ms)])}  {shares}")


def blocks(values: Sequence[float]) -> str:
    """Return a block for each value, as high as its share of the largest one.

    >>> blocks([0, 1, 4, 8])
    '▁▂▅█'
    """
    most = max(values, default=0) or 1
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int(value / most * len(_BLOCKS)))] for value in values)
