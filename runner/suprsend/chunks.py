"""Many encoded events → bodies for the bulk endpoint. (documentation: at most 100 records a call.)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.suprsend.event import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_RECORDS = 100


def chunks(bodies: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Group events so that no group has more than 100, nor its array, brackets and commas counted, more than 800 KB."""
    chunk: list[bytes] = []
    size = 2
    for body in bodies:
        if chunk and (len(chunk) == MAX_RECORDS or size + 1 + len(body) > MAX_BODY_BYTES):
            yield chunk
            chunk, size = [], 2
        size += len(body) + (1 if chunk else 0)
        chunk.append(body)
    if chunk:
        yield chunk


def array_of(bodies: Sequence[bytes]) -> bytes:
    """Join encoded events to the JSON array that the bulk endpoint takes."""
    return b"[" + b",".join(bodies) + b"]"
