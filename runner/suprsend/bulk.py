"""`BulkEvents`: many events, sent in chunks, with one truthful response."""

from __future__ import annotations

from dataclasses import dataclass, field
from json import loads
from typing import TYPE_CHECKING, Any, TypedDict

from runner.errors import InvalidEvent
from runner.suprsend.event import MAX_DEPTH, Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.suprsend.connection import Connection


class FailedRecord(TypedDict):
    """One event that was not accepted. `code` is the platform's status, 0 when it gave none."""

    record: dict[str, object]
    error: str
    code: int


@dataclass(slots=True)
class BulkResponse:
    """The sum of what became of all events; `status` is success, partial or fail. Failed records keep the input's order.

    >>> BulkResponse(total=2, success=1, failed_records=[{"record": {}, "error": "BAD REQUEST", "code": 400}])
    BulkResponse(status='partial', total=2, success=1, failure=1, failed_records=[400 BAD REQUEST])
    """

    total: int = 0
    success: int = 0
    failed_records: list[FailedRecord] = field(default_factory=list)

    @property
    def failure(self) -> int:
        """How many events were not accepted, or not known to be."""
        return self.total - self.success

    @property
    def status(self) -> str:
        """`success` (also of nothing), `partial` or `fail`."""
        if not self.failure:
            return "success"
        return "partial" if self.success else "fail"

    def __repr__(self) -> str:
        shown = [f"{record['code'] or ''} {record['error']}".strip() for record in self.failed_records[:_SHOWN]]
        more = len(self.failed_records) - len(shown)
        failed = ", ".join(shown) + (f", … {more} more" if more else "")
        return (
            f"BulkResponse(status={self.status!r}, total={self.total}, success={self.success}, "
            f"failure={self.failure}, failed_records=[{failed}])"
        )


_SHOWN = 3


class BulkEvents:
    """Collects events and sends them. An event is encoded when it is appended: what happens to it later does not count."""

    def __init__(self, connection: Connection, encode: Callable[[Event], bytes]) -> None:
        self._connection = connection
        self._encode = encode
        self._pending: list[bytes | FailedRecord] = []
        self._response = BulkResponse()

    def append(self, *events: Event) -> None:
        """Add events. One that breaks a rule becomes a failed record; TypeError for what is no event."""
        for event in events:
            if not isinstance(event, Event):
                raise TypeError(f"an Event is needed, not {type(event).__name__}")
        for event in events:
            try:
                self._pending.append(self._encode(event))
            except InvalidEvent as error:
                self._pending.append({"record": _snapshot(event.as_json()), "error": str(error), "code": 0})

    def trigger(self) -> BulkResponse:
        """Send what was appended since the last time; returns the response over all that was ever sent from here."""
        pending, self._pending = self._pending, []
        bodies = [item for item in pending if isinstance(item, bytes)]
        results = self._connection.send_many(bodies)
        for item in pending:
            self._response.total += 1
            if isinstance(item, dict):
                self._response.failed_records.append(item)
                continue
            result = next(results)
            if result.state == "accepted":
                self._response.success += 1
            else:
                record: FailedRecord = {"record": loads(item), "error": result.message, "code": result.status_code}
                self._response.failed_records.append(record)
        return self._response


def _snapshot(value: Any, depth: int = 0) -> Any:
    """Copy the maps and lists of a record, so that it keeps saying what was wrong; what is too deep ends in dots."""
    if isinstance(value, dict | list | tuple) and depth > MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {key: _snapshot(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_snapshot(item, depth + 1) for item in value]
    return value


class BulkEventsFactory:
    """`supr_client.bulk_events`."""

    def __init__(self, connection: Connection, encode: Callable[[Event], bytes]) -> None:
        self._connection = connection
        self._encode = encode

    def new_instance(self) -> BulkEvents:
        """Start a collection of events."""
        return BulkEvents(self._connection, self._encode)
