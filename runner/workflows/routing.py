"""Smart routing: one channel after the other, until a message has the success that the node asks for.

Source: the platform's documentation, "Smart delivery".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from runner.durations import shown_ms
from runner.workflows.agenda import Pause
from runner.workflows.delivery import destinations, send, time_of
from runner.workflows.outcomes import RefusedError
from runner.workflows.sends import channels_of, note_gaps, note_sent
from runner.workflows.waits import end_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from runner.suprsend.messages import Channel
    from runner.workflows.agenda import Steps
    from runner.workflows.definition import SendSmart
    from runner.workflows.delivery import Destination
    from runner.workflows.run import Run
    from runner.workflows.timeline import Event, Message

DEFAULT_ORDER: Final[tuple[Channel, ...]] = (
    "webpush",
    "iospush",
    "androidpush",
    "slack",
    "ms_teams",
    "email",
    "whatsapp",
    "sms",
)
"""The channels outside of the app, by their usual costs. Those of an account are its own."""
_GOALS: Final[Mapping[str, str]] = {"interaction": "clicked", "interacted": "clicked"}


class Step(NamedTuple):
    """A message that smart routing sends at a time."""

    at_ms: int
    destination: Destination


def route(node: SendSmart, run: Run, follows: bool) -> Steps | None:
    """Send the first messages, and return the task that sends the others; None if there are none.

    `follows` says whether other nodes come after this one.
    """
    if not node.is_event and _GOALS.get(node.success, node.success) not in ("delivered", "seen", "clicked"):
        raise RefusedError(f"the success '{node.success}' is neither a status nor marked as an event")
    channels, inexact = channels_of(node, run)
    found, gaps = destinations(run, node.template, channels)
    note_gaps(run, node.common, gaps)
    ttl_ms = end_of(node.ttl, run) - run.now_ms
    if run.simulation.world.channel_order is None and len({destination.channel for destination in found}) > 1:
        inexact = inexact or "the order of channels is the default one: set `channel_order`"
    steps = plan(found, node.mandatory, run.simulation.world.channel_order or DEFAULT_ORDER, run.now_ms, ttl_ms)
    now, later = (
        [step for step in steps if step.at_ms == run.now_ms],
        [step for step in steps if step.at_ms > run.now_ms],
    )
    messages = [_send(node, run, step, inexact) for step in now]
    if not later:
        return None
    if follows:
        inexact = inexact or "whether the nodes after smart routing wait for its steps is not documented"
    run.pending[node.common.id] = len(later)
    text = f"sends to the next of {len(later)} more within {shown_ms(later[-1].at_ms - run.now_ms)} until one is {node.success}"
    run.note("waited", text, node.common, until_ms=later[-1].at_ms, inexact=inexact)
    return _later(node, run, later, messages, inexact)


def plan(
    destinations: Sequence[Destination],
    mandatory: Iterable[Channel],
    order: Sequence[Channel],
    now_ms: int,
    ttl_ms: int,
) -> list[Step]:
    """Return the steps of smart routing: inbox and mandatory channels now, the others one by one within `ttl_ms`."""
    rank = {channel: index for index, channel in reversed([*enumerate(("inbox", *order))])}
    ranked = sorted(destinations, key=lambda destination: rank.get(destination.channel, len(rank)))
    at_once = {"inbox", *mandatory}
    first = [destination for destination in ranked if destination.channel in at_once]
    rest = [destination for destination in ranked if destination.channel not in at_once]
    gaps = max(len(rest) - 1, 1)
    return [
        *(Step(now_ms, destination) for destination in first),
        *(Step(now_ms + index * ttl_ms // gaps, destination) for index, destination in enumerate(rest)),
    ]


def _later(node: SendSmart, run: Run, steps: Sequence[Step], messages: list[Message], inexact: str | None) -> Steps:
    """Send at each step, unless the success came before it."""
    for index, step in enumerate(steps):
        success_ms = yield from _success(node, run, step.at_ms, messages)
        if success_ms is not None:
            run.pending[node.common.id] = 0
            for left in steps[index:]:
                text = f"no {left.destination.channel}: {node.success} was reached"
                run.note("skipped", text, node.common, inexact=inexact)
            return
        run.pending[node.common.id] -= 1
        messages.append(_send(node, run, step, inexact))


def _success(
    node: SendSmart, run: Run, until_ms: int, messages: Sequence[Message]
) -> Generator[Pause, Event | None, int | None]:
    """Wait for the success up to a time, and return when it came; None if it did not."""
    if node.is_event:
        event = yield Pause(until_ms, run.recipient, frozenset([node.success]))
        return event.at_ms if event is not None else None
    goal = _GOALS.get(node.success, node.success)
    times = [time for message in messages if (time := time_of(message, goal)) is not None and time <= until_ms]
    if times:
        yield Pause(min(times))
        return min(times)
    yield Pause(until_ms)
    return None


def _send(node: SendSmart, run: Run, step: Step, inexact: str | None) -> Message:
    message = send(run, node.common, node.template, step.destination)
    note_sent(run, node.common, message, inexact)
    return message
