"""Which workflows an event can touch, and which other events matter for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.workflows.definition import Batch, Branch, Digest, Group, Invoke, SendSmart, WaitUntil

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from runner.workflows.assets import Assets
    from runner.workflows.definition import Condition, Workflow, WorkflowNode


class Part(NamedTuple):
    """Workflows that start each other, and nothing else does: what they do depends on no other workflow.

    If they are stateful, what they do depends on earlier `events`, by name; with `is_of_user`, only on those of the same user.
    """

    number: int
    workflows: Mapping[str, Workflow]
    events: frozenset[str]
    is_stateful: bool
    is_of_user: bool


class Reach:
    """Finds what the events of some assets can touch, `without` some events. Each event is looked up once."""

    def __init__(self, assets: Assets, without: Collection[str]) -> None:
        workflows = assets.workflows or {}
        self._parts = [
            _part(number, {slug: workflows[slug] for slug in slugs}, without)
            for number, slugs in enumerate(_linked(workflows))
        ]
        self._by_event: dict[str, tuple[Part, ...]] = {}

    def touched_by(self, event: str) -> tuple[Part, ...]:
        """Return what an event can touch: the parts with a live workflow that it triggers or that waits for it."""
        if event not in self._by_event:
            self._by_event[event] = tuple(part for part in self._parts if _touches(event, part.workflows.values()))
        return self._by_event[event]


def _linked(workflows: Mapping[str, Workflow]) -> list[list[str]]:
    """Return the slugs of workflows that start each other, together and sorted."""
    groups: list[set[str]] = []
    for slug in sorted(workflows):
        linked = {slug, *(node.workflow for node in _invocations(workflows[slug]) if node.workflow in workflows)}
        joined = [group for group in groups if group & linked]
        groups = [group for group in groups if not group & linked]
        groups.append(linked.union(*joined))
    return sorted(map(sorted, groups))


def _part(number: int, workflows: Mapping[str, Workflow], without: Collection[str]) -> Part:
    events = {name for each in workflows.values() for name in (*each.events, *awaited_events(each.nodes))}
    is_of_user = all(
        each.recipients is None and all(node.recipient == "recipient" for node in _invocations(each))
        for each in workflows.values()
    )
    is_stateful = any(map(_is_stateful, workflows.values()))
    return Part(number, workflows, frozenset(events).difference(without), is_stateful, is_of_user)


def _touches(event: str, workflows: Iterable[Workflow]) -> bool:
    return any(each.is_live and (event in each.events or event in awaited_events(each.nodes)) for each in workflows)


def _invocations(workflow: Workflow) -> Iterator[Invoke]:
    return (node for node in all_nodes(workflow.nodes) if isinstance(node, Invoke))


class Listeners:
    """The workflows of some assets by the events that trigger them, live or not, and the live ones by those that they wait for."""

    def __init__(self, assets: Assets) -> None:
        self._triggered: dict[str, list[Workflow]] = {}
        self._waiting: dict[str, list[Workflow]] = {}
        found = assets.workflows or {}
        for workflow in (found[slug] for slug in sorted(found)):
            for event in dict.fromkeys(workflow.events):
                self._triggered.setdefault(event, []).append(workflow)
            for event in dict.fromkeys(awaited_events(workflow.nodes)) if workflow.is_live else ():
                self._waiting.setdefault(event, []).append(workflow)

    def live(self, event: str) -> Sequence[Workflow]:
        """Return the live workflows that an event triggers."""
        return [workflow for workflow in self._triggered.get(event, ()) if workflow.is_live]

    def dead(self, event: str) -> Sequence[Workflow]:
        """Return the workflows that an event would trigger if they were live."""
        return [workflow for workflow in self._triggered.get(event, ()) if not workflow.is_live]

    def waiting(self, event: str) -> Sequence[Workflow]:
        """Return the live workflows that wait for an event."""
        return self._waiting.get(event, ())

    def heard(self) -> Collection[str]:
        """Return the events that trigger a live workflow."""
        return [event for event in self._triggered if self.live(event)]


def awaited_events(nodes: Sequence[WorkflowNode]) -> Iterator[str]:
    """Yield the names of the events that nodes wait for."""
    for node in all_nodes(nodes):
        if isinstance(node, WaitUntil):
            yield from (awaited.event for awaited in node.awaited if awaited.event is not None)
        elif isinstance(node, SendSmart) and node.is_event:
            yield node.success


def all_nodes(nodes: Sequence[WorkflowNode]) -> Iterator[WorkflowNode]:
    """Yield nodes and those of their branches, in the order of the file."""
    for node in nodes:
        yield node
        choices = (
            node.choices
            if isinstance(node, Branch)
            else (node.met, node.timed_out)
            if isinstance(node, WaitUntil)
            else ()
        )
        for choice in choices:
            yield from all_nodes(choice.nodes)


def _is_stateful(workflow: Workflow) -> bool:
    return workflow.throttle is not None or any(
        isinstance(node, Batch | Digest | WaitUntil) or (isinstance(node, SendSmart) and node.is_event)
        for node in all_nodes(workflow.nodes)
    )


def all_conditions(nodes: Sequence[WorkflowNode]) -> Iterator[Condition]:
    """Yield the conditions of all branches and awaited events, and those inside of groups."""
    for node in all_nodes(nodes):
        if isinstance(node, Branch):
            for choice in node.choices:
                yield from flat_conditions(choice.conditions)
        elif isinstance(node, WaitUntil):
            for awaited in node.awaited:
                yield from flat_conditions(awaited.conditions)


def flat_conditions(conditions: Sequence[Condition]) -> Iterator[Condition]:
    """Yield conditions, and those inside of groups."""
    for condition in conditions:
        yield condition
        if isinstance(condition, Group):
            yield from flat_conditions(condition.arguments)
