"""Whatever a workflow is made of: it ends, time goes on, and branches that exclude each other never both send."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.suprsend.messages import STATUSES
from runner.workflows import simulation
from runner.workflows.definition import Branch, WaitUntil
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
    workflow_file,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.source import Json
    from runner.suprsend.messages import Status
    from runner.workflows.assets import Assets
    from runner.workflows.definition import WorkflowNode
    from runner.workflows.timeline import Event, Timeline

DURATIONS = st.sampled_from(["0s", "1s", "90m", "1d", "3d12h"])
LEAVES = st.one_of(
    st.sampled_from(["send_email", "send_sms", "send_inbox"]).map(lambda kind: {"node_type": kind, "properties": {"template": "order"}}),
    st.just({"node_type": "send_multi_channel", "properties": {"template": "order"}}),
    DURATIONS.map(lambda value: {"node_type": "delay", "properties": {"delay_type": "fixed", "value": value}}),
    st.tuples(st.sampled_from(["delivered", "seen", "interaction"]), DURATIONS).map(
        lambda pair: {
            "node_type": "send_smart_channel_routing",
            "properties": {"template": "order", "success": pair[0], "ttl_value": pair[1]},
        }
    ),
    st.tuples(st.sampled_from(["accumulate_all", "flush_leading_item"]), DURATIONS).map(
        lambda pair: {"node_type": "batch", "properties": {"mode": pair[0], "window_type": "fixed", "fixed_window": pair[1]}}
    ),
    st.integers(1, 3).map(
        lambda count: {
            "node_type": "digest",
            "properties": {"schedule_type": "static", "schedule": {"frequency": "daily", "time": "18:00"}, "trigger_min_count": count},
        }
    ),
    st.just({"node_type": "timewindow", "properties": {"windows": [{"frequency": "weekly_mo2fr", "stime": "10:00", "etime": "16:00"}]}}),
    st.just({"node_type": "userupdate", "properties": {"user_selection": "recipient", "properties": "{}"}}),
)  # fmt: skip


def nodes_in(inner: st.SearchStrategy[Fields]) -> st.SearchStrategy[Fields]:
    """Return branches and waits of nodes."""
    lists = st.lists(inner, max_size=3)

    def branch(parts: tuple[list[Fields], list[Fields], int, bool]) -> Fields:
        first, second, least, ends = parts
        when = [condition("amount", ">", str(least))]
        return {"node_type": "branch", "properties": {}, "branches": [
            choice("over", *first, when=when, is_terminal=ends), choice("under", *second),
        ]}  # fmt: skip

    def wait(parts: tuple[list[Fields], list[Fields], str]) -> Fields:
        met: Fields = {
            **choice("met", *parts[0]),
            "is_default": False,
            "conditions": [{"type": "future_event", "event_name": "PAID"}],
        }
        limit: Json = {"type": "delay", "delay_properties": {"delay_type": "fixed", "value": parts[2]}}
        over: Fields = {**choice("over", *parts[1]), "conditions": [limit]}
        return {"node_type": "branch_waituntil", "properties": {}, "branches": [met, over]}

    return st.tuples(lists, lists, st.integers(0, 3), st.booleans()).map(branch) | st.tuples(
        lists, lists, DURATIONS
    ).map(wait)


def named(nodes: Sequence[Fields], prefix: str = "n") -> list[Fields]:
    """Return nodes and branches with refs of their own."""
    found = []
    for index, one in enumerate(nodes):
        ref = f"{prefix}_{index}"
        copy: Fields = {**one, "ref": ref, "name": ref}
        branches = one.get("branches")
        if isinstance(branches, list):
            copy["branches"] = [
                {**part, "ref": f"{ref}_{number}", "nodes": named(part["nodes"], f"{ref}_{number}")}
                for number, part in enumerate(branches)
                if isinstance(part, dict)
            ]
        found.append(copy)
    return found


TREES = st.lists(st.recursive(LEAVES, nodes_in, max_leaves=8), min_size=1, max_size=4).map(
    lambda nodes: [*named(nodes), email("last")]
)
EVENTS = st.lists(
    st.builds(
        lambda at, name, user, amount: event(MONDAY + at, name, user, amount=amount),
        st.integers(0, 5 * DAY),
        st.sampled_from(["ORDER", "PAID"]),
        st.sampled_from(["u1", "u2"]),
        st.integers(0, 5),
    ),
    max_size=6,
).map(lambda events: [event(amount=2), *events])


def choices_of(nodes: Sequence[WorkflowNode], above: dict[str, str]) -> dict[str, dict[str, str]]:
    """Return the branches in which each node stands: its id → the branch of each branching node above it."""
    found = {}
    for one in nodes:
        found[one.common.id] = above
        parts = (
            one.choices if isinstance(one, Branch) else (one.met, one.timed_out) if isinstance(one, WaitUntil) else ()
        )
        for part in parts:
            found |= choices_of(part.nodes, {**above, one.common.id: part.id})
    return found


def check(timeline: Timeline, places: dict[str, dict[str, str]]) -> None:
    for index, one in enumerate(timeline.runs):
        assert all(first.at_ms <= second.at_ms for first, second in pairwise(one.decisions))
        assert {decision.kind for decision in one.decisions} & {
            "ended",
            "stopped",
            "refused",
            "joined",
            "not_triggered",
        }
        taken: dict[str, str] = {}
        for message in timeline.messages:
            if message.run == index:
                for branching, part in places[message.node].items():
                    assert taken.setdefault(branching, part) == part
    assert all(first.created_ms <= second.created_ms for first, second in pairwise(timeline.messages))
    for message in timeline.messages:
        assert message.times["triggered"] == message.created_ms
        assert all(first < second for first, second in pairwise(message.times.values()))


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    tree=TREES,
    events=EVENTS,
    status=st.sampled_from([one for one in STATUSES if one not in STATUSES[-3:] and one != "to_be_triggered"]),
)
def test_a_random_workflow_ends_and_keeps_to_its_branches(
    tmp_path_factory: pytest.TempPathFactory, tree: list[Fields], events: list[Event], status: Status
) -> None:
    assets = assets_of(tmp_path_factory.mktemp("random"), workflow_file(*tree[:25]))
    world = World(statuses={"email": status})
    timeline = run(assets, *events, world=world)
    check(timeline, choices_of((assets.workflows or {})["order"].nodes, {}))
    assert timeline == run(assets, *events, world=world)
    part = run(assets, *events, world=world, until_ms=MONDAY + 2 * HOUR)
    assert part.messages == tuple(message for message in timeline.messages if message.created_ms <= MONDAY + 2 * HOUR)


def timed(assets: Assets, *events: Event, world: World | None = None) -> tuple[Timeline, float]:
    started = time.perf_counter()
    timeline = run(assets, *events, world=world)
    return timeline, time.perf_counter() - started


def refusals(timeline: Timeline) -> list[str]:
    return [one.refusal.text for one in timeline.runs if one.refusal is not None]


def test_workflows_that_start_each_other_again_and_again_are_refused(tmp_path: Path) -> None:
    invokes = [
        node("invokeworkflow", f"i{index}", workflow="order", recipient_selection="recipient") for index in range(24)
    ]
    timeline, seconds = timed(assets_of(tmp_path, workflow_file(*invokes, email())), event())
    assert len(timeline.runs) == simulation.MAX_RUNS
    assert refusals(timeline)[-1] == "more than 10,000 runs"
    assert seconds < 10


def test_too_many_recipients_are_refused(tmp_path: Path) -> None:
    override = {"override_recipients_type": "user", "override_recipients_user_expr": ".users[]"}
    timeline, seconds = timed(
        assets_of(tmp_path, workflow_file(email(), **override)), event(users=[f"u{index}" for index in range(20_000)])
    )
    assert timeline.runs[-1].refusal is not None
    assert refusals(timeline) == [".users[]: the expression has more than 1,000 results"]
    assert seconds < 10


def test_too_many_messages_are_refused(tmp_path: Path) -> None:
    users = {"u1": User("u1", {"email": tuple(f"{index}@example.com" for index in range(20_000))})}
    timeline, _ = timed(assets_of(tmp_path, workflow_file(email())), event(), world=World(users=users))
    assert len(timeline.messages) == simulation.MAX_MESSAGES
    assert refusals(timeline) == ["more than 10,000 messages"]


@pytest.mark.slow
def test_too_many_steps_are_refused(tmp_path: Path) -> None:
    nodes = [delay(f"wait_{index}", "1s") for index in range(24)]
    timeline, _ = timed(
        assets_of(tmp_path, workflow_file(*nodes, email())), *(event(MONDAY + index) for index in range(5000))
    )
    assert refusals(timeline) == ["more than 100,000 steps"]


def test_an_event_takes_less_than_a_millisecond(tmp_path: Path) -> None:
    branch = node(
        "branch", "by", branches=[choice("big", email("big"), when=[condition("amount", ">", "100")]), choice("small")]
    )
    assets = assets_of(tmp_path, workflow_file(email("first"), branch, delay("wait", "1d"), email("second")))
    best = min(timed(assets, event(amount=500))[1] for _ in range(20))
    assert best < 0.001


def test_slow_expressions_are_refused_together(tmp_path: Path) -> None:
    slow = [
        workflow_file(
            node("delay", "d", delay_type="dynamic", value=f"reduce range(1e9) as $i ({index}; .)"),
            email(),
            slug=f"w{index}",
        )
        for index in range(40)  # each ends after 2 seconds of the processor: more than a minute, together
    ]
    timeline, seconds = timed(assets_of(tmp_path, *slow), event())
    assert refusals(timeline)[-1] == timeline.limit == "the expressions take longer than 5 s together"
    assert seconds < 40
