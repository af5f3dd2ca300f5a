"""Dates, times and durations in templates: reading them, time zones, and arithmetic.

Every date with a time has a time zone. Rules:

- Whole days of a duration keep the time on the clock, also where daylight saving begins or ends in between; hours,
  minutes and seconds are exact. Twenty-four hours are a day.
- A time that a clock skips is moved forward by as much as is skipped. Of a time that a clock shows twice, the first is
  meant.
- The difference of two dates is exact.

Time zones are those of the package tzdata, so that every machine agrees; not those of the operating system.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from runner.errors import did_you_mean
from runner.template.fault import TemplateFault
from runner.template.names import MAX_NAME, shown_name, type_name
from runner.template.strict_name import StrictName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_SECONDS = 100_000_000_000
"""A number above is one of milliseconds: as seconds it is in the year 5138."""
UNITS: Mapping[str, int] = {"s": 1, "ms": 1000}
PERIODS = ("year", "month", "week", "day", "hour")


def duration(
    *, weeks: float = 0, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
) -> timedelta:
    """Return a duration. Raises TemplateFault for a value that is not a number, and beyond 3,000 years."""
    parts = (weeks, days, hours, minutes, seconds)
    if not _COUNTS.issuperset(map(type, parts)):
        names = ("weeks", "days", "hours", "minutes", "seconds")
        name, part = next(pair for pair in zip(names, parts, strict=True) if type(pair[1]) not in _COUNTS)
        raise TemplateFault("template-type", f"the {name} of a duration must be a number, not {type_name(part)}")
    try:
        return timedelta(days, seconds, 0, 0, minutes, hours, weeks)
    except (OverflowError, ValueError):
        raise _out_of_range() from None


_COUNTS = frozenset([int, float])


def _out_of_range() -> TemplateFault:
    return TemplateFault("template-type", "the date is not between the years 1 and 9999")


def to_datetime(value: object, unit: str = "s", timezone: object = None) -> datetime:
    """Read a date and time: a text of ISO 8601, or the time since 1970 as seconds or milliseconds.

    `timezone` is that of a text which does not name one. Raises TemplateFault.
    """
    match value:
        case StrictName():
            raise value.fault
        case datetime():
            return value
        case str():
            return _from_text(value, timezone)
        case int() | float() if not isinstance(value, bool):
            return _from_number(value, unit)
        case _:
            message = f"to_datetime expects a text or a number, not {type_name(value)}"
            raise TemplateFault("template-type", message, "such as '2026-01-02T20:30:00+05:30'")


def _from_text(text: str, timezone: object) -> datetime:
    try:
        found = datetime.fromisoformat(text.strip()) if len(text) <= MAX_NAME else None
    except ValueError:
        found = None
    if found is None:
        hint = "such as '2026-01-02T20:30:00+05:30', or '2026-01-02' with timezone='Asia/Kolkata'"
        raise TemplateFault("template-type", f"'{shown_name(text)}' is not a date of ISO 8601", hint)
    if found.tzinfo is not None:
        return found
    if timezone is None:
        hint = "add it, or name it: to_datetime(timezone='Asia/Kolkata')"
        raise TemplateFault("template-type", f"'{shown_name(text)}' has no time zone", hint)
    return settled(found.replace(tzinfo=zone(timezone)))


def _from_number(number: float, unit: str) -> datetime:
    if unit not in UNITS:
        raise TemplateFault("template-type", f"unknown unit '{shown_name(str(unit))}'", f"units are {', '.join(UNITS)}")
    if unit == "s" and abs(number) > _MAX_SECONDS:
        raise TemplateFault("template-type", "as seconds the number is beyond the year 5000", "to_datetime(unit='ms')")
    try:
        return datetime.fromtimestamp(number / UNITS[unit], UTC)
    except (OverflowError, ValueError, OSError):
        raise _out_of_range() from None


def in_timezone(value: object, name: object) -> datetime:
    """Return the same instant on the clocks of a time zone. Raises TemplateFault."""
    moment = checked(value, "in_timezone")
    try:
        return moment.astimezone(zone(name))
    except OverflowError:
        raise _out_of_range() from None


def checked(value: object, what: str) -> datetime:
    """Return a date with its time. Raises TemplateFault for anything else."""
    if isinstance(value, StrictName):
        raise value.fault
    if isinstance(value, datetime):
        return value
    hint = "make one: {{ … | to_datetime }}" if isinstance(value, str | int | float) else None
    raise TemplateFault("template-type", f"{what} expects a date with a time, not {type_name(value)}", hint)


def start_of(value: object, period: object) -> datetime:
    """Return the first moment of the period that a date is in. A week begins on Monday (ISO 8601). Raises TemplateFault."""
    moment = checked(value, "start_of")
    if period == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case "day":
            first = day
        case "week":
            first = day - timedelta(days=min(day.weekday(), day.toordinal() - 1))
        case "month":
            first = day.replace(day=1)
        case "year":
            first = day.replace(month=1, day=1)
        case _:
            raise TemplateFault("template-type", "unknown period", f"periods are {', '.join(PERIODS)}")
    return settled(first)


def replaced(moment: object, given: Sequence[object], parts: Mapping[str, object]) -> date:
    """Return a date with some of its parts changed. Raises TemplateFault for a part that dates do not have."""
    if not isinstance(moment, date):
        hint = "write {{ … | replace('old', 'new') }}" if isinstance(moment, str) else None
        raise TemplateFault("template-type", f"replace() is a method of dates, and this is {type_name(moment)}", hint)
    if given:
        raise TemplateFault("template-type", "replace() takes parts by name", "such as replace(hour=20, minute=30)")
    allowed = ("year", "month", "day", *(("hour", "minute", "second", "microsecond") * isinstance(moment, datetime)))
    for name, part in parts.items():
        if name not in allowed:
            hint = did_you_mean(name, allowed)
            raise TemplateFault("template-type", f"'{shown_name(name)}' can't be replaced in a date", hint)
        if type(part) is not int:
            raise TemplateFault("template-type", f"the {name} of a date must be a whole number, not {type_name(part)}")
    try:
        changed = moment.replace(**parts)  # type: ignore[arg-type]
    except (ValueError, OverflowError) as error:
        raise TemplateFault("template-type", f"there is no such date: {error}") from None
    return settled(changed) if isinstance(changed, datetime) else changed


def settled(moment: datetime) -> datetime:
    """Apply the rule for times that a clock skips or shows twice."""
    if not isinstance(moment.tzinfo, ZoneInfo):
        return moment
    try:
        first = moment.replace(fold=0) if moment.fold else moment
        return first.astimezone(UTC).astimezone(moment.tzinfo)
    except OverflowError:
        raise _out_of_range() from None


def compute(sign: str, left: object, right: object) -> object:
    """Return `left sign right`, where one side is a date or a duration. Raises TemplateFault if that means nothing."""
    try:
        match sign, left, right:
            case "+", date(), timedelta():
                return _later(left, right)
            case "-", datetime(), datetime():
                return left.astimezone(UTC) - right.astimezone(UTC)
            case "-", date(), date() if not isinstance(left, datetime) and not isinstance(right, datetime):
                return left - right
            case "+", timedelta(), date():
                return _later(right, left)
            case "-", date(), timedelta():
                return _later(left, -right)
            case "+", timedelta(), timedelta():
                return left + right
            case "-", timedelta(), timedelta():
                return left - right
            case "*", timedelta(), (int() | float()) if not isinstance(right, bool):
                return left * right
            case "*", (int() | float()), timedelta() if not isinstance(left, bool):
                return right * left
            case "/", timedelta(), (int() | float()) if not isinstance(right, bool):
                return left / right
            case "/", timedelta(), timedelta():
                return left / right
            case _:
                pass
    except (OverflowError, ValueError):
        raise _out_of_range() from None
    names = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
    message = f"can't {names.get(sign, 'compute with')} {type_name(left)} and {type_name(right)}"
    raise TemplateFault("template-type", message, "a duration is made with timedelta(days=1)")


def _later(moment: date, by: timedelta) -> date:
    """Add a duration: its whole days by the calendar, the rest exactly."""
    if not isinstance(moment, datetime):
        return moment + by
    if not by.seconds and not by.microseconds:
        return settled(moment + by) if by else moment
    size = abs(by)
    sign = 1 if by >= timedelta() else -1
    whole, rest = timedelta(days=sign * size.days), sign * (size - timedelta(days=size.days))
    on_the_day = settled(moment + whole) if whole else moment
    return (on_the_day.astimezone(UTC) + rest).astimezone(moment.tzinfo) if rest else on_the_day


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


def zone(name: object) -> ZoneInfo:
    """Return the time zone with a name. Raises TemplateFault if it does not exist."""
    if not isinstance(name, str):
        raise TemplateFault("template-type", "a time zone is named by a text", "such as 'Asia/Kolkata'")
    if name not in zones():
        near = did_you_mean(name, zones(), "such as 'Asia/Kolkata'") if len(name) <= MAX_NAME else None
        raise TemplateFault("template-type", f"unknown time zone '{shown_name(name)}'", near)
    return _zone(name)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
