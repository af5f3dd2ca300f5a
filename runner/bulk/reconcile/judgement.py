"""What the ledger says of a row and what an export shows of its key → what became of the row. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias, get_args

from runner.suprsend.messages import FAILED, SKIPPED, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.bulk.reconcile.sightings import SeenMessage, SeenRequest, SeenStep
    from runner.suprsend.answer import State

Kind: TypeAlias = Literal[
    "not_executed", "no_message", "undelivered", "incomplete", "duplicate", "unexpected", "late", "arrived"
]
"""The kind of a finding."""
KINDS: tuple[Kind, ...] = get_args(Kind)
Fate: TypeAlias = Literal[
    "delivered", "under_way", "late", "not_executed", "no_message", "undelivered", "incomplete", "repeated", "not_found",
    "as_recorded", "unexpected", "sent_again", "not_asked",
]  # fmt: skip
"""What became of a row: each row has one."""
FATES: tuple[Fate, ...] = get_args(Fate)
LOST: Final[tuple[Kind, ...]] = ("not_executed", "no_message", "undelivered", "incomplete", "duplicate", "unexpected")
"""Findings that something is wrong."""
_DELIVERED = STATUSES[STATUSES.index("delivered") : STATUSES.index("dismissed") + 1]
_USED_BEFORE = "its key was used before the run began: the platform skips it for 24 hours"


class Rules(NamedTuple):
    """What is known of the export and the run.

    `is_early` says that what is missing may still come; `expected` is the number of messages of each row, None for any.
    `was_sent_again` says that the failed rows were sent in another run, under the same keys.
    """

    is_early: bool
    expected: int | None
    has_requests: bool
    has_executions: bool
    was_sent_again: bool


class Seen(NamedTuple):
    """What an export shows of a key since the run began. `was_before` says that the key was used in the 24 hours before."""

    messages: Sequence[SeenMessage] = ()
    steps: Sequence[SeenStep] = ()
    requests: Sequence[SeenRequest] = ()
    was_before: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the key is there."""
        return not (self.messages or self.steps or self.requests)

    @property
    def was_executed(self) -> bool:
        """Whether a workflow ran."""
        return bool(self.messages or self.steps or any(request.executions for request in self.requests))


class Remark(NamedTuple):
    """What is to be said of a row. `channel` and `status` are those of a message that failed."""

    kind: Kind
    reason: str = ""
    channel: str = ""
    status: str = ""


class Judgement(NamedTuple):
    """What became of a row, and what is to be said of it."""

    fate: Fate
    remarks: tuple[Remark, ...] = ()


def judge(state: State, seen: Seen, rules: Rules) -> Judgement:
    """Return what became of a row that has a key of its own, by its state in the ledger."""
    match state:
        case "accepted":
            return _sent(seen, rules)
        case "unknown" if seen.is_empty:
            return Judgement("late" if rules.is_early else "not_found")
        case "unknown":
            judged = _sent(seen, rules)
            return judged._replace(remarks=(Remark("arrived", _shown(seen)), *judged.remarks))
        case "failed" if not seen.is_empty and rules.was_sent_again:
            return Judgement("sent_again")
        case "failed" | "not_sent":
            return Judgement("as_recorded") if seen.is_empty else Judgement("unexpected", (_unexpected(state, seen),))


def _sent(seen: Seen, rules: Rules) -> Judgement:
    """Return what became of a row that reached the platform."""
    wanted = _wanted(seen.messages)
    duplicates = [*_duplicates(seen)]
    if rules.expected is not None and len(wanted) > rules.expected and not duplicates:
        duplicates = [Remark("duplicate", f"{len(wanted)} messages, {rules.expected} expected")]
    if failed := [message for message in wanted if message.status in FAILED]:
        judged = Judgement("undelivered", _undelivered(failed))
    elif not seen.messages:
        judged = _without_message(seen, rules)
    elif not wanted:
        judged = Judgement("undelivered", _undelivered(seen.messages))
    elif rules.expected is not None and len(wanted) < rules.expected:
        reason = f"{len(wanted)} of {rules.expected} messages"
        judged = _missing(Remark("incomplete", reason), rules)
    else:
        is_over = all(message.status in _DELIVERED for message in wanted)
        judged = Judgement("delivered" if is_over else "under_way")
    return judged._replace(remarks=(*judged.remarks, *duplicates))


