"""Waiting for the messages of several events, each found by its idempotency key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.suprsend.message_poll import poll
from runner.suprsend.messages import FAILED, SKIPPED, rank
from runner.suprsend.messages_api import Listed, ListFailure, messages_of_key
from runner.suprsend.statuses import is_rate_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.suprsend.connection import Connection
    from runner.suprsend.messages import Status
    from runner.suprsend.messages_api import SentMessage

WaitState = Literal["reached", "failed", "pending"]
"""`pending`: nothing is known yet, or the status is not reached."""
_LOOK_TIMEOUT_S = 10.0
_QUEUED: Status = "to_be_triggered"


class WaitedEvent(NamedTuple):
    """The messages of one event, and the seconds until its state was known. `failure` is that of the last look."""

    key: str
    state: WaitState
    messages: tuple[SentMessage, ...]
    waited_s: float
    failure: ListFailure | None = None


def state_of(messages: Iterable[SentMessage], until: Status) -> WaitState:
    """Return whether the messages of an event reached a status: at least one, and all that are not queued or skipped.

    One that failed decides at once.
    """
    statuses = [message.status for message in messages]
    if any(status in FAILED and status != SKIPPED for status in statuses):
        return "failed"
    under_way = [status for status in statuses if status not in (SKIPPED, _QUEUED)]
    return "reached" if under_way and all(rank(status) >= rank(until) for status in under_way) else "pending"


def wait_for_messages(
    connection: Connection,
    keys: Sequence[str],
    until: Status,
    within_s: float,
    *,
    clock: Callable[[], float],
    now_s: Callable[[], float],
    sleep: Callable[[float], None],
    random: Callable[[], float],
    on_look: Callable[[Sequence[WaitedEvent], float], None] = lambda *_: None,
) -> list[WaitedEvent]:
    """Wait until the state of each event is known, or the time is over. `clock` is monotonic, `now_s` the time of day.

    A refusal of the credentials ends it at once, as does a list that can't be read.
    """
    known: dict[str, WaitedEvent] = {key: WaitedEvent(key, "pending", (), 0.0) for key in keys}
    queue = list(keys)
    """The events that are pending, the one that was not looked for the longest first."""

    def look() -> Listed | ListFailure:
        failure: ListFailure | None = None
        is_over = False  # what refuses one list refuses the next one as well
        for key in (*queue,):
            found = failure if is_over and failure else messages_of_key(connection, key, now_s(), _LOOK_TIMEOUT_S)
            if not is_over:  # the next look begins with those that this one does not come to
                queue.remove(key)
                queue.append(key)
            if isinstance(found, ListFailure):
                known[key] = known[key]._replace(failure=found)
                failure = found
                is_late = clock() - began > within_s + _LOOK_TIMEOUT_S
                is_over = not found.transient or is_rate_limit(found.status_code) or is_late
                continue
            known[key] = WaitedEvent(key, state_of(found.messages, until), found.messages, clock() - began)
            if known[key].state != "pending":
                queue.remove(key)
        on_look(list(known.values()), clock() - began)
        return failure or Listed(())

    def is_decided(_: Sequence[SentMessage], __: float) -> bool:
        return all(event.state != "pending" for event in known.values())

    began = clock()
    poll(look, is_decided, within_s, clock=clock, sleep=sleep, random=random)
    return list(known.values())
