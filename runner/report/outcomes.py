"""The outcomes of a run → text, or JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from json import loads
from typing import TYPE_CHECKING

from runner.report.format import Format
from runner.report.messages import messages_json, waited_of
from runner.report.problems import as_json
from runner.report.style import Style, counted, printable, width
from runner.run import deliveries_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.errors import Problem
    from runner.report.output import Output
    from runner.run import Outcome, Prepared
    from runner.suprsend.answer import State
    from runner.suprsend.message_wait import WaitedEvent

_WORDS: dict[State, str] = {"accepted": "accepted", "failed": "failed", "unknown": "unknown", "not_sent": "not sent"}
_MAX_MESSAGE = 300


def show_outcomes(
    output: Output,
    outcomes: Sequence[Outcome],
    problems: Sequence[Problem] = (),
    waited: Mapping[str, WaitedEvent] | None = None,
) -> None:
    """Show the outcome of each event, and the counts. `problems` stopped the events before they were sent.

    `waited` has the messages of events, by their keys.
    """
    found = [waited_of(outcome, waited) if waited else None for outcome in outcomes]
    outcomes = [_shortened(output, outcome) for outcome in outcomes]
    documents = [
        _as_json(outcome) | (messages_json(event) if event is not None else {})
        for outcome, event in zip(outcomes, found, strict=True)
    ]
    match output.format:
        case Format.JSON:
            document = summary(outcomes) | {"events": documents}
            output.json(document | ({"problems": [as_json(problem) for problem in problems]} if problems else {}))
        case Format.JSONL:
            for document in documents:
                output.json(document)
        case Format.PRETTY | Format.GITHUB:
            if len(outcomes) == 1:
                output.data(_card(outcomes[0], output.style))
            else:
                output.data("\n".join(_table(outcomes, output.style)))
            output.message(_sum(outcomes))
            for hint in dict.fromkeys(
                each.error.hint for each in outcomes if each.error and each.event and each.error.hint
            ):
                output.message(f"  = {hint}")


def show_dry_run(output: Output, base_url: str, events: Sequence[Prepared], outcomes: Sequence[Outcome]) -> None:
    """Show the requests that would be sent."""
    shown = [
        _as_json(outcome) | {"body": loads(output.masked_body(event.body))}
        for outcome, event in zip(outcomes, events, strict=True)
    ]
    if output.format is Format.JSON:
        output.json(summary(outcomes) | {"events": shown})
        return
    if output.format is Format.JSONL:
        for event in shown:
            output.json(event)
        return
    for delivery in deliveries_of(events):
        output.data(output.style.strong(f"POST {base_url}{delivery.path}"))
        output.body(delivery.body_of(delivery.events), indent=True)
    output.message(f"dry run: {counted(len(events), 'event')} checked, nothing sent")


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Count outcomes: accepted + failed + unknown + not_sent = total. Single events have no run in the ledger."""
    counts = Counter(outcome.state for outcome in outcomes)
    by_state = {state: counts[state] for state in ("accepted", "failed", "unknown", "not_sent")}
    return {"run": None, "total": len(outcomes), **by_state}


def _shortened(output: Output, outcome: Outcome) -> Outcome:
    """Mask the event's data, and cut the platform's message, which may be long."""
    event, distinct_id, key = outcome.event, outcome.distinct_id, outcome.idempotency_key
    return replace(
        outcome,
        event=event and output.masked_data(event),
        distinct_id=distinct_id and output.masked_data(distinct_id),
        idempotency_key=key and output.masked_data(key),
        error=outcome.error and replace(outcome.error, message=output.cut(outcome.error.message, _MAX_MESSAGE)),
    )


def _as_json(outcome: Outcome) -> dict[str, object]:
    document: dict[str, object] = {
        "spec": outcome.spec,
        "event": outcome.event,
        "distinct_id": outcome.distinct_id,
        "success": outcome.state == "accepted",
        "status_code": outcome.status_code,
        "message_id": outcome.message_id,
        "idempotency_key": outcome.idempotency_key,
        "insert_id": outcome.insert_id,
        "time_ms": outcome.time_ms,
        "error": as_json(outcome.error) if outcome.error else None,
    }
    return document | ({"same_key": True} if outcome.is_repeated else {})


def _card(outcome: Outcome, style: Style) -> str:
    if outcome.event is None:
        return f"{_state(outcome, style)}  {printable(outcome.spec)}"
    time = (
        datetime.fromtimestamp(outcome.time_ms / 1000, UTC).isoformat(timespec="milliseconds")
        if outcome.time_ms
        else ""
    )
    fields = {
        "user": outcome.distinct_id,
        "status": str(outcome.status_code) if outcome.status_code else "no answer",
        "message id": outcome.message_id,
        "key": outcome.idempotency_key or "none",
        "insert id": outcome.insert_id,
        "time": time.replace("+00:00", "Z"),
        "error": outcome.error.message if outcome.error else None,
    }
    lines = [f"{_state(outcome, style)}  {style.strong(printable(outcome.event))}"]
    lines += [f"  {style.faint(f'{name:<10}')}  {printable(value)}" for name, value in fields.items() if value]
    return "\n".join(lines)


def _table(outcomes: Sequence[Outcome], style: Style) -> list[str]:
    rows = [
        (
            printable(outcome.event or outcome.spec),
            printable(outcome.distinct_id or ""),
            str(outcome.status_code or ""),
            printable(outcome.message_id or ""),
            printable(outcome.idempotency_key or ""),
        )
        for outcome in outcomes
    ]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for outcome, row in zip(outcomes, rows, strict=True):
        cells = [cell + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True)]
        lines.append("  ".join([_state(outcome, style), *cells]).rstrip())
        if outcome.error and outcome.event:
            lines.append(f"{' ' * 10}{style.error(printable(outcome.error.message))}")
    return lines


def _state(outcome: Outcome, style: Style) -> str:
    word = f"{_WORDS[outcome.state]:<8}"
    match outcome.state:
        case "accepted":
            return style.good(word)
        case "not_sent":
            return style.faint(word)
        case _:
            return style.error(word)


def _sum(outcomes: Sequence[Outcome]) -> str:
    counts = Counter(outcome.state for outcome in outcomes)
    parts = ", ".join(f"{counts[state]} {word}" for state, word in _WORDS.items() if counts[state])
    repeated = sum(outcome.is_repeated for outcome in outcomes)
    same = f"; {repeated} under a key that was there already: the platform does not count it again" if repeated else ""
    return f"{counted(len(outcomes), 'event')}: {parts}{same}"
