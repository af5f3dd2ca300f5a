"""The event API and the messages API: messages come when a plan says, and lists fail as it says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.capturing import CapturingServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.servers.capturing import Received

LIST = "/v1/message/"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}
FAULTS = (
    "429", "429 and a date", "429 without a time", "500", "502", "503", "page", "cut", "gone", "cursor twice", "no cursor",
    "new status", "no list",
)  # fmt: skip
"""Ways in which a list fails, and may be right the next time."""


@dataclass
class VirtualTime:
    """A clock that only sleeping sets forward."""

    now_s: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now_s += seconds


@dataclass(frozen=True)
class PlannedMessage:
    """A message with the seconds at which it gets each status; the first one makes it. `raw` overrides what a list has of it.

    `key` is that of its event. An entry of `raw` that is `...` is left out.
    """

    statuses: tuple[tuple[float, str], ...]
    channel: str = "email"
    key: str | None = "key-1"
    workflow: str = "order-confirmation"
    recipient: str = "u1"
    raw: dict[str, Any] = field(default_factory=dict)

    def status_at(self, now_s: float) -> str | None:
        """Return its status at a time; None before it exists."""
        reached = [status for at_s, status in self.statuses if at_s <= now_s]
        return reached[-1] if reached else None

    def document(self, number: int, now_s: float) -> dict[str, Any]:
        """Return what a list has of it at a time."""
        times = {
            f"{status}_at": _instant(at_s)
            for at_s, status in self.statuses
            if at_s <= now_s and status in ("triggered", "delivered", "seen")
        }
        whole = {
            "message_id": f"01K0PLAN{number:018}",
            "status": self.status_at(now_s),
            "channel": self.channel,
            "category": "transactional",
            "idempotency_key": self.key,
            "created_at": _instant(self.statuses[0][0]),
            "triggered_at": None,
            "delivered_at": None,
            "failure_reason": "",
            "recipient": {"$type": "user", "distinct_id": self.recipient, "object_type": None, "id": None},
            "workflow": {"slug": self.workflow, "name": "A workflow", "version_id": "v1", "node_ref": ""},
            "template": {"slug": "order", "name": "Order", "version_no": 3},
            "tenant_id": "default",
            **times,
            **self.raw,
        }
        return {name: value for name, value in whole.items() if value is not ...}


@dataclass
class MessageServer(CapturingServer):
    """Accepts events, and lists messages, `page_size` on a page, as they are at the time of `clock`.

    `faults` yields how each request for a list fails; None means that it does not. `comes_of` makes messages of an event.
    Without `is_filtering`, lists have the messages of all events. `looks` counts the lists that began, `fails` those that
    failed.
    """

    clock: Callable[[], float] = lambda: 0.0
    messages: list[PlannedMessage] = field(default_factory=list)
    comes_of: Callable[[dict[str, Any]], Sequence[PlannedMessage]] = lambda _: ()
    faults: Iterator[str | None] = field(default_factory=lambda: iter(()))
    page_size: int = 2
    is_filtering: bool = True
    users: frozenset[str] = frozenset({"u1"})
    looks: list[float] = field(default_factory=list)
    """The times at which lists were asked for."""
    fails: list[str] = field(default_factory=list)

    def answer_to(self, request: Received) -> tuple[int, bytes, dict[str, str]]:
        is_planned = not self.answers
        status, raw, headers = super().answer_to(request)
        if is_planned or status in (202, 207):
            for event in request.json if isinstance(request.json, list) else [request.json]:
                self.messages += self.comes_of(event)
        return status, raw, headers

    def answer_to_get(self, request: Received) -> tuple[int, bytes, dict[str, str]]:
        url = urlsplit(request.path)
        if url.path.startswith("/v1/user/"):
            is_known = url.path.split("/")[3] in self.users
            return (200, b"{}", JSON) if is_known else (404, b'{"code": 404, "message": "not found"}', JSON)
        if url.path != LIST:
            return 404, b"", {}
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        if "after" not in query:
            self.looks.append(self.clock())
        fault = next(self.faults, None)
        if fault is not None:
            self.fails.append(fault)
        return self._list(query, fault)

    def _list(self, query: dict[str, str], fault: str | None) -> tuple[int, bytes, dict[str, str]]:
        found = self.found(query.get("idempotency_key"))
        first = int(query.get("after", "c0")[1:])
        size = min(self.page_size, int(query["limit"]))
        has_next = first + size < len(found)
        meta: dict[str, Any] = {"count": len(found), "has_next": has_next, "has_prev": first > 0, "before": None}
        meta["after"] = f"c{first + size}" if has_next else None
        whole = {"meta": meta, "results": found[first : first + size], "extra": [1]}
        raw = json.dumps(whole).encode()
        match fault:
            case None:
                return 200, raw, JSON
            case "429":
                return 429, b'{"code": 429, "message": "slow down"}', JSON | {"Retry-After": "5"}
            case "429 and a date":
                until = START + timedelta(seconds=self.clock() + 5)
                return 429, b"{}", JSON | {"Retry-After": format_datetime(until, usegmt=True)}
            case "429 without a time":
                return 429, b"", {}
            case "401":
                return 401, b'{"code": 401, "message": "no such key"}', JSON
            case "500" | "502" | "503":
                return int(fault), b'{"error": {"message": "try again"}}', JSON
            case "page":
                return 200, b"<html>Please log in</html>", {"Content-Type": "text/html"}
            case "cut":
                return 200, raw[: len(raw) // 2], JSON | {"Content-Length": str(len(raw))}
            case "gone":
                return 0, b"", {}
            case "cursor twice":
                return 200, json.dumps(whole | {"meta": meta | {"has_next": True, "after": "c0"}}).encode(), JSON
            case "no cursor":
                return 200, json.dumps(whole | {"meta": meta | {"has_next": True, "after": None}}).encode(), JSON
            case "new status":
                odd = {"message_id": "m", "channel": "email", "status": "teleported"}
                return 200, json.dumps(whole | {"results": [odd]}).encode(), JSON
            case "no list":
                return 200, b'{"meta": {}, "results": null}', JSON
        raise AssertionError(fault)

    def found(self, key: str | None) -> list[dict[str, Any]]:
        """Return what a list has, the newest first."""
        now_s = self.clock()
        there = [
            (message.statuses[0][0], number, message)
            for number, message in enumerate(self.messages)
            if message.status_at(now_s) is not None and (not self.is_filtering or message.key == key)
        ]
        newest = sorted(there, key=lambda each: each[:2], reverse=True)
        return [message.document(number, now_s) for _, number, message in newest]


def _instant(at_s: float) -> str:
    return (START + timedelta(seconds=at_s)).isoformat().replace("+00:00", "Z")
