"""Which workflows an event can touch, and which other events matter for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.workflows.definition import Batch, Branch, Digest, Group, Invoke, SendSmart, WaitUntil

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.workflows.assets import Assets
    from runner.workflows.definition import Condition, Workflow, WorkflowNode


class Touched(NamedTuple):
    """The workflows that an event can touch. If they are stateful, what they do depends on earlier `events`, by name."""

    workflows: Mapping[str, Workflow]
    events: frozenset[str]
    is_stateful: bool


class Reach:
    """Finds what the events of some assets can touch. Each event is looked up once."""

    def __init__(self, assets: Assets) -> None:
        self._workflows = assets.workflows or {}
        self._by_event: dict[str, Touched] = {}
        self._awaited = {slug: frozenset(awaited_events(workflow.nodes)) for slug, workflow in self._workflows.items()}

    def touched_by(self, event: str) -> Touched:
        """Return what an event can touch: live workflows that it triggers or that wait for it, and those that they start."""
        if event not in self._by_event:
            self._by_event[event] = self._find(event)
        return self._by_event[event]

    def _find(self, event: str) -> Touched:
        slugs = [
            slug
            for slug, workflow in self._workflows.items()
            if workflow.is_live and (event in workflow.events or event in self._awaited[slug])
        ]
        found: dict[str, Workflow] = {}
        while slugs:
            slug = slugs.pop()
            workflow = self._workflows.get(slug)
            if workflow is not None and slug not in found:
                found[slug] = workflow
                slugs += [node.workflow for node in all_nodes(workflow.nodes) if isinstance(node, Invoke)]
        events = frozenset[str]().union(*({*workflow.events, *self._awaited[slug]} for slug, workflow in found.items()))
        return Touched(found, events, any(map(_is_stateful, found.values())))


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
