"""Delays and time windows of a run: fixed, by an expression, and relative to a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.workflows.world import User, World
from tests.workflows.definitions import (
    DAY,
    HOUR,
    MINUTE,
    Fields,
    assets_of,
    delay,
    email,
    event,
    node,
    run,
    sent,
    story,
    workflow_file,
)

if TYPE_CHECKING:
    from pathlib import Path

    from runner.source import Json
    from runner.suprsend.messages import Channel


def waits(folder: Path, wait: Fields, **properties: Any) -> int | str:
    """Return the milliseconds that a run waits, or why it stops."""
    timeline = run(assets_of(folder, workflow_file(wait, email())), event(**properties))
    if timeline.messages:
        return sent(timeline)[0][0]
    decision = timeline.runs[0].decisions[-1]
    return f"{decision.kind}: {decision.text}"


@pytest.mark.parametrize(
    ("value", "expected"), [("1d12h30m", 36.5 * HOUR), ("90s", 90_000), ("0s", 0), ("1h1h", 2 * HOUR)]
)
def test_a_fixed_delay(tmp_path: Path, value: str, expected: int) -> None:
    assert waits(tmp_path, delay("wait", value)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3600, HOUR),
        (0, 0),
        ("2h30m", 150 * MINUTE),
        ("2026-03-03T09:00:00Z", DAY),
        ("2026-03-02T11:00:00+01:00", HOUR),
        ("2026-03-02T08:00:00Z", "stopped: the time 2026-03-02T08:00:00Z is in the past"),
        ("tomorrow", 'stopped: .until is "tomorrow", expected a duration, a number of seconds or a time'),
        (True, "stopped: .until is true, expected a duration, a number of seconds or a time"),
        (-5, "stopped: .until is -5, expected a duration, a number of seconds or a time"),
        (1.5, "stopped: .until is 1.5, expected a duration, a number of seconds or a time"),
        (None, "stopped: .until is null, expected a duration, a number of seconds or a time"),
        (10**15, "refused: the wait ends after the year 8999"),
    ],
)
def test_a_dynamic_delay(tmp_path: Path, value: Json, expected: int | str) -> None:
    dynamic = node("delay", "wait", delay_type="dynamic", value=".until")
    assert waits(tmp_path, dynamic, until=value) == expected


def relative(kind: str, offset: str, value_type: str = "fixed") -> Fields:
    relative_to: Json = {
        "pivot_expr": ".due",
        "offset_type": kind,
        "offset_value_type": value_type,
        "offset_value": offset,
    }
    return node("delay", "wait", delay_type="relative_to", relative_to=relative_to)


def test_a_relative_delay(tmp_path: Path) -> None:
    due = "2026-03-05T09:00:00Z"
    assert waits(tmp_path, relative("before", "1d"), due=due) == 2 * DAY
    assert waits(tmp_path, relative("after", "1h"), due=due) == 3 * DAY + HOUR
    assert waits(tmp_path, relative("before", ".ahead", "dynamic"), due=due, ahead="12h") == 2.5 * DAY
    assert waits(tmp_path, relative("before", ".ahead", "dynamic"), due=due, ahead=7200) == 3 * DAY - 2 * HOUR


def test_a_relative_delay_without_a_time_ahead_stops_the_run(tmp_path: Path) -> None:
    due = "2026-03-05T09:00:00Z"
    assert waits(tmp_path, relative("before", "4d"), due=due) == f"stopped: 4d before {due} is in the past"
    assert waits(tmp_path, relative("before", "3d"), due=due) == f"stopped: 3d before {due} is in the past"
    assert waits(tmp_path, relative("before", "1d")) == "stopped: .due is null, expected a time in ISO 8601"
    assert waits(tmp_path, relative("before", "1d"), due=7) == "stopped: .due is 7, expected a time in ISO 8601"
    text = "stopped: .ahead is null, expected a duration or a number of seconds"
    assert waits(tmp_path, relative("before", ".ahead", "dynamic"), due=due) == text


def test_an_expression_with_several_results_is_refused(tmp_path: Path) -> None:
    dynamic = node("delay", "wait", delay_type="dynamic", value=".waits[]")
    assert waits(tmp_path, dynamic, waits=["1h", "2h"]) == "refused: .waits[] has 2 results, where one is needed"


@pytest.mark.parametrize(
    ("expression", "inexact"),
    [
        (
            '."$recipient".wait',
            """the test data has no `users`: what ."$recipient".wait reads of $recipient is taken as missing""",
        ),
        (
            '."$brand".properties.wait',
            """the test data has no `tenants`: what ."$brand".properties.wait reads of $brand is taken as missing""",
        ),
        ('."$recipient".distinct_id', None),
        (".wait", None),
    ],
)
def test_an_expression_over_unknown_people_is_inexact(tmp_path: Path, expression: str, inexact: str | None) -> None:
    dynamic = node("delay", "wait", delay_type="dynamic", value=expression)
    [_, stopped] = run(assets_of(tmp_path, workflow_file(dynamic, email())), event()).runs[0].decisions
    assert (stopped.kind, stopped.inexact) == ("stopped", inexact)


def test_a_time_window_in_the_zone_of_the_recipient(tmp_path: Path) -> None:
    office: Json = [{"frequency": "weekly_mo2fr", "stime": "10:00", "etime": "18:00"}]
    assets = assets_of(
        tmp_path, workflow_file(node("timewindow", "office", windows=office, tz_selection="recipient"), email())
    )
    channels: dict[Channel, tuple[str, ...]] = {"email": ("u@example.com",)}
    users = {
        "berlin": User("berlin", channels, {"$timezone": "Europe/Berlin"}),
        "kolkata": User("kolkata", channels, {"$timezone": "Asia/Kolkata"}),
        "account": User("account", channels),
        "nowhere": User("nowhere", channels, {"$timezone": "Mars/Base"}),
    }
    world = World(users=users, timezone="America/New_York")
    timeline = run(assets, *(event(distinct_id=user) for user in users), world=world)
    assert {
        message.recipient: (message.created_ms - timeline.runs[0].decisions[0].at_ms) / HOUR
        for message in timeline.messages
    } == {"berlin": 0, "kolkata": 0, "account": 6}
    assert story(timeline, 0)[1] == (0, "passed", "inside of a time window (Europe/Berlin)")
    assert story(timeline, 2)[1] == (0, "waited", "waits 6h for the next time window (America/New_York)")
    assert story(timeline, 3)[1] == (0, "refused", "unknown time zone 'Mars/Base'")
