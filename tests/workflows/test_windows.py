"""Time windows: at once inside of one, else at the next start, in the zone of the recipient, on days with 23 and 25 hours too."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.workflows.definition import Window
from runner.workflows.windows import opening

if TYPE_CHECKING:
    from collections.abc import Sequence

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
NINE, SIX = 9 * 60, 18 * 60
DAILY = Window("daily", (), (), NINE, SIX)


def ms(text: str, zone: ZoneInfo = UTC) -> int:
    time = datetime.fromisoformat(text)
    return round((time if time.tzinfo else time.replace(tzinfo=zone)).timestamp() * 1000)


def opens(at: str, *windows: Window, zone: ZoneInfo = UTC) -> str:
    """Return the local time at which a run goes on that comes to some windows at a local time."""
    found = opening(ms(at, zone), windows, zone)
    assert found is not None
    return datetime.fromtimestamp(found / 1000, zone).isoformat()[:16]


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02T12:00", "2026-03-02T12:00"),
        ("2026-03-02T09:00", "2026-03-02T09:00"),
        ("2026-03-02T08:59", "2026-03-02T09:00"),
        ("2026-03-02T18:00", "2026-03-03T09:00"),
        ("2026-03-02T23:59", "2026-03-03T09:00"),
    ],
)
def test_a_daily_window_holds_runs_until_it_opens(at: str, expected: str) -> None:
    assert opens(at, DAILY) == expected


def test_working_days_skip_the_weekend() -> None:
    assert opens("2026-03-06T18:30", Window("weekly_mo2fr", (), (), NINE, SIX)) == "2026-03-09T09:00"


def test_a_weekly_window_opens_on_its_days() -> None:
    assert opens("2026-03-02T12:00", Window("weekly", (5, 6), (), NINE, SIX)) == "2026-03-07T09:00"


@pytest.mark.parametrize(
    ("monthday", "expected"),
    [
        ((15, None), "2026-02-15T00:00"),
        ((-1, None), "2026-02-28T00:00"),
        ((31, None), "2026-03-31T00:00"),  # February has none
        ((1, 0), "2026-02-02T00:00"),  # the first Monday
        ((-1, 4), "2026-02-27T00:00"),  # the last Friday
        ((5, 6), "2026-03-29T00:00"),  # a fifth Sunday
        ((0, 2), "2026-02-04T00:00"),  # every Wednesday
    ],
)
def test_a_monthly_window_opens_on_days_and_weekdays_by_position(
    monthday: tuple[int, int | None], expected: str
) -> None:
    assert opens("2026-02-01T12:00", Window("monthly", (), (monthday,), 0, 1440)) == expected


def test_the_first_of_several_windows_counts() -> None:
    evening = Window("daily", (), (), 20 * 60, 22 * 60)
    assert opens("2026-03-02T18:30", DAILY, evening) == "2026-03-02T20:00"


def test_a_window_is_in_local_time_whatever_the_offset_of_the_day() -> None:
    assert opening(ms("2026-03-28T19:00:00+01:00"), [DAILY], BERLIN) == ms("2026-03-29T09:00:00+02:00")
    assert opening(ms("2026-10-24T19:00:00+02:00"), [DAILY], BERLIN) == ms("2026-10-25T09:00:00+01:00")


def test_a_window_in_the_hour_that_a_day_lacks_opens_after_it() -> None:
    night = Window("daily", (), (), 150, 170)
    assert opening(ms("2026-03-28T12:00", BERLIN), [night], BERLIN) == ms("2026-03-29T03:30:00+02:00")
    assert opening(ms("2026-03-08T00:00", NEW_YORK), [night], NEW_YORK) == ms("2026-03-08T03:30:00-04:00")


def test_a_window_in_the_hour_that_a_day_has_twice_is_open_in_both() -> None:
    night = Window("daily", (), (), 150, 170)
    first, second = ms("2026-10-25T02:40:00+02:00"), ms("2026-10-25T02:40:00+01:00")
    assert second - first == 3_600_000
    assert opening(first, [night], BERLIN) == first
    assert opening(second, [night], BERLIN) == second


def test_a_whole_day_is_always_open() -> None:
    assert opens("2026-03-02T23:59", Window("daily", (), (), 0, 1440)) == "2026-03-02T23:59"


def test_a_window_on_no_day_never_opens() -> None:
    assert opening(0, [Window("weekly", (), (), NINE, SIX)], UTC) is None


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - it gets its zone below
    st.lists(st.integers(0, 6), min_size=1, max_size=3, unique=True),
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from([UTC, BERLIN, NEW_YORK, ZoneInfo("Asia/Kolkata"), ZoneInfo("Pacific/Apia")]),
)
def test_a_run_goes_on_in_a_window_and_not_later_than_it_could(
    at: datetime, weekdays: Sequence[int], span: tuple[int, int], zone: ZoneInfo
) -> None:
    """An independent model: minute by minute, is the local time in the window? Hours that a day lacks are left out."""
    window = Window("weekly", tuple(weekdays), (), *span)
    start = at.replace(second=0, microsecond=0, tzinfo=UTC)
    found = opening(round(start.timestamp() * 1000), [window], zone)
    assert found is not None

    def is_open(time: datetime) -> bool:
        here = time.astimezone(zone)
        return here.weekday() in weekdays and span[0] <= here.hour * 60 + here.minute < span[1]

    opened = datetime.fromtimestamp(found / 1000, UTC)
    step = timedelta(minutes=max(1, (span[1] - span[0]) // 2))
    time = start
    while time < opened:
        assert not is_open(time)
        time += step
    offsets = {(opened + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in range(-25, 26)}
    assert is_open(opened) or len(offsets) > 1
