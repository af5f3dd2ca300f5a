"""Many encoded events → groups for one request each (documentation: at most 100 records a call)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.suprsend.rules import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.suprsend.encoding import Encoded

MAX_RECORDS = 100


def chunks(events: Iterable[Encoded]) -> Iterator[list[Encoded]]:
    """Group events so that each group has at most 100, and its array, with brackets and commas, at most 800 KB."""
    chunk: list[Encoded] = []
    size = 2
    for event in events:
        if chunk and (len(chunk) == MAX_RECORDS or size + 1 + len(event.body) > MAX_BODY_BYTES):
            yield chunk
            chunk, size = [], 2
        size += len(event.body) + (1 if chunk else 0)
        chunk.append(event)
    if chunk:
        yield chunk


def array_of(events: Sequence[Encoded]) -> bytes:
    """Return the JSON array of encoded events for the bulk endpoint."""
    return b"[" + b",".join([event.body for event in events]) + b"]"
