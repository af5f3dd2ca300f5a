"""What tests of deliveries share: a client that does not wait, and what is told of events."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from runner import Event, Suprsend

if TYPE_CHECKING:
    from runner.suprsend import BulkEvents
    from tests.servers.capturing import CapturingServer


GOOD = {"status": "success", "status_code": 202, "message_id": "m"}
ACCEPTED = (202, {"status": "success", "message_id": "m1"})
BUSY = {"status": "error", "error": {"message": "busy", "type": "unavailable"}}


def record(code: int, message: str = "no") -> dict[str, object]:
    return {"status": "error", "status_code": code, "error": {"message": message, "type": "x"}}


def answer_of(*records: object) -> tuple[int, object]:
    return 207, {"status": "success", "records": records}


def keyed(number: int = 1) -> Event:
    return Event(f"u{number}", "ordered", {"n": number}, idempotency_key=f"key-{number}")


class Client:
    """A client whose clock moves one second a look, whose ids are numbered, and which notes its pauses."""

    def __init__(self, base_url: str, **options: Any) -> None:
        self.pauses: list[float] = []
        seconds, numbers = count(1767225600), count()
        chosen: dict[str, Any] = {"random": lambda: 0.5, "sleep": self.pauses.append, "concurrency": 1} | options
        self.api = Suprsend(
            "workspace_key",
            "workspace_secret",
            base_url,
            clock=lambda: float(next(seconds)),
            new_id=lambda: f"{next(numbers):036}",
            **chosen,
        )

    def track(self, event: Event) -> tuple[bool, bool, int, str]:
        response = self.api.track_event(event)
        return response["success"], response["unknown"], response["status_code"], response["message"]

    def bulk(self, *events: Event) -> BulkEvents:
        bulk = self.api.bulk_events.new_instance()
        bulk.append(*events)
        return bulk


def failures(bulk: BulkEvents) -> list[tuple[Any, str, int, bool]]:
    return [
        (record["record"]["distinct_id"], record["error"], record["code"], record["unknown"])
        for record in bulk.response.failed_records
    ]


def users(server: CapturingServer) -> list[list[str]]:
    return [[event["distinct_id"] for event in request.json] for request in server.received]
