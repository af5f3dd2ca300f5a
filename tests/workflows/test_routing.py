"""Smart routing: one channel after the other, until a message has the success that the node asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.workflows.assets import Assets, Template
from runner.workflows.delivery import Destination
from runner.workflows.routing import DEFAULT_ORDER, plan
from runner.workflows.world import User, World
from tests.workflows.definitions import (
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
    workflow_file,
)

if TYPE_CHECKING:
    from runner.source import Json
    from runner.suprsend.messages import Channel, Status

ORDER: tuple[Channel, ...] = ("inbox", "email", "sms", "whatsapp")
USERS = {
    "u1": User(
        "u1", {"inbox": ("u1",), "email": ("u1@example.com",), "sms": ("+15550100",), "whatsapp": ("+15550100",)}
    )
}
TEMPLATES = {"order": Template("order", ("email", "whatsapp", "sms", "inbox"), (), Path("order"))}


def smart(**properties: Any) -> Fields:
    return node(
        "send_smart_channel_routing",
        "smart",
        **{"template": "order", "success": "seen", "ttl_value": "1h", **properties},
    )


def routed(folder: Path, *nodes: Fields) -> Assets:
    return replace(assets_of(folder, workflow_file(*nodes)), templates=TEMPLATES)


def world(**statuses: Status) -> World:
    return World(users=USERS, statuses=statuses, channel_order=ORDER)


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    """Inbox and email at once, sms after 30 minutes, WhatsApp after 60."""
    timeline = run(routed(tmp_path, smart()), event(), world=world())
    assert sent(timeline) == [
        (0, "inbox", "smart"),
        (0, "email", "smart"),
        (30 * MINUTE, "sms", "smart"),
        (60 * MINUTE, "whatsapp", "smart"),
    ]
    assert [decision.inexact for decision in timeline.runs[0].decisions] == [None] * 7
    assert timeline.runs[0].decisions[-1].kind == "ended"
    assert timeline.runs[0].decisions[-1].at_ms == MONDAY + HOUR


@pytest.mark.parametrize(
    ("channels", "ttl", "expected"),
    [
        (["email"], "1h", [0]),
        (["inbox", "email"], "1h", [0, 0]),
        (["email", "sms"], "1h", [0, 60]),
        (["email", "sms", "whatsapp"], "1h", [0, 30, 60]),
        (["inbox", "email", "sms"], "2h", [0, 0, 120]),
        (["email", "sms"], "0s", [0, 0]),
    ],
)
def test_steps_share_the_time_evenly(tmp_path: Path, channels: list[Json], ttl: str, expected: list[int]) -> None:
    timeline = run(routed(tmp_path, smart(channels=channels, ttl_value=ttl)), event(), world=world())
    assert [at / MINUTE for at, _, _ in sent(timeline)] == expected


def test_each_identity_is_a_step_of_its_own(tmp_path: Path) -> None:
    users = {"u1": User("u1", {"email": ("a@example.com", "b@example.com"), "sms": ("+15550100",)})}
    timeline = run(routed(tmp_path, smart()), event(), world=replace(world(), users=users))
    assert [(at / MINUTE, channel) for at, channel, _ in sent(timeline)] == [(0, "email"), (30, "email"), (60, "sms")]


def test_mandatory_channels_go_at_once_and_are_not_counted(tmp_path: Path) -> None:
    timeline = run(routed(tmp_path, smart(mandatory_channels=["whatsapp"])), event(), world=world())
    assert [(at / MINUTE, channel) for at, channel, _ in sent(timeline)] == [
        (0, "inbox"),
        (0, "whatsapp"),
        (0, "email"),
        (60, "sms"),
    ]


@pytest.mark.parametrize(
    ("success", "status", "expected"),
    [
        ("delivered", "delivered", 0),
        ("seen", "delivered", 2),
        ("seen", "seen", 0),
        ("seen", "clicked", 0),
        ("interaction", "seen", 2),
        ("interaction", "clicked", 0),
    ],
)
def test_once_the_success_holds_the_other_steps_are_dropped(
    tmp_path: Path, success: str, status: Status, expected: int
) -> None:
    timeline = run(routed(tmp_path, smart(success=success)), event(), world=world(email=status, inbox="sent_by_vendor"))
    assert len(timeline.messages) == 2 + expected
    skipped = [decision.text for decision in timeline.runs[0].decisions if decision.kind == "skipped"]
    assert skipped == ([] if expected else [f"no sms: {success} was reached", f"no whatsapp: {success} was reached"])


def test_a_success_between_two_steps_drops_the_later_one(tmp_path: Path) -> None:
    timeline = run(
        routed(tmp_path, smart(success="delivered")),
        event(),
        world=world(inbox="sent_by_vendor", email="delivery_failure"),
    )
    assert [(at / MINUTE, channel) for at, channel, _ in sent(timeline)] == [(0, "inbox"), (0, "email"), (30, "sms")]


def test_an_event_can_be_the_success(tmp_path: Path) -> None:
    assets = routed(tmp_path, smart(success="PAID", success_is_event=True))
    paid = run(assets, event(), event(MONDAY + 40 * MINUTE, "PAID"), world=world())
    assert [(at / MINUTE, channel) for at, channel, _ in sent(paid)] == [(0, "inbox"), (0, "email"), (30, "sms")]
    assert paid.unheard == ()
    other = run(assets, event(), event(MONDAY + 40 * MINUTE, "PAID", "u2"), world=world())
    assert len(other.messages) == 4


def test_without_an_order_of_channels_the_result_is_inexact(tmp_path: Path) -> None:
    timeline = run(routed(tmp_path, smart()), event(), world=World(users=USERS))
    inexact = {decision.inexact for decision in timeline.runs[0].decisions if decision.kind == "sent"}
    assert inexact == {"the order of channels is the default one: set `channel_order`"}


def test_a_node_after_smart_routing_does_not_wait_and_that_is_inexact(tmp_path: Path) -> None:
    timeline = run(routed(tmp_path, smart(), email("after")), event(), world=world())
    assert (0, "email", "after") in sent(timeline)
    [waited] = [decision for decision in timeline.runs[0].decisions if decision.kind == "waited"]
    assert waited.inexact == "whether the nodes after smart routing wait for its steps is not documented"


def test_smart_routing_has_failed_only_after_its_last_step(tmp_path: Path) -> None:
    failed = condition("message_status", "IS", "$message.delivery_failed", "$ref", "smart")
    branch = node(
        "branch",
        "by_status",
        branches=[choice("failed", email("failed"), when=[failed]), choice("open", email("open"))],
    )

    def after(wait: str) -> str:
        delay = node("delay", "wait", delay_type="fixed", value=wait)
        outcome: dict[str, Status] = dict.fromkeys(ORDER, "delivery_failure")
        return run(routed(tmp_path, smart(), delay, branch), event(), world=world(**outcome)).messages[-1].node

    assert after("61m") == "failed"
    timeline = run(
        routed(tmp_path, smart(), node("delay", "wait", delay_type="fixed", value="10m"), branch),
        event(),
        world=world(email="delivery_failure", inbox="delivery_failure"),
    )
    assert (10 * MINUTE, "email", "open") in sent(timeline)


def test_the_plan_of_all_channels_ends_with_the_time() -> None:
    found = [Destination(channel, "x") for channel in reversed(DEFAULT_ORDER)]
    steps = plan(found, (), DEFAULT_ORDER, 0, HOUR)
    assert [step.destination.channel for step in steps] == list(DEFAULT_ORDER)
    assert (steps[0].at_ms, steps[-1].at_ms) == (0, HOUR)
    assert sorted(step.at_ms for step in steps) == [step.at_ms for step in steps]
