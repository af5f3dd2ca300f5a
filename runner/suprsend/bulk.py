"""`BulkEvents`: many events, sent in chunks, with one response."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from json import loads
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from runner.errors import InvalidEvent
from runner.suprsend.answer import Result
from runner.suprsend.delivery import bulk_deliveries
from runner.suprsend.encoding import Encoded
from runner.suprsend.event import Event
from runner.suprsend.rules import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner.suprsend.connection import Connection
    from runner.suprsend.delivery import Delivery


class FailedRecord(TypedDict):
    """One event that was not accepted. `code` is the platform's status, 0 when it gave none; `unknown`: it may have been."""

    record: dict[str, object]
    error: str
    code: int
    unknown: bool


@dataclass(slots=True)
class BulkResponse:
    """The results of all events; `status` is success, partial or fail. Failed records are in the order of the input.

    >>> record = {"record": {}, "error": "BAD REQUEST", "code": 400, "unknown": False}
    >>> BulkResponse(total=2, success=1, failed_records=[record])
    BulkResponse(status='partial', total=2, success=1, failure=1, failed_records=[400 BAD REQUEST])
    """

    total: int = 0
    success: int = 0
    failed_records: list[FailedRecord] = field(default_factory=list)

    @property
    def failure(self) -> int:
        """Number of events that were not accepted, or may not have been."""
        return self.total - self.success

    @property
    def unknown(self) -> int:
        """Number of failures that may have been accepted: they were sent, without a conclusive answer."""
        return sum(record["unknown"] for record in self.failed_records)

    @property
    def status(self) -> str:
        """`success` (also of nothing), `partial` or `fail`."""
        if not self.failure:
            return "success"
        return "partial" if self.success else "fail"

    def __repr__(self) -> str:
        shown = [f"{record['code'] or ''} {record['error']}".strip() for record in self.failed_records[:_SHOWN]]
        more = len(self.failed_records) - len(shown)
        failed = ", ".join(_cut(text) for text in shown) + (f", … {more} more" if more else "")
        unknown = f" ({self.unknown} unknown)" if self.unknown else ""
        return (
            f"BulkResponse(status={self.status!r}, total={self.total}, success={self.success}, "
            f"failure={self.failure}{unknown}, failed_records=[{failed}])"
        )


_SHOWN = 3
_SHOWN_TEXT = 200


class BulkEvents:
    """Collects events and sends them. An event is encoded when it is appended; later changes to it have no effect."""

    def __init__(self, connection: Connection, encoded: Callable[[Event], Encoded], concurrency: int) -> None:
        self._connection = connection
        self._encoded = encoded
        self._concurrency = concurrency
        self._state = _State(BulkResponse(), [], [])
        self._changing = Lock()

    def append(self, *events: Event) -> None:
        """Add events. One that breaks a rule becomes a failed record. Raises TypeError for other objects."""
        for event in events:
            if not isinstance(event, Event):
                raise TypeError(f"an Event is needed, not {type(event).__name__}")
        for event in events:
            item: Encoded | FailedRecord
            try:
                item = self._encoded(event)
            except InvalidEvent as error:
                item = _failed(_snapshot(event.as_json()), str(error))
            with self._changing:
                self._state.waiting.append(item)

    def trigger(self) -> BulkResponse:
        """Send the events appended since the last call; return the response for all events sent from here.

        Several requests are in flight at once, each with at most 100 events and 800 KB. After an interrupt, `response` has
        the results so far: events in flight are unknown, and the others wait for the next call. So do events that other
        threads append meanwhile. Two threads must not trigger at once.
        """
        with self._changing:
            response, _, waiting = _settled(self._state)
            deliveries = bulk_deliveries(item for item in waiting if isinstance(item, Encoded))
            # One assignment, so that an interrupt neither loses nor repeats an event.
            self._state = _State(response, list(_shares(waiting, deliveries)), [])
        with closing(self._connection.deliver_all(deliveries, self._concurrency)) as done:
            for delivery in done:
                delivery.results[:] = map(_without_id, delivery.results)
        with self._changing:
            self._state = _settled(self._state, is_over=True)
        return self.response

    @property
    def response(self) -> BulkResponse:
        """The results of all events sent from here, also after an interrupted `trigger`."""
        with self._changing:
            return _settled(self._state).response

    def __repr__(self) -> str:
        state = _settled(self._state)
        return f"BulkEvents({len(state.waiting)} to send, {state.response.total} sent)"


class BulkEventsFactory:
    """`supr_client.bulk_events`."""

    def __init__(self, connection: Connection, encoded: Callable[[Event], Encoded], concurrency: int) -> None:
        self._connection = connection
        self._encoded = encoded
        self._concurrency = concurrency

    def new_instance(self) -> BulkEvents:
        """Start a collection of events."""
        return BulkEvents(self._connection, self._encoded, self._concurrency)


class _Share(NamedTuple):
    """Appended events, and records that failed at once, in order."""

    items: Sequence[Encoded | FailedRecord]
    results: Sequence[Result]


class _State(NamedTuple):
    response: BulkResponse
    under_way: Sequence[_Share]
    waiting: list[Encoded | FailedRecord]


def _shares(items: Iterable[Encoded | FailedRecord], deliveries: Iterable[Delivery]) -> Iterator[_Share]:
    """Split the appended items where the deliveries are split."""
    rest = iter(items)
    for delivery in deliveries:
        share: list[Encoded | FailedRecord] = []
        missing = len(delivery.events)
        while missing:
            share.append(item := next(rest))
            missing -= isinstance(item, Encoded)
        yield _Share(share, delivery.results)
    yield _Share(list(rest), ())


def _settled(state: _State, *, is_over: bool = False) -> _State:
    """Add the known results to the response. Unsent events wait again, unless the sending `is_over`."""
    total, success, failed = state.response.total, state.response.success, list(state.response.failed_records)
    waiting: list[Encoded | FailedRecord] = []
    for share in state.under_way:
        results = iter(share.results)
        for item in share.items:
            if not isinstance(item, Encoded):
                failed.append(item)
            elif (result := next(results)).state == "accepted":
                success += 1
            elif result.state == "not_sent" and not is_over:
                waiting.append(item)
                continue
            else:
                message = _REFUSED_BEFORE if result.state == "not_sent" else result.message
                failed.append(_failed(loads(item.body), message, result.status_code, result.state == "unknown"))
            total += 1
    return _State(BulkResponse(total, success, failed), [], [*waiting, *state.waiting])


_REFUSED_BEFORE = "not sent: the platform refused the credentials before"


def _without_id(result: Result) -> Result:
    """Keep only the state of an accepted event, to save the memory of its message id."""
    return _ACCEPTED if result.state == "accepted" else result


_ACCEPTED = Result("accepted", 202, "OK")


def _failed(record: dict[str, object], error: str, code: int = 0, unknown: bool = False) -> FailedRecord:
    return {"record": record, "error": error, "code": code, "unknown": unknown}


def _snapshot(value: Any, depth: int = 0) -> Any:
    """Copy the maps and lists of a record, so that later changes do not affect it; too deep values end in dots."""
    if isinstance(value, dict | list | tuple) and depth > MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {key: _snapshot(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_snapshot(item, depth + 1) for item in value]
    return value


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_TEXT else f"{text[:_SHOWN_TEXT]} …"
