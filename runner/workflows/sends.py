"""Send nodes: the messages of one channel, or of several at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from runner.suprsend.messages import CHANNELS
from runner.workflows.condition_values import shown
from runner.workflows.definition import Send
from runner.workflows.delivery import destinations, live_channels, send, unknowns
from runner.workflows.evaluation import spelled, value_of
from runner.workflows.outcomes import StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.suprsend.messages import Channel
    from runner.workflows.definition import Common, Expression, SendMulti, SendSmart
    from runner.workflows.delivery import Gap
    from runner.workflows.run import Run
    from runner.workflows.timeline import Message


def send_all(node: Send | SendMulti, run: Run) -> None:
    """Send the messages of a node now."""
    channels, inexact = channels_of(node, run)
    found, gaps = destinations(run, node.template, channels)
    note_gaps(run, node.common, gaps)
    for destination in found:
        note_sent(run, node.common, send(run, node.common, node.template, destination), inexact)


def channels_of(node: Send | SendMulti | SendSmart, run: Run) -> tuple[Sequence[Channel], str | None]:
    """Return the channels that a node may send to, and why that is inexact."""
    assets = run.simulation.assets
    inexact = unknowns(assets, run.workflow.category)
    if not isinstance(node, Send) and node.expression is not None:
        return _dynamic_channels(node.expression, run), inexact
    if node.channels:
        return node.channels, inexact
    if assets.templates is None:
        inexact = inexact or "the assets have no templates: each is taken as live in every channel"
    return live_channels(assets, node.template), inexact


def note_gaps(run: Run, common: Common, gaps: Iterable[Gap]) -> None:
    """Record the channels that get no message."""
    for gap in gaps:
        run.note("skipped", f"no {gap.channel}: {gap.reason}", common)


def note_sent(run: Run, common: Common, message: Message, inexact: str | None = None) -> None:
    """Record a message."""
    text = f"{message.channel} to {message.identity}: {message.status}"
    if message.failure_reason:
        text += f" ({message.failure_reason})"
    run.note("sent", text, common, inexact=inexact)


def _dynamic_channels(expression: Expression, run: Run) -> list[Channel]:
    value = value_of(run, expression)
    if isinstance(value, list) and value and all(channel in CHANNELS for channel in value):
        return list(dict.fromkeys(cast("list[Channel]", value)))
    raise StoppedError(f"{spelled(expression)} is {shown(value)}, expected a list of channels", expression.source)
