"""The messages of sent events → a table, JSON, and what may be the reason if there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from runner.durations import shown_duration
from runner.errors import Problem
from runner.report.format import Format
from runner.report.style import counted, printable, width
from runner.suprsend.messages import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.report.output import Output
    from runner.report.style import Style
    from runner.run import Outcome
    from runner.suprsend.message_wait import WaitedEvent
    from runner.suprsend.messages import Status
    from runner.suprsend.messages_api import SentMessage

_MAX_CELL = 60
Cause = Literal["user", "workflow", "conditions", "delay", "channel", "template", "blocked", "vendor", "workspace"]
_SHORT: Mapping[Cause, str] = {"user": "the user is known", "workflow": "a live workflow listens to the event"}
"""What is said of causes that can be ruled out."""
_CAUSES: Mapping[Cause, str] = {
    "user": "the user {user} is not known: the platform discards the event",
    "workflow": "no live workflow listens to '{event}'",
    "conditions": "the conditions of the workflow's trigger do not hold for these properties, or its throttle is reached",
    "delay": "a delay, a time window, a batch or a digest is longer than the wait",
    "channel": "the user has no active channel that the template has, or opted out of the category",
    "template": "the template has no published version in the channel, or lacks a variable",
    "blocked": "test mode blocks the delivery",
    "vendor": "no vendor is set up for the channel and category",
    "workspace": "the event went to another workspace than the one that you look at",
}
"""Documented reasons why an accepted event has no message (documentation: "Error guides", "Logs")."""
_NO_CALLBACK = "the vendor reports no deliveries: a callback may not be set up, and `triggered` is the last status then"


def show_waiting(output: Output, events: Sequence[WaitedEvent], waited_s: float, within_s: float) -> None:
    """Show the progress on a terminal."""
    if not output.has_terminal:
        return
    known = sum(event.state != "pending" for event in events)
    messages = counted(sum(len(event.messages) for event in events), "message")
    of = f", {known} of {len(events)} events known" if len(events) > 1 else ""
    output.status(f"waiting for messages: {messages}{of}, {waited_s:.0f} of {shown_duration(within_s)}")


def show_messages(output: Output, outcomes: Iterable[Outcome], waited: Mapping[str, WaitedEvent]) -> None:
    """Show a table of the messages of each event, with the seconds since it was sent."""
    if output.format in (Format.JSON, Format.JSONL):  # there, they stand with their event
        return
    rows = [
        ((), message, outcome.time_ms / 1000 if outcome.time_ms is not None else None)
        for outcome in outcomes
        if (event := waited_of(outcome, waited)) is not None
        for message in event.messages
    ]
    for line in message_lines(output, rows):
        output.data(line)


def message_lines(output: Output, rows: Sequence[tuple[tuple[str, ...], SentMessage, float | None]]) -> list[str]:
    """Return the lines of a table of messages, each with the cells before it and the instant from which its time counts.

    A column that is empty in all lines is left out.
    """
    cells = [
        tuple(
            printable(output.cut(text or "", _MAX_CELL))
            for text in (
                *before, _after(message, since_s), message.channel, message.workflow, message.template, message.recipient,
            )
        )
        for before, message, since_s in rows
    ]  # fmt: skip
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    lines = []
    for line, (_, message, _) in zip(cells, rows, strict=True):
        padded = [cell + " " * (size - width(cell)) for cell, size in zip(line, widths, strict=True) if size]
        reason = f"  {printable(output.cut(message.failure_reason, _MAX_CELL))}" if message.failure_reason else ""
        lines.append(f"  {'  '.join(padded)}  {_status(message.status, output.style)}{reason}")
    return lines


def waited_of(outcome: Outcome, waited: Mapping[str, WaitedEvent]) -> WaitedEvent | None:
    """Return the messages of an event; None if it has the key of an earlier one, to which they belong."""
    return None if outcome.is_repeated else waited.get(outcome.idempotency_key or "")


def _after(message: SentMessage, since_s: float | None) -> str:
    """Return the time from an instant to the message, by our clock for the one and the platform's for the other."""
    if message.created_at is None or since_s is None or message.created_at.tzinfo is None:
        return ""
    at = message.times.get("triggered", message.created_at)
    if at.tzinfo is None:
        return ""
    return f"{max(0.0, at.timestamp() - since_s):.1f}s"


def _status(status: Status, style: Style) -> str:
    return style.error(status) if status in FAILED else style.good(status)


def messages_json(event: WaitedEvent) -> dict[str, Any]:
    """Return the messages of an event as data, and how the waiting for them ended."""
    failure = event.failure
    return {
        "wait": {
            "state": event.state,
            "waited_s": round(event.waited_s, 3),
            "error": failure.message if failure is not None else None,
        },
        "messages": [
            {
                "message_id": message.message_id,
                "workflow": message.workflow,
                "channel": message.channel,
                "status": message.status,
                "recipient": message.recipient,
                "tenant": message.tenant_id,
                "template": message.template,
                "category": message.category,
                "node": message.node,
                "failure_reason": message.failure_reason,
                "created_at": message.created_at.isoformat() if message.created_at is not None else None,
                "times": {status: moment.isoformat() for status, moment in message.times.items()},
            }
            for message in event.messages
        ],
    }


def skipped_event(outcome: Outcome) -> Problem:
    """Return the problem of an event that has the key of an earlier one of the same command."""
    message = (
        f"no message of {outcome.event} for {outcome.distinct_id}: "
        "the platform skips an event with the key of an earlier one"
    )
    return Problem("no-message", message, hint=f"give each spec a key of its own: {outcome.idempotency_key}")


def no_message(
    event: WaitedEvent, outcome: Outcome, until: Status, within: str, known: Sequence[str], excluded: Sequence[Cause]
) -> Problem:
    """Return the problem of an event without a message in time, with the reasons that are still possible.

    `known` are reasons that are certain, `excluded` those that can't be it.
    """
    who = f"{outcome.event} for {outcome.distinct_id}"
    look = f"look for the key {event.key} in the platform's logs"
    if event.failure is not None:
        message = f"the messages of {who} can't be read: {event.failure.message}"
        return Problem("no-message", message, hint=look)
    if event.messages:
        reached = ", ".join(f"{message.channel} is {message.status}" for message in event.messages[:5])
        callback = (_NO_CALLBACK,) if until == "delivered" else ()
        return Problem(
            "no-message", f"no message of {who} is {until} within {within}: {reached}", hint=look, notes=callback
        )
    names = {"user": outcome.distinct_id, "event": outcome.event}
    causes = [text.format(**names) for cause, text in _CAUSES.items() if cause not in excluded]
    notes = (
        "it may still come. If it does not, the reason may be:" if not known else "the reason is known:",
        *(f"- {text}" for text in known or causes),
        *([f"ruled out: {', '.join(_SHORT[cause] for cause in excluded)}"] if excluded and not known else []),
    )
    return Problem("no-message", f"no message of {who} within {within}", hint=look, notes=notes)
