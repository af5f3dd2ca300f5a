"""The manual's page of workflows names every node type, operator and namespace that there is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from runner.workflows.definition import Namespace, Operator
from tests.pages import PAGES
from tests.workflows.definitions import assets_of, choice, condition, delay, email, event, node, run, workflow_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.workflows.definitions import Fields


def section(heading: str) -> str:
    return PAGES["workflows"].text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def cells(text: str, column: int) -> list[str]:
    return [line.split("|")[column] for line in text.splitlines() if line.startswith("| ")]


def in_backticks(text: str) -> set[str]:
    return set(re.findall("`([^`]+)`", text))


def rows() -> dict[str, str]:
    """Node types, and whether the manual calls them modelled, a stand-in or recorded."""
    lines = section("Nodes").splitlines()
    found: dict[str, str] = {}
    for line in lines:
        if line.startswith("| `"):
            _, names, kind, *_ = line.split("|")
            found |= dict.fromkeys(in_backticks(names), kind.strip())
    return found


WAIT: Fields = {"type": "future_event", "event_name": "PAID"}
LIMIT: Fields = {"type": "delay", "delay_properties": {"delay_type": "fixed", "value": "1h"}}
EXAMPLES: dict[str, Fields] = {
    **{
        kind: node(kind, "it", template="order")
        for kind in ("send_email", "send_sms", "send_whatsapp", "send_inbox", "send_mobile_push", "send_webpush", "send_slack", "send_ms_teams", "send_multi_channel")
    },
    "send_smart_channel_routing": node("send_smart_channel_routing", "it", template="order", success="seen", ttl_value="1h"),
    "delay": delay("it", "1h"),
    "timewindow": node("timewindow", "it", windows=[{"frequency": "daily", "stime": "08:00", "etime": "18:00"}]),
    "batch": node("batch", "it", mode="accumulate_all", window_type="fixed", fixed_window="1h"),
    "digest": node("digest", "it", schedule_type="static", schedule={"frequency": "daily", "time": "18:00"}),
    "branch": node("branch", "it", branches=[choice("one", when=[condition("n", "==", "1")]), choice("two")]),
    "branch_waituntil": node("branch_waituntil", "it", branches=[
        {**choice("met"), "is_default": False, "conditions": [WAIT]},
        {**choice("over"), "conditions": [LIMIT]},
    ]),
    "transform": node("transform", "it", variables=[{"key": "a", "value_lang": "handlebars", "value": "b"}]),
    "httpapi_fetch": node("httpapi_fetch", "it", http_method="GET", url='"https://example.com/"'),
    "httpapi_webhook": node("httpapi_webhook", "it", http_method="POST", url='"https://example.com/"'),
    "invokeworkflow": node("invokeworkflow", "it", workflow="gone", recipient_selection="recipient"),
    "userupdate": node("userupdate", "it", user_selection="recipient", properties="{}"),
    **{
        kind: node(kind, "it", list_id="vip", user_selection=["recipient"])
        for kind in ("subscriberlistoperation_adduser", "subscriberlistoperation_removeuser")
    },
    **{
        kind: node(kind, "it", object_type="teams", object_id="1", user_selection=["recipient"])
        for kind in ("objectoperation_addsubscription", "objectoperation_removesubscription")
    },
}  # fmt: skip
"""A small node of each type that workflow files have."""


def test_every_node_type_stands_in_the_matrix() -> None:
    assert set(rows()) == set(EXAMPLES)
    assert set(rows().values()) == {"modelled", "stand-in", "recorded"}


def test_every_node_type_leaves_a_decision_of_its_kind(tmp_path: Path) -> None:
    """Only a fetch without an answer is refused; what is recorded says so."""
    kinds: dict[str, set[str]] = {}
    recorded = set()
    for kind, example in EXAMPLES.items():
        folder = tmp_path / kind
        folder.mkdir()
        timeline = run(assets_of(folder, workflow_file(example, email("last"))), event())
        decisions = [decision for decision in timeline.runs[0].decisions if decision.node == "it"]
        assert decisions, kind
        kinds[kind] = {decision.kind for decision in decisions}
        if any(decision.text.startswith("recorded") for decision in decisions):
            recorded.add(kind)
    assert {kind for kind, found in kinds.items() if "refused" in found} == {"httpapi_fetch"}
    assert recorded == {kind for kind, how in rows().items() if how == "recorded"}


def test_every_operator_and_namespace_stands_on_the_page() -> None:
    text = section("Conditions")
    operators, _, namespaces = text.partition("| variables of | |")
    assert in_backticks("".join(cells(operators, 2))) == set(get_args(Operator))
    assert in_backticks("".join(cells(namespaces, 1))) == {*get_args(Namespace)} - {""}
