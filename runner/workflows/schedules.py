"""Recurrences of digests: the next time of a schedule after a time.

Source: the platform's documentation, "Digest".
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from runner.workflows.days import is_on
from runner.workflows.zones import instant, local

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from runner.workflows.definition import Schedule

_STEP_MS = {"minutely": 60_000, "hourly": 3_600_000}
_HORIZON_MONTHS = 12 * 12
"""Every schedule recurs within this time: at the longest, a fifth weekday of each sixth month, or the last day of February."""
_WEEK_DAYS = 7
_YEAR_MONTHS = 12
_FIRST_YEAR, _LAST_YEAR = 1900, 8999


def next_time(schedule: Schedule, after_ms: int, zone: ZoneInfo) -> int | None:
    """Return the first time of a schedule after a time; None if there is none.

    Raise ValueError if its start is not a time in ISO 8601.
    """
    start_ms = after_ms if schedule.start is None else _start_ms(schedule.start, zone)
    step_ms = _STEP_MS.get(schedule.frequency, 0) * schedule.interval
    if step_ms:
        return start_ms if start_ms > after_ms else start_ms + ((after_ms - start_ms) // step_ms + 1) * step_ms
    anchor = local(start_ms, zone).date()
    first = local(max(after_ms, start_ms), zone).date()
    for day in _days(schedule, anchor, first):
        time_ms = instant(day, schedule.minute, zone)
        if time_ms > after_ms and time_ms >= start_ms:
            return time_ms
    return None


def unknowns(schedule: Schedule) -> str | None:
    """Return why the times of a schedule are inexact; None if they are documented."""
    if schedule.start is None and (schedule.interval > 1 or schedule.frequency in _STEP_MS):
        return "without `dtstart`, the schedule is counted from the start of the digest"
    return None


def _start_ms(text: str, zone: ZoneInfo) -> int:
    time = datetime.fromisoformat(text)
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise ValueError(f"the year is not between {_FIRST_YEAR} and {_LAST_YEAR}")
    return round((time if time.tzinfo else time.replace(tzinfo=zone)).timestamp() * 1000)


def _days(schedule: Schedule, anchor: date, first: date) -> Iterator[date]:
    """Yield the days of a schedule from `first` on, counted in intervals from `anchor`."""
    match schedule.frequency:
        case "daily":
            passed = (first - anchor).days % schedule.interval
            day = first + timedelta(days=-passed % schedule.interval)
            for count in range(2):
                yield day + timedelta(days=count * schedule.interval)
        case "monthly":
            yield from _days_of_months(schedule, anchor, first)
        case _:
            yield from _days_of_weeks(schedule, anchor, first)


def _days_of_weeks(schedule: Schedule, anchor: date, first: date) -> Iterator[date]:
    week = _monday(first)
    passed = (week - _monday(anchor)).days // _WEEK_DAYS % schedule.interval
    week += timedelta(weeks=-passed % schedule.interval)
    for count in range(2):
        for weekday in range(_WEEK_DAYS):
            day = week + timedelta(weeks=count * schedule.interval, days=weekday)
            if day >= first and is_on(day, schedule.frequency, schedule.weekdays, ()):
                yield day


def _days_of_months(schedule: Schedule, anchor: date, first: date) -> Iterator[date]:
    month = _month(first)
    month += -(month - _month(anchor)) % schedule.interval
    for count in range(0, _HORIZON_MONTHS, schedule.interval):
        year, index = divmod(month + count, _YEAR_MONTHS)
        day = date(year, index + 1, 1)
        while day.month == index + 1:
            if day >= first and is_on(day, "monthly", (), schedule.monthdays):
                yield day
            day += timedelta(days=1)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month(day: date) -> int:
    return day.year * _YEAR_MONTHS + day.month - 1
