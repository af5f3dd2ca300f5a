"""The events of a case → the messages that come of them in the project's workflows, with no network and no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.errors import Problem
from runner.testing.message_fit import ActualMessage, compare_messages
from runner.workflows.event import event_of
from runner.workflows.story import as_text, story

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.secrets import Mask
    from runner.source import Json
    from runner.testing.message_fit import Expectations
    from runner.workflows.timeline import Decision, Event, Message, Timeline


class OfflineStep(NamedTuple):
    """One step of a case: its events as they go out, their time in milliseconds since 1970, and what is expected of messages."""

    wires: Sequence[Mapping[str, Json]]
    at_ms: int
    expected: Expectations | None


class OfflineProblem(NamedTuple):
    """A problem with the messages of a step, by its index."""

    step: int
    problem: Problem


def events_of(steps: Sequence[OfflineStep]) -> list[Event]:
    """Return the events of all steps, in order."""
    return [event_of(wire, step.at_ms) for step in steps for wire in step.wires]


def offline_problems(
    events: Sequence[Event], timeline: Timeline, steps: Sequence[OfflineStep], mask: Mask
) -> Iterator[OfflineProblem]:
    """Yield how the messages of each step differ from what it expects."""
    first = 0
    for number, step in enumerate(steps):
        indexes = range(first, first + len(step.wires))
        first += len(step.wires)
        if step.expected is not None:
            for problem in _wrong(events, timeline, indexes, step.expected, mask):
                yield OfflineProblem(number, problem)


def _wrong(
    events: Sequence[Event], timeline: Timeline, indexes: Collection[int], expected: Expectations, mask: Mask
) -> Iterator[Problem]:
    messages = [message for message in timeline.messages if message.event in indexes]
    actual = [actual_message(message, events[message.event]) for message in messages]
    lines = as_text(list(story(timeline, events, indexes)))
    result = compare_messages(expected, actual, mask, lines)
    refusals = [run.refusal for run in timeline.runs if run.event in indexes and run.refusal is not None]
    if (refusals or timeline.limit is not None) and (result.missing or expected.needs_silence):
        # What comes after a refusal is unknown: neither a missing message nor silence says anything.
        yield from map(_unmodelled, refusals)
        if not refusals:  # the limit was reached in a run of another event
            yield Problem("workflow-unmodelled", f"{timeline.limit}", expected.node.position(), at="messages")
        yield from result.wrong
        return
    yield from (*result.missing, *result.wrong)


def actual_message(message: Message, event: Event) -> ActualMessage:
    """Return a message of the interpreter as one to compare; its times count from its event."""
    fields: dict[str, Json] = {
        "workflow": message.workflow,
        "channel": message.channel,
        "recipient": message.recipient,
        "tenant": message.tenant_id,
        "template": message.template,
        "category": message.category,
        "node": message.node,
        "failure_reason": message.failure_reason,
    }
    times = {status: (at - event.at_ms) / 1000 for status, at in message.times.items()}
    return ActualMessage(fields, message.status, times)


def _unmodelled(refusal: Decision) -> Problem:
    position = refusal.source.position() if refusal.source is not None else None
    node = f"{refusal.node}: " if refusal.node else ""
    return Problem("workflow-unmodelled", f"{node}{refusal.text}", position, at="messages")
