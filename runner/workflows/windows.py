"""Time windows: whether a time lies in one, and when the next one starts.

Source: the platform's documentation, "Time window".
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from runner.workflows.days import is_on
from runner.workflows.zones import instant, local

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from runner.workflows.definition import Window

_HORIZON_DAYS = 400
"""Every window that recurs does so within this time."""


def opening(now_ms: int, windows: Sequence[Window], zone: ZoneInfo) -> int | None:
    """Return `now_ms` inside of a window, else the start of the next one; None if there is none.

    A window includes its first minute, and excludes the time at which it ends.
    """
    now = local(now_ms, zone)
    today, minute = now.date(), now.hour * 60 + now.minute
    if any(window.start <= minute < window.end and _recurs(window, today) for window in windows):
        return now_ms  # also in an hour that this day has twice
    for days in range(_HORIZON_DAYS):
        day = today + timedelta(days=days)
        starts = [
            max(now_ms, start)
            for window in windows
            if _recurs(window, day)
            for start, end in [(instant(day, window.start, zone), instant(day, window.end, zone))]
            if end > now_ms
        ]
        if starts:
            return min(starts)
    return None


def _recurs(window: Window, day: date) -> bool:
    return is_on(day, window.frequency, window.weekdays, window.monthdays)