def _without_message(seen: Seen, rules: Rules) -> Judgement:
    if seen.was_executed:
        reason = _reason_of_steps(seen.steps)
        remark = Remark("no_message", reason)
        return _certain(remark) if reason else _missing(remark, rules)
    if seen.was_before:
        return _certain(Remark("not_executed", _USED_BEFORE))
    if refusal := "; ".join(dict.fromkeys(request.reason for request in seen.requests if request.reason)):
        return _certain(Remark("not_executed", refusal))
    if seen.requests:
        return _missing(Remark("not_executed", "its request began no execution"), rules)
    if rules.has_requests:
        return _missing(Remark("not_executed", "no request with its key"), rules)
    if rules.has_executions:
        return _missing(Remark("not_executed", "no execution with its key"), rules)
    return _missing(Remark("no_message"), rules)


def _certain(remark: Remark) -> Judgement:
    assert remark.kind in ("not_executed", "no_message")  # noqa: S101
    return Judgement(remark.kind, (remark,))


def _missing(remark: Remark, rules: Rules) -> Judgement:
    """Return that something is missing, or is late as long as it may still come."""
    if rules.is_early:
        return Judgement("late", (remark._replace(kind="late"),))
    assert remark.kind in ("not_executed", "no_message", "incomplete")  # noqa: S101
    return Judgement(remark.kind, (remark,))


def _reason_of_steps(steps: Sequence[SeenStep]) -> str:
    """Return the text of the steps that went wrong, or else of those that warn."""
    for level in ("error", "warning"):
        if reasons := dict.fromkeys(step.reason for step in steps if step.level == level and step.reason):
            return "; ".join(reasons)
    return ""


def _wanted(messages: Sequence[SeenMessage]) -> list[SeenMessage]:
    """Return the messages that count: not skipped ones, nor failures that another message to the same target made good."""
    made_good = {message.target for message in messages if message.status not in FAILED}
    return [
        message
        for message in messages
        if message.status not in FAILED or (message.status != SKIPPED and message.target not in made_good)
    ]


def _undelivered(messages: Iterable[SeenMessage]) -> tuple[Remark, ...]:
    """Return a remark for each way in which messages failed."""
    return (
        *dict.fromkeys(Remark("undelivered", message.reason, message.channel, message.status) for message in messages),
    )


def _duplicates(seen: Seen) -> Iterator[Remark]:
    """Yield each workflow that ran more than once for the same recipient, by the ids of its executions."""
    slots: dict[str, str] = {}
    executions = [(message.execution, message.slot) for message in seen.messages]
    for execution, slot in (*executions, *((step.execution, step.slot) for step in seen.steps)):
        if execution and slot:
            slots.setdefault(execution, slot)
    times = Counter(slots.values())
    times.update(message.slot for message in seen.messages if message.slot and not message.execution)
    for slot, count in times.items():
        if count > 1:
            workflow = slot.partition("\x1f")[0]
            yield Remark("duplicate", f"the workflow '{workflow}' ran {count} times")


def _unexpected(state: State, seen: Seen) -> Remark:
    recorded = "not sent" if state == "not_sent" else state
    return Remark("unexpected", f"recorded as {recorded}, but {_shown(seen)}")


def _shown(seen: Seen) -> str:
    """Return what of a key is there, the latest stage of it."""
    if seen.messages:
        return f"{len(seen.messages)} message{'' if len(seen.messages) == 1 else 's'} came of it"
    return "a workflow ran" if seen.was_executed else "its request arrived"
