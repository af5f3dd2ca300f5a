"""Dates, time zones and durations. `now()` is 2026-01-02T03:04:05Z."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.template.moments import compute, settled, start_of, zone, zones

if TYPE_CHECKING:
    from tests.projects import Templates

BERLIN = "in_timezone('Europe/Berlin')"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ now() + timedelta(days=1, minutes=30) }}", "2026-01-03T03:34:05+00:00"),
        ("{{ now() - timedelta(weeks=1) }}", "2025-12-26T03:04:05+00:00"),
        ("{{ timedelta(hours=1.5) + now() }}", "2026-01-02T04:34:05+00:00"),
        ("{{ now() + 2 * timedelta(hours=1) - timedelta(minutes=30) / 2 }}", "2026-01-02T04:49:05+00:00"),
        ("{{ now() | in_timezone('Asia/Kolkata') }}", "2026-01-02T08:34:05+05:30"),
        ("{{ (now() | in_timezone('Asia/Kolkata') + timedelta(days=1)).replace(hour=20, minute=30, second=0) }}", "2026-01-03T20:30:00+05:30"),
        ("{{ '2026-01-02T20:30:00+05:30' | to_datetime }}", "2026-01-02T20:30:00+05:30"),
        ("{{ '2026-01-02T20:30:00Z' | to_datetime }}", "2026-01-02T20:30:00+00:00"),
        ("{{ '2026-01-02' | to_datetime(timezone='Asia/Kolkata') }}", "2026-01-02T00:00:00+05:30"),
        ("{{ 1767323045 | to_datetime }}", "2026-01-02T03:04:05+00:00"),
        ("{{ 1767323045000 | to_datetime('ms') }}", "2026-01-02T03:04:05+00:00"),
        ("{{ 1767323045.5 | to_datetime }}", "2026-01-02T03:04:05.500000+00:00"),
        ("{{ now() | to_datetime }}", "2026-01-02T03:04:05+00:00"),
        ("{{ now() | start_of('hour') }}", "2026-01-02T03:00:00+00:00"),
        ("{{ now() | start_of('day') }}", "2026-01-02T00:00:00+00:00"),
        ("{{ now() | start_of('week') }}", "2025-12-29T00:00:00+00:00"),
        ("{{ now() | start_of('month') }}", "2026-01-01T00:00:00+00:00"),
        ("{{ now() | in_timezone('Asia/Kolkata') | start_of('year') }}", "2026-01-01T00:00:00+05:30"),
        ("{{ now().date() + timedelta(days=1) }}", "2026-01-03"),
        ("{{ now().date().replace(day=31) }}", "2026-01-31"),
        # Clocks in Berlin skip 02:00 to 03:00 on 2026-03-29, and show it twice on 2026-10-25.
        (f"{{{{ '2026-03-29T00:00Z' | to_datetime | {BERLIN} }}}}".replace("00:00Z", "00:00:00Z"), "2026-03-29T01:00:00+01:00"),
        (f"{{{{ ('2026-03-28T12:00:00Z' | to_datetime | {BERLIN} + timedelta(days=1)).replace(hour=2, minute=30) }}}}", "2026-03-29T03:30:00+02:00"),
        ("{{ '2026-03-29T02:30' | to_datetime(timezone='Europe/Berlin') }}", "2026-03-29T03:30:00+02:00"),
        ("{{ '2026-10-25T02:30' | to_datetime(timezone='Europe/Berlin') }}", "2026-10-25T02:30:00+02:00"),
        (f"{{{{ '2026-03-28T11:00:00Z' | to_datetime | {BERLIN} + timedelta(days=1) }}}}", "2026-03-29T12:00:00+02:00"),
        (f"{{{{ '2026-03-28T11:00:00Z' | to_datetime | {BERLIN} + timedelta(hours=23) }}}}", "2026-03-29T12:00:00+02:00"),
        (f"{{{{ '2026-10-25T00:30:00Z' | to_datetime | {BERLIN} + timedelta(hours=1) }}}}", "2026-10-25T02:30:00+01:00"),
        (f"{{{{ '2026-10-25T01:30:00Z' | to_datetime | {BERLIN} - timedelta(hours=1) }}}}", "2026-10-25T02:30:00+02:00"),
    ],
)  # fmt: skip
def test_dates_are_computed(templates: Templates, source: str, value: str) -> None:
    assert templates.evaluate(source.replace(" }}", ") | isoformat }}").replace("{{ ", "{{ (")) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ (now() - '2026-01-01T03:04:05Z' | to_datetime).days }}", 1),
        ("{{ (now() - '2026-01-01T03:04:05Z' | to_datetime).total_seconds() }}", 86400.0),
        (f"{{{{ ('2026-03-29T12:00:00Z' | to_datetime | {BERLIN} - '2026-03-28T12:00:00Z' | to_datetime | {BERLIN}) / timedelta(hours=1) }}}}", 24.0),
        ("{{ (now().date() - '2026-01-01T00:00:00Z' | to_datetime).days }}", None),
        ("{{ now() < now() + timedelta(seconds=1) }}", True),
        ("{{ '2026-01-02T20:30:00+05:30' | to_datetime == '2026-01-02T15:00:00Z' | to_datetime }}", True),
        (f"{{{{ '2026-10-25T00:30:00Z' | to_datetime | {BERLIN} < '2026-10-25T01:30:00Z' | to_datetime | {BERLIN} }}}}", True),
        ("{{ now() > none or true }}", None),
        ("{{ (now() | in_timezone('Asia/Kolkata')).strftime('%H:%M %Z %z') }}", "08:34 IST +0530"),
    ],
)  # fmt: skip
def test_durations_and_comparisons(templates: Templates, source: str, value: object) -> None:
    if value is None:
        assert templates.failure(source)
    else:
        assert templates.evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ 'x' | to_datetime }}", "'x' is not a date of ISO 8601 (such as '2026-01-02T20:30:00+05:30', or '2026-01-02' with timezone='Asia/Kolkata')"),
        ("{{ '2026-01-02' | to_datetime }}", "'2026-01-02' has no time zone (add it, or name it: to_datetime(timezone='Asia/Kolkata'))"),
        ("{{ 1767323045000 | to_datetime }}", "as seconds the number is beyond the year 5000 (to_datetime(unit='ms'))"),
        ("{{ 1 | to_datetime('min') }}", "unknown unit 'min' (units are s, ms)"),
        ("{{ true | to_datetime }}", "to_datetime expects a text or a number, not a boolean (such as '2026-01-02T20:30:00+05:30')"),
        ("{{ 1e20 | to_datetime('ms') }}", "the date is not between the years 1 and 9999"),
        ("{{ now() | in_timezone('Asia/Calcuta') }}", "unknown time zone 'Asia/Calcuta' (did you mean 'Asia/Calcutta'?)"),
        ("{{ now() | in_timezone('../../etc/passwd') }}", "unknown time zone '../../etc/passwd' (such as 'Asia/Kolkata')"),
        ("{{ now() | in_timezone(5) }}", "a time zone is named by a text (such as 'Asia/Kolkata')"),
        ("{{ '2026' | in_timezone('UTC') }}", "in_timezone expects a date with a time, not text (make one: {{ … | to_datetime }})"),
        ("{{ now() | start_of('days') }}", "unknown period (periods are year, month, week, day, hour)"),
        ("{{ now() + 1 }}", "can't add a date and a number (a duration is made with timedelta(days=1))"),
        ("{{ now() * 2 }}", "can't multiply a date and a number (a duration is made with timedelta(days=1))"),
        ("{{ now() + now() }}", "can't add a date and a date (a duration is made with timedelta(days=1))"),
        ("{{ timedelta(days='1') }}", "the days of a duration must be a number, not text"),
        ("{{ timedelta(days=1e300) }}", "the date is not between the years 1 and 9999"),
        ("{{ now() + timedelta(days=4000000) }}", "the date is not between the years 1 and 9999"),
        ("{{ now() + timedelta(days=999999999) }}", "the date is not between the years 1 and 9999"),
        ("{{ now().replace(hours=5) }}", "'hours' can't be replaced in a date (did you mean 'hour'?)"),
        ("{{ now().replace(hour=25) }}", "there is no such date: hour must be in 0..23"),
        ("{{ now().replace(2027) }}", "replace() takes parts by name (such as replace(hour=20, minute=30))"),
        ("{{ now().replace(tzinfo=none) }}", "'tzinfo' can't be replaced in a date"),
        ("{{ 'a'.replace('a', 'b') }}", "replace() is a method of dates, and this is text (write {{ … | replace('old', 'new') }})"),
    ],
)  # fmt: skip
def test_what_is_no_date_is_reported(templates: Templates, source: str, message: str) -> None:
    (line,) = templates.failure(source)
    assert message in line


@pytest.mark.parametrize(
    "source", ["{{ now() }}", "{{ timedelta(days=1) }}", "at {{ now() }}", "{{ [timedelta(days=1)] }}"]
)
def test_a_date_is_sent_only_as_text(templates: Templates, source: str) -> None:
    (line,) = templates.failure(source)
    assert "error[template-datetime]" in line


_INSTANTS = st.datetimes(datetime(1980, 1, 1), datetime(2037, 1, 1)).map(lambda found: found.replace(tzinfo=UTC))  # noqa: DTZ001


@settings(max_examples=300)
@given(instant=_INSTANTS, name=st.sampled_from(sorted(zones())), seconds=st.integers(-86399, 86399))
def test_hours_minutes_and_seconds_are_exact_in_every_zone(instant: datetime, name: str, seconds: int) -> None:
    moment = instant.astimezone(zone(name))
    by = timedelta(seconds=seconds)
    later = compute("+", moment, by)
    assert isinstance(later, datetime)
    assert later.astimezone(UTC) - instant == by
    assert compute("-", later, moment) == by


@settings(max_examples=300)
@given(instant=_INSTANTS, name=st.sampled_from(sorted(zones())), days=st.integers(-400, 400))
def test_days_keep_the_time_on_the_clock(instant: datetime, name: str, days: int) -> None:
    moment = instant.astimezone(zone(name))
    later = compute("+", moment, timedelta(days=days))
    assert isinstance(later, datetime)
    wanted = moment.replace(tzinfo=None) + timedelta(days=days)
    skipped = later.replace(tzinfo=None) - wanted
    assert skipped == timedelta() or later == settled(wanted.replace(tzinfo=zone(name)))
    assert timedelta() <= skipped <= timedelta(days=1)


@settings(max_examples=200)
@given(
    instant=_INSTANTS, name=st.sampled_from(sorted(zones())), period=st.sampled_from(["year", "month", "week", "day"])
)
def test_the_start_of_a_period_is_not_after_the_moment(instant: datetime, name: str, period: str) -> None:
    moment = instant.astimezone(zone(name))
    first = start_of(moment, period)
    assert first.astimezone(UTC) <= instant
    assert start_of(first, period).astimezone(UTC) == first.astimezone(UTC)
