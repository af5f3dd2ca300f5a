"""Transforms, calls with stand-in answers, other workflows and records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.workflows.world import User, World
from tests.workflows.definitions import (
    HOUR,
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

    from runner.source import Json


def transform(*variables: tuple[str, str, str]) -> Fields:
    return node(
        "transform",
        "set",
        variables=[{"key": key, "value_lang": language, "value": value} for key, language, value in variables],
    )


def by(variable: str, value: str) -> Fields:
    when = [condition(variable, "==", value)]
    return node("branch", "by", branches=[choice("yes", email("yes"), when=when), choice("no", email("no"))])


def test_a_transform_adds_text_and_json_to_the_payload(tmp_path: Path) -> None:
    nodes = transform(
        ("name", "handlebars", "{{first}} {{$recipient.distinct_id}}"), ("total", "jsonnet", "data.price * data.count")
    )
    timeline = run(assets_of(tmp_path, workflow_file(nodes, by("total", "6"))), event(first="Ada", price=2, count=3))
    assert story(timeline)[1] == (0, "passed", 'set name = "Ada u1", total = 6')
    assert timeline.messages[0].node == "yes"


def test_variables_of_a_transform_read_the_payload_before_it(tmp_path: Path) -> None:
    nodes = transform(("a", "handlebars", "new"), ("b", "handlebars", "{{a}}!"))
    timeline = run(assets_of(tmp_path, workflow_file(nodes, email())), event(a="old"))
    decision = timeline.runs[0].decisions[1]
    assert decision.text == 'set a = "new", b = "old!"'
    assert decision.inexact == "'b' may read the 'a' of this node: it is taken as that before the node"


def test_a_transform_that_fails_stops_the_run(tmp_path: Path) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(transform(("a", "handlebars", "{{missing}}")), email())), event())
    [_, stopped] = timeline.runs[0].decisions
    assert (stopped.kind, stopped.node) == ("stopped", "set")
    assert stopped.source is not None
    assert stopped.source.value == "{{missing}}"
    assert timeline.messages == ()


def test_what_no_engine_can_evaluate_is_refused_with_its_place(tmp_path: Path) -> None:
    timeline = run(
        assets_of(tmp_path, workflow_file(transform(("a", "handlebars", "{{formatCurrency 7}}")), email())), event()
    )
    refusal = timeline.runs[0].refusal
    assert refusal is not None
    assert "formatCurrency" in refusal.text
    assert timeline.runs[0].decisions[-1] is refusal


def fetch(kind: str = "httpapi_fetch", **properties: Any) -> Fields:
    return node(kind, "call", http_method="GET", url='"https://example.com/"', **properties)


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (fetch(output_key="stock"), {"left": 3}),
        (fetch(), {"stock": {"left": 3}}),
        (fetch("httpapi_webhook"), {"stock": {"left": 3}}),
    ],
)
def test_an_answer_is_merged_into_the_payload(tmp_path: Path, call: Fields, answer: Json) -> None:
    timeline = run(
        assets_of(tmp_path, workflow_file(call, by("stock.left", "3"))), event(), world=World(answers={"call": answer})
    )
    assert timeline.messages[0].node == "yes"


def test_a_fetch_without_an_answer_is_refused_and_says_how_to_give_one(tmp_path: Path) -> None:
    refusal = run(assets_of(tmp_path, workflow_file(email("first"), fetch(), email())), event()).runs[0].refusal
    assert refusal is not None
    assert (refusal.node, refusal.text) == (
        "call",
        "no answer for the call: set `answers: {call: …}` under `workflows:`",
    )
    assert refusal.source is not None
    assert refusal.source.position().path.endswith("order.json")


def test_a_webhook_needs_no_answer(tmp_path: Path) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(fetch("httpapi_webhook"), email())), event())
    assert story(timeline)[1] == (0, "passed", "called a webhook; no answer is set for it")
    assert len(timeline.messages) == 1


def test_a_failed_call(tmp_path: Path) -> None:
    failed = World(answers={"call": 503})
    fetched = run(assets_of(tmp_path, workflow_file(fetch(), email())), event(), world=failed).runs[0].decisions[-1]
    assert (fetched.kind, fetched.text, fetched.inexact is None) == ("stopped", "the call failed with 503", False)
    called = run(assets_of(tmp_path, workflow_file(fetch("httpapi_webhook"), email())), event(), world=failed)
    assert len(called.messages) == 1
    assert called.runs[0].decisions[1].inexact is not None
    empty = run(assets_of(tmp_path, workflow_file(fetch(), email())), event(), world=World(answers={"call": 204}))
    assert len(empty.messages) == 1


def test_an_answer_that_can_not_be_merged_is_refused(tmp_path: Path) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(fetch(), email())), event(), world=World(answers={"call": [1]}))
    assert timeline.runs[0].refusal is not None


def invoke(workflow: str = "other", **properties: Any) -> Fields:
    return node("invokeworkflow", "invoke", **{"workflow": workflow, "recipient_selection": "recipient", **properties})


def other(*nodes: Fields, slug: str = "other", **fields: Any) -> Fields:
    return workflow_file(*nodes, **{"slug": slug, "trigger_type": "api", "trigger_events": [], **fields})


def test_another_workflow_runs_with_its_own_data(tmp_path: Path) -> None:
    first = workflow_file(invoke(data="{n: data.n + 1}", append_current_run_data=True), email("own"))
    second = other(delay("wait", "1h"), by("n", "2"), by_kept())
    timeline = run(assets_of(tmp_path, first, second), event(n=1, kept=True, key="k"))
    assert [(message.workflow, message.node) for message in timeline.messages] == [
        ("order", "own"),
        ("other", "yes"),
        ("other", "kept"),
    ]
    assert [message.idempotency_key for message in timeline.messages] == ["k"] * 3
    assert [one.workflow for one in timeline.runs] == ["order", "other"]
    assert story(timeline, 0)[1] == (0, "passed", "started 'other' for u1")
    assert sent(timeline)[1][0] == HOUR


def by_kept() -> Fields:
    kept = choice("is_kept", email("kept"), when=[condition("kept", "==", "true")])
    return node("branch", "by_kept", branches=[kept, choice("is_not")])


def test_the_payload_is_only_passed_on_if_asked(tmp_path: Path) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(invoke()), other(by_kept(), email())), event(kept=True))
    assert [message.node for message in timeline.messages] == ["email_1"]


def test_recipients_and_actor_of_another_workflow(tmp_path: Path) -> None:
    to_team = invoke(recipient_selection="expression", recipient_expression=".team[]", actor_selection="recipient")
    timeline = run(assets_of(tmp_path, workflow_file(to_team), other(email())), event(team=["u2", "u3"]))
    assert [message.recipient for message in timeline.messages] == ["u2", "u3"]
    assert story(timeline)[1] == (0, "passed", "started 'other' for 2 recipients")


def test_a_workflow_that_was_not_pulled_is_recorded(tmp_path: Path) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(invoke("gone"), email())), event())
    assert story(timeline)[1] == (0, "passed", "started 'gone', which the assets folder does not have")
    assert len(timeline.messages) == 1


def test_another_workflow_must_be_live_and_its_conditions_hold(tmp_path: Path) -> None:
    draft = run(assets_of(tmp_path, workflow_file(invoke()), other(email(), status="draft")), event())
    assert story(draft, 1) == [(0, "not_triggered", "the workflow is not live: draft")]
    strict = other(email(), conditions=[condition("n", "==", "1")])
    assert story(run(assets_of(tmp_path, workflow_file(invoke()), strict), event()), 1)[0][1] == "not_triggered"


def test_conditions_of_another_workflow_read_each_of_its_recipients(tmp_path: Path) -> None:
    to_team = invoke(recipient_selection="expression", recipient_expression=".team[]")
    strict = other(email(), conditions=[condition("plan", "==", '"pro"', "$recipient")])
    users = {
        name: User(name, {"email": (f"{name}@example.com",)}, {"plan": plan})
        for name, plan in (("u1", "pro"), ("u2", "free"), ("u3", "pro"))
    }
    timeline = run(
        assets_of(tmp_path, workflow_file(to_team), strict), event(team=["u2", "u3"]), world=World(users=users)
    )
    assert [message.recipient for message in timeline.messages] == ["u3"]


def test_workflows_that_start_each_other_are_refused(tmp_path: Path) -> None:
    timeline = run(
        assets_of(tmp_path, workflow_file(invoke("other"), email()), other(email(), invoke("other"))), event()
    )
    assert len(timeline.runs) == 11
    refusal = timeline.runs[-1].refusal
    assert refusal is not None
    assert refusal.text == "more than 10 workflows start each other"


@pytest.mark.parametrize(
    "record",
    [
        node("userupdate", "note", user_selection="recipient", properties='{"plan": "pro"}'),
        node("subscriberlistoperation_adduser", "note", list_id="vip", user_selection=["recipient"]),
        node("subscriberlistoperation_removeuser", "note", list_id="vip", user_selection=["recipient"]),
        node(
            "objectoperation_addsubscription", "note", object_type="teams", object_id="1", user_selection=["recipient"]
        ),
        node(
            "objectoperation_removesubscription",
            "note",
            object_type="teams",
            object_id="1",
            user_selection=["recipient"],
        ),
    ],
    ids=lambda record: str(record["node_type"]),
)
def test_changes_of_users_lists_and_objects_are_recorded(tmp_path: Path, record: Fields) -> None:
    timeline = run(assets_of(tmp_path, workflow_file(record, email())), event())
    assert story(timeline)[1][1] == "passed"
    assert story(timeline)[1][2].startswith("recorded, no data changes: {")
    assert len(timeline.messages) == 1
