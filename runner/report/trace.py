"""A timeline of workflows → a tree of text, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.durations import shown_duration
from runner.report.format import Format
from runner.report.style import counted, printable
from runner.workflows.story import place_of, story

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.report.output import Output
    from runner.report.style import Style
    from runner.workflows.story import Line
    from runner.workflows.timeline import Decision, Event, Message, Timeline, WorkflowRun


def show_trace(output: Output, events: Sequence[Event], timeline: Timeline) -> None:
    """Show what came of events: a tree for each, and the messages."""
    if output.format in (Format.JSON, Format.JSONL):
        head = {
            "events": [_event_json(event, index in timeline.unheard) for index, event in enumerate(events)],
            "runs": [_run_json(run, events[run.event]) for run in timeline.runs],
        }
        output.items("messages", [message_json(each, events[each.event]) for each in timeline.messages], head)
        return
    style = output.style
    for index, event in enumerate(events):
        tenant = f" of tenant {event.tenant_id}" if event.tenant_id else ""
        name, user = _shown(output, event.name), _shown(output, f"{event.distinct_id}{tenant}")
        output.data(f"{style.strong(name)} for {user}")
        for line in story(timeline, events, (index,)):
            output.data(_line(line, _shown(output, line.text), style))
    count = counted(len(timeline.messages), "message")
    output.data(f"{count}{':' if timeline.messages else ''}")
    for message in timeline.messages:
        output.data(f"  {_shown(output, _message(message, events[message.event]))}")


def _shown(output: Output, text: str) -> str:
    """Return a text that is masked, and then safe to print: an escaped secret would not be recognized."""
    return printable(output.masked(text))


def _line(line: Line, text: str, style: Style) -> str:
    mark = {True: style.good("✓ "), False: style.error("✗ "), None: "  "}[line.state]
    at = f"{shown_duration(line.at_s):>8}  " if line.at_s is not None else " " * 10
    place = f"  {style.place(printable(line.place))}" if line.place and line.depth > 1 else ""
    if line.depth == 0:
        return f"  {mark if line.state is not None else ''}{style.strong(text)}"
    return f"    {style.faint(at)}{'  ' * (line.depth - 1)}{mark}{text}{place}"


def _message(message: Message, event: Event) -> str:
    at = shown_duration((message.created_ms - event.at_ms) / 1000)
    why = f" ({message.failure_reason})" if message.failure_reason else ""
    return (
        f"{at:>8}  {message.channel:<11} {message.workflow} · {message.template} → {message.recipient} "
        f"<{message.identity}>  {message.status}{why}"
    )


def _event_json(event: Event, is_unheard: bool) -> dict[str, Any]:
    return {
        "event": event.name,
        "distinct_id": event.distinct_id,
        "tenant_id": event.tenant_id,
        "at_ms": event.at_ms,
        "idempotency_key": event.idempotency_key,
        "unheard": is_unheard,
    }


def _run_json(run: WorkflowRun, event: Event) -> dict[str, Any]:
    return {
        "run": run.id,
        "workflow": run.workflow,
        "event": run.event,
        "recipient": run.recipient,
        "decisions": [_decision_json(decision, event) for decision in run.decisions],
    }


def _decision_json(decision: Decision, event: Event) -> dict[str, Any]:
    return {
        "at_s": (decision.at_ms - event.at_ms) / 1000,
        "kind": decision.kind,
        "node": decision.node,
        "choice": decision.choice,
        "text": decision.text,
        "until_s": (decision.until_ms - event.at_ms) / 1000 if decision.until_ms is not None else None,
        "inexact": decision.inexact,
        "place": place_of(decision.source),
        "checks": [
            {"holds": check.holds, "text": check.text, "inexact": check.inexact, "place": place_of(check.source)}
            for check in decision.checks
        ],
    }


def message_json(message: Message, event: Event) -> dict[str, Any]:
    """Return a message as data; times are seconds after its event."""
    return {
        "workflow": message.workflow,
        "channel": message.channel,
        "status": message.status,
        "recipient": message.recipient,
        "identity": message.identity,
        "tenant": message.tenant_id,
        "template": message.template,
        "category": message.category,
        "node": message.node,
        "failure_reason": message.failure_reason,
        "idempotency_key": message.idempotency_key,
        "event": message.event,
        "run": message.run,
        "at_s": (message.created_ms - event.at_ms) / 1000,
        "times_s": {status: (at - event.at_ms) / 1000 for status, at in message.times.items()},
    }
