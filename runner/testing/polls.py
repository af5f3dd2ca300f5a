"""The events of a step at a target → the messages that come of them, looked for until the expectations are decided."""

from __future__ import annotations

import math
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from runner.durations import shown_duration
from runner.errors import Problem
from runner.suprsend.message_poll import Polled, poll
from runner.suprsend.messages_api import Listed, ListFailure, messages_of_key, messages_path
from runner.suprsend.statuses import is_rate_limit
from runner.testing.message_fit import ActualMessage, compare_messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.codes import Code
    from runner.secrets import Mask
    from runner.suprsend.connection import Connection
    from runner.suprsend.messages import Status
    from runner.suprsend.messages_api import SentMessage
    from runner.testing.message_fit import Expectations

_LOOK_TIMEOUT_S = 10.0


class StepResult(NamedTuple):
    """The problems of a step's messages, and the messages, each as a line of text."""

    problems: tuple[Problem, ...]
    messages: tuple[str, ...]


def wait_for_step(
    connection: Connection,
    keys: Sequence[str],
    expected: Expectations,
    has_next: Callable[[str], bool] | None,
    mask: Mask,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> StepResult:
    """Look for the messages of events, by their idempotency keys, until the expectations hold or can't hold any more.

    A message that failed decides nothing before the time is over: another one may come in its place. In a replay, `has_next`
    says whether an answer is left; nothing is waited for then. Messages that come later than a live run waits (`after:`)
    are not expected.
    """
    later = tuple(item for item in expected.items if item.after_s is not None)
    expected = expected._replace(items=tuple(item for item in expected.items if item.after_s is None), later=later)
    if not expected.items and not expected.is_exact:
        return StepResult((), ())
    own = list(dict.fromkeys(keys))
    if not own:
        return _result(Polled((), False, 0, 0.0, None), expected, _Arrivals(), mask)
    arrivals = _Arrivals()
    began_s = clock()

    def look() -> Listed | ListFailure:
        at_s = clock() - began_s
        found: list[SentMessage] = []
        failure: ListFailure | None = None
        for key in own:
            listed = messages_of_key(connection, key, time.time(), _LOOK_TIMEOUT_S)
            if isinstance(listed, ListFailure):
                failure = listed
                if not listed.transient or is_rate_limit(listed.status_code):
                    break
            else:
                found += listed.messages
        if failure is not None:
            return failure
        arrivals.note(found, at_s)
        return Listed(tuple(found))

    def is_decided(messages: Sequence[SentMessage], _: float) -> bool:
        result = compare_messages(expected, list(map(arrivals.actual, messages)), mask)
        if any(problem.code != "message-failed" for problem in result.wrong):
            return True
        return not result.missing and not result.wrong and not expected.needs_silence

    if has_next is None:
        marks = [item.within_s for item in expected.items if item.within_s is not None]
        polled = poll(look, is_decided, expected.within_s, clock=clock, sleep=sleep, random=random.random, marks=marks)
    else:
        first = connection.target(messages_path({"idempotency_key": own[0]}))
        polled = _replayed(look, is_decided, lambda: has_next(first))
    return _result(polled, expected, arrivals, mask)


class _Arrivals:
    """When messages came, as far as looks show it: a message was not there yet at the last look without it."""

    def __init__(self) -> None:
        self._before_s = 0.0
        self._least_s: dict[str, dict[Status, float]] = {}

    def note(self, messages: Sequence[SentMessage], at_s: float) -> None:
        """Add what a look found that began at a time."""
        for message in messages:
            self._least_s.setdefault(message.message_id, {}).setdefault(message.status, self._before_s)
        self._before_s = math.nextafter(at_s, math.inf)  # what comes after a look comes later than it

    def actual(self, message: SentMessage) -> ActualMessage:
        """Return a message of the platform as one to compare. The times in it are those of other clocks, and not compared."""
        fields = {
            "workflow": message.workflow,
            "channel": message.channel,
            "recipient": message.recipient,
            "tenant": message.tenant_id,
            "template": message.template,
            "category": message.category,
            "node": message.node,
            "failure_reason": message.failure_reason,
        }
        return ActualMessage(fields, message.status, {}, self._least_s.get(message.message_id, {}))


def _replayed(
    look: Callable[[], Listed | ListFailure],
    is_decided: Callable[[Sequence[SentMessage], float], bool],
    has_next: Callable[[], bool],
) -> Polled:
    """Look as often as the recording did: until it is decided, or nothing is left."""
    messages: tuple[SentMessage, ...] = ()
    looks = 0
    while True:
        found = look()
        looks += 1
        if isinstance(found, Listed):
            messages = found.messages
            if is_decided(messages, 0.0):
                return Polled(messages, True, looks, 0.0, None)
        if not has_next():
            return Polled(messages, False, looks, 0.0, found if isinstance(found, ListFailure) else None)


def _result(polled: Polled, expected: Expectations, arrivals: _Arrivals, mask: Mask) -> StepResult:
    actual = list(map(arrivals.actual, polled.messages))
    result = compare_messages(expected, actual, mask)
    texts = tuple(mask.text(message.text()) for message in actual)
    if polled.failure is not None:
        message = f"the messages can't be read: {mask.text(polled.failure.message)}"
        code: Code = "credentials-refused" if polled.failure.refuses_credentials else "no-message"
        return StepResult((Problem(code, message, expected.node.position(), at="messages"),), texts)
    note = f"nothing more came within {shown_duration(expected.within_s)}: it may still come"
    late = tuple(replace(problem, notes=(note,)) for problem in result.missing)
    return StepResult((*late, *result.wrong), texts)
