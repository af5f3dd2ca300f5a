"""Waits, windows and schedules of workflow files → typed values, with their problems."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, cast

from runner.source import describe
from runner.workflows.definition import Expression, Offset, Retained, Schedule, Wait, Window, Zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Node
    from runner.workflows.reading import Reading

_DAYS: Mapping[str, int] = {"mo": 0, "tu": 1, "we": 2, "th": 3, "fr": 4, "sa": 5, "su": 6}
_TIME = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])(?::[0-5][0-9])?")
_DAY_MINUTES = 1440
_WINDOW_FREQUENCIES = ("daily", "weekly_mo2fr", "weekly", "monthly")
_FREQUENCIES = ("minutely", "hourly", "daily", "weekly_mo2fr", "weekly", "monthly")
_MOST_INTERVALS = {"minutely": 1440, "hourly": 100, "daily": 100, "weekly_mo2fr": 25, "weekly": 25, "monthly": 6}
SCHEDULE_KEYS = ("frequency", "interval", "weekdays", "monthdays", "time", "dtstart", "tz_selection", "tz_fixed")


def read_wait(
    reading: Reading, properties: Node, name: str, kind_key: str, fixed: tuple[str, str], dynamic: tuple[str, str]
) -> Wait:
    """Return the wait of a delay or a batch.

    `kind_key` has its kind; `fixed` and `dynamic` are each the word for the kind and the key of the value.
    """
    kind = reading.one_of(properties, kind_key, name, (fixed[0], dynamic[0], "relative_to"))
    if kind == fixed[0]:
        return reading.duration(properties, fixed[1], name) or 0
    if kind == dynamic[0]:
        return reading.expression(properties, dynamic[1], name, "jq", needed=True) or 0
    relative = reading.child(properties, "relative_to", dict, name, needed=True)
    return _offset(reading, relative, f"'relative_to' of {name}") if relative is not None else 0


def _offset(reading: Reading, node: Node, name: str) -> Offset | int:
    pivot = reading.expression(node, "pivot_expr", name, "jq", needed=True)
    is_before = reading.one_of(node, "offset_type", name, ("before", "after")) == "before"
    kind = reading.one_of(node, "offset_value_type", name, ("fixed", "dynamic"))
    offset: int | Expression | None
    if kind == "fixed":
        offset = reading.duration(node, "offset_value", name)
    else:
        offset = reading.expression(node, "offset_value", name, "jq", needed=True)
    return Offset(pivot, is_before, offset) if pivot is not None and offset is not None else 0


def read_zone(reading: Reading, node: Node, name: str) -> Zone:
    """Return the time zone of a schedule."""
    kind = reading.one_of(node, "tz_selection", name, ("fixed", "recipient"), "fixed")
    return Zone(reading.text(node, "tz_fixed", name, "UTC") or "UTC", kind == "recipient")


def read_windows(reading: Reading, properties: Node, name: str) -> tuple[Window, ...]:
    """Return the windows of a time window node."""
    windows = reading.child(properties, "windows", list, name, needed=True)
    if windows is None:
        return ()
    if not windows.items:
        reading.report(f"{name} has no windows", windows)
    return tuple(window for node in windows.items if (window := _window(reading, node, name)) is not None)


def _window(reading: Reading, node: Node, name: str) -> Window | None:
    what = f"a window of {name}"
    if not isinstance(node.value, dict):
        reading.report(f"{what} must be a map, not {describe(node.value)}", node)
        return None
    frequency = reading.one_of(node, "frequency", what, _WINDOW_FREQUENCIES)
    start, end = _minutes(reading, node, "stime", what, 0), _minutes(reading, node, "etime", what, _DAY_MINUTES)
    if start >= end:
        reading.report(f"{what} ends before it starts: a window over midnight is two windows", node)
        return None
    days = _weekdays(reading, node, what) if frequency == "weekly" else ()
    dates = _monthdays(reading, node, what) if frequency == "monthly" else ()
    if (frequency == "weekly" and not days) or (frequency == "monthly" and not dates):
        reading.report(f"{what} is {frequency} and has no days", node)
        return None
    return Window(cast("Literal['daily', 'weekly_mo2fr', 'weekly', 'monthly']", frequency), days, dates, start, end)


def read_schedule(reading: Reading, node: Node, name: str) -> Schedule | None:
    """Return the static schedule of a digest."""
    what = f"the schedule of {name}"
    frequency = reading.one_of(node, "frequency", what, _FREQUENCIES)
    days = _weekdays(reading, node, what) if frequency == "weekly" else ()
    dates = _monthdays(reading, node, what) if frequency == "monthly" else ()
    if (frequency == "weekly" and not days) or (frequency == "monthly" and not dates):
        reading.report(f"{what} is {frequency} and has no days", node)
        return None
    start = reading.text(node, "dtstart", what, "") or None
    return Schedule(
        cast("Literal['minutely', 'hourly', 'daily', 'weekly_mo2fr', 'weekly', 'monthly']", frequency),
        reading.number(node, "interval", what, 1, 1, _MOST_INTERVALS[frequency]),
        days,
        dates,
        _minutes(reading, node, "time", what, 0),
        start,
        read_zone(reading, node, what),
    )


def read_retained(reading: Reading, properties: Node, name: str) -> Retained:
    """Return how many events of a batch are retained."""
    count = reading.number(properties, "retain_count", name, 10, 1, 100)
    return Retained(count, reading.one_of(properties, "retain_order", name, ("first", "last"), "first") == "first")


def _minutes(reading: Reading, node: Node, key: str, name: str, default: int) -> int:
    text = reading.text(node, key, name, "")
    if not text:
        return default
    match = _TIME.fullmatch(text)
    minutes = int(match[1]) * 60 + int(match[2]) if match else _DAY_MINUTES + 1
    if minutes > _DAY_MINUTES:
        reading.report(f"'{key}' of {name} must be a time such as 09:30, not '{text[:100]}'", node.get(key) or node)
        return default
    return minutes


def _weekdays(reading: Reading, node: Node, name: str) -> tuple[int, ...]:
    found = reading.child(node, "weekdays", list, name, needed=True)
    days: dict[int, None] = {}
    for item in found.items if found is not None else ():
        if isinstance(item.value, str) and item.value in _DAYS:
            days[_DAYS[item.value]] = None
        else:
            reading.report(
                f"{describe(item.value)} is not a weekday in {name}", item, hint=f"one of {', '.join(_DAYS)}"
            )
    return tuple(sorted(days))


def _monthdays(reading: Reading, node: Node, name: str) -> tuple[tuple[int, int | None], ...]:
    found = reading.child(node, "monthdays", list, name, needed=True)
    days: dict[tuple[int, int | None], None] = {}
    for item in found.items if found is not None else ():
        what = f"a day of {name}"
        if not isinstance(item.value, dict):
            reading.report(f"{what} must be a map with 'pos' and 'day', not {describe(item.value)}", item)
            continue
        day = reading.text(item, "day", what, "")
        if day and day not in _DAYS:
            reading.report(f"'{day[:100]}' is not a weekday in {name}", item, hint=f"one of {', '.join(_DAYS)}")
            continue
        most = 5 if day else 31
        position = reading.number(item, "pos", what, 1, -most, most)
        if position == 0:
            reading.report(f"'pos' in {what} can't be 0: 1 is the first, -1 the last", item)
            continue
        days[position, _DAYS[day] if day else None] = None
    return tuple(days)
