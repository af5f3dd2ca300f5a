"""The seam between events and messages: an accepted event and what is known at its time → the messages that come of it.

A `Planner` is called for each accepted event, in the transaction that stores it, and returns all messages with all their
statuses at once, those of the future too: what a message is at some time is a function of that time, and no task runs later.
A planner assumes that nothing else arrives. Where a later event changes what was planned (a batch, a digest, a wait), the call
for that event reads the earlier ones from its `History`, and returns the planned messages anew under their ids, or withdraws
them. A message that exists already is not changed any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from runner.suprsend.messages import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from runner.sandbox.arrival import Arrival
    from runner.suprsend.messages import Channel, Status


class Workflow(NamedTuple):
    """The workflow that a message comes of. `node_ref` names its node that sends."""

    slug: str
    name: str
    version_id: str
    node_ref: str


@dataclass(frozen=True, slots=True)
class Message:
    """A planned message. Times are milliseconds since 1970, on the clock of the event's session.

    It exists from `created_ms` on, and has from each time in `times` on that status. `message_id` is ASCII, and unique in
    the sandbox.
    """

    message_id: str
    created_ms: int
    times: Mapping[Status, int]
    workflow: Workflow
    channel: Channel
    category: str
    recipient: str
    execution_id: str
    tenant_id: str = DEFAULT_TENANT
    idempotency_key: str | None = None
    failure_reason: str | None = None
    channel_identity: Mapping[str, str] = field(default_factory=dict)
    template: str | None = None
    """The slug of its template; that of the workflow if it is None."""


class Plan(NamedTuple):
    """What comes of an event: messages, and the ids of planned messages that it withdraws."""

    messages: tuple[Message, ...] = ()
    withdrawn: tuple[str, ...] = ()


class Planner(Protocol):
    """Plans the messages of accepted events. It must depend on its arguments alone, and ask no clock."""

    def __call__(self, arrival: Arrival, history: History) -> Plan:
        """Return what comes of an event at `arrival.received_ms`."""


class Tracer(Protocol):
    """Shows how the messages of an accepted event came about."""

    def __call__(self, arrival: Arrival, history: History) -> list[dict[str, object]]:
        """Return lines, each with `depth`, `text`, `at_s` after the event, `place` in a file and `state`: true, false or null."""


class History:
    """The accepted events before one, in its session. `rows` runs a query on the store."""

    def __init__(self, rows: Callable[[str, Sequence[object]], list[Any]], arrival: Arrival) -> None:
        self._rows = rows
        self._arrival = arrival

    def of_user(self, since_ms: int) -> list[tuple[int, int, str, bytes]]:
        """Return the earlier events of the event's user since a time, the oldest first: id, time, name and JSON."""
        query = (
            "SELECT id, received_ms, event, raw FROM arrivals JOIN bodies USING (id)"
            " WHERE session = ? AND id < ? AND distinct_id = ? AND received_ms >= ? AND outcome = 'accepted' ORDER BY id"
        )
        arrival = self._arrival
        return self._rows(query, (arrival.session, arrival.id, arrival.distinct_id, since_ms))

    def of_session(self, since_ms: int, names: Collection[str], most: int) -> list[tuple[int, int, str, bytes]]:
        """Return the earlier events with some names since a time, the oldest first: id, time, user and JSON; at most the last `most`."""
        marks = ", ".join("?" * len(names))
        query = (
            "SELECT id, received_ms, distinct_id, raw FROM arrivals JOIN bodies USING (id)"  # noqa: S608 - only marks are put in
            f" WHERE session = ? AND id < ? AND received_ms >= ? AND outcome = 'accepted' AND event IN ({marks})"
            " ORDER BY id DESC LIMIT ?"
        )
        arrival = self._arrival
        found = self._rows(query, (arrival.session, arrival.id, since_ms, *sorted(names), most))
        return found[::-1]
