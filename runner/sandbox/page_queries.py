"""What the page shows beside the records themselves: totals, the last minute, messages, and exports."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from runner import __version__
from runner.sandbox.refusals import phrase_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.queries import Selection
    from runner.sandbox.store import Store

_RECENT_S = 120
_RECENT_RECORDS = 50_000
"""The newest records, which are searched for those of the last seconds."""
_AT_ONCE = 500


class Overview(NamedTuple):
    """Totals by session and outcome, and the numbers of the last seconds by outcome. All up to the record `last_id`."""

    last_id: int
    now_ms: int
    totals: list[tuple[str, str, int, int]]
    recent: list[tuple[int, str, str, int]]

    def as_json(self) -> dict[str, object]:
        """Return the overview as the page reads it."""
        totals = ("session", "outcome", "count", "warnings")
        recent = ("second", "session", "outcome", "count")
        return {
            "last_id": self.last_id,
            "now_ms": self.now_ms,
            "totals": [dict(zip(totals, each, strict=True)) for each in self.totals],
            "recent": [dict(zip(recent, each, strict=True)) for each in self.recent],
        }


def overview(store: Store) -> Overview:
    """Count the stored records."""
    last_id = store.last_id
    now_ms = store.now_ms()
    totals = store.rows(
        "SELECT session, outcome, COUNT(*), COUNT(warning) FROM arrivals WHERE id <= ? GROUP BY session, outcome",
        (last_id,),
    )
    recent = store.rows(
        "SELECT received_ms / 1000, session, outcome, COUNT(*) FROM arrivals"
        " WHERE id > ? AND id <= ? AND received_ms > ? GROUP BY 1, 2, 3",
        (last_id - _RECENT_RECORDS, last_id, now_ms - _RECENT_S * 1000),
    )
    return Overview(last_id, now_ms, totals, recent)


def json_lines(store: Store, wanted: Selection) -> Iterator[bytes]:
    """Yield the selected records, the oldest first, one a line."""
    for arrival in _each(store, wanted):
        yield arrival.as_json() + b"\n"


def har(store: Store, wanted: Selection, base_url: str) -> Iterator[bytes]:
    """Yield the requests of the selected records as an HTTP Archive (HAR 1.2)."""
    log = {"version": "1.2", "creator": {"name": "suprsend-runner", "version": __version__}}
    yield b'{"log":' + json.dumps(log).encode()[:-1] + b',"entries":['
    between = b""
    for request_id, group in groupby(_each(store, wanted), key=lambda arrival: arrival.request_id):
        entry = _entry(store, request_id, list(group), base_url)
        if entry is not None:
            yield between + json.dumps(entry).encode()
            between = b","
    yield b"]}}"


def _entry(store: Store, request_id: int, arrivals: list[Arrival], base_url: str) -> dict[str, object] | None:
    """Return the entry of a request; None if it was dropped in the meantime."""
    query = "SELECT received_ms, method, target, headers, body, status_code FROM requests WHERE id = ?"
    rows = store.rows(query, (request_id,))
    if not rows:
        return None
    received_ms, method, target, stored, body, status_code = rows[0]
    headers = [{"name": name, "value": value} for name, value in json.loads(stored)]
    content_type = next((each["value"] for each in headers if each["name"] == "content-type"), "")
    unknown = {"cookies": [], "headersSize": -1}
    return {
        "startedDateTime": datetime.fromtimestamp(received_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "time": 0,
        "request": {
            "method": method,
            "url": base_url.rstrip("/") + target,
            "httpVersion": "HTTP/1.1",
            "headers": headers,
            "queryString": [{"name": key, "value": value} for key, value in parse_qsl(urlsplit(target).query)],
            "postData": {"mimeType": content_type, "text": body.decode("utf-8", "replace")},
            "bodySize": len(body),
            **unknown,
        },
        "response": {
            "status": status_code,
            "statusText": phrase_of(status_code) if status_code else "",
            "httpVersion": "HTTP/1.1",
            "headers": [],
            "content": {"size": 0, "mimeType": "application/json", "comment": "answers are not stored"},
            "redirectURL": "",
            "bodySize": -1,
            **unknown,
        },
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "_records": [each.summary() for each in arrivals],
    }


def _each(store: Store, wanted: Selection) -> Iterable[Arrival]:
    after, last = 0, store.last_id
    condition = f"({wanted.condition}) AND id > ? AND id <= ? ORDER BY id LIMIT ?"
    while found := store.select(condition, (*wanted.values, after, last, _AT_ONCE)):
        yield from found
        after = found[-1].id
