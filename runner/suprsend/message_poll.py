"""Waiting for messages: a list is read again and again, with growing pauses, until something is decided or the time is over.

Failures on the way decide nothing: the list may come the next time. A last look that fails is repeated. Source of the pauses: the platform publishes no latency;
2 seconds, then half as much again up to 30, are polite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.suprsend.messages_api import Listed, ListFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.suprsend.messages_api import SentMessage

FIRST_PAUSE_S = 2.0
_GROWTH = 1.5
_MAX_PAUSE_S = 30.0
_JITTER = 0.2
_SHARE = 20
"""The first pause is at most this part of the whole time: a short wait is not over after one look."""
_LAST_LOOKS = 3
_MAX_LAST_PAUSE_S = 10.0
"""A last look that fails is repeated, unless the server asks for more patience than this."""


class Polled(NamedTuple):
    """The last list of messages. `failure` is that of the last look, if that failed."""

    messages: tuple[SentMessage, ...]
    is_decided: bool
    looks: int
    waited_s: float
    failure: ListFailure | None


def poll(
    fetch: Callable[[], Listed | ListFailure],
    is_decided: Callable[[Sequence[SentMessage], float], bool],
    within_s: float,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    random: Callable[[], float],
    marks: Sequence[float] = (),
) -> Polled:
    """Look until `is_decided`, which gets the messages and the seconds so far, or until the time is over; then once more.

    A failure that can't pass, such as refused credentials, ends it at once. `clock` is a monotonic one. At each of `marks`,
    in seconds, there is a look too, unless the server asks for patience.
    """
    began = clock()
    last_looks = 0
    pause_s = min(FIRST_PAUSE_S, within_s / _SHARE)
    messages: tuple[SentMessage, ...] = ()
    looks = 0
    while True:
        found = fetch()
        looks += 1
        waited_s = clock() - began
        if isinstance(found, Listed):
            messages = found.messages
            if is_decided(messages, waited_s):
                return Polled(messages, True, looks, waited_s, None)
        elif not found.transient:
            return Polled(messages, False, looks, waited_s, found)
        failure = found if isinstance(found, ListFailure) else None
        asked_s = failure.pause_s if failure is not None and failure.pause_s is not None else 0.0
        left_s = within_s - waited_s
        if left_s <= 0:
            last_looks += 1
            if failure is None or last_looks == _LAST_LOOKS or asked_s > _MAX_LAST_PAUSE_S:
                return Polled(messages, False, looks, waited_s, failure)
            sleep(max(min(FIRST_PAUSE_S, within_s / _SHARE), asked_s))
            continue
        to_mark_s = min((mark - waited_s for mark in marks if mark > waited_s), default=left_s)
        drawn_s = pause_s * (1 + _JITTER * (2 * random() - 1))
        sleep(min(left_s, max(min(drawn_s, to_mark_s), asked_s)))
        pause_s = min(pause_s * _GROWTH, _MAX_PAUSE_S)
