"""Workflow definitions as typed values.

Source: the platform's published JSON schemas of workflows, and its documentation, "Workflows". `definition_reader` makes
these of a file. Each value keeps its `source`, the node of the file, so that a report can show its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from runner.source import Json, Node
    from runner.suprsend.messages import Channel

Language = Literal["jq", "jsonnet", "handlebars"]
Namespace = Literal["", "$recipient", "$actor", "$brand", "$organization", "$category", "$future_event", "$ref"]
"""Where the variable of a condition comes from. "" is the payload; `$tenant` is read as `$brand`."""
Operator = Literal[
    "==", "!=", ">", ">=", "<", "<=", "CONTAINS", "NOT_CONTAINS", "EMPTY", "NON_EMPTY", "ARRAY_INTERSECTS",
    "NOT_ARRAY_INTERSECTS", "DATETIME_EQUALS", "DATETIME_LT", "DATETIME_GT", "IS", "IS_NOT",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression in one of the languages of workflow files."""

    language: Language
    text: str
    source: Node


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition: a variable, an operator and a value, which is text that holds an expression. `ref` names a send node."""

    namespace: Namespace
    variable: str
    operator: Operator
    value: str | None
    ref: str | None
    source: Node


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions that hold together (`AND`) or of which one holds (`OR`)."""

    operator: Literal["AND", "OR"]
    arguments: tuple[Condition, ...]
    source: Node


Condition: TypeAlias = Comparison | Group


@dataclass(frozen=True, slots=True)
class Offset:
    """A time relative to a pivot: `pivot` is an expression for an instant, `offset` a number of seconds or an expression."""

    pivot: Expression
    is_before: bool
    offset: int | Expression


Wait: TypeAlias = "int | Expression | Offset"
"""A time to wait: seconds, an expression for a duration or an instant, or relative to an instant."""


@dataclass(frozen=True, slots=True)
class Common:
    """What every node of a workflow has. `id` is its `ref`, else its path in the tree, such as `nodes[2].branches[0].nodes[1]`."""

    id: str
    node_type: str
    name: str | None
    source: Node


@dataclass(frozen=True, slots=True)
class Delay:
    """`delay`: wait, then go on."""

    common: Common
    wait: Wait


@dataclass(frozen=True, slots=True)
class Window:
    """A recurring stretch of the day. Times are minutes since midnight, `start` < `end` <= 1440.

    `weekdays` are those of Python (Monday is 0). `monthdays` are pairs of a position, which counts from the end if negative,
    and a weekday or None: (1, None) is the first day, (-1, 4) the last Friday of the month.
    """

    frequency: Literal["daily", "weekly_mo2fr", "weekly", "monthly"]
    weekdays: tuple[int, ...]
    monthdays: tuple[tuple[int, int | None], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Zone:
    """The time zone of a schedule: a fixed IANA name, or that of the recipient."""

    name: str
    is_of_recipient: bool = False


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """`timewindow`: go on inside of a window, else wait for the next one."""

    common: Common
    windows: tuple[Window, ...]
    zone: Zone


@dataclass(frozen=True, slots=True)
class Retained:
    """How many events of a batch the next nodes see, and which."""

    count: int = 10
    is_first: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """`batch`: collect the events of a recipient, by `key`, until the window ends; with `flushes_first`, the first goes on at once."""

    common: Common
    flushes_first: bool
    window: Wait
    retained: Retained
    key: Expression | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a digest closes. `interval` counts from `start`, an ISO 8601 time or None for the start of the run."""

    frequency: Literal["minutely", "hourly", "daily", "weekly_mo2fr", "weekly", "monthly"]
    interval: int
    weekdays: tuple[int, ...]
    monthdays: tuple[tuple[int, int | None], ...]
    minute: int
    """Minutes since midnight."""
    start: str | None
    zone: Zone


@dataclass(frozen=True, slots=True)
class Digest:
    """`digest`: collect the events of a recipient until the next time of a schedule. The schedule None is that of the category."""

    common: Common
    schedule: Schedule | Expression | None
    retained: Retained
    least: int
    """The run ends below this number of events."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One branch of a `branch` node. No conditions on a default branch; else one of them must hold."""

    id: str
    name: str
    is_default: bool
    is_terminal: bool
    conditions: tuple[Condition, ...]
    nodes: tuple[WorkflowNode, ...]
    source: Node


@dataclass(frozen=True, slots=True)
class Branch:
    """`branch`: the first branch whose conditions hold."""

    common: Common
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Awaited:
    """An event that a `branch_waituntil` node waits for: its name, and conditions on it, of which one must hold if there are any.

    Without a name, the conditions are about the data of the run.
    """

    event: str | None
    conditions: tuple[Condition, ...]
    source: Node


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """`branch_waituntil`: the first choice once one of the `awaited` holds, the second one at the time-out."""

    common: Common
    awaited: tuple[Awaited, ...]
    timeout: Wait
    met: Choice
    timed_out: Choice


@dataclass(frozen=True, slots=True)
class Transform:
    """`transform`: new keys of the payload."""

    common: Common
    variables: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """`httpapi_fetch` and `httpapi_webhook`: a call, whose answer is merged into the payload, under `output_key` if it has one.

    It is never made: the test data has its answer, by the node's id. `must_answer` is False for a webhook.
    """

    common: Common
    output_key: str | None
    must_answer: bool


@dataclass(frozen=True, slots=True)
class Send:
    """`send_email` and the like: one message for each active identity of the recipient in `channels`."""

    common: Common
    template: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class SendMulti:
    """`send_multi_channel`: all channels at once. Without `channels`, every channel of the template."""

    common: Common
    template: str
    channels: tuple[Channel, ...]
    expression: Expression | None


@dataclass(frozen=True, slots=True)
class SendSmart:
    """`send_smart_channel_routing`: one channel after the other within `ttl_s`, until `success` holds.

    `success` is a status, or the name of an event if `is_event`.
    """

    common: Common
    template: str
    channels: tuple[Channel, ...]
    expression: Expression | None
    success: str
    is_event: bool
    ttl: Wait
    mandatory: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Invoke:
    """`invokeworkflow`: start another workflow for the recipient, the actor or the result of an expression."""

    common: Common
    workflow: str
    recipient: Expression | Literal["recipient", "actor"]
    actor: Expression | Literal["recipient", "actor"] | None
    payload: Expression | None
    appends_payload: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A node that changes users, lists or objects: it is recorded, and changes no data of the run."""

    common: Common
    properties: Json


WorkflowNode: TypeAlias = (
    Delay
    | TimeWindow
    | Batch
    | Digest
    | Branch
    | WaitUntil
    | Transform
    | Fetch
    | Send
    | SendMulti
    | SendSmart
    | Invoke
    | Record
)


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most `count` runs of a recipient in the last `window_s` seconds."""

    count: int
    window_s: int
    source: Node


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow. It runs on its events only if it `is_live`; `status` says what its file says of that.

    `conditions` are those of the trigger: one must hold, if there are any.
    """

    slug: str
    name: str
    category: str
    trigger_type: Literal["event", "api"]
    events: tuple[str, ...]
    is_live: bool
    status: str
    """`active`, or why it does not run: `disabled`, `draft`, `inactive`."""
    conditions: tuple[Condition, ...]
    throttle: Throttle | None
    recipients: Expression | None
    actor: Expression | None
    tenant: Expression | None
    nodes: tuple[WorkflowNode, ...]
    source: Node

    @property
    def path(self) -> str:
        """The path of its file."""
        return self.source.text.path
