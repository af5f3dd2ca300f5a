"""Days on which a schedule or a window recurs."""

from __future__ import annotations

from calendar import monthrange
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_WEEK = 7
_WORKING_DAYS = 5


def is_on(day: date, frequency: str, weekdays: Sequence[int], monthdays: Sequence[tuple[int, int | None]]) -> bool:
    """Return whether a day is one of `daily`, `weekly_mo2fr`, `weekly` or `monthly`."""
    match frequency:
        case "weekly_mo2fr":
            return day.weekday() < _WORKING_DAYS
        case "weekly":
            return day.weekday() in weekdays
        case "monthly":
            return any(_is_monthday(day, position, weekday) for position, weekday in monthdays)
        case _:
            return True


def _is_monthday(day: date, position: int, weekday: int | None) -> bool:
    last = monthrange(day.year, day.month)[1]
    if weekday is None:
        return position in (day.day, day.day - last - 1)
    if day.weekday() != weekday:
        return False
    return position in (0, (day.day - 1) // _WEEK + 1, -((last - day.day) // _WEEK + 1))
