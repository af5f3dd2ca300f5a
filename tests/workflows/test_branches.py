"""Branches and waits for events: which branch is taken, when, and what it was decided by."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from runner.workflows.world import User, World
from tests.workflows.definitions import (
    DAY,
    HOUR,
    MONDAY,
    Fields,
    assets_of,
    choice,
    condition,
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

    from runner.suprsend.messages import Status


def branch(ref: str, *choices: Fields) -> Fields:
    return node("branch", ref, branches=list(choices))


def wait_until(
    ref: str,
    met: Fields,
    timed_out: Fields,
    *,
    event_name: str = "PAID",
    conditions: list[Fields] | None = None,
    timeout: str = "1d",
) -> Fields:
    """Return a wait for an event; its branches are made by `choice`."""
    awaited: Fields = {"type": "future_event", "event_name": event_name, "event_conditions": conditions or []}
    limit: Fields = {"type": "delay", "delay_properties": {"delay_type": "fixed", "value": timeout}}
    first = {**met, "is_default": False, "conditions": [awaited]}
    second = {**timed_out, "is_default": True, "conditions": [limit]}
    return node("branch_waituntil", ref, branches=[first, second])


def test_the_first_branch_that_holds_is_taken(tmp_path: Path) -> None:
    amounts = branch(
        "by_amount",
        choice("big", email("big_mail"), when=[condition("amount", ">", "1000")]),
        choice("middle", email("middle_mail"), when=[condition("amount", ">", "100")]),
        choice("small", email("small_mail")),
    )
    assets = assets_of(tmp_path, workflow_file(amounts, email("after")))
    timeline = run(assets, event(amount=5000), event(amount=500), event(amount=5))
    assert [message.node for message in timeline.messages] == [
        "big_mail",
        "after",
        "middle_mail",
        "after",
        "small_mail",
        "after",
    ]
    chosen = [decision for one in timeline.runs for decision in one.decisions if decision.kind == "chose"]
    assert [decision.choice for decision in chosen] == ["to_big", "to_middle", "to_small"]
    assert [[check.holds for check in decision.checks] for decision in chosen] == [
        [True],
        [False, True],
        [False, False],
    ]
    assert [decision.node for decision in chosen] == ["by_amount"] * 3
    assert chosen[0].text == "took the branch 'big'"


def test_a_terminal_branch_ends_the_run_and_an_empty_one_joins(tmp_path: Path) -> None:
    cancelled = choice("cancelled", when=[condition("state", "==", '"cancelled"')], is_terminal=True)
    assets = assets_of(tmp_path, workflow_file(branch("by_state", cancelled, choice("other")), email()))
    timeline = run(assets, event(state="cancelled"), event(state="new"))
    assert [message.event for message in timeline.messages] == [1]
    assert story(timeline, 0)[-1] == (0, "ended", "the branch 'cancelled' ends the run")
    assert story(timeline, 1)[-1] == (0, "ended", "the run ended after its last node")


def test_a_terminal_branch_inside_of_a_branch_ends_the_whole_run(tmp_path: Path) -> None:
    inner = branch("inner", choice("stop", when=[condition("a", "==", "1")], is_terminal=True), choice("go"))
    outer = branch("outer", choice("in", inner, email("inside"), when=[condition("a", ">", "0")]), choice("out"))
    assets = assets_of(tmp_path, workflow_file(outer, email("after")))
    timeline = run(assets, event(a=1), event(a=2), event(a=0))
    assert [(message.event, message.node) for message in timeline.messages] == [
        (1, "inside"),
        (1, "after"),
        (2, "after"),
    ]


def test_conditions_are_evaluated_at_the_time_of_the_branch(tmp_path: Path) -> None:
    late = choice("late", email(), when=[condition("due", "DATETIME_LT", '"now"')])
    assets = assets_of(tmp_path, workflow_file(delay("wait", "1d"), branch("by_due", late, choice("early"))))
    assert len(run(assets, event(due="2026-03-03T08:00:00Z")).messages) == 1
    assert len(run(assets, event(due="2026-03-03T10:00:00Z")).messages) == 0


@pytest.mark.parametrize(
    ("paid_after", "expected"),
    [
        (HOUR, [(HOUR, "email", "thanks")]),
        (DAY - 1, [(DAY - 1, "email", "thanks")]),
        (DAY, [(DAY, "email", "reminder")]),  # at the time-out, the time-out wins
        (DAY + 1, [(DAY, "email", "reminder")]),
        (0, [(0, "email", "thanks")]),
    ],
)
def test_an_event_in_time_takes_the_first_branch(
    tmp_path: Path, paid_after: int, expected: list[tuple[int, str, str]]
) -> None:
    waiting = wait_until("paid", choice("in_time", email("thanks")), choice("too_late", email("reminder")))
    timeline = run(assets_of(tmp_path, workflow_file(waiting)), event(), event(MONDAY + paid_after, "PAID"))
    assert sent(timeline) == expected
    assert timeline.unheard == ()


def test_events_of_others_and_events_before_do_not_count(tmp_path: Path) -> None:
    waiting = wait_until("paid", choice("in_time"), choice("too_late", email("reminder")))
    assets = assets_of(tmp_path, workflow_file(delay("first", "1h"), waiting))
    events = [
        event(),
        event(MONDAY + HOUR - 1, "PAID"),
        event(MONDAY + 2 * HOUR, "PAID", "u2"),
        event(MONDAY + 2 * HOUR, "paid"),
    ]
    timeline = run(assets, *events)
    assert sent(timeline) == [(HOUR + DAY, "email", "reminder")]
    assert timeline.unheard == (3,)


def test_conditions_on_the_awaited_event_read_it_and_the_data_of_the_run(tmp_path: Path) -> None:
    same_order = [condition("order_id", "==", "id", "$future_event")]
    waiting = wait_until(
        "paid", choice("in_time", email("thanks")), choice("too_late", email("reminder")), conditions=same_order
    )
    assets = assets_of(tmp_path, workflow_file(waiting))
    other, own = event(MONDAY + HOUR, "PAID", order_id="b"), event(MONDAY + 2 * HOUR, "PAID", order_id="a")
    timeline = run(assets, event(id="a"), other, own)
    assert sent(timeline) == [(2 * HOUR, "email", "thanks")]
    timed_out = run(assets, event(id="a"), other)
    assert sent(timed_out) == [(DAY, "email", "reminder")]
    [chosen] = [decision for decision in timed_out.runs[0].decisions if decision.kind == "chose"]
    assert [check.holds for check in chosen.checks] == [False]
    assert chosen.text == "took the branch 'too_late': the time is over"


def test_each_run_waits_for_itself(tmp_path: Path) -> None:
    waiting = wait_until("paid", choice("in_time", email("thanks")), choice("too_late", email("reminder")))
    assets = assets_of(tmp_path, workflow_file(waiting))
    timeline = run(
        assets, event(), event(MONDAY + 2 * HOUR), event(MONDAY + 3 * HOUR, "PAID"), event(MONDAY + 4 * HOUR)
    )
    assert sent(timeline) == [
        (3 * HOUR, "email", "thanks"),
        (3 * HOUR, "email", "thanks"),
        (4 * HOUR + DAY, "email", "reminder"),
    ]


STATUS_BRANCH = branch(
    "by_status",
    choice(
        "failed",
        email("failed_mail"),
        when=[condition("message_status", "IS", "$message.delivery_failed", "$ref", "first")],
    ),
    choice("seen", email("seen_mail"), when=[condition("message_status", "IS", "$message.seen", "$ref", "first")]),
    choice(
        "delivered",
        email("delivered_mail"),
        when=[condition("message_status", "IS", "$message.delivered", "$ref", "first")],
    ),
    choice("nothing", email("nothing_mail")),
)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("delivered", "delivered_mail"),
        ("seen", "seen_mail"),
        ("clicked", "seen_mail"),
        ("delivery_failure", "failed_mail"),
        ("trigger_failed", "failed_mail"),
        ("sent_by_vendor", "nothing_mail"),
        ("trigger_blocked", "nothing_mail"),
    ],
)
def test_a_branch_by_the_status_of_a_message(tmp_path: Path, status: Status, expected: str) -> None:
    assets = assets_of(tmp_path, workflow_file(email("first"), delay("wait", "1h"), STATUS_BRANCH))
    timeline = run(assets, event(), world=World(statuses={"first": status}))
    assert [message.node for message in timeline.messages] == ["first", expected]


def test_a_status_that_has_not_come_yet_is_not_reached(tmp_path: Path) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(email("first"), STATUS_BRANCH)), event())
    assert [message.node for message in timeline.messages] == ["first", "nothing_mail"]
    soon = run(assets_of(tmp_path, workflow_file(email("first"), delay("wait", "2s"), STATUS_BRANCH)), event())
    assert [message.node for message in soon.messages] == ["first", "delivered_mail"]


def test_one_good_channel_suffices_and_all_must_fail(tmp_path: Path) -> None:
    multi = node("send_multi_channel", "first", template="order", channels=["email", "sms"])
    assets = assets_of(tmp_path, workflow_file(multi, delay("wait", "1h"), STATUS_BRANCH))
    world = World(statuses={"first/sms": "delivery_failure"})
    assert run(assets, event(), world=world).messages[-1].node == "delivered_mail"
    world = World(statuses={"first": "delivery_failure", "sms": "delivered"})
    assert run(assets, event(), world=world).messages[-1].node == "failed_mail"


def test_three_days_take_milliseconds(tmp_path: Path) -> None:
    nodes = [part for day in range(3) for part in (delay(f"wait_{day}", "1d"), email(f"mail_{day}"))]
    assets = assets_of(tmp_path, workflow_file(*nodes))
    run(assets, event())
    started = time.thread_time()
    timeline = run(assets, event())
    assert time.thread_time() - started < 0.05
    assert [at for at, _, _ in sent(timeline)] == [DAY, 2 * DAY, 3 * DAY]


def test_a_run_that_is_cut_off_ends_with_what_it_waits_for(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(email("now"), delay("wait", "1d"), email("later")))
    timeline = run(assets, event(), until_ms=MONDAY + HOUR)
    assert sent(timeline) == [(0, "email", "now")]
    assert story(timeline)[-1] == (0, "waited", "waits 1d")
    assert timeline.runs[0].decisions[-1].until_ms == MONDAY + DAY
    assert len(run(assets, event(), until_ms=MONDAY + DAY).messages) == 2


def test_users_changed_by_a_workflow_make_conditions_on_them_inexact(tmp_path: Path) -> None:
    update = node("userupdate", "update", user_selection="recipient", properties='{"plan": "pro"}')
    by_plan = branch(
        "by_plan", choice("pro", when=[condition("plan", "==", '"pro"', "$recipient")]), choice("other", email())
    )
    world = World(users={"u1": User("u1", {"email": ("u1@example.com",)}, {"plan": "free"})})
    timeline = run(assets_of(tmp_path, workflow_file(update, by_plan)), event(), world=world)
    [chosen] = [decision for decision in timeline.runs[0].decisions if decision.kind == "chose"]
    assert chosen.inexact == "$recipient.plan is that before the workflow changed the user"


def test_conditions_on_the_organization_are_inexact(tmp_path: Path) -> None:
    by_name = branch(
        "by_name", choice("ours", when=[condition("name", "==", '"Shop"', "$organization")]), choice("other", email())
    )
    timeline = run(assets_of(tmp_path, workflow_file(by_name)), event())
    [chosen] = [decision for decision in timeline.runs[0].decisions if decision.kind == "chose"]
    assert (chosen.choice, chosen.inexact) == ("to_other", "$organization is not known here")
