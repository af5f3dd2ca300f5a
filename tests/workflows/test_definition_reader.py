"""Workflow files: read with every problem at its place, and never more than a problem, whatever is in them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import RunnerError
from runner.workflows.definition_reader import read_workflow
from runner.workflows.node_reader import NODE_TYPES
from runner.workflows.reach import all_nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Problem
    from runner.workflows.definition import Workflow

SHOP = Path(__file__).with_name("shop") / "suprsend" / "workflows"
DELAY = {"node_type": "delay", "properties": {"delay_type": "fixed", "value": "1h"}}
EMAIL = {"node_type": "send_email", "ref": "email", "properties": {"template": "hello"}}
SCHEDULE = {"frequency": "weekly", "weekdays": ["mo", "fr"], "time": "09:00"}
IS_X = {"type": "expression_v1", "expression_v1": {"op": "AND", "args": [{"variable": "x", "op": "==", "value": "1"}]}}
EVERY_NODE: list[dict[str, Any]] = [
    DELAY,
    {"node_type": "delay", "properties": {"delay_type": "dynamic", "value": ".wait"}},
    {"node_type": "delay", "properties": {"delay_type": "relative_to", "relative_to": {
        "pivot_expr": ".due", "offset_type": "before", "offset_value_type": "fixed", "offset_value": "1d"}}},
    {"node_type": "timewindow", "properties": {"windows": [
        {"frequency": "daily", "stime": "09:00", "etime": "17:00"}, {"frequency": "weekly", "weekdays": ["sa"]},
        {"frequency": "monthly", "monthdays": [{"pos": 1, "day": ""}, {"pos": -1, "day": "fr"}]}], "tz_selection": "recipient"}},
    {"node_type": "batch", "properties": {
        "mode": "flush_leading_item", "window_type": "fixed", "fixed_window": "30m", "retain_count": 5, "batch_key": ".id"}},
    {"node_type": "digest", "properties": {"schedule_type": "static", "schedule": SCHEDULE, "trigger_min_count": 2}},
    {"node_type": "digest", "properties": {"schedule_type": "dynamic", "dynamic_schedule_expr": ".schedule"}},
    {"node_type": "digest", "properties": {"schedule_type": "category_digest_schedule"}},
    {"node_type": "branch", "properties": {}, "branches": [
        {"name": "yes", "is_default": False, "conditions": [IS_X], "nodes": [dict(EMAIL, ref="nested")]},
        {"name": "no", "is_default": True, "is_terminal": True, "conditions": [], "nodes": []}]},
    {"node_type": "branch_waituntil", "properties": {}, "branches": [
        {"name": "came", "is_default": False, "conditions": [{"type": "future_event", "event_name": "paid", "event_conditions": [IS_X]}], "nodes": []},
        {"name": "late", "is_default": True, "conditions": [{"type": "delay", "delay_properties": {"delay_type": "fixed", "value": "1d"}}], "nodes": []}]},
    {"node_type": "transform", "properties": {"variables": [{"key": "a", "value_lang": "handlebars", "value": "{{x}}"}]}},
    {"node_type": "httpapi_fetch", "properties": {"http_method": "GET", "url": "'https://example.com'", "output_key": "shop"}},
    {"node_type": "httpapi_webhook", "properties": {"http_method": "POST", "url": "'https://example.com'", "body": "data"}},
    *({"node_type": f"send_{channel}", "properties": {"template": "hello"}}
      for channel in ("sms", "whatsapp", "inbox", "mobile_push", "webpush", "slack", "ms_teams")),
    {"node_type": "send_multi_channel", "properties": {"template": "hello", "channels": ["email", "sms"], "channels_expr": None}},
    {"node_type": "send_smart_channel_routing", "properties": {
        "template": "hello", "success": "seen", "ttl_value": "1h", "mandatory_channels": ["inbox"]}},
    {"node_type": "invokeworkflow", "properties": {"workflow": "other", "recipient_selection": "recipient"}},
    *({"node_type": name, "properties": {"anything": 1}} for name in (
        "userupdate", "subscriberlistoperation_adduser", "subscriberlistoperation_removeuser",
        "objectoperation_addsubscription", "objectoperation_removesubscription")),
    EMAIL,
]  # fmt: skip


def file_of(*nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "name": "Order", "slug": "order", "category": "orders", "trigger_type": "event", "trigger_events": ["paid"],
        "tree": {"nodes": list(nodes) or [EMAIL]}, **fields,
    }  # fmt: skip


def read(folder: Path, document: Any, slug: str | None = None) -> tuple[Workflow | None, tuple[Problem, ...]]:
    path = folder / "workflow.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document, indent=1), "utf-8")
    return read_workflow(path, slug)


def messages(folder: Path, *nodes: dict[str, Any], **fields: Any) -> list[str]:
    workflow, problems = read(folder, file_of(*nodes, **fields))
    assert (workflow is None) is bool(problems)
    assert all(problem.position is not None for problem in problems)
    assert {problem.code for problem in problems} <= {"workflow-invalid"}
    return [problem.message for problem in problems]


def test_every_node_type_is_read(tmp_path: Path) -> None:
    nodes = [dict(node) for node in EVERY_NODE]
    half = len(nodes) // 2
    found: list[str] = []
    for part in (nodes[:half], nodes[half:]):
        workflow, problems = read(tmp_path, file_of(*part))
        assert problems == ()
        assert workflow is not None
        found += [node.common.node_type for node in all_nodes(workflow.nodes)]
    assert set(found) == set(NODE_TYPES)


def test_the_workflows_of_the_shop_are_read() -> None:
    for path in sorted(SHOP.glob("*/workflow.json")):
        workflow, problems = read_workflow(path, path.parent.name)
        assert problems == ()
        assert workflow is not None
        assert (workflow.slug, workflow.is_live) == (path.parent.name, True)


def test_a_node_is_named_by_its_ref_or_its_path(tmp_path: Path) -> None:
    [yes, no] = [dict(each) for each in EVERY_NODE[8]["branches"]]
    yes["nodes"] = [DELAY, {**DELAY, "ref": "pause"}]
    workflow, _ = read(tmp_path, file_of({**EVERY_NODE[8], "branches": [yes, no]}, EMAIL))
    assert workflow is not None
    assert [node.common.id for node in all_nodes(workflow.nodes)] == [
        "nodes[0]", "nodes[0].branches[0].nodes[0]", "pause", "email",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "is_live", "status"),
    [
        ({}, True, "active"), ({"status": "active", "is_enabled": True}, True, "active"), ({"status": "draft"}, False, "draft"),
        ({"is_enabled": False}, False, "disabled"), ({"status": "inactive", "is_enabled": True}, False, "inactive"),
        ({"status": None, "is_enabled": None}, True, "active"),
    ],
)  # fmt: skip
def test_only_an_active_and_enabled_workflow_runs(
    fields: dict[str, Any], is_live: bool, status: str, tmp_path: Path
) -> None:
    workflow, _ = read(tmp_path, file_of(**fields))
    assert workflow is not None
    assert (workflow.is_live, workflow.status) == (is_live, status)


def test_the_slug_of_the_place_counts(tmp_path: Path) -> None:
    for slug, fields, expected in (("moved", {}, "moved"), (None, {}, "order"), (None, {"slug": None}, "order")):
        workflow, _ = read(tmp_path, file_of(**fields), slug)
        assert workflow is not None
        assert workflow.slug == expected


def changed(node: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {**node, "properties": {**node["properties"], **properties}}


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({**EMAIL, "node_type": "send_mail"}, "email has the unknown node type 'send_mail'"),
        ({"node_type": "send_email", "ref": "email", "template": "hello"}, "email has no 'properties'"),
        (changed(EMAIL, template=3), "'template' of email must be text, not a number"),
        (changed(EMAIL, template=None), "email has no 'template'"),
        ({**EMAIL, "colour": 1}, "email has the unknown property 'colour'"),
        (changed(DELAY, speed="fast"), "nodes[0] has the unknown property 'speed'"),
        (changed(DELAY, value="1 hour"), "'value' of nodes[0]: '1 hour' is not a duration, such as 30s or 1d12h"),
        (changed(DELAY, delay_type="sometimes"), "'delay_type' of nodes[0] can't be 'sometimes'"),
        ({**DELAY, "ref": "1st"}, "the ref '1st' of nodes[0] must be a name of letters, digits and _"),
        ("text", "nodes[0] must be a map, not text"),
        (changed(EVERY_NODE[3], windows=[{"frequency": "daily", "stime": "18:00", "etime": "09:00"}]),
         "a window of nodes[0] ends before it starts: a window over midnight is two windows"),
        (changed(EVERY_NODE[5], schedule={"frequency": "weekly"}), "the schedule of nodes[0] has no 'weekdays'"),
        (changed(EVERY_NODE[5], schedule={**SCHEDULE, "time": "9 am"}), "'time' of the schedule of nodes[0] must be a time such as 09:30, not '9 am'"),
        (changed(EVERY_NODE[4], retain_count=500), "'retain_count' of nodes[0] must be between 1 and 100, not 500"),
    ],
)  # fmt: skip
def test_a_wrong_node_is_a_problem_with_its_name(node: Any, message: str, tmp_path: Path) -> None:
    assert message in messages(tmp_path, node)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"variable": "x", "op": "=", "value": "1"}, "a condition of nodes[0].branches[0] has the unknown operator '='"),
        ({"variable": "x", "op": "==", "value": 1}, "'value' of a condition of nodes[0].branches[0] must be text, not a number"),
        ({"variable": "x", "op": "=="}, "a condition of nodes[0].branches[0] has no 'value'"),
        ({"op": "==", "value": "1"}, "a condition of nodes[0].branches[0] has no 'variable'"),
        ({"variable": "x", "op": "==", "value": "1", "variable_ns": "$payload"},
         "a condition of nodes[0].branches[0] reads the unknown namespace '$payload'"),
        ({"variable": "message_status", "variable_ns": "$ref", "op": "IS", "ref": "nobody", "value": "$message.seen"},
         "no node that sends has the ref 'nobody'"),
        ({"variable": "message_status", "variable_ns": "$ref", "op": "IS", "ref": "email", "value": "$message.gone"},
         "a condition of nodes[0].branches[0] compares with the unknown status '$message.gone'"),
        ({"variable": "x", "op": "IS", "value": "1"}, "the operator IS of a condition of nodes[0].branches[0] does not fit its variable"),
        ({"op": "AND", "args": []}, "'args' in a condition of nodes[0].branches[0] must be a list with at least one condition"),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_a_problem(condition: Any, message: str, tmp_path: Path) -> None:
    node = copy.deepcopy(EVERY_NODE[8])
    node["branches"][0]["conditions"] = [{"type": "expression_v1", "expression_v1": {"op": "AND", "args": [condition]}}]
    assert message in messages(tmp_path, node, EMAIL)


def test_what_is_wrong_with_branches(tmp_path: Path) -> None:
    node = copy.deepcopy(EVERY_NODE[8])
    node["branches"].reverse()
    assert messages(tmp_path, node) == ["nodes[0] must have one default branch, as its last"]
    node["branches"] = node["branches"][:1]
    assert messages(tmp_path, node) == ["'branches' of nodes[0] must be a list of 2 to 10 maps"]
    wait = copy.deepcopy(EVERY_NODE[9])
    wait["branches"][1]["conditions"] = []
    assert messages(tmp_path, wait) == ["nodes[0].branches[1] has no time-out: a condition of the type delay"]


def test_two_nodes_have_two_refs(tmp_path: Path) -> None:
    assert messages(tmp_path, EMAIL, EMAIL) == ["the ref 'email' stands for two things"]


def test_deep_and_large_files_are_refused(tmp_path: Path) -> None:
    node: dict[str, Any] = EMAIL
    for _ in range(13):
        branch = copy.deepcopy(EVERY_NODE[8])
        branch["branches"][0]["nodes"] = [node]
        node = branch
    assert any("too many nodes" in message for message in messages(tmp_path, node))
    assert any("too many nodes" in message for message in messages(tmp_path, *[DELAY] * 26))
    workflow, problems = read(tmp_path, "[" * 100_000)
    assert workflow is None
    assert problems
    with pytest.raises(RunnerError):
        read_workflow(tmp_path / "missing.json")


ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x",
    "\x1b[2J",
    [],
    ["x"],
    [[]],
    {},
    {"x": None},
    10**30,
    "1d" * 30,
    "{{" * 50,
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = replaced(value[path[0]], path[1:], new)
    return copied


@pytest.mark.parametrize(
    "node", EVERY_NODE, ids=[f"{index}-{node['node_type']}" for index, node in enumerate(EVERY_NODE)]
)
def test_anything_anywhere_is_a_problem_or_is_read(node: dict[str, Any], tmp_path: Path) -> None:
    for path in places(node):
        for new in ODD:
            workflow, problems = read(tmp_path, file_of(replaced(node, path, new)))
            assert (workflow is None) is any(problem.severity == "error" for problem in problems)


def test_anything_at_the_top_is_a_problem_or_is_read(tmp_path: Path) -> None:
    whole = file_of(conditions=[IS_X], ratelimit={"count": 1, "sliding_window": "1d"}, override_tenant_expr=".tenant")
    for key in whole:
        for new in ODD:
            workflow, problems = read(tmp_path, {**whole, key: new})
            assert (workflow is None) is any(problem.severity == "error" for problem in problems)
