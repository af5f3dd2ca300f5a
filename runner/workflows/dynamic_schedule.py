"""A digest schedule that an expression or a category file has, as a value.

Source: the platform's documentation, "Digest".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from runner.workflows.definition import Schedule, Zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json

_Frequency: TypeAlias = Literal["minutely", "hourly", "daily", "weekly_mo2fr", "weekly", "monthly"]
_MOST: Final[Mapping[object, int]] = {
    "minutely": 1440,
    "hourly": 100,
    "daily": 100,
    "weekly_mo2fr": 25,
    "weekly": 25,
    "monthly": 6,
}
_WEEKDAYS: Final = {"mo": 0, "tu": 1, "we": 2, "th": 3, "fr": 4, "sa": 5, "su": 6}
_TIME = re.compile("([01][0-9]|2[0-3]):([0-5][0-9])")
_MOST_POSITION = 31


def schedule_from(value: Json) -> Schedule:
    """Return a schedule. Raise ValueError, whose text says what is wrong, for other values."""
    if not isinstance(value, dict):
        raise ValueError("the schedule must be an object")  # noqa: TRY004 - callers catch one exception
    frequency = value.get("frequency")
    if not isinstance(frequency, str) or frequency not in _MOST:
        raise ValueError(f"`frequency` must be one of {', '.join(map(str, _MOST))}")
    interval = value.get("interval")
    interval = 1 if interval is None else interval
    if isinstance(interval, bool) or not isinstance(interval, int) or not 1 <= interval <= _MOST[frequency]:
        raise ValueError(f"`interval` must be a number from 1 to {_MOST[frequency]}")
    start = value.get("dtstart") or None
    if start is not None and not isinstance(start, str):
        raise ValueError("`dtstart` must be a time")
    return Schedule(
        cast("_Frequency", frequency),
        interval,
        _weekdays(value) if frequency == "weekly" else (),
        _monthdays(value) if frequency == "monthly" else (),
        _minute(value.get("time")),
        start,
        Zone(str(value.get("tz_fixed") or "UTC"), value.get("tz_selection") == "recipient"),
    )


def _weekdays(value: Mapping[str, Json]) -> tuple[int, ...]:
    names = value.get("weekdays")
    if (
        not isinstance(names, list)
        or not names
        or not all(isinstance(name, str) and name in _WEEKDAYS for name in names)
    ):
        raise ValueError(f"`weekdays` must be a list of {', '.join(_WEEKDAYS)}")
    return tuple(sorted({_WEEKDAYS[str(name)] for name in names}))


def _monthdays(value: Mapping[str, Json]) -> tuple[tuple[int, int | None], ...]:
    days = value.get("monthdays")
    if not isinstance(days, list) or not days:
        raise ValueError("`monthdays` must be a list")
    return tuple(_monthday(day) for day in days)


def _monthday(value: Json) -> tuple[int, int | None]:
    position = value.get("pos") if isinstance(value, dict) else None
    if isinstance(position, bool) or not isinstance(position, int) or not -_MOST_POSITION <= position <= _MOST_POSITION:
        raise ValueError("`pos` in `monthdays` must be a number from -31 to 31")
    name = value.get("day") if isinstance(value, dict) else None
    if not name:
        return position, None
    if not isinstance(name, str) or name not in _WEEKDAYS:
        raise ValueError(f"`day` in `monthdays` must be one of {', '.join(_WEEKDAYS)}")
    return position, _WEEKDAYS[name]


def _minute(value: Json) -> int:
    if value is None:
        return 0
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("`time` must be HH:MM")
    return int(found[1]) * 60 + int(found[2])
