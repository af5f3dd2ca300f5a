"""The `workflows:` of a `sandbox:` section → the messages of events: one for each channel, with the statuses up to an outcome.

The outcome is that of the workflow, or that of a directive in the recipient: `bounce+u1` is the user `u1`, whose messages bounce.
"""

from __future__ import annotations

import re
from base64 import b32encode
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from runner.durations import duration_s
from runner.errors import Problem
from runner.sandbox.messages import Message, Plan, Workflow
from runner.suprsend.messages import (
    DEFAULT_TENANT,
    EVER_REPORTED,
    FAILURE_REASONS,
    REPORTED,
    STATUS_EVERY_MS,
    Channel,
    Status,
    stand_in_identity,
    statuses_up_to,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.messages import History
    from runner.source import Node

_LATE_MS = 3_600_000


class Directive(NamedTuple):
    """What a `distinct_id` says of its messages: another `outcome`, a delay, or that there are none."""

    outcome: Status | None = None
    delay_ms: int = 0
    makes_none: bool = False


DIRECTIVES: Final[Mapping[str, Directive]] = {
    "bounce": Directive("delivery_failure"),
    "fail": Directive("trigger_failed"),
    "block": Directive("trigger_blocked"),
    "skip": Directive("not_to_be_triggered"),
    "queue": Directive("to_be_triggered"),
    "sent": Directive("sent_by_vendor"),
    "deliver": Directive("delivered"),
    "see": Directive("seen"),
    "read": Directive("read"),
    "click": Directive("clicked"),
    "dismiss": Directive("dismissed"),
    "late": Directive(delay_ms=_LATE_MS),
    "never": Directive(makes_none=True),
}
"""By the word before the first `+` of a `distinct_id`."""


@dataclass(frozen=True, slots=True)
class WorkflowRule:
    """What comes of an event. The first status follows it `after_ms`, each other one `every_ms` after the one before."""

    slug: str
    name: str
    category: str
    channels: tuple[Channel, ...]
    after_ms: int
    every_ms: int
    outcome: Status

    def messages(self, arrival: Arrival, directive: Directive) -> Iterator[Message]:
        """Yield the messages of an accepted event."""
        created_ms = arrival.received_ms + self.after_ms + directive.delay_ms
        recipient = (arrival.distinct_id or "").strip()
        execution_id = f"exec_{_digest(arrival, self.slug)}"
        for channel in self.channels:
            statuses = statuses_up_to(directive.outcome or self.outcome, channel)
            yield Message(
                message_id(created_ms, arrival.id, f"{arrival.message_id}\n{channel}"),
                created_ms,
                {status: created_ms + index * self.every_ms for index, status in enumerate(statuses)},
                Workflow(self.slug, self.name, "wf_v_1", f"{channel}_1"),
                channel,
                self.category,
                recipient,
                execution_id,
                arrival.tenant_id or DEFAULT_TENANT,
                arrival.idempotency_key,
                FAILURE_REASONS.get(statuses[-1]),
                {channel: stand_in_identity(channel, recipient)},
            )


@dataclass(frozen=True, slots=True)
class RulePlanner:
    """Plans messages by rules: those of `workflows`, by the name of their event, for these `users`, or for everyone if that is None."""

    workflows: Mapping[str, WorkflowRule]
    users: frozenset[str] | None

    def __call__(self, arrival: Arrival, history: History) -> Plan:
        """Return the messages of an event; they do not depend on earlier ones."""
        del history
        rule = self.workflows.get((arrival.event or "").strip())
        user = (arrival.distinct_id or "").strip()
        directive = directive_of(user)
        if rule is None or directive.makes_none or not is_user(user, self.users):
            return Plan()
        return Plan(tuple(rule.messages(arrival, directive)))


def directive_of(distinct_id: str) -> Directive:
    """Return the directive in a `distinct_id`; an empty one if there is none."""
    word, plus, _ = distinct_id.partition("+")
    return DIRECTIVES.get(word, Directive()) if plus else Directive()


def directed(message: Message) -> tuple[Message, ...]:
    """Return a message with what the directive of its recipient says of it: another outcome, later, or none."""
    directive = directive_of(message.recipient)
    if directive.makes_none:
        return ()
    times = message.times
    reason = message.failure_reason
    if directive.outcome is not None:
        statuses = statuses_up_to(directive.outcome, message.channel)
        times = {status: message.created_ms + index * STATUS_EVERY_MS for index, status in enumerate(statuses)}
        reason = FAILURE_REASONS.get(statuses[-1])
    later = {status: at + directive.delay_ms for status, at in times.items()}
    return (replace(message, created_ms=message.created_ms + directive.delay_ms, times=later, failure_reason=reason),)


def is_user(distinct_id: str, users: frozenset[str] | None) -> bool:
    """Return whether a user exists among `users`, by itself or behind a directive: `u1`, `bounce+u1`."""
    word, plus, user = distinct_id.partition("+")
    return users is None or distinct_id in users or (bool(plus) and word in DIRECTIVES and user in users)


def workflow_rule(event: str, node: Node) -> WorkflowRule:
    """Return a rule from its valid node."""
    fields = {key: child.plain() for key, child in node.entries.items()}
    slug = str(fields.get("slug") or re.sub("[^a-z0-9]+", "-", event.lower()).strip("-") or "workflow")
    channels = fields.get("channels")
    return WorkflowRule(
        slug,
        str(fields.get("name") or slug.replace("-", " ").capitalize()),
        str(fields.get("category") or "transactional"),
        cast("tuple[Channel, ...]", tuple(channels) if isinstance(channels, list) else ("email",)),
        _milliseconds(fields.get("after", "0s")),
        _milliseconds(fields.get("status_every", "1s")),
        cast("Status", fields.get("outcome", "delivered")),
    )


def unreachable_outcome(event: str, node: Node) -> Problem | None:
    """Return a problem if no channel of a rule, whose form is valid, reports its outcome."""
    outcome, channels = node.get("outcome"), node.get("channels")
    if outcome is None or channels is None or outcome.value not in EVER_REPORTED:
        return None
    names = [item.value for item in channels.items]
    if any(outcome.value in REPORTED[cast("Channel", name)] for name in names):
        return None
    reporting = [channel for channel, reported in REPORTED.items() if outcome.value in reported]
    message = f"none of the channels {', '.join(map(str, names))} reports the status '{outcome.value}'"
    hint = f"add one that does: {', '.join(reporting)}"
    return Problem("bad-value", message, outcome.position(), at=f"workflows.{event}.outcome", hint=hint)


def _milliseconds(text: object) -> int:
    return round(duration_s(str(text)) * 1000)


_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ")
_ULID_CHARS = 26


def message_id(created_ms: int, arrival_id: int, seed: str) -> str:
    """Return an id in the form of a ULID, in the order of time and of events; `seed` distinguishes the messages of an event."""
    digest = int.from_bytes(blake2b(seed.encode(), digest_size=5).digest())
    number = (created_ms % 2**48) << 80 | (arrival_id % 2**40) << 40 | digest
    return b32encode(number.to_bytes(20)).translate(_CROCKFORD)[-_ULID_CHARS:].decode()


def _digest(arrival: Arrival, slug: str) -> str:
    return blake2b(f"{arrival.id}\n{arrival.message_id}\n{slug}".encode(), digest_size=12).hexdigest()
