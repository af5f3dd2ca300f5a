"""What a workflow reads of the event that it runs for, in the order in which it does: conditions, expressions and templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from runner.workflows.definition import (
    Batch,
    Branch,
    Comparison,
    Delay,
    Digest,
    Expression,
    Fetch,
    Invoke,
    Offset,
    Send,
    SendMulti,
    SendSmart,
    Transform,
    WaitUntil,
)
from runner.workflows.reach import all_nodes, flat_conditions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.suprsend.messages import Channel
    from runner.workflows.definition import Condition, Wait, Workflow, WorkflowNode


class Payload(NamedTuple):
    """What the payload has at a node, beside the properties of the event.

    `made` are the keys that earlier nodes added. It is open if an earlier call may have added any key, and batched if it
    has the events of a batch in place of the properties.
    """

    made: frozenset[str] = frozenset()
    is_open: bool = False
    is_batched: bool = False

    def joined(self, other: Payload) -> Payload:
        """Return what may be in the payload after one branch or the other."""
        return Payload(self.made | other.made, self.is_open or other.is_open, self.is_batched or other.is_batched)


class ConditionRead(NamedTuple):
    """A condition on the payload."""

    condition: Comparison
    payload: Payload


class TemplateRead(NamedTuple):
    """A template that is rendered, for some channels, or for all that it has."""

    template: str
    channels: tuple[Channel, ...]
    payload: Payload


class ExpressionRead(NamedTuple):
    """An expression that a node, or the trigger, evaluates over the payload."""

    expression: Expression
    payload: Payload


Read: TypeAlias = "ConditionRead | TemplateRead | ExpressionRead"


def reads_of(workflow: Workflow) -> Iterator[Read]:
    """Yield what a workflow reads of the payload, its trigger first."""
    yield from _conditions(workflow.conditions, Payload())
    for expression in (workflow.recipients, workflow.actor, workflow.tenant):
        if expression is not None:
            yield ExpressionRead(expression, Payload())
    yield from _nodes(workflow.nodes, Payload())


def awaiting(workflow: Workflow, event: str) -> Iterator[Comparison]:
    """Yield the conditions of a workflow on an event that it waits for."""
    for node in all_nodes(workflow.nodes):
        for awaited in node.awaited if isinstance(node, WaitUntil) else ():
            if awaited.event == event:
                for condition in flat_conditions(awaited.conditions):
                    if isinstance(condition, Comparison) and condition.namespace in ("", "$future_event"):
                        yield condition


def root_of(path: str) -> str:
    """Return the first key of a path such as `items[].name`."""
    return path.partition(".")[0].partition("[")[0]


def _conditions(conditions: Sequence[Condition], payload: Payload) -> Iterator[ConditionRead]:
    for condition in flat_conditions(conditions):
        if isinstance(condition, Comparison) and not condition.namespace:
            yield ConditionRead(condition, payload)


def _nodes(nodes: Sequence[WorkflowNode], payload: Payload) -> Iterator[Read]:
    for node in nodes:
        yield from _of_node(node, payload)
        payload = _after(node, payload)


def _of_node(node: WorkflowNode, payload: Payload) -> Iterator[Read]:
    for expression in _expressions(node):
        yield ExpressionRead(expression, payload)
    match node:
        case Branch(choices=choices):
            for choice in choices:
                yield from _conditions(choice.conditions, payload)
            for choice in choices:
                yield from _nodes(choice.nodes, payload)
        case WaitUntil():
            for awaited in node.awaited:
                if awaited.event is None:
                    yield from _conditions(awaited.conditions, payload)
            yield from _nodes(node.met.nodes, payload)
            yield from _nodes(node.timed_out.nodes, payload)
        case Send():
            yield TemplateRead(node.template, node.channels, payload)
        case SendMulti() | SendSmart():
            yield TemplateRead(node.template, node.channels if node.expression is None else (), payload)
        case _:
            pass


def _expressions(node: WorkflowNode) -> Iterator[Expression]:
    """Yield the expressions of a node."""
    match node:
        case Delay(wait=wait) | WaitUntil(timeout=wait):
            yield from _of_wait(wait)
        case Batch(window=wait, key=key):
            yield from _of_wait(wait)
            if key is not None:
                yield key
        case Digest(schedule=Expression() as expression):
            yield expression
        case Transform(variables=variables):
            yield from (expression for _, expression in variables)
        case SendMulti(expression=Expression() as expression):
            yield expression
        case SendSmart(expression=expression, ttl=wait):
            if expression is not None:
                yield expression
            yield from _of_wait(wait)
        case Invoke(recipient=recipient, actor=actor):
            yield from (each for each in (recipient, actor) if isinstance(each, Expression))
        case _:
            pass


def _of_wait(wait: Wait) -> Iterator[Expression]:
    match wait:
        case Expression():
            yield wait
        case Offset(pivot=pivot, offset=offset):
            yield pivot
            if isinstance(offset, Expression):
                yield offset
        case _:
            pass


def _after(node: WorkflowNode, payload: Payload) -> Payload:
    match node:
        case Transform(variables=variables):
            return payload._replace(made=payload.made.union(root_of(key) for key, _ in variables))
        case Fetch(output_key=None):
            return payload._replace(is_open=True)
        case Fetch(output_key=str(key)):
            return payload._replace(made=payload.made | {root_of(key)})
        case Batch() | Digest():
            return payload._replace(is_batched=True)
        case Branch(choices=choices):
            return _joined((choice.nodes for choice in choices), payload)
        case WaitUntil(met=met, timed_out=timed_out):
            return _joined((met.nodes, timed_out.nodes), payload)
        case _:
            return payload


def _joined(branches: Iterator[Sequence[WorkflowNode]] | Sequence[Sequence[WorkflowNode]], payload: Payload) -> Payload:
    whole = payload
    for nodes in branches:
        ended = payload
        for node in nodes:
            ended = _after(node, ended)
        whole = whole.joined(ended)
    return whole
