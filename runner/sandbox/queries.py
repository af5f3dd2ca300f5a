"""The query of `GET /events` → the selected events as JSON."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from runner.errors import nearest
from runner.sandbox.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.sandbox.store import Store, StoredEvent


PART_BYTES = 64 * 1024


CHOOSING = ("event", "distinct_id")


_PARAMETERS = (*CHOOSING, "limit", "token")


WHOLE_NUMBER = re.compile("[0-9]+")


def query_of(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Parse the query of `GET /events`. Unknown parameters are refused, so that a typo does not select other events."""
    query: dict[str, str] = {}
    for name, value in given:
        if name not in _PARAMETERS:
            meant = nearest(name, _PARAMETERS)
            hint = f"did you mean {meant}?" if meant else f"known are {', '.join(_PARAMETERS)}"
            raise bad_request(f"unknown parameter '{name[:_SHOWN_CHARS]}': {hint}")
        if name in query:
            raise bad_request(f"the parameter {name} may be given only once")
        query[name] = value
    return query


_SHOWN_CHARS = 100


def shown_events(store: Store, wanted: Mapping[str, str], count: int) -> Iterator[bytes]:
    """Yield the newest selected events and their total as JSON, in parts, since all at once may be large."""
    chosen: deque[StoredEvent] = deque(maxlen=count)
    total = 0
    for event in store.events():
        body = event.body if wanted else {}
        if all(body.get(name) == value for name, value in wanted.items()):
            chosen.append(event)
            total += 1
    part = bytearray(b'{"total":%d,"events":[' % (total if wanted else store.total))
    for index, event in enumerate(chosen):
        part += b"," if index else b""
        part += event.as_json()
        if len(part) > PART_BYTES:
            yield bytes(part)
            part.clear()
    yield bytes(part) + b"]}"
