"""The `messages:` of an expectation and the messages that came → what is missing, and what must not be there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from runner.durations import duration_s, shown_duration
from runner.errors import Problem
from runner.source import shared_allowance
from runner.suprsend.messages import FAILED, STATUSES, rank
from runner.testing.fit import Fit, TooManyError
from runner.testing.pairing import pairing
from runner.testing.shown import shown_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from runner.secrets import Mask
    from runner.source import Json, Node
    from runner.suprsend.messages import Status

    MessageCode = Literal["message-failed", "message-missing", "message-unexpected"]

DEFAULT_WITHIN_S = 60.0
FIELDS = ("workflow", "channel", "recipient", "tenant", "template", "category", "node", "failure_reason")
_DEFAULT_STATUS: Status = "triggered"
_FEW = 5
_NO_SECONDS = 0.5
"""Times are compared to the second: half of one is no difference."""


class ActualMessage(NamedTuple):
    """A message that came. `fields` are those of `FIELDS`.

    `times_s` are the seconds from the event to each status, on the clock of the event; empty where that clock is not known.
    """

    fields: Mapping[str, Json]
    status: Status
    times_s: Mapping[Status, float]
    least_s: Mapping[Status, float] = {}
    """Where the times are not known: the seconds after which a status came at the earliest."""

    @property
    def triggered_s(self) -> float | None:
        """Seconds from the event to the vendor; to the message itself if it did not get there. None if unknown."""
        return self.times_s.get("triggered", min(self.times_s.values(), default=None))

    def text(self) -> str:
        """Return the message for a report."""
        at = self.triggered_s
        time = f" after {shown_duration(at)}" if at is not None else ""
        reason = self.fields.get("failure_reason")
        why = f" ({reason})" if reason else ""
        return (
            f"{self.fields['channel']} of {self.fields['workflow']} to {self.fields['recipient']}: "
            f"{self.status}{why}{time}"
        )


class ExpectedMessage(NamedTuple):
    """One item of `messages:`. `fields` has its node or that of `absent:`; `times` is 0 for a message that must not come.

    With `is_counted`, no more than that may come.
    """

    item: Node
    fields: Node
    times: int
    after_s: float | None
    within_s: float | None
    is_counted: bool = False

    @property
    def is_absent(self) -> bool:
        """Return whether no such message may come."""
        return self.times == 0

    def text(self, mask: Mask) -> str:
        """Return what is expected, for a report."""
        parts = [
            f"{key} {shown_value(mask.json(node.plain()), with_type=False)}"  # type: ignore[arg-type]
            for key, node in self.fields.entries.items()
            if key in (*FIELDS, "status")
        ]
        parts += [f"after {shown_duration(self.after_s)}"] if self.after_s is not None else []
        return ", ".join(parts) or "any message"


class Expectations(NamedTuple):
    """The `messages:` of one step. With `is_exact`, no other messages may come."""

    node: Node
    items: tuple[ExpectedMessage, ...]
    is_exact: bool
    later: tuple[ExpectedMessage, ...] = ()
    """Messages that may come, too, and are not waited for."""

    @property
    def needs_silence(self) -> bool:
        """Return whether a message could break them that comes later."""
        return self.is_exact or any(item.is_absent or item.is_counted for item in self.items)

    @property
    def within_s(self) -> float:
        """The longest time that they wait."""
        return max((item.within_s or DEFAULT_WITHIN_S for item in self.items), default=DEFAULT_WITHIN_S)


def expectations(expect: Node | None) -> Expectations | None:
    """Return the `messages:` of a valid expectation; None without."""
    node = expect.get("messages") if expect is not None else None
    if expect is None or node is None:
        return None
    exactly = expect.get("exactly")
    is_exact = (exactly is not None and exactly.value is True) or not node.items
    return Expectations(node, tuple(map(_expected, node.items)), is_exact)


def _expected(item: Node) -> ExpectedMessage:
    absent, count = item.get("absent"), item.get("count")
    number = 0 if absent is not None else int(str(count.value)) if count is not None else 1
    after_s, within_s = _seconds(item.get("after")), _seconds(item.get("within"))
    return ExpectedMessage(item, absent or item, number, after_s, within_s, absent is None and count is not None)


def _seconds(node: Node | None) -> float | None:
    return duration_s(str(node.value)) if node is not None else None


class MessageComparison(NamedTuple):
    """The result of a comparison. `missing` may still come, `wrong` stays wrong."""

    missing: tuple[Problem, ...]
    wrong: tuple[Problem, ...]


def compare_messages(
    expected: Expectations, actual: Sequence[ActualMessage], mask: Mask, story: Sequence[str] = ()
) -> MessageComparison:
    """Compare messages with what is expected of them. `story` are lines for the hint of a missing message: why it did not come."""
    with shared_allowance():
        try:
            return _Comparison(expected, actual, mask, story).result()
        except TooManyError:
            count = f"{len(expected.items):,} expected messages and {len(actual):,} that came"
            problem = Problem("message-missing", f"{count} are too many to compare", expected.node.position())
            return MessageComparison((), (problem,))


class _Comparison:
    def __init__(
        self, expected: Expectations, actual: Sequence[ActualMessage], mask: Mask, story: Sequence[str]
    ) -> None:
        self._expected = expected
        self._actual = actual
        self._mask = mask
        self._story = story
        self._fit = Fit(is_exact=False, has_matchers=True)

    def result(self) -> MessageComparison:
        wanted: list[ExpectedMessage] = []
        fitting: list[list[int]] = []
        for item in self._expected.items:
            candidates = [
                index for index, message in enumerate(self._actual) if item.times and self._fits(item, message)
            ]
            wanted += [item] * item.times
            fitting += [candidates] * item.times
        holders = _paired_in_order(fitting, [message.triggered_s for message in self._actual]) or pairing(fitting)
        paired = set(holders.values())
        left = [item for number, item in enumerate(wanted) if number not in paired]
        spare = [message for index, message in enumerate(self._actual) if index not in holders]
        missing: list[Problem] = []
        wrong: list[Problem] = []
        for item in dict.fromkeys(left):
            problem = self._missing(item, spare, left.count(item))
            (wrong if problem.code == "message-failed" else missing).append(problem)
        wrong += [problem for item in self._expected.items if item.is_absent for problem in self._present(item)]
        if self._expected.is_exact:  # a message that did not reach its status yet is the missing one, not another
            expected = dict.fromkeys((*left, *self._expected.later))
            others = [message for message in spare if not any(self._is_same(item, message) for item in expected)]
            wrong += [self._unexpected(message) for message in others[:_FEW]]
        else:
            wrong += [
                problem for item in self._expected.items if item.is_counted for problem in self._more(item, spare)
            ]
        if not left:
            wrong += self._out_of_order(holders, wanted)
        return MessageComparison(tuple(missing), tuple(wrong))

    def _is_same(self, item: ExpectedMessage, message: ActualMessage) -> bool:
        """Return whether all fields but the status and the times fit."""
        return all(
            self._fit.fits(node, message.fields.get(key))
            for key, node in item.fields.entries.items()
            if key in FIELDS and not (message.fields.get(key) is None and "$absent" in node.entries)
        )

    def _fits(self, item: ExpectedMessage, message: ActualMessage) -> bool:
        return self._is_same(item, message) and self._has_status(item, message) and self._is_in_time(item, message)

    def _has_status(self, item: ExpectedMessage, message: ActualMessage) -> bool:
        node = item.fields.get("status")
        if node is None:
            return item.is_absent or is_reached(_DEFAULT_STATUS, message.status)
        if isinstance(node.value, str):
            return is_reached(node.value, message.status)
        return self._fit.fits(node, message.status)

    def _is_in_time(self, item: ExpectedMessage, message: ActualMessage) -> bool:
        at = message.triggered_s
        if at is None:
            return item.within_s is None or _time_of(item, message.least_s, 0.0) <= item.within_s
        if item.after_s is not None and abs(at - item.after_s) > _NO_SECONDS:
            return False
        return item.within_s is None or _time_of(item, message.times_s, at) <= item.within_s

    def _missing(self, item: ExpectedMessage, spare: Sequence[ActualMessage], times: int) -> Problem:
        """Return the problem of an expected message that did not come, with the nearest one that did."""
        same = [message for message in spare if self._is_same(item, message)]
        wanted = item.text(self._mask)
        often = f"{times} of {item.times} " if item.times > 1 else ""
        failed = next((message for message in same if message.status in FAILED), None)
        if failed is not None and not self._has_status(item, failed):
            message = f"the message failed: {self._text(failed)}; expected {wanted}"
            return self._problem("message-failed", message, item.item)
        if same and not self._has_status(item, same[0]):
            message = f"expected status {_status_text(item)} at least, got {same[0].status}: {self._text(same[0])}"
        elif same:
            message = f"expected {often}{wanted}{_within(item)}, but it came at another time: {self._text(same[0])}"
        else:
            message = f"expected {often}{wanted}, but no such message came{self._came()}"
        return self._problem("message-missing", message, item.item, self._story)

    def _came(self) -> str:
        if not self._actual:
            return ""
        shown = "; ".join(map(self._text, self._actual[:_FEW]))
        more = f" and {len(self._actual) - _FEW} more" if len(self._actual) > _FEW else ""
        return f"; there {'is' if len(self._actual) == 1 else 'are'}: {shown}{more}"

    def _present(self, item: ExpectedMessage) -> list[Problem]:
        found = [message for message in self._actual if self._fits(item, message)][:_FEW]
        wanted = item.text(self._mask)
        return [
            self._problem(
                "message-unexpected",
                f"expected no message with {wanted}, but there is: {self._text(each)}",
                item.item,
                self._story,
            )
            for each in found
        ]

    def _more(self, item: ExpectedMessage, spare: Sequence[ActualMessage]) -> list[Problem]:
        """Report a message beyond the count of an item. One that another item stands for is not."""
        later = self._expected.later
        fitting = (message for message in spare if self._fits(item, message))
        more = next((message for message in fitting if not any(self._is_same(each, message) for each in later)), None)
        if more is None:
            return []
        wanted = f"{item.times} messages" if item.times > 1 else "one message"
        text = f"expected only {wanted} with {item.text(self._mask)}, but there is another: {self._text(more)}"
        return [self._problem("message-unexpected", text, item.item, self._story)]

    def _unexpected(self, message: ActualMessage) -> Problem:
        wanted = "no other message" if self._expected.items else "no message"
        text = f"expected {wanted}, but there is: {self._text(message)}"
        return self._problem("message-unexpected", text, self._expected.node, self._story)

    def _out_of_order(self, holders: Mapping[int, int], wanted: Sequence[ExpectedMessage]) -> list[Problem]:
        """Report the first message that comes before one that is listed above it, where times are known."""
        by_item = {number: self._actual[index] for index, number in holders.items()}
        latest: ActualMessage | None = None
        for number, item in enumerate(wanted):
            message = by_item[number]
            at = message.triggered_s
            if at is None:
                return []
            if latest is not None and latest.triggered_s is not None and at < latest.triggered_s - _NO_SECONDS:
                text = f"comes before the message listed above it: {self._text(message)}; above: {self._text(latest)}"
                return [self._problem("message-unexpected", text, item.item)]
            latest = message
        return []

    def _text(self, message: ActualMessage) -> str:
        return self._mask.text(message.text())

    def _problem(self, code: MessageCode, message: str, node: Node, story: Sequence[str] = ()) -> Problem:
        return Problem(code, message, node.position(), at="messages", notes=tuple(map(self._mask.text, story)))


def _paired_in_order(fitting: Sequence[Sequence[int]], times: Sequence[float | None]) -> dict[int, int] | None:
    """Pair each number with a message that does not come before that of the number above it; return the number by message.

    None if that can't be done for all of them, or if the times are not known.
    """
    if None in times:
        return None
    holders: dict[int, int] = {}
    left: dict[int, Iterator[int]] = {}  # by the identity of a list: what was passed over stays so
    earliest = -math.inf
    for number, candidates in enumerate(fitting):
        rest = left.setdefault(id(candidates), iter(sorted(candidates, key=lambda index: times[index] or 0.0)))
        found = next((index for index in rest if index not in holders and (times[index] or 0.0) >= earliest), None)
        if found is None:
            return None
        holders[found] = number
        earliest = max(earliest, (times[found] or 0.0) - _NO_SECONDS)
    return holders


def is_reached(expected: str, actual: Status) -> bool:
    """Return whether a status is the expected one or a later one. A failure is reached only by itself."""
    if expected not in STATUSES or expected in FAILED or actual in FAILED:
        return expected == actual
    return expected == actual or rank(actual) > rank(expected)


def _time_of(item: ExpectedMessage, times_s: Mapping[Status, float], triggered_s: float) -> float:
    """Return when a message reached the expected status."""
    node = item.fields.get("status")
    wanted = node.value if node is not None and isinstance(node.value, str) else _DEFAULT_STATUS
    times = [at for status, at in times_s.items() if is_reached(str(wanted), status)]
    return min(times, default=triggered_s)


def _status_text(item: ExpectedMessage) -> str:
    node = item.fields.get("status")
    return shown_value(node.plain(), with_type=False) if node is not None else _DEFAULT_STATUS


def _within(item: ExpectedMessage) -> str:
    return f" within {shown_duration(item.within_s)}" if item.within_s is not None else ""
