"""Workflow files are read with every problem at its place, whatever they contain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.workflows.assets_reader import read_assets
from runner.workflows.definition_reader import read_workflow
from runner.workflows.node_reader import NODE_TYPES
from runner.workflows.reach import all_nodes

from .definitions import choice, condition, delay, email, node, workflow_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .definitions import Fields

Place = tuple[str | int, ...]
EVERY_TYPE: tuple[Any, ...] = (None, True, -1, 10**30, 1.5, "", "word", [], [[]], [{}], {}, {"a": {"b": []}})


def every_node() -> list[Fields]:
    """One node of each type, with all of its properties."""
    call = {
        "url": '"https://example.com"', "headers": [{"key": "k", "value": '"v"'}], "query_params": [], "output_key": "out",
    }  # fmt: skip
    people = {"user_selection": ["recipient"]}
    subject = {**people, "object_type": "teams", "object_id": "t1", "is_object_id_dynamic": False}
    return [
        delay("delay_1", "1d12h"),
        node("delay", "delay_2", delay_type="relative_to", relative_to={
            "pivot_expr": ".due", "offset_type": "before", "offset_value_type": "fixed", "offset_value": "1h",
        }),
        node("timewindow", "window_1", tz_selection="recipient", tz_fixed="UTC", windows=[
            {"frequency": "weekly", "weekdays": ["mo", "fr"], "stime": "09:00", "etime": "17:30"},
            {"frequency": "monthly", "monthdays": [{"pos": 1, "day": ""}, {"pos": -1, "day": "fr"}]},
        ]),
        node("batch", "batch_1", mode="accumulate_all", window_type="fixed", fixed_window="1h", retain_count=5,
             retain_order="last", batch_key=".order"),
        node("digest", "digest_1", schedule_type="static", trigger_min_count=2, retain_count=3, schedule={
            "frequency": "weekly", "interval": 2, "weekdays": ["mo"], "time": "09:00", "dtstart": "2026-03-02T00:00:00",
            "tz_selection": "fixed", "tz_fixed": "Europe/Berlin",
        }),
        node("transform", "transform_1", variables=[{"key": "total", "value_lang": "jsonnet", "value": "data.x"}]),
        node("httpapi_fetch", "fetch_1", http_method="GET", **call),
        node("httpapi_webhook", "webhook_1", http_method="POST", body="{}", body_content_type="application/json", **call),
        *(node(f"send_{name}", f"{name}_1", template="order", success="seen") for name in (
            "email", "sms", "whatsapp", "inbox", "mobile_push", "webpush", "slack", "ms_teams",
        )),
        node("send_multi_channel", "multi_1", template="order", channels=["email", "sms"], channels_expr=".channels"),
        node("send_smart_channel_routing", "smart_1", template="order", channels=["email"], success="seen",
             success_is_event=False, ttl_value="1h", mandatory_channels=["email"], routing_basis="cost_low_to_high"),
        node("invokeworkflow", "invoke_1", workflow="other", recipient_selection="expression", recipient_expression=".id",
             actor_selection="recipient", data="{}", append_current_run_data=True),
        node("userupdate", "update_1", user_selection="recipient", properties="{}"),
        node("subscriberlistoperation_adduser", "add_1", list_id="vip", is_list_id_dynamic=False, **people),
        node("subscriberlistoperation_removeuser", "remove_1", list_id="vip", **people),
        node("objectoperation_addsubscription", "subscribe_1", **subject),
        node("objectoperation_removesubscription", "unsubscribe_1", **subject),
    ]  # fmt: skip


def full_file() -> Fields:
    nodes = every_node()
    met = {**choice("met", email("email_2")), "is_default": False, "conditions": [
        {"type": "future_event", "event_name": "PAID", "event_conditions": [condition("amount", ">", "1")]}
    ]}  # fmt: skip
    late = {"type": "delay", "delay_properties": {"delay_type": "fixed", "value": "1d"}}
    wait = node("branch_waituntil", "wait_1", branches=[met, {**choice("late"), "conditions": [late]}])
    status = condition("message_status", "IS", "$message.seen", "$ref", ref="email_1")
    fork = node("branch", "branch_1", branches=[
        choice("big", *nodes[:2], when=[status, condition("amount", ">", "10")], is_terminal=True), choice("rest", wait),
    ])  # fmt: skip
    return workflow_file(
        *nodes[2:], fork, conditions=[condition("plan", "==", '"pro"')], ratelimit={"count": 2, "sliding_window": "1h"},
        override_recipients_type="user", override_recipients_user_expr=".to[]", override_actor_user_expr=".by",
        override_tenant_expr=".tenant", tags=["a"], is_enabled=True, description="all of it",
    )  # fmt: skip


def problems_of(folder: Path, file: object) -> list[tuple[int, str, str | None]]:
    """Return of each problem the line, the message and the hint; every one must have its place."""
    path = folder / "order.json"
    path.write_text(file if isinstance(file, str) else json.dumps(file, indent=1))
    _, problems = read_workflow(path)
    assert all(problem.position is not None for problem in problems), problems
    return [(problem.position.line if problem.position else 0, problem.message, problem.hint) for problem in problems]


def places(value: Any, at: Place = ()) -> Iterator[Place]:
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*at, key))


def changed(file: Any, at: Place, value: object) -> Any:
    if not at:
        return value
    copied = file.copy()
    copied[at[0]] = changed(file[at[0]], at[1:], value)
    return copied


def without_neighbors(file: Fields, at: Place) -> tuple[Fields, Place]:
    """Return a file with the node alone that a place is in, which is read faster, and the place there."""
    match at:
        case ("tree", "nodes", int(index), *inner):
            alone = changed(file, ("tree", "nodes"), [file["tree"]["nodes"][index]])
            return alone, ("tree", "nodes", 0, *inner)
    return file, at


def test_every_node_type_is_read_from_both_layouts(tmp_path: Path) -> None:
    file = full_file()
    older, newer = (
        tmp_path / "old" / "workflow" / "full.json",
        tmp_path / "new" / "workflows" / "full" / "workflow.json",
    )
    for path, folder in ((older, tmp_path / "old"), (newer, tmp_path / "new")):
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(file))
        assets, problems = read_assets(folder)
        assert problems == ()
        assert assets.workflows is not None
        workflow = assets.workflows["full"]  # the place wins over the slug in the file, `order`
        assert {each.common.node_type for each in all_nodes(workflow.nodes)} == set(NODE_TYPES)
        assert (workflow.slug, workflow.is_live, workflow.status) == ("full", True, "active")


def test_a_value_of_another_type_in_any_place_is_a_problem_or_is_read(tmp_path: Path) -> None:
    file = full_file()
    assert problems_of(tmp_path, file) == []
    for index, at in enumerate(places(file)):
        problems_of(tmp_path, changed(file, at, EVERY_TYPE[index % len(EVERY_TYPE)]))


@pytest.mark.slow
@pytest.mark.parametrize("value", EVERY_TYPE, ids=repr)
def test_every_type_in_every_place_is_a_problem_or_is_read(tmp_path: Path, value: object) -> None:
    file = full_file()
    for place in places(file):
        few, at = without_neighbors(file, place)
        problems_of(tmp_path, json.dumps(changed(few, at, value)))  # all on one line: to indent it takes as long again


def test_a_key_that_a_node_does_not_know_is_a_problem_in_each_type(tmp_path: Path) -> None:
    for each in every_node():
        if each["node_type"].startswith("send_"):
            continue  # the published schemas allow further properties there
        each["properties"]["colour"] = "red"
        messages = [message for _, message, _ in problems_of(tmp_path, workflow_file(each, email("last")))]
        assert messages == [f"{each['ref']} has the unknown property 'colour'"]


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([node("send_emial", "e", template="t")], [
            ("e has the unknown node type 'send_emial'", "did you mean 'send_email'?"),
        ]),
        ([{"node_type": "send_email", "template": "t"}], [
            ("nodes[0] has no 'properties'", "put template into it: files have the properties apart"),
        ]),
        ([node("delay", "d", delay_type="fixed", value="1w")], [
            ("'value' of d: '1w' is not a duration, such as 30s or 1d12h", None),
        ]),
        ([node("branch", "b", branches=[choice("x", when=[]), choice("y")]), email("e")], [
            ("b.branches[0] has no conditions, and is not the default branch", None),
        ]),
        ([node("userupdate", "u", user_selection="actor")], [("u has no 'properties'", None)]),
        ([node("delay", "d", delay_type="fixed")], [("d has no 'value'", None)]),
        ([email("a"), email("a")], [("the ref 'a' stands for two things", "the first is on line 15")]),
        ([node("branch", "b", branches=[choice("x", when=[condition("a", "=", "1")]), choice("y")])], [
            ("a condition of b.branches[0] has the unknown operator '='", None),
        ]),
        ([node("branch", "b", branches=[
            choice("x", when=[{"type": "expression_v1", "expression_v1": {"op": "AND", "args": []}}]), choice("y"),
        ])], [
            ("'args' in a condition of b.branches[0] must be a list with at least one condition", None),
        ]),
        ([node("branch", "b", branches=[
            choice("x", when=[condition("message_status", "IS", "$message.seen", "$ref", ref="gone")]), choice("y"),
        ])], [("no node that sends has the ref 'gone'", None)]),
        ([node("branch", "b", branches=[
            choice("x", when=[condition("state", "IS", "$message.seen", "$ref", ref="e")]), choice("y"),
        ]), email("e")], [
            ("a condition of b.branches[0] reads 'state' of a message", "only 'message_status' is known"),
        ]),
    ],
)  # fmt: skip
def test_a_fault_is_named_at_its_place(
    tmp_path: Path, nodes: list[Fields], expected: list[tuple[str, str | None]]
) -> None:
    assert [(message, hint) for _, message, hint in problems_of(tmp_path, workflow_file(*nodes))] == expected


@pytest.mark.parametrize(
    ("fields", "is_live", "status"),
    [
        ({}, True, "active"),
        ({"is_enabled": False}, False, "disabled"),
        ({"status": "draft"}, False, "draft"),
        ({"status": "inactive", "is_enabled": True}, False, "inactive"),
        (
            {"hash": "x", "updated_by": {"name": "n"}, "validation_result": {"is_valid": True}, "other": 1},
            True,
            "active",
        ),
    ],
)
def test_only_an_active_and_enabled_workflow_is_live(
    tmp_path: Path, fields: Fields, is_live: bool, status: str
) -> None:
    path = tmp_path / "order.json"
    path.write_text(json.dumps(workflow_file(email(), **fields)))
    workflow, problems = read_workflow(path)
    assert problems == ()
    assert workflow is not None
    assert (workflow.is_live, workflow.status) == (is_live, status)


@pytest.mark.parametrize("kind", ["api", "dynamic"])
def test_a_workflow_of_the_api_listens_to_no_event(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "order.json"
    path.write_text(json.dumps(workflow_file(email(), trigger_type=kind)))
    workflow, _ = read_workflow(path)
    assert workflow is not None
    assert (workflow.trigger_type, workflow.events) == ("api", ())


def test_hostile_files_are_refused_soon(tmp_path: Path) -> None:
    deep: Fields = email("deep")
    for index in range(20):
        deep = node("branch", f"b{index}", branches=[choice(f"c{index}", when=[condition("a", "EMPTY")]),
                                                     choice(f"d{index}", deep)])  # fmt: skip
    nested: Fields = {"variable": "a", "op": "EMPTY"}
    for _ in range(12):
        nested = {"op": "OR", "args": [nested]}
    for file in (
        "[" * 100_000,
        '{"tree": ' * 5_000,
        json.dumps({"tree": {"nodes": [email(f"e{index}") for index in range(5_000)]}}),
        json.dumps(workflow_file(deep)),
        json.dumps(workflow_file(email(), conditions=[{"type": "expression_v1", "expression_v1": nested}])),
        json.dumps(workflow_file(email(), trigger_events=["x"] * 100_000)),
        json.dumps(workflow_file(email(), name="\x1b[31m" * 100, slug="../../etc")),
        "",
        "null",
    ):
        assert problems_of(tmp_path, file) or file == ""
