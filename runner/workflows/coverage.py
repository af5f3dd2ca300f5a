"""Which nodes, branches and outcomes of conditions of workflows were reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from runner.workflows.definition import Branch, Comparison, WaitUntil

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.source import Node
    from runner.workflows.definition import Choice, Condition, Workflow, WorkflowNode
    from runner.workflows.timeline import Timeline

Part: TypeAlias = tuple[str, Literal["node", "branch", "condition"], str]
"""One part of a workflow to be reached: the workflow's slug, the kind, and a key that is the same in every process."""


class Coverable(NamedTuple):
    """A part of a workflow, in words, with its place in the file."""

    part: Part
    text: str
    source: Node


class WorkflowCoverage(NamedTuple):
    """The coverage of one workflow."""

    workflow: str
    total: int
    missed: tuple[Coverable, ...]

    @property
    def reached(self) -> int:
        """The number of parts that were reached."""
        return self.total - len(self.missed)


def coverage(workflows: Mapping[str, Workflow], reached: Collection[Part]) -> list[WorkflowCoverage]:
    """Return the coverage of each live workflow, in the order of their slugs."""
    found = []
    for slug in sorted(workflows):
        if workflows[slug].is_live:
            parts = list(parts_of(workflows[slug]))
            found.append(WorkflowCoverage(slug, len(parts), tuple(each for each in parts if each.part not in reached)))
    return found


def percent(covered: Sequence[WorkflowCoverage]) -> float:
    """Return the share of parts that were reached, of all workflows, in percent; 100 if there are none."""
    total = sum(each.total for each in covered)
    return 100 * sum(each.reached for each in covered) / total if total else 100.0


def reached_by(timeline: Timeline) -> Iterator[Part]:
    """Yield the parts that the runs of a timeline reached."""
    for run in timeline.runs:
        for decision in run.decisions:
            if decision.node is not None:
                yield run.workflow, "node", decision.node
            if decision.choice is not None:
                yield run.workflow, "branch", decision.choice
            for check in decision.checks:
                yield run.workflow, "condition", _outcome(check.source, holds=check.holds)


def parts_of(workflow: Workflow) -> Iterator[Coverable]:
    """Yield the parts of a workflow, in the order of its file: each node, each branch, and each condition as true and as false."""
    for condition in workflow.conditions:
        yield from _conditions(workflow.slug, condition)
    yield from _nodes(workflow.slug, workflow.nodes)


def _nodes(slug: str, nodes: Sequence[WorkflowNode]) -> Iterator[Coverable]:
    for node in nodes:
        common = node.common
        yield Coverable((slug, "node", common.id), f"node {common.id} ({common.node_type})", common.source)
        match node:
            case Branch():
                for choice in node.choices:
                    yield from _choice(slug, choice)
            case WaitUntil():
                for awaited in node.awaited:
                    for condition in awaited.conditions:
                        yield from _conditions(slug, condition)
                yield from _choice(slug, node.met)
                yield from _choice(slug, node.timed_out)
            case _:
                pass


def _choice(slug: str, choice: Choice) -> Iterator[Coverable]:
    yield Coverable((slug, "branch", choice.id), f"branch {choice.name!r}", choice.source)
    for condition in choice.conditions:
        yield from _conditions(slug, condition)
    yield from _nodes(slug, choice.nodes)


def _conditions(slug: str, condition: Condition) -> Iterator[Coverable]:
    if not isinstance(condition, Comparison):
        for argument in condition.arguments:
            yield from _conditions(slug, argument)
        return
    namespace = f"{condition.namespace}." if condition.namespace else ""
    value = f" {condition.value}" if condition.value is not None else ""
    text = f"{namespace}{condition.variable} {condition.operator}{value}"
    for holds in (True, False):
        key = _outcome(condition.source, holds=holds)
        yield Coverable((slug, "condition", key), f"condition {text} is {str(holds).lower()}", condition.source)


def _outcome(source: Node, *, holds: bool) -> str:
    return f"{source.start} {str(holds).lower()}"
