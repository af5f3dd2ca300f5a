"""Measures of events → cards with a plot, the numbers behind it, and a sentence that says what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.bulk.measures import next_step
from runner.report.distribution import STATES, Class, classes, percentile
from runner.report.html.markup import Markup, el
from runner.report.html.page import card, facts, numbers
from runner.report.html.plots import Bar, Mark, bars, histogram, stacked_rates
from runner.report.html.ticks import shown_bytes, shown_ms, shown_number, shown_rate, shown_s
from runner.report.style import counted
from runner.suprsend.rules import MAX_EVENT_KB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.report.distribution import Rates

_SHARES = (0.5, 0.9, 0.95, 0.99)
_KB = 1024
_NAMES = {"accepted": "accepted", "failed": "failed", "unknown": "unknown", "not_sent": "not sent"}
_MAX_BARS = 12


def rates_card(rates: Rates, *, is_whole: bool = True) -> Markup:
    """Return the card of events a second over time."""
    totals = [sum(slot[index] for slot in rates.rates) for index in range(len(STATES))]
    note = f"{shown_rate(rates.mean)} a second on average, at most {shown_rate(rates.highest)}."
    note += f" {counted(len(rates.gaps), 'pause')} of more than a minute left out." if rates.gaps else ""
    used = [state for state, total in zip(STATES, totals, strict=True) if total]
    legend = el("ul.legend", *(el("li", _swatch(state), _NAMES[state]) for state in used))
    rows = [
        [shown_s(index * rates.width_s, rates.lasts_s), *(shown_number(round(each, 1)) for each in slot)]
        for index, slot in enumerate(rates.rates)
    ]
    plot = stacked_rates(rates, f"Events a second over time: {note}")
    kind = ".whole" if is_whole else ""
    table = numbers(["From", *(f"{_NAMES[state]} a second" for state in STATES)], rows)
    return card("Events a second", legend, plot, table, note=note, kind=kind)


def times_card(title: str, took_ms: Mapping[float, int], what: str) -> Markup | None:
    """Return the card of how long something took; None without values."""
    if not took_ms:
        return None
    marks = [(share, percentile(took_ms, share)) for share in _SHARES]
    longest = max(took_ms)
    note = f"Half of the {what}s took at most {shown_ms(marks[0][1])}, 95 % at most {shown_ms(marks[2][1])}."
    found = classes(took_ms)
    lines = [Mark(max(value, 0.1), f"p{share * 100:g}") for share, value in marks]
    plot = histogram(found, lines, shown_ms, f"{title}: {note}", what)
    named = [(f"p{share * 100:g}", shown_ms(value)) for share, value in marks]
    table = numbers(
        ["From", "To", f"{what}s".capitalize()],
        [[shown_ms(each.least), shown_ms(each.most), f"{each.count:,}"] for each in found],
    )
    return card(title, plot, facts([*named, ("longest", shown_ms(longest))]), table, note=note)


def sizes_card(sizes: Mapping[int, int], largest_bytes: int) -> Markup | None:
    """Return the card of the sizes of events, by steps, against the platform's limit; None without events."""
    if not sizes:
        return None
    found = [Class(step, next_step(step), sizes.get(step, 0)) for step in _steps(min(sizes), max(sizes))]
    limit = MAX_EVENT_KB * _KB
    is_over = largest_bytes > limit
    note = f"The largest event has {shown_bytes(largest_bytes)}, {largest_bytes / limit:.1%} of {MAX_EVENT_KB} KB, the platform's limit."
    if is_over:
        note = (
            f"The largest event has {shown_bytes(largest_bytes)}, more than {MAX_EVENT_KB} KB: max_event_kb allows it."
        )
    lines = [Mark(limit, f"limit {MAX_EVENT_KB} KB", "limit"), Mark(largest_bytes, "largest")]
    plot = histogram(found, lines, shown_bytes, f"Sizes of events: {note}", "event", _KB)
    rows = [[shown_bytes(each.least), shown_bytes(each.most), f"{each.count:,}"] for each in found if each.count]
    return card("Sizes of events", plot, numbers(["From", "To", "Events"], rows), note=note)


def attempts_card(attempts: Mapping[int, int], sessions: int) -> Markup | None:
    """Return the card of how many requests events took; None if none was sent."""
    if not attempts:
        return None
    again = sum(count for number, count in attempts.items() if number > 1)
    whole = sum(attempts.values())
    note = f"{again:,} of {counted(whole, 'event')} took several requests." if again else "No event was sent again."
    note += " An event that several sessions sent counts in each." if sessions > 1 else ""
    rows = [
        Bar("one request" if number == 1 else f"{number} requests", [("one" if number == 1 else "unknown", count)],
            f"{count:,}", f"{count / whole:.1%}")
        for number, count in sorted(attempts.items())
    ]  # fmt: skip
    return card("Retries", bars(rows), note=note)


def bars_card(title: str, rows: Sequence[Bar], note: str) -> Markup:
    """Return a card of the largest bars, with the others in a sentence."""
    more = len(rows) - _MAX_BARS
    rest = el("p.about", f"and {more:,} more") if more > 0 else None
    return card(title, bars(rows[:_MAX_BARS]), rest, note=note)


def _steps(first: int, last: int) -> list[int]:
    steps = [first]
    while steps[-1] < last:
        steps.append(next_step(steps[-1]))
    return steps


def _swatch(state: str) -> Markup:
    return el("svg", el(f"rect.{state}", width="100%", height="100%"), aria_hidden="true")
