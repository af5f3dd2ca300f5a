"""The result of interpreting workflows: what happened to each event, decision by decision, and the messages that come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json, Node
    from runner.suprsend.messages import Channel, Status

Kind = Literal[
    "triggered",  # the workflow runs for a recipient
    "not_triggered",  # conditions, throttle, unknown user, not live, …
    "waited",  # delay, time window, wait-until, batch, digest, routing: `until_ms`
    "joined",  # the event was added to the open batch of another run
    "chose",  # a branch was taken
    "passed",  # a node without a choice: transform, fetch, record, invoke
    "sent",  # a message was made
    "skipped",  # a channel has no message: not in the template, no identity, opted out, success reached
    "stopped",  # an error ended the run, as on the platform
    "ended",  # the run ended as it should
    "refused",  # the interpreter can't model this: the result from here on is unknown
]


@dataclass(frozen=True, slots=True)
class Event:
    """An accepted event, on the virtual clock."""

    at_ms: int
    name: str
    distinct_id: str
    properties: Mapping[str, Json]
    tenant_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """The evaluation of one condition. `text` shows it with its values: `amount == 1500, and 1500 > 1000`."""

    holds: bool
    text: str
    source: Node
    inexact: str | None = None
    """Why the platform may see it otherwise; None if the rule is documented."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One step of a run, at a time. `text` says it in a sentence; `checks` are the conditions behind it, in order.

    `node` is the id of the workflow's node, `choice` that of a branch that was taken. `source` is its place in the file.
    """

    at_ms: int
    kind: Kind
    text: str
    node: str | None = None
    choice: str | None = None
    checks: tuple[Check, ...] = ()
    until_ms: int | None = None
    source: Node | None = None
    inexact: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A message. It exists from `created_ms`, and has from each time in `times` on that status.

    `event` is the index of the event that triggered its run, `run` that of the run.
    """

    run: int
    event: int
    created_ms: int
    workflow: str
    workflow_name: str
    node: str
    channel: Channel
    identity: str
    category: str
    template: str
    recipient: str
    tenant_id: str
    idempotency_key: str | None
    times: Mapping[Status, int]
    failure_reason: str | None = None

    @property
    def status(self) -> Status:
        """The last status."""
        return max(self.times, key=lambda status: self.times[status])


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run of a workflow for one recipient, or a trigger that led to none. `event` is the index of its event."""

    id: str
    workflow: str
    event: int
    recipient: str | None
    decisions: tuple[Decision, ...]

    @property
    def refusal(self) -> Decision | None:
        """What the interpreter could not model; None if all of the run was."""
        return next((decision for decision in self.decisions if decision.kind == "refused"), None)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything that came of events: runs in the order of their start, messages in the order of time."""

    runs: tuple[WorkflowRun, ...] = ()
    messages: tuple[Message, ...] = ()
    unheard: tuple[int, ...] = field(default=())
    """Indexes of events that no workflow listens to."""
    limit: str | None = None
    """The limit at which the interpreter gave up: nothing is known beyond it, of any run. None if all of it is there."""
