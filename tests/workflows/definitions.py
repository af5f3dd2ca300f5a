"""Workflow files of tests, written and read as those of a project, and what comes of events in them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.workflows.assets import Assets
from runner.workflows.definition_reader import read_workflow
from runner.workflows.expressions import Engine
from runner.workflows.interpreter import interpret
from runner.workflows.timeline import Event
from runner.workflows.world import World

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.workflows.definition import Workflow
    from runner.workflows.timeline import Timeline

Fields: TypeAlias = "dict[str, Any]"

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
MONDAY = 1_772_442_000_000
"""2026-03-02T09:00:00Z."""


def node(node_type: str, ref: str, **properties: Any) -> Fields:
    """Return a node. `branches` are those of a branching node."""
    branches = properties.pop("branches", None)
    found: Fields = {"node_type": node_type, "name": ref, "ref": ref, "properties": properties}
    return found if branches is None else {**found, "branches": branches}


def email(ref: str = "email_1", template: str = "order") -> Fields:
    return node("send_email", ref, template=template)


def delay(ref: str, value: str) -> Fields:
    return node("delay", ref, delay_type="fixed", value=value)


def condition(variable: str, op: str, value: str | None = None, namespace: str = "", ref: str | None = None) -> Fields:
    """Return one condition, as an item of an array of conditions."""
    argument: Fields = {"variable_ns": namespace, "variable": variable, "op": op}
    if value is not None:
        argument["value"] = value
    if ref is not None:
        argument["ref"] = ref
    return {"type": "expression_v1", "expression_v1": {"op": "AND", "args": [argument]}}


def choice(name: str, *nodes: Fields, when: Sequence[Fields] | None = None, is_terminal: bool = False) -> Fields:
    """Return a branch; the default one without `when`."""
    return {
        "name": name,
        "ref": f"to_{name}",
        "is_default": when is None,
        "is_terminal": is_terminal,
        "conditions": list(when or []),
        "nodes": list(nodes),
    }


def workflow_file(*nodes: Fields, slug: str = "order", **fields: Any) -> Fields:
    """Return the JSON of a live workflow on the event `ORDER`."""
    return {
        "slug": slug,
        "name": slug.capitalize(),
        "category": "transactional",
        "trigger_type": "event",
        "trigger_events": ["ORDER"],
        "status": "active",
        "tree": {"nodes": list(nodes)},
        **fields,
    }


def read(folder: Path, file: Fields) -> Workflow:
    """Write a file and read it; it must have no problems."""
    path = folder / f"{file['slug']}.json"
    path.write_text(json.dumps(file, indent=1))
    workflow, problems = read_workflow(path)
    assert workflow is not None, problems
    assert not [problem for problem in problems if problem.severity == "error"]
    return workflow


def event(
    at_ms: int = MONDAY, name: str = "ORDER", distinct_id: str = "u1", key: str | None = None, **properties: Any
) -> Event:
    return Event(at_ms, name, distinct_id, properties, idempotency_key=key)


def assets_of(folder: Path, *files: Fields) -> Assets:
    return Assets(folder, workflows={str(file["slug"]): read(folder, file) for file in files})


def run(assets: Assets, *events: Event, world: World | None = None, until_ms: int | None = None) -> Timeline:
    with Engine() as engine:
        return interpret(assets, events, world or World(), engine, until_ms=until_ms)


def sent(timeline: Timeline) -> list[tuple[int, str, str]]:
    """Return of each message the time since Monday, the channel and the node."""
    return [(message.created_ms - MONDAY, message.channel, message.node) for message in timeline.messages]


def story(timeline: Timeline, index: int = 0) -> list[tuple[int, str, str]]:
    """Return the decisions of a run: time since Monday, kind and text."""
    return [(one.at_ms - MONDAY, one.kind, one.text) for one in timeline.runs[index].decisions]
