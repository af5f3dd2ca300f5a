"""Nodes of workflow files → typed values, with their problems.

Source: the platform's published JSON schemas of workflow nodes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import did_you_mean
from runner.source import describe
from runner.workflows.condition_reader import read_conditions, read_item
from runner.workflows.definition import (
    Awaited,
    Branch,
    Choice,
    Common,
    WaitUntil,
)
from runner.workflows.plain_nodes import PLAIN_TYPES, read_delay, read_plain_node

if TYPE_CHECKING:
    from runner.source import Node
    from runner.workflows.definition import Condition, Wait, WorkflowNode
    from runner.workflows.reading import Reading

_MAX_NODES = 25
_MAX_DEPTH = 12
_MAX_IN_ALL = 2_000
_NODE_KEYS = ("node_type", "name", "description", "ref", "properties", "branches")
_BRANCH_KEYS = ("name", "description", "ref", "is_default", "is_terminal", "conditions", "nodes")


class NodeReader:
    """Reads the nodes of one workflow."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._count = 0

    def nodes(self, node: Node | None, path: str, depth: int = 0) -> tuple[WorkflowNode, ...]:
        """Return the nodes of a list. One that can't be read is left out, with a problem."""
        reading = self._reading
        if node is None or not isinstance(node.value, list):
            if node is not None:
                reading.report(f"'{path}' must be a list, not {describe(node.value)}", node)
            return ()
        if depth > _MAX_DEPTH or len(node.items) > _MAX_NODES or self._count + len(node.items) > _MAX_IN_ALL:
            limit = f"{_MAX_NODES} in a list, {_MAX_IN_ALL:,} in all, {_MAX_DEPTH} levels"
            reading.report(f"'{path}' has too many nodes (at most {limit})", node)
            return ()
        self._count += len(node.items)
        found = [self._node(item, f"{path}[{index}]", depth) for index, item in enumerate(node.items)]
        return tuple(each for each in found if each is not None)

    def _node(self, node: Node, path: str, depth: int) -> WorkflowNode | None:
        reading = self._reading
        if not isinstance(node.value, dict):
            reading.report(f"{path} must be a map, not {describe(node.value)}", node)
            return None
        ref = reading.ref(node, path)
        name = ref or path
        kind = reading.child(node, "node_type", str, name, needed=True)
        if kind is None:
            return None
        node_type = str(kind.value)
        if node_type not in NODE_TYPES:
            hint = did_you_mean(node_type, NODE_TYPES)
            reading.report(f"{name} has the unknown node type '{node_type[:100]}'", kind, hint=hint)
            return None
        title = reading.text(node, "name", name, "") or None
        common = Common(name, node_type, title, node)
        properties = reading.child(node, "properties", dict, name)
        if properties is None and node_type not in _BRANCHES:
            flat = [key for key in node.entries if key not in _NODE_KEYS and not key.startswith("$")]
            hint = f"put {', '.join(flat[:5])} into it: files have the properties apart" if flat else None
            reading.report(f"{name} has no 'properties'", node, hint=hint)
            return None
        reading.no_others(node, _NODE_KEYS, name)
        if properties is not None and node_type not in _BRANCHES:
            return read_plain_node(reading, common, properties)
        if properties is not None:
            reading.no_others(properties, (), name)
        return self._branch(common, depth) if node_type == "branch" else self._wait_until(common, depth)

    def _branch(self, common: Common, depth: int) -> Branch | None:
        choices = self._choices(common, 2, 10)
        if choices is None:
            return None
        found = []
        for index, node in enumerate(choices.items):
            name = f"{common.id}.branches[{index}]"
            is_default = self._reading.flag(node, "is_default", name)
            given = node.get("conditions")
            conditions = read_conditions(self._reading, given, name, may_be_empty=is_default)
            if not is_default and (given is None or given.value in (None, [])):
                self._reading.report(f"{name} has no conditions, and is not the default branch", node)
            found.append(self._choice(node, name, conditions, depth, is_default=is_default))
        defaults = [index for index, choice in enumerate(found) if choice.is_default]
        if defaults != [len(found) - 1]:
            self._reading.report(f"{common.id} must have one default branch, as its last", common.source)
        return Branch(common, tuple(found))

    def _wait_until(self, common: Common, depth: int) -> WaitUntil | None:
        reading = self._reading
        choices = self._choices(common, 2, 2)
        if choices is None:
            return None
        names = [f"{common.id}.branches[{index}]" for index in range(2)]
        flags = [reading.flag(node, "is_default", name) for node, name in zip(choices.items, names, strict=True)]
        if flags != [False, True]:
            reading.report(f"{common.id} must have one default branch, as its last", common.source)
            return None
        awaited = self._awaited(choices.items[0], names[0])
        timeout = self._timeout(choices.items[1], names[1])
        met = self._choice(choices.items[0], names[0], (), depth, is_default=False)
        timed_out = self._choice(choices.items[1], names[1], (), depth, is_default=True)
        return WaitUntil(common, awaited, timeout, met, timed_out)

    def _choices(self, common: Common, least: int, most: int) -> Node | None:
        found = self._reading.child(common.source, "branches", list, common.id, needed=True)
        if found is None:
            return None
        if not least <= len(found.items) <= most or not all(isinstance(node.value, dict) for node in found.items):
            number = str(least) if least == most else f"{least} to {most}"
            self._reading.report(f"'branches' of {common.id} must be a list of {number} maps", found)
            return None
        return found

    def _choice(
        self, node: Node, name: str, conditions: tuple[Condition, ...], depth: int, *, is_default: bool
    ) -> Choice:
        reading = self._reading
        reading.no_others(node, _BRANCH_KEYS, name)
        ref = reading.ref(node, name)
        nodes = self.nodes(node.get("nodes"), f"{name}.nodes", depth + 1)
        title = reading.text(node, "name", name, "") or ref or name
        is_terminal = reading.flag(node, "is_terminal", name)
        return Choice(ref or name, title, is_default, is_terminal, conditions, nodes, node)

    def _awaited(self, node: Node, name: str) -> tuple[Awaited, ...]:
        reading = self._reading
        conditions = reading.child(node, "conditions", list, name, needed=True)
        found = []
        for item in conditions.items if conditions is not None else ():
            kind = item.get("type")
            if kind is not None and kind.value == "future_event":
                event = reading.text(item, "event_name", f"'conditions' of {name}")
                own = read_conditions(reading, item.get("event_conditions"), name)
                found.append(Awaited(event.strip(), own, item))
            else:
                condition = read_item(reading, item, name)
                found += [Awaited(None, (condition,), item)] if condition is not None else []
        if not found:
            reading.report(f"{name} waits for nothing", node)
        return tuple(found)

    def _timeout(self, node: Node, name: str) -> Wait:
        reading = self._reading
        conditions = reading.child(node, "conditions", list, name, needed=True)
        for item in conditions.items if conditions is not None else ():
            kind = item.get("type")
            if kind is not None and kind.value == "delay":
                properties = reading.child(item, "delay_properties", dict, f"the time-out of {name}", needed=True)
                return read_delay(reading, properties, f"the time-out of {name}") if properties is not None else 0
        if conditions is not None:
            reading.report(f"{name} has no time-out: a condition of the type delay", node)
        return 0


_BRANCHES = ("branch", "branch_waituntil")
NODE_TYPES = (*PLAIN_TYPES, *_BRANCHES)
