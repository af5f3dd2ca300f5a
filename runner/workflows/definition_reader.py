"""A workflow file, as the platform's command line pulls it → a `Workflow`, with its problems.

Source: the platform's published JSON schema of workflows, and the documentation of its management API.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.source import describe, read
from runner.workflows.condition_reader import read_conditions
from runner.workflows.definition import Comparison, Throttle, Workflow
from runner.workflows.node_reader import NodeReader
from runner.workflows.reach import all_conditions, all_nodes
from runner.workflows.reading import Reading

if TYPE_CHECKING:
    from pathlib import Path

    from runner.errors import Problem
    from runner.source import Node
    from runner.workflows.definition import WorkflowNode

_SLUG = re.compile(r"[a-z0-9_-]{1,255}")
_MAX_EVENTS = 10
_OBJECT_OVERRIDE = "override_recipients_single_object_fields_expr"


def read_workflow(path: Path, slug: str | None = None) -> tuple[Workflow | None, tuple[Problem, ...]]:
    """Return a workflow and its problems; None if one of them is an error. `slug` is that of the file's place, which counts.

    Raises NotFound and MachineError for the file itself.
    """
    document = read(path)
    if document.root is None or any(problem.severity == "error" for problem in document.problems):
        return None, tuple(document.problems)
    reading = Reading()
    workflow = _workflow(reading, document.root, slug)
    return (None if reading.problems else workflow), (*document.problems, *reading.problems)


def _workflow(reading: Reading, root: Node, slug: str | None) -> Workflow | None:
    if not isinstance(root.value, dict):
        reading.report(f"a workflow must be a map, not {describe(root.value)}", root)
        return None
    name = "the workflow"
    title = reading.text(root, "name", name)
    kind = reading.one_of(root, "trigger_type", name, ("event", "api", "dynamic"))
    tree = reading.child(root, "tree", dict, name, needed=True)
    nodes = tree.get("nodes") if tree is not None else None
    if tree is not None and (nodes is None or not isinstance(nodes.value, list) or not nodes.items):
        reading.report("'tree' of the workflow must have a list of 'nodes' with at least one", tree)
        nodes = None
    read_nodes = NodeReader(reading).nodes(nodes, "nodes")
    _check_refs(reading, read_nodes)
    if root.get(_OBJECT_OVERRIDE) is not None and root.entries[_OBJECT_OVERRIDE].value is not None:
        reading.report("recipients that are objects can't be modelled", root.entries[_OBJECT_OVERRIDE])
    is_live, status = _status(reading, root, name)
    return Workflow(
        slug or _slug(reading, root, title),
        title,
        reading.text(root, "category", name),
        "event" if kind == "event" else "api",
        _events(reading, root, name) if kind == "event" else (),
        is_live,
        status,
        read_conditions(reading, root.get("conditions"), name),
        _throttle(reading, root, name),
        reading.expression(root, "override_recipients_user_expr", name, "jq"),
        reading.expression(root, "override_actor_user_expr", name, "jq"),
        reading.expression(root, "override_tenant_expr", name, "jq"),
        read_nodes,
        root,
    )


def _slug(reading: Reading, root: Node, title: str) -> str:
    slug = reading.text(root, "slug", "the workflow", "") or re.sub("[^a-z0-9_]+", "-", title.lower()).strip("-")
    if not _SLUG.fullmatch(slug):
        reading.report(f"'{slug[:100]}' is not a slug", root.get("slug") or root)
    return slug


def _events(reading: Reading, root: Node, name: str) -> tuple[str, ...]:
    events = reading.child(root, "trigger_events", list, name, needed=True)
    if events is None:
        return ()
    if not 1 <= len(events.items) <= _MAX_EVENTS or not all(isinstance(item.value, str) for item in events.items):
        reading.report(f"'trigger_events' of the workflow must be a list of 1 to {_MAX_EVENTS} names", events)
        return ()
    return tuple(str(item.value).strip() for item in events.items)


def _status(reading: Reading, root: Node, name: str) -> tuple[bool, str]:
    """Return whether a workflow runs, and its state in a word. Without the keys, it does."""
    status = reading.text(root, "status", name, "active") or "active"
    if status != "active":
        return False, status
    return (True, status) if reading.flag(root, "is_enabled", name, default=True) else (False, "disabled")


def _throttle(reading: Reading, root: Node, name: str) -> Throttle | None:
    node = reading.child(root, "ratelimit", dict, name)
    if node is None:
        return None
    count = reading.number(node, "count", "'ratelimit'", 1, 1)
    window_s = reading.duration(node, "sliding_window", "'ratelimit'")
    return Throttle(count, window_s, node) if window_s is not None else None


def _check_refs(reading: Reading, nodes: tuple[WorkflowNode, ...]) -> None:
    """Report conditions on the status of a message whose `ref` names no node that sends."""
    senders = {node.common.id for node in all_nodes(nodes) if node.common.node_type.startswith("send_")}
    for condition in all_conditions(nodes):
        if isinstance(condition, Comparison) and condition.namespace == "$ref" and condition.ref not in senders:
            reading.report(f"no node that sends has the ref '{condition.ref}'", condition.source)
