"""Numbers → plots as SVG. Widths are percentages, so that texts keep their size on a narrow screen.

Colors are classes of `page.css`. Each plot has a label that says what it shows, and each mark a text for a pointer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from runner.report.distribution import STATES
from runner.report.html.markup import Markup, el
from runner.report.html.ticks import growing_steps, round_steps, shown_number, shown_s, time_steps
from runner.report.style import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.report.distribution import Class, Rates

_HEIGHT = 164
_AXIS = 22
_MAX_LABEL = 200
_LEAST_SHARE = 0.4
_LEAST_PX = 1.0
"""One failure among many must be seen."""
_TOP = 30
_MARKS = 11
"""The line of the texts of marks, above the topmost number of the scale: neither can cover the other."""


class Mark(NamedTuple):
    """A line at a value, with its text."""

    at: float
    text: str
    kind: str = "mark"


def stacked_rates(rates: Rates, label: str) -> Markup:
    """Return columns of events a second over time, stacked by state."""
    most = max((sum(slot) for slot in rates.rates), default=0) or 1
    width = 100 / max(len(rates.rates), 1)
    scale = round_steps(most)
    shapes: list[str] = [*_lines(scale, most)]
    for index, slot in enumerate(rates.rates):
        shapes.append(_stack(index * width, width, slot, most, _slot_text(rates, index)))
    marks = time_steps(rates.lasts_s)
    shapes += [_tick(mark / rates.lasts_s * 100, shown_s(mark, rates.lasts_s)) for mark in marks]
    for gap in rates.gaps:
        at = _percent(gap / rates.lasts_s * 100)
        shapes.append(el("line.gap", x1=at, x2=at, y1=_TOP, y2=_HEIGHT))
    return _plot([*shapes, *_scale(scale, most, f"{shown_number(scale[-1])} a second")], label)


def histogram(
    bars: Sequence[Class], marks: Sequence[Mark], shown: Callable[[float], str], label: str, what: str, unit: float = 1
) -> Markup:
    """Return a histogram whose classes grow by a factor, with lines at some values, and an axis of tens of a unit.

    `what` is counted.
    """
    least = min([*(each.least for each in bars), *(mark.at for mark in marks)])
    most = max([*(each.most for each in bars), *(mark.at for mark in marks)])
    most = most if most > least else least * 2
    highest = max(each.count for each in bars)
    whole = sum(each.count for each in bars)

    def place(value: float) -> float:
        return 100 * math.log(value / least) / math.log(most / least)

    scale = round_steps(highest, is_whole=True)
    shapes: list[str] = [*_lines(scale, highest)]
    for each in bars:
        text = f"{shown(each.least)} to {shown(each.most)}: {each.count:,} ({each.count / whole:.1%})"
        left, right = place(each.least), place(each.most)
        shapes.append(_stack(left, right - left, [each.count], highest, text))
    for mark in marks:
        at = place(mark.at)
        shapes.append(el(f"line.{mark.kind}", x1=_percent(at), x2=_percent(at), y1=_MARKS + 3, y2=_HEIGHT))
    shapes += _apart([(place(mark.at), mark) for mark in marks])
    shapes += [_tick(place(value), shown(value)) for value in growing_steps(least, most, unit)]
    return _plot([*shapes, *_scale(scale, highest, counted(int(scale[-1]), what))], label)


class Bar(NamedTuple):
    """A bar with its label and its text. `parts` are lengths with their classes."""

    label: str
    parts: Sequence[tuple[str, float]]
    text: str
    note: str = ""


def bars(rows: Sequence[Bar]) -> Markup:
    """Return horizontal bars, one below the other."""
    longest = max((sum(length for _, length in row.parts) for row in rows), default=0) or 1
    return el("ul.bars", *(_bar(row, longest) for row in rows))


def _bar(row: Bar, longest: float) -> Markup:
    shapes, at = [], 0.0
    for kind, length in row.parts:
        width = 100 * length / longest
        if length:
            shapes.append(el(f"rect.{kind}", x=_percent(at), y=0, width=_percent(max(width, _LEAST_SHARE)), height=12))
        at += width
    drawn = el("svg", *shapes, height=12, aria_hidden="true")
    note = el("span.note", row.note) if row.note else None
    return el("li", el("span.label", shortened(row.label)), el("span.value", row.text, note), drawn)


def shortened(text: str) -> str:
    """Return a text that is as long as a label may be."""
    return text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…"


def share_bar(parts: Sequence[tuple[str, float]], label: str) -> Markup | None:
    """Return one bar of the whole width, with the share of each part; None of nothing."""
    whole = sum(length for _, length in parts)
    widths = [(kind, max(100 * length / whole, _LEAST_SHARE)) for kind, length in parts if length]
    if not widths:
        return None
    scale = 100 / sum(width for _, width in widths)
    shapes, at = [], 0.0
    for kind, width in widths:
        shapes.append(el(f"rect.{kind}", x=_percent(at), y=0, width=_percent(width * scale), height=10))
        at += width * scale
    return el("svg.share", *shapes, height=10, role="img", aria_label=label)


def _plot(shapes: Sequence[str], label: str) -> Markup:
    return el("svg.plot", *shapes, height=_HEIGHT + _AXIS, role="img", aria_label=label)


def _lines(scale: Sequence[float], most: float) -> list[Markup]:
    heights = [_y(mark, most) for mark in scale]
    return [el("line.grid", x1="0", x2="100%", y1=y, y2=y) for y in heights]


def _scale(scale: Sequence[float], most: float, topmost: str) -> list[Markup]:
    """Return the numbers of the lines; they stand above the columns. `topmost` is the text of the last one, with its unit."""
    texts = {mark: shown_number(mark) for mark in scale if mark} | {scale[-1]: topmost}
    return [el("text.scale", text, x=0, y=_y(mark, most) - 3) for mark, text in texts.items()]


def _stack(left: float, width: float, values: Sequence[float], most: float, text: str) -> Markup:
    """Return the rectangles of a column, and an invisible one of the whole height, which has the text."""
    shapes, below = [], 0.0
    kinds = STATES if len(values) > 1 else ("one",)
    for kind, value in zip(kinds, values, strict=True):
        if value > 0:
            top, bottom = _y(below + value, most), _y(below, most)
            height = round(max(bottom - top, _LEAST_PX), 2)
            shapes.append(el(f"rect.{kind}", x=_percent(left), width=_percent(width), y=top, height=height))
            below += value
    hit = el("rect.hit", el("title", text), x=_percent(left), width=_percent(width), y=_TOP, height=_HEIGHT - _TOP)
    return el("g", *shapes, hit)


def _slot_text(rates: Rates, index: int) -> str:
    counts = ", ".join(
        f"{shown_number(rate)}/s {state.replace('_', ' ')}"
        for state, rate in zip(STATES, rates.rates[index], strict=True)
        if rate
    )
    begin, end = (shown_s(each * rates.width_s, rates.lasts_s) for each in (index, index + 1))
    return f"{begin} to {end}: {counts or 'nothing'}"


def _tick(at: float, text: str) -> Markup:
    anchor = "start" if at < 4 else "end" if at > 96 else "middle"  # noqa: PLR2004 - else it would be cut
    return el("text.tick", text, x=_percent(at), y=_HEIGHT + 16, text_anchor=anchor)


def _apart(marks: Sequence[tuple[float, Mark]]) -> list[Markup]:
    """Return the texts of lines, left or right of them; those that would overlap are left to the numbers below the plot."""
    texts, taken = [], -math.inf
    for at, mark in sorted(marks, key=lambda each: each[0]):
        room = 3 + 1.6 * len(mark.text)
        is_left = at + room > 100  # noqa: PLR2004 - percent
        start = at - room if is_left else at
        if start < taken:
            continue
        taken = at if is_left else at + room
        texts.append(el("text.of-mark", mark.text, x=_percent(at), y=_MARKS, text_anchor="end" if is_left else "start"))
    return texts


def _y(value: float, most: float) -> float:
    return round(_HEIGHT - value / most * (_HEIGHT - _TOP), 2)


def _percent(value: float) -> str:
    return f"{value:.2f}%"
