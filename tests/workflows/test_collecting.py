"""Batches and digests: the first event opens a window, later ones join it, the run goes on once at its end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.workflows.assets import Category
from runner.workflows.world import User, World
from tests.workflows.definitions import (
    DAY,
    HOUR,
    MINUTE,
    MONDAY,
    Fields,
    assets_of,
    choice,
    condition,
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

MANY = node(
    "branch",
    "by_count",
    branches=[
        choice("many", email("many_mail"), when=[condition("$batched_events_count", ">", "2")]),
        choice("few", email("few_mail")),
    ],
)


def batch(ref: str = "batch_1", **properties: Any) -> Fields:
    return node("batch", ref, **{"mode": "accumulate_all", "window_type": "fixed", "fixed_window": "1h", **properties})


def digest(ref: str = "digest_1", **properties: Any) -> Fields:
    return node("digest", ref, **{"schedule_type": "static", **properties})


def test_events_within_the_window_become_one_message_of_the_first_run(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(batch(), MANY))
    events = [event(MONDAY + at, key=str(at), n=at) for at in (0, MINUTE, HOUR - 1, HOUR, HOUR + 1)]
    timeline = run(assets, *events)
    assert sent(timeline) == [(HOUR, "email", "many_mail"), (2 * HOUR, "email", "few_mail")]
    assert [message.idempotency_key for message in timeline.messages] == ["0", str(HOUR)]
    assert [message.event for message in timeline.messages] == [0, 3]
    assert story(timeline, 0) == [
        (0, "triggered", "'order' runs for u1"),
        (0, "waited", "opened a batch, which ends after 1h"),
        (HOUR, "passed", "the batch ended with 3 events"),
        (HOUR, "chose", "took the branch 'many'"),
        (HOUR, "sent", "email to u1@example.test: delivered"),
        (HOUR, "ended", "the run ended after its last node"),
    ]
    assert story(timeline, 1)[1:] == [(MINUTE, "joined", "joined the batch that run 0 opened: it has 2 events")]


def test_batches_are_kept_apart_by_recipient_and_key(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(batch(batch_key=".shop"), email()))
    events = [event(shop="a"), event(shop="b"), event(distinct_id="u2", shop="a"), event(shop="a")]
    assert [message.event for message in run(assets, *events).messages] == [0, 1, 2]


def test_the_first_event_can_go_on_at_once(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(batch(mode="flush_leading_item"), MANY))
    alone = run(assets, event())
    assert sent(alone) == [(0, "email", "few_mail")]
    events = [event(MONDAY + at, key=str(at)) for at in (0, MINUTE, 2 * MINUTE, 3 * MINUTE, HOUR)]
    timeline = run(assets, *events)
    assert sent(timeline) == [(0, "email", "few_mail"), (HOUR, "email", "many_mail"), (HOUR, "email", "few_mail")]
    assert [message.event for message in timeline.messages] == [0, 1, 4]


SHOWN = node(
    "transform",
    "shown",
    variables=[
        {
            "key": "seen",
            "value_lang": "handlebars",
            "value": "{{#each $batched_events}}{{n}} {{/each}}of {{$batched_events_count}}",
        }
    ],
)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, 'set seen = "0 1 2 3 4 5 6 7 8 9 of 12"'),
        ({"retain_count": 3}, 'set seen = "0 1 2 of 12"'),
        ({"retain_count": 3, "retain_order": "last"}, 'set seen = "9 10 11 of 12"'),
    ],
)
def test_retained_events_are_cut_and_counted(tmp_path: Path, properties: dict[str, Any], expected: str) -> None:
    assets = assets_of(tmp_path, workflow_file(batch(**properties), SHOWN, email()))
    timeline = run(assets, *(event(MONDAY + n, n=n) for n in range(12)))
    assert (HOUR, "passed", expected) in story(timeline)


def test_a_second_batch_collects_the_events_of_the_first(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(batch("one"), batch("two", fixed_window="3h"), SHOWN, email()))
    events = [event(MONDAY + at, n=index) for index, at in enumerate((0, MINUTE, 2 * HOUR))]
    timeline = run(assets, *events)
    assert sent(timeline) == [(4 * HOUR, "email", "email_1")]
    assert (4 * HOUR, "passed", 'set seen = "0 1 2 of 3"') in story(timeline)


def test_keys_of_the_event_are_absent_after_a_batch_and_reading_one_is_inexact(tmp_path: Path) -> None:
    by_amount = node(
        "branch", "by_amount", branches=[choice("big", when=[condition("amount", ">", "1")]), choice("other", email())]
    )
    timeline = run(assets_of(tmp_path, workflow_file(batch(), by_amount)), event(amount=5))
    [chosen] = [decision for decision in timeline.runs[0].decisions if decision.kind == "chose"]
    assert (chosen.choice, chosen.inexact) == (
        "to_other",
        "after a batch, keys of the triggering event are taken as missing",
    )


def test_a_window_can_depend_on_the_event_that_opens_it(tmp_path: Path) -> None:
    dynamic = {"window_type": "dynamic", "dynamic_window_expr": ".window"}
    assets = assets_of(tmp_path, workflow_file(batch(**dynamic), email()))
    timeline = run(assets, event(window="2h"), event(MONDAY + HOUR, window="5m"))
    assert sent(timeline) == [(2 * HOUR, "email", "email_1")]
    assert run(assets, event()).runs[0].decisions[-1].kind == "stopped"


def test_a_digest_closes_at_the_next_time_of_its_schedule(tmp_path: Path) -> None:
    weekly: Json = {
        "frequency": "weekly",
        "weekdays": ["fr"],
        "time": "17:00",
        "tz_selection": "fixed",
        "tz_fixed": "Europe/Berlin",
    }
    assets = assets_of(tmp_path, workflow_file(digest(schedule=weekly), MANY))
    timeline = run(assets, *(event(MONDAY + day * DAY) for day in range(3)))
    assert sent(timeline) == [(4 * DAY + 7 * HOUR, "email", "many_mail")]  # 16:00 in UTC
    assert len(timeline.runs) == 3


def test_a_digest_in_the_zone_of_its_recipient(tmp_path: Path) -> None:
    daily: Json = {"frequency": "daily", "time": "18:00", "tz_selection": "recipient"}
    assets = assets_of(tmp_path, workflow_file(digest(schedule=daily), email()))
    users = {
        "u1": User("u1", {"email": ("u1@example.com",)}, {"$timezone": "Asia/Kolkata"}),
        "u2": User("u2", {"email": ("u2@example.com",)}),
    }
    timeline = run(assets, event(), event(distinct_id="u2"), world=World(users=users, timezone="America/New_York"))
    assert {message.recipient: (message.created_ms - MONDAY) / HOUR for message in timeline.messages} == {
        "u1": 3.5,
        "u2": 14,
    }


def test_a_digest_below_its_minimum_ends_the_run(tmp_path: Path) -> None:
    daily: Json = {"frequency": "daily", "time": "18:00"}
    assets = assets_of(tmp_path, workflow_file(digest(schedule=daily, trigger_min_count=2), email()))
    alone = run(assets, event())
    assert story(alone)[-1] == (9 * HOUR, "ended", "the digest has 1 events, fewer than 2")
    assert sent(run(assets, event(), event(MONDAY + 1))) == [(9 * HOUR, "email", "email_1")]


def test_a_digest_by_a_schedule_of_the_event(tmp_path: Path) -> None:
    dynamic = digest(schedule_type="dynamic", dynamic_schedule_expr=".schedule")
    assets = assets_of(tmp_path, workflow_file(dynamic, email()))
    timeline = run(assets, event(schedule={"frequency": "hourly", "interval": 2}))
    assert sent(timeline) == [(2 * HOUR, "email", "email_1")]
    assert timeline.runs[0].decisions[1].inexact is not None
    bad = run(assets, event(schedule={"frequency": "yearly"})).runs[0].decisions[-1]
    assert (bad.kind, bad.text.partition(": ")[2][:29]) == ("stopped", "`frequency` must be one of mi")


def test_a_digest_by_the_schedule_of_its_category(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(digest(schedule_type="category_digest_schedule"), email()))
    refusal = run(assets, event()).runs[0].refusal
    assert refusal is not None
    assert refusal.node == "digest_1"
    category = Category("transactional", "opt_in", (), None, {"frequency": "daily", "time": "12:00"})
    timeline = run(replace(assets, categories={"transactional": category}), event())
    assert sent(timeline) == [(3 * HOUR, "email", "email_1")]


def test_a_huge_batch_keeps_what_it_retains(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(batch(retain_count=2, retain_order="last"), SHOWN, email()))
    timeline = run(assets, *(event(MONDAY + n, n=n) for n in range(5000)))
    assert (HOUR, "passed", 'set seen = "4998 4999 of 5000"') in story(timeline)
    assert len(timeline.messages) == 1
