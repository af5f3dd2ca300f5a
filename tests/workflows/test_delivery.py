"""Send nodes: one message for each active identity in the channels that are live in the template and opted in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.suprsend.messages import CHANNELS
from runner.workflows.assets import Category, Template, TemplateVariable
from runner.workflows.world import User, World
from tests.workflows.definitions import Fields, assets_of, email, event, node, run, sent, story, workflow_file

if TYPE_CHECKING:
    from runner.suprsend.messages import Channel, Status
    from runner.workflows.assets import Assets

IDENTITIES: dict[Channel, tuple[str, ...]] = {
    "email": ("a@example.com", "b@example.com"),
    "sms": ("+15550100",),
    "androidpush": ("token-a",),
    "inbox": ("u1",),
}
WORLD = World(users={"u1": User("u1", IDENTITIES)})
TEMPLATES = {"order": Template("order", ("email", "sms"), (), Path("order"))}
MULTI = node("send_multi_channel", "multi", template="order")


@pytest.mark.parametrize(
    ("node_type", "expected"),
    [
        ("send_email", ["email", "email"]),
        ("send_sms", ["sms"]),
        ("send_mobile_push", ["androidpush"]),
        ("send_inbox", ["inbox"]),
        ("send_whatsapp", []),
        ("send_webpush", []),
        ("send_slack", []),
        ("send_ms_teams", []),
    ],
)
def test_each_active_identity_of_the_channel_gets_a_message(
    tmp_path: Path, node_type: str, expected: list[str]
) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(node(node_type, "send", template="order"))), event(), world=WORLD)
    assert [message.channel for message in timeline.messages] == expected
    if not expected:
        assert story(timeline)[1][1:] == (
            "skipped",
            f"no {node_type.removeprefix('send_')}: the recipient has no active identity in it",
        )


def test_multi_channel_sends_to_the_channels_of_the_template(tmp_path: Path) -> None:
    assets = replace(assets_of(tmp_path, workflow_file(MULTI)), templates=TEMPLATES)
    timeline = run(assets, event(), world=WORLD)
    assert [message.channel for message in timeline.messages] == ["email", "email", "sms"]
    assert timeline.runs[0].decisions[1].inexact is None


def test_without_templates_every_channel_is_taken_as_live_and_that_is_inexact(tmp_path: Path) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(MULTI)), event(), world=WORLD)
    assert {message.channel for message in timeline.messages} == {"email", "sms", "androidpush", "inbox"}
    assert "taken as live" in (timeline.runs[0].decisions[-2].inexact or "")


def test_an_expression_for_channels_wins_over_the_list(tmp_path: Path) -> None:
    multi = node("send_multi_channel", "multi", template="order", channels=["email"], channels_expr=".channels")
    assets = assets_of(tmp_path, workflow_file(multi))
    assert [channel for _, channel, _ in sent(run(assets, event(channels=["sms", "inbox"]), world=WORLD))] == [
        "sms",
        "inbox",
    ]
    for wrong in (None, [], "sms", ["fax"], [["sms"]]):
        decision = run(assets, event(channels=wrong), world=WORLD).runs[0].decisions[-1]
        assert decision.kind == "stopped"
        assert "expected a list of channels" in decision.text


@pytest.mark.parametrize(
    ("templates", "reason"),
    [
        ({}, "no email: the template 'order' does not exist"),
        ({"order": Template("order", ("sms",), (), Path("order"))}, "no email: not live in the template 'order'"),
    ],
)
def test_a_channel_without_a_live_template_gets_no_message(
    tmp_path: Path, templates: dict[str, Template], reason: str
) -> None:
    assets = replace(assets_of(tmp_path, workflow_file(email())), templates=templates)
    timeline = run(assets, event(), world=WORLD)
    assert timeline.messages == ()
    assert story(timeline)[1] == (0, "skipped", reason)


def channels_of(assets: Assets, *, opted_out: frozenset[str] = frozenset()) -> list[str]:
    world = World(users={"u1": User("u1", IDENTITIES, opted_out=opted_out)})
    return list(dict.fromkeys(message.channel for message in run(assets, event(), world=world).messages))


@pytest.mark.parametrize(
    ("category", "opted_out", "expected"),
    [
        (None, (), ["email", "sms"]),
        (None, ("offers",), []),
        (None, ("offers/sms",), ["email"]),
        (None, ("other", "other/sms"), ["email", "sms"]),
        (Category("offers", "opt_in", (), None), (), ["email", "sms"]),
        (Category("offers", "opt_in", (), ("email",)), (), ["email"]),
        (Category("offers", "opt_in", (), None), ("offers/email",), ["sms"]),
        (Category("offers", "opt_out", (), None), (), []),
        (Category("offers", "cant_unsubscribe", (), None), ("offers", "offers/sms"), ["email", "sms"]),
        (Category("offers", "cant_unsubscribe", ("email",), None), ("offers", "offers/email", "offers/sms"), ["email"]),
    ],
    ids=str,
)
def test_preferences_decide_over_channels(
    tmp_path: Path, category: Category | None, opted_out: tuple[str, ...], expected: list[str]
) -> None:
    assets = replace(assets_of(tmp_path, workflow_file(MULTI, category="offers")), templates=TEMPLATES)
    if category is not None:
        assets = replace(assets, categories={"offers": category})
    assert channels_of(assets, opted_out=frozenset(opted_out)) == expected


def test_a_category_must_exist_if_categories_were_pulled(tmp_path: Path) -> None:
    offers = replace(assets_of(tmp_path, workflow_file(email(), category="offers")), categories={})
    assert story(run(offers, event(), world=WORLD))[1] == (
        0,
        "skipped",
        "no email: the category 'offers' does not exist",
    )
    root = replace(assets_of(tmp_path, workflow_file(email())), categories={})
    timeline = run(root, event(), world=WORLD)
    assert len(timeline.messages) == 2
    assert timeline.runs[0].decisions[1].inexact is not None


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({}, "delivered"),
        ({"email": "seen"}, "seen"),
        ({"email": "seen", "email_1": "clicked"}, "clicked"),
        ({"email_1": "clicked", "email_1/email": "delivery_failure"}, "delivery_failure"),
        ({"email_2": "clicked", "sms": "seen"}, "delivered"),
        ({"email": "trigger_blocked"}, "trigger_blocked"),
    ],
)
def test_the_outcome_of_a_message_is_that_of_its_node_and_channel(
    tmp_path: Path, statuses: dict[str, Status], expected: Status
) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(email())), event(), world=replace(WORLD, statuses=statuses))
    message = timeline.messages[0]
    assert message.status == expected
    assert (message.failure_reason is None) == (expected in ("delivered", "seen", "clicked"))


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_message_has_no_status_that_its_channel_does_not_report(tmp_path: Path, channel: Channel) -> None:
    multi = node("send_multi_channel", "multi", template="order", channels=[channel])
    timeline = run(assets_of(tmp_path, workflow_file(multi)), event(), world=World(statuses={channel: "clicked"}))
    last: dict[str, Status] = {"sms": "delivered", "slack": "delivered", "ms_teams": "delivered", "whatsapp": "seen"}
    assert timeline.messages[0].status == last.get(channel, "clicked")


def variable(name: str, *, channel: Channel = "email", is_required: bool = True) -> TemplateVariable:
    return TemplateVariable(name, channel, is_required, "order/email/default/variant.json", 1)


@pytest.mark.parametrize(
    ("name", "properties", "missing"),
    [
        ("who", {"who": "Ada"}, False),
        ("who", {}, True),
        ("who", {"who": None}, True),
        ("who", {"who": ""}, False),
        ("order.id", {"order": {"id": 0}}, False),
        ("order.id", {"order": {}}, True),
        ("order.id", {"order": "x"}, True),
        ("items[].name", {"items": [{"name": "a"}, {"name": "b"}]}, False),
        ("items[].name", {"items": [{"name": "a"}, {}]}, True),
        ("items[].name", {"items": []}, False),
        ("items[].name", {}, True),
    ],
)
def test_a_missing_variable_makes_rendering_fail(tmp_path: Path, name: str, properties: Fields, missing: bool) -> None:
    template = Template(
        "order",
        ("email",),
        (variable(name), variable("x", is_required=False), variable("y", channel="sms")),
        Path("order"),
    )
    assets = replace(assets_of(tmp_path, workflow_file(email())), templates={"order": template})
    message = run(assets, event(**properties), world=WORLD).messages[0]
    assert message.status == ("trigger_failed" if missing else "delivered")
    assert message.failure_reason == (f"the template 'order' needs '{name}', which is missing" if missing else None)


def test_transforms_and_answers_count_as_variables(tmp_path: Path) -> None:
    template = Template("order", ("email",), (variable("greeting"), variable("weather.sky")), Path("order"))
    transform = node(
        "transform", "greet", variables=[{"key": "greeting", "value_lang": "handlebars", "value": "Hello {{who}}"}]
    )
    fetch = node("httpapi_fetch", "sky", http_method="GET", url='"https://example.com"', output_key="weather")
    assets = replace(assets_of(tmp_path, workflow_file(transform, fetch, email())), templates={"order": template})
    answers: dict[str, Any] = {"sky": {"sky": "blue"}}
    assert run(assets, event(who="Ada"), world=replace(WORLD, answers=answers)).messages[0].status == "delivered"
