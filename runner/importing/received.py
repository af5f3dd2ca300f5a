"""What arrived at a sandbox → the events that were accepted, in the order in which they came."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from runner.importing.faults import MAX_EVENTS
from runner.importing.payloads import event_of, is_event
from runner.importing.sample import Found, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable


def received_events(newest_first: Iterable[dict[str, Any]], since_ms: int) -> Found:
    """Return the events of the records since an instant. An event that was sent again counts once; refused ones are notes."""
    seen: set[str] = set()
    samples: list[Sample] = []
    refused = 0
    for record in takewhile(lambda record: record["received_ms"] >= since_ms, newest_first):
        body = record["body"]
        if record["outcome"] == "refused" or not is_event(body):
            refused += 1
            continue
        insert_id = str(body.get("$insert_id"))
        if insert_id in seen:
            continue
        seen.add(insert_id)
        samples.append(event_of(body, f"event {record['id']} of the sandbox"))
        if len(samples) == MAX_EVENTS:
            break
    notes = [
        f"the sandbox refused {refused} event{'s' if refused > 1 else ''}, which {'are' if refused > 1 else 'is'} left out"
    ]
    return Found(tuple(reversed(samples)), tuple(notes if refused else ()))
