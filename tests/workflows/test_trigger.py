"""From an event to runs: exact names, live workflows, users, tenants, conditions, overrides, throttle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.source import Node, Text
from runner.workflows.assets import Assets, DeclaredEvent, PulledSchema
from runner.workflows.world import Tenant, User, World
from tests.workflows.definitions import (
    HOUR,
    MINUTE,
    MONDAY,
    assets_of,
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
    from runner.source import Json

U1 = User("u1", {"email": ("u1@example.com",)}, {"plan": "pro"})
U2 = User("u2", {"email": ("u2@example.com", "work@example.com")})
NODE = Node({}, Text("event.json", "{}"), 0, 2)


def test_an_event_becomes_a_message_with_its_key_and_statuses_over_time(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(email()))
    timeline = run(assets, event(key="inv-7"), world=World(users={"u1": U1}))
    [message] = timeline.messages
    assert (message.workflow, message.workflow_name, message.node, message.channel) == (
        "order",
        "Order",
        "email_1",
        "email",
    )
    assert (message.identity, message.recipient, message.tenant_id) == ("u1@example.com", "u1", "default")
    assert (message.category, message.template, message.idempotency_key) == ("transactional", "order", "inv-7")
    assert (message.run, message.event, message.failure_reason, message.status) == (0, 0, None, "delivered")
    assert message.times == {"triggered": MONDAY, "sent_by_vendor": MONDAY + 1000, "delivered": MONDAY + 2000}
    assert story(timeline) == [
        (0, "triggered", "'order' runs for u1"),
        (0, "sent", "email to u1@example.com: delivered"),
        (0, "ended", "the run ended after its last node"),
    ]
    assert timeline.unheard == ()


@pytest.mark.parametrize("name", ["order", "ORDER ", "ORDERS"])
def test_no_workflow_listens_to_an_event_of_another_name(tmp_path: Path, name: str) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(email())), event(name=name), event())
    assert timeline.unheard == (0,)
    assert [one.event for one in timeline.runs] == [1]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"status": "draft"}, "the workflow is not live: draft"),
        ({"status": "inactive"}, "the workflow is not live: inactive"),
        ({"is_enabled": False}, "the workflow is not live: disabled"),
    ],
)
def test_a_workflow_that_is_not_live_does_not_run(tmp_path: Path, fields: dict[str, Any], why: str) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(email(), **fields)), event())
    assert story(timeline) == [(0, "not_triggered", why)]
    assert timeline.messages == ()
    source = timeline.runs[0].decisions[0].source
    assert source is not None
    assert source.plain() == next(iter(fields.values()))


def test_an_event_of_an_unknown_user_is_discarded(tmp_path: Path) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(email())), event(distinct_id="u9"), world=World(users={"u1": U1}))
    assert story(timeline) == [(0, "not_triggered", "the user 'u9' does not exist: the event is discarded")]


def test_a_tenant_must_exist(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(email()))
    world = World(tenants={"acme": Tenant("acme")})
    good, bad = replace(event(), tenant_id="acme"), replace(event(), tenant_id="acne")
    timeline = run(assets, good, bad, event(), world=world)
    assert [message.tenant_id for message in timeline.messages] == ["acme", "default"]
    assert story(timeline, 1) == [(0, "not_triggered", "the tenant 'acne' does not exist")]


def test_conditions_of_a_trigger_are_alternatives_and_shown_with_their_values(tmp_path: Path) -> None:
    either = [condition("amount", ">", "1000"), condition("plan", "==", '"pro"', "$recipient")]
    assets = assets_of(tmp_path, workflow_file(email(), conditions=either))
    world = World(users={"u1": U1, "u2": U2})
    timeline = run(
        assets, event(amount=5), event(amount=1500, distinct_id="u2"), event(amount=7, distinct_id="u2"), world=world
    )
    assert [one.decisions[0].kind for one in timeline.runs] == ["triggered", "triggered", "not_triggered"]
    rejected = timeline.runs[2].decisions[0]
    assert rejected.text == "the conditions of the trigger do not hold"
    assert [check.holds for check in rejected.checks] == [False, False]
    assert "7" in rejected.checks[0].text
    assert timeline.runs[0].decisions[0].checks


def test_conditions_on_users_are_inexact_without_users(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(email(), conditions=[condition("plan", "==", '"pro"', "$recipient")]))
    [decision] = run(assets, event()).runs[0].decisions
    assert decision.kind == "not_triggered"
    assert decision.inexact == "the test data has no `users`: $recipient.plan is taken as missing"


def test_conditions_on_an_actor_or_a_tenant_that_the_test_data_lacks_are_inexact(tmp_path: Path) -> None:
    by_tenant = condition("brand_name", "==", '"Acme"', "$brand")
    assets = assets_of(tmp_path, workflow_file(email(), conditions=[by_tenant]))
    world = World(tenants={"acme": Tenant("acme", {"brand_name": "Acme"})})
    known, default = run(assets, replace(event(), tenant_id="acme"), event(), world=world).runs
    assert [decision.inexact for decision in known.decisions] == [None] * 3
    [rejected] = default.decisions
    assert rejected.inexact == "`tenants` does not have 'default': $brand.brand_name is taken as missing"


def test_a_throttle_discards_runs_beyond_its_count_in_a_sliding_window(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(email(), ratelimit={"count": 2, "sliding_window": "1h"}))
    times = [0, 10 * MINUTE, 20 * MINUTE, HOUR - 1, HOUR, HOUR + 1]
    events = [*(event(MONDAY + time) for time in times), event(MONDAY + 20 * MINUTE, distinct_id="u2")]
    timeline = run(assets, *events)
    assert [message.created_ms - MONDAY for message in timeline.messages] == [0, 10 * MINUTE, 20 * MINUTE, HOUR]
    throttled = [one.decisions[0] for one in timeline.runs if one.decisions[0].kind == "not_triggered"]
    assert [one.at_ms - MONDAY for one in throttled] == [20 * MINUTE, HOUR - 1, HOUR + 1]
    assert throttled[0].text == "throttled: 2 runs for u1 in the last 1h, at most 2"


def test_an_event_with_a_key_of_the_last_24_hours_is_discarded(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(email()))
    events = [
        event(MONDAY + at, key=key)
        for at, key in ((0, "a"), (HOUR, "a"), (HOUR, "b"), (24 * HOUR, "a"), (25 * HOUR, None))
    ]
    timeline = run(assets, *events)
    assert [message.event for message in timeline.messages] == [0, 2, 3, 4]
    reason = "an event with the idempotency key 'a' came in the last 24 hours"
    assert [
        (one.event, one.decisions[0].at_ms, one.decisions[0].text) for one in timeline.runs if len(one.decisions) == 1
    ] == [(1, MONDAY + HOUR, reason)]


def override(**expressions: Any) -> dict[str, Any]:
    kind: dict[str, Any] = (
        {"override_recipients_type": "user"} if "override_recipients_user_expr" in expressions else {}
    )
    return {**kind, **expressions}


def test_every_output_of_an_override_is_a_recipient_once(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(email(), **override(override_recipients_user_expr=".team[].id")))
    world = World(users={"u1": U1, "u2": U2})
    team: list[Json] = [{"id": "u1"}, {"id": "u2"}, {"id": "u1"}, {"id": "u9"}]
    timeline = run(assets, event(team=team), world=world)
    assert [message.identity for message in timeline.messages] == [
        "u1@example.com",
        "u2@example.com",
        "work@example.com",
    ]
    assert [one.recipient for one in timeline.runs] == ["u1", "u2", "u9"]
    assert story(timeline, 2) == [(0, "not_triggered", "the user 'u9' does not exist")]
    assert timeline.runs[0].decisions[0].inexact is None


@pytest.mark.parametrize(
    ("team", "inexact"), [(["u1", "u2"], "list"), ([{"distinct_id": "u1"}, {"distinct_id": "u2"}], "object")]
)
def test_lists_and_objects_as_recipients_are_inexact(tmp_path: Path, team: Json, inexact: str) -> None:
    assets = assets_of(tmp_path, workflow_file(email(), **override(override_recipients_user_expr=".team")))
    timeline = run(assets, event(team=team))
    assert [one.recipient for one in timeline.runs] == ["u1", "u2"]
    assert inexact in (timeline.runs[0].decisions[0].inexact or "")


def test_a_tenant_read_of_an_unknown_user_is_inexact(tmp_path: Path) -> None:
    assets = assets_of(tmp_path, workflow_file(email(), override_tenant_expr='."$recipient".shop // "acme"'))
    timeline = run(assets, event())
    assert timeline.messages[0].tenant_id == "acme"
    assert "reads of $recipient is taken as missing" in (timeline.runs[0].decisions[0].inexact or "")


@pytest.mark.parametrize("expression", [".nobody", ".team[]", ".team.id"])
def test_an_override_without_a_result_stops_the_run(tmp_path: Path, expression: str) -> None:
    assets = assets_of(tmp_path, workflow_file(email(), **override(override_recipients_user_expr=expression)))
    timeline = run(assets, event(team=[]))
    assert [decision.kind for decision in timeline.runs[0].decisions] == ["stopped"]
    assert expression in timeline.runs[0].decisions[0].text


def test_actor_and_tenant_can_be_overridden(tmp_path: Path) -> None:
    file = workflow_file(
        email(),
        conditions=None,
        **override(
            override_recipients_user_expr=".to", override_actor_user_expr=".by", override_tenant_expr=".shop.id"
        ),
    )
    world = World(users={"u1": U1, "u2": U2}, tenants={"acme": Tenant("acme")})
    timeline = run(
        assets_of(tmp_path, file),
        event(to="u2", by="u1", shop={"id": "acme"}),
        event(to="u2", by="u1", shop={"id": "x"}),
        world=world,
    )
    assert {(message.recipient, message.tenant_id) for message in timeline.messages} == {("u2", "acme")}
    assert story(timeline, 1) == [(0, "not_triggered", "the tenant 'x' does not exist")]


def test_all_workflows_of_an_event_run_in_the_order_of_their_slugs(tmp_path: Path) -> None:
    files = [workflow_file(email(), slug="b"), workflow_file(delay("wait", "1h"), email(), slug="a")]
    timeline = run(assets_of(tmp_path, *files), event())
    assert [one.workflow for one in timeline.runs] == ["a", "b"]
    assert sent(timeline) == [(0, "email", "email_1"), (HOUR, "email", "email_1")]


def test_later_events_do_not_change_the_ids_of_runs(tmp_path: Path) -> None:
    invoke = node("invokeworkflow", "invoke", workflow="other", recipient_selection="recipient")
    files = [
        workflow_file(delay("wait", "1d"), invoke, invoke | {"ref": "again"}),
        workflow_file(email(), slug="other", trigger_events=["OTHER"]),
    ]
    assets = assets_of(tmp_path, *files)
    alone, followed = run(assets, event()), run(assets, event(), event(MONDAY + HOUR, "OTHER"))
    assert [one.id for one in alone.runs] == ["0/order/u1", "0/other/u1", "0/other/u1/2"]
    assert [one.id for one in followed.runs] == ["0/order/u1", "1/other/u1", "0/other/u1", "0/other/u1/2"]


def schemas(document: Json) -> dict[str, PulledSchema]:
    return {"order": PulledSchema("order", document, Path("order.json"), NODE)}


def test_properties_that_break_the_schema_of_their_event_trigger_nothing(tmp_path: Path) -> None:
    assets = replace(
        assets_of(tmp_path, workflow_file(email())),
        events={"ORDER": DeclaredEvent("ORDER", "order", NODE)},
        schemas=schemas({"properties": {"amount": {"type": "number"}, "at": {"type": "string", "format": "date"}}}),
    )
    timeline = run(assets, event(amount="7"), event(amount=7), event(at="soon"))
    [rejected] = timeline.runs[0].decisions
    assert (rejected.kind, rejected.source) == ("not_triggered", NODE)
    assert rejected.text.startswith("the properties break the schema 'order': amount: ")
    assert len(timeline.messages) == 2
    assert "whether the platform checks it is not documented" in (timeline.runs[2].decisions[0].inexact or "")


def test_a_schema_that_is_missing_or_broken_is_no_silent_pass(tmp_path: Path) -> None:
    events = {"ORDER": DeclaredEvent("ORDER", "order", NODE)}
    missing = replace(assets_of(tmp_path, workflow_file(email())), events=events)
    assert "not in the assets folder" in (run(missing, event()).runs[0].decisions[0].inexact or "")
    broken = replace(missing, schemas=schemas({"type": "objekt"}))
    assert run(broken, event()).runs[0].refusal is not None


def test_without_workflows_every_event_is_unheard(tmp_path: Path) -> None:
    timeline = run(Assets(tmp_path), event(), event())
    assert (timeline.runs, timeline.messages, timeline.unheard) == ((), (), (0, 1))
