"""Digests close at the next time of their schedule, strictly after they open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.workflows.dynamic_schedule import schedule_from
from runner.workflows.schedules import next_time, unknowns

if TYPE_CHECKING:
    from runner.source import Json


def closes(after: str, schedule: dict[str, Json]) -> str | None:
    value = schedule_from(schedule)
    zone = ZoneInfo(value.zone.name)
    opened = datetime.fromisoformat(after).replace(tzinfo=zone)
    found = next_time(value, round(opened.timestamp() * 1000), zone)
    return None if found is None else datetime.fromtimestamp(found / 1000, zone).isoformat()[:16]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ({"frequency": "minutely", "interval": 15}, "2026-03-04T10:15"),
        ({"frequency": "minutely", "interval": 15, "dtstart": "2026-03-04T09:50:00"}, "2026-03-04T10:05"),
        ({"frequency": "minutely", "interval": 10, "dtstart": "2026-03-04T09:50:00"}, "2026-03-04T10:10"),
        ({"frequency": "hourly"}, "2026-03-04T11:00"),
        ({"frequency": "hourly", "interval": 6, "dtstart": "2026-03-01T00:00:00"}, "2026-03-04T12:00"),
        ({"frequency": "hourly", "dtstart": "2026-03-05T01:30:00"}, "2026-03-05T01:30"),
        ({"frequency": "daily", "time": "18:00"}, "2026-03-04T18:00"),
        ({"frequency": "daily", "time": "10:00"}, "2026-03-05T10:00"),
        ({"frequency": "daily"}, "2026-03-05T00:00"),
        ({"frequency": "daily", "interval": 3, "dtstart": "2026-03-01T00:00:00", "time": "09:00"}, "2026-03-07T09:00"),
        ({"frequency": "daily", "interval": 3, "dtstart": "2026-03-01T00:00:00", "time": "11:00"}, "2026-03-04T11:00"),
        ({"frequency": "weekly_mo2fr", "time": "09:00"}, "2026-03-05T09:00"),
        ({"frequency": "weekly", "weekdays": ["mo"], "time": "09:00"}, "2026-03-09T09:00"),
        ({"frequency": "weekly", "weekdays": ["we", "fr"], "time": "09:00"}, "2026-03-06T09:00"),
        ({"frequency": "weekly", "weekdays": ["we"], "time": "12:00"}, "2026-03-04T12:00"),
        (
            {"frequency": "weekly", "weekdays": ["mo"], "interval": 2, "dtstart": "2026-03-02T00:00:00"},
            "2026-03-16T00:00",
        ),
        (
            {"frequency": "weekly", "weekdays": ["mo"], "interval": 2, "dtstart": "2026-02-23T00:00:00"},
            "2026-03-09T00:00",
        ),
        ({"frequency": "monthly", "monthdays": [{"pos": 1}], "time": "08:00"}, "2026-04-01T08:00"),
        ({"frequency": "monthly", "monthdays": [{"pos": -1, "day": ""}]}, "2026-03-31T00:00"),
        ({"frequency": "monthly", "monthdays": [{"pos": 1, "day": "mo"}]}, "2026-04-06T00:00"),
        ({"frequency": "monthly", "monthdays": [{"pos": -1, "day": "fr"}]}, "2026-03-27T00:00"),
        (
            {"frequency": "monthly", "monthdays": [{"pos": 15}], "interval": 2, "dtstart": "2026-02-01T00:00:00"},
            "2026-04-15T00:00",
        ),
        (
            {"frequency": "monthly", "monthdays": [{"pos": 31}], "interval": 2, "dtstart": "2026-02-01T00:00:00"},
            "2026-08-31T00:00",
        ),
        ({"frequency": "monthly", "monthdays": [{"pos": 30}], "dtstart": "2027-01-31T00:00:00"}, "2027-03-30T00:00"),
        ({"frequency": "daily", "time": "02:30", "dtstart": "2026-06-01T00:00:00"}, "2026-06-01T02:30"),
    ],
    ids=str,
)
def test_next_time(schedule: dict[str, Any], expected: str) -> None:
    assert closes("2026-03-04T10:00:00", schedule) == expected  # a Wednesday


def test_times_are_local_on_days_with_23_and_25_hours() -> None:
    schedule: dict[str, Json] = {"frequency": "daily", "time": "09:00", "tz_fixed": "Europe/Berlin"}
    assert closes("2026-03-28T09:00:00", schedule) == "2026-03-29T09:00"
    assert closes("2026-10-24T09:00:00", schedule) == "2026-10-25T09:00"
    assert closes("2026-03-28T12:00:00", {**schedule, "time": "02:30"}) == "2026-03-29T03:30"


def test_an_hour_is_an_hour_when_clocks_change() -> None:
    schedule: dict[str, Json] = {"frequency": "hourly", "tz_fixed": "Europe/Berlin", "dtstart": "2026-03-29T00:00:00"}
    assert closes("2026-03-29T01:00:00", schedule) == "2026-03-29T03:00"


def test_a_schedule_without_an_anchor_is_inexact() -> None:
    daily = {"frequency": "daily", "time": "09:00"}
    assert unknowns(schedule_from({**daily})) is None
    assert unknowns(schedule_from({**daily, "interval": 2})) is not None
    assert unknowns(schedule_from({**daily, "interval": 2, "dtstart": "2026-03-01T00:00:00"})) is None
    assert unknowns(schedule_from({"frequency": "hourly"})) is not None


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (None, "the schedule must be an object"),
        ({}, "`frequency` must be one of minutely, hourly, daily, weekly_mo2fr, weekly, monthly"),
        ({"frequency": ["daily"]}, "`frequency` must be one of minutely, hourly, daily, weekly_mo2fr, weekly, monthly"),
        ({"frequency": "hourly", "interval": 101}, "`interval` must be a number from 1 to 100"),
        ({"frequency": "daily", "interval": True}, "`interval` must be a number from 1 to 100"),
        ({"frequency": "weekly"}, "`weekdays` must be a list of mo, tu, we, th, fr, sa, su"),
        ({"frequency": "weekly", "weekdays": [["mo"]]}, "`weekdays` must be a list of mo, tu, we, th, fr, sa, su"),
        ({"frequency": "monthly"}, "`monthdays` must be a list"),
        ({"frequency": "monthly", "monthdays": [32]}, "`pos` in `monthdays` must be a number from -31 to 31"),
        ({"frequency": "monthly", "monthdays": [{"pos": 1, "day": "xx"}]}, "`day` in `monthdays` must be one of mo, tu, we, th, fr, sa, su"),
        ({"frequency": "daily", "time": "9:00"}, "`time` must be HH:MM"),
        ({"frequency": "daily", "dtstart": 7}, "`dtstart` must be a time"),
    ],
    ids=str,
)  # fmt: skip
def test_an_invalid_schedule_says_what_is_wrong(schedule: Json, message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the whole message is compared
        schedule_from(schedule)
    assert str(raised.value) == message


@pytest.mark.parametrize("start", ["soon", "0001-01-01T00:00:00", "9999-12-31T23:59:59+14:00", ""])
def test_a_start_outside_of_the_calendar_is_an_error_or_none(start: str) -> None:
    value = schedule_from({"frequency": "daily", "dtstart": start})
    if not start:
        assert value.start is None
        return
    with pytest.raises(ValueError, match=r"year|isoformat"):
        next_time(value, 0, ZoneInfo("UTC"))


@given(
    st.sampled_from(["daily", "weekly_mo2fr", "weekly", "monthly"]),
    st.integers(1, 6),
    st.lists(st.sampled_from(["mo", "tu", "we", "th", "fr", "sa", "su"]), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from([1, 2, 15, 28, 29, 30, 31, -1, -2, -31]), min_size=1, max_size=2, unique=True),
    st.integers(0, 1439),
    st.integers(0, 800),
    st.integers(0, 60 * 24 * 400),
)
def test_next_time_is_that_of_a_model_that_counts_day_by_day(
    frequency: str, interval: int, weekdays: list[str], positions: list[int], minute: int, start_day: int, wait: int
) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=start_day)
    after = start + timedelta(minutes=wait)
    schedule: dict[str, Json] = {
        "frequency": frequency,
        "interval": interval,
        "weekdays": [*weekdays],
        "monthdays": [{"pos": position} for position in positions],
        "time": f"{minute // 60:02}:{minute % 60:02}",
        "dtstart": start.isoformat(),
    }

    def recurs(day: datetime) -> bool:
        weeks = ((day - timedelta(days=day.weekday())) - (start - timedelta(days=start.weekday()))).days // 7
        last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        names = ["mo", "tu", "we", "th", "fr", "sa", "su"]
        match frequency:
            case "daily":
                return (day - start).days % interval == 0
            case "monthly":
                months = (day.year - start.year) * 12 + day.month - start.month
                return months % interval == 0 and any(
                    day.day == (position if position > 0 else last.day + 1 + position) for position in positions
                )
            case "weekly":
                return weeks % interval == 0 and names[day.weekday()] in weekdays
            case _:
                return weeks % interval == 0 and day.weekday() < 5

    times = (start + timedelta(days=count, minutes=minute) for count in range(12 * 366))
    expected = next((time for time in times if time > after and recurs(time.replace(hour=0, minute=0))), None)
    assert closes(after.isoformat(), schedule) == (expected and expected.isoformat()[:16])
