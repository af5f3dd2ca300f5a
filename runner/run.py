"""Specs, variables and a wire → outcomes: the one path of everything that sends events.

Clock and ids are values: the same run makes the same bytes, whenever and wherever it is repeated.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple, Protocol

from runner.errors import ExitCode, InvalidEvent, InvalidInput, Problem
from runner.eventspec import Occurrence, Spec, render
from runner.eventspec.own_key import own_key
from runner.exits import of_event, summed
from runner.suprsend.delivery import INTERRUPTED, NOT_SENT, Delivery, bulk_deliveries, single_delivery
from runner.suprsend.encoding import Encoded, encode_sound
from runner.suprsend.event import Event, Stamp, plain_id
from runner.suprsend.rules import MAX_EVENT_KB
from runner.suprsend.statuses import is_rate_limit, refuses_credentials
from runner.variables import Given, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from runner.codes import Code
    from runner.config import Target
    from runner.suprsend.answer import Result, State
    from runner.suprsend.attempts import Attempt
    from runner.variables import Values


class Wire(Protocol):
    """The connection for events: `suprsend.connection.Connection`, or anything with its interface."""

    def deliver_all(self, deliveries: Sequence[Delivery]) -> Generator[Delivery]:
        """Send deliveries; yield each in order when its results are known."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its ids are made from `seed`; `id` is its name for people, such as `20261123-131502-7f3a`."""

    seed: UUID
    started: datetime

    @property
    def id(self) -> str:
        """The run's name: its start in UTC, and four digits of its seed."""
        return f"{self.started:%Y%m%d-%H%M%S}-{self.seed.hex[:4]}"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Where variables come from, the highest first: `layers` are flags, row, case and vars file."""

    layers: Sequence[Mapping[str, Given]]
    environ: Mapping[str, str]
    profile: Mapping[str, Given]


@dataclass(frozen=True, slots=True)
class Job:
    """One event to make: a spec, its variables' sources, and the context for its problems (`in case 'x'`)."""

    spec: Spec
    inputs: Inputs
    context: str | None = None


class Prepared(NamedTuple):
    """An event that is ready to go out. `secrets` must never be printed."""

    spec: Spec
    event: Event
    stamp: Stamp
    encoded: Encoded
    secrets: tuple[str, ...]

    @property
    def body(self) -> bytes:
        """The bytes that go out."""
        return self.encoded.body


class Rejected(NamedTuple):
    """An event that can't go out, and why."""

    spec: Spec
    problems: tuple[Problem, ...]
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one event. `status_code` is 0 without an answer; `error` says why it was not accepted."""

    spec: str
    state: State
    event: str | None = None
    distinct_id: str | None = None
    status_code: int = 0
    message_id: str | None = None
    idempotency_key: str | None = None
    insert_id: str | None = None
    time_ms: int | None = None
    attempts: int = 0
    error: Problem | None = None
    is_repeated: bool = False
    """Whether it was accepted under a key that was seen before: the platform doesn't count it again."""


def prepare(job: Job, occurrence: Occurrence, env: str, max_event_kb: int = MAX_EVENT_KB) -> Prepared | Rejected:
    """Resolve a job's variables, render its spec, check the event and encode it."""
    inputs = job.inputs
    values = resolve(job.spec.variables, inputs.layers, inputs.environ, inputs.profile)
    return prepare_with(values, job.spec, occurrence, env, max_event_kb, job.context)


def prepare_with(
    values: Values,
    spec: Spec,
    occurrence: Occurrence,
    env: str,
    max_event_kb: int,
    context: str | None,
    key_run: str | None = None,
) -> Prepared | Rejected:
    """Render a spec with variables that are resolved, check the event and encode it.

    With `key_run`, the name of a run, the event gets a key that no other run has.
    """
    if values.problems:
        return _rejected(spec, values, values.problems, context)
    stamp = occurrence.stamp
    try:
        event = render(spec, values.values, occurrence)
        if key_run is not None:
            event = event.with_key(own_key(event.idempotency_key, key_run, occurrence.row))
        encoded = encode_sound(event, env, stamp, max_event_kb)
    except InvalidEvent as error:  # the size: all else is checked with its place while rendering
        position = spec.root.key_position("properties")
        problem = Problem(error.code, error.message, position, at=error.at, hint=error.hint)
        return _rejected(spec, values, (problem,), context)
    except InvalidInput as error:
        return _rejected(spec, values, error.problems, context)
    return Prepared(spec, event, stamp, encoded, values.secrets)


def _rejected(spec: Spec, values: Values, problems: Iterable[Problem], context: str | None) -> Rejected:
    def in_context(problem: Problem) -> Problem:
        contexts = [place for place in (context, problem.context) if place]
        return replace(problem, context=": ".join(contexts) or None)

    return Rejected(spec, tuple(map(in_context, problems)), values.secrets)


def prepare_all(
    jobs: Iterable[Job], run: Run, target: Target, clock: Callable[[], datetime]
) -> list[Prepared | Rejected]:
    """Prepare each job as one event of the run."""
    return [
        prepare(job, Occurrence(run.seed, row, clock()), target.env, target.max_event_kb)
        for row, job in enumerate(jobs)
    ]


def with_own_keys(
    events: Sequence[Prepared], run: Run, env: str, max_event_kb: int
) -> tuple[list[Prepared], list[str]]:
    """Return events whose idempotency keys no other run has, and the keys that had to be changed or made for that.

    Messages are found by their event's key: under the key of an earlier run, that one's messages would be found. Raises
    InvalidEvent if an event becomes too large.
    """
    found, changed = [], []
    for row, event in enumerate(events):
        if event.spec.auto_key:
            found.append(event)
            continue
        own = own_key(event.event.idempotency_key, run.id, row)
        found.append(with_key(event, own, event.stamp, env, max_event_kb))
        changed.append(own)
    return found, list(dict.fromkeys(changed))


def with_key(event: Prepared, key: str, stamp: Stamp, env: str, max_event_kb: int = MAX_EVENT_KB) -> Prepared:
    """Return an event under another key and stamp. Raises InvalidEvent if it becomes too large."""
    keyed = event.event.with_key(key)
    return event._replace(event=keyed, stamp=stamp, encoded=encode_sound(keyed, env, stamp, max_event_kb))


def unsent(events: Sequence[Prepared | Rejected]) -> list[Outcome]:
    """Return the outcomes of events that are not sent."""
    return outcomes_of(events, repeat(NOT_SENT))


def outcomes_of(events: Iterable[Prepared | Rejected], results: Iterable[Result]) -> list[Outcome]:
    """Return the outcome of each event. `results` has one for each prepared event, in order."""
    remaining = iter(results)
    return [outcome_of(event, next(remaining) if isinstance(event, Prepared) else NOT_SENT) for event in events]


def outcome_of_plain(spec: Path, result: Result) -> Outcome:
    """Return the outcome of an event of which only the sent bytes are known."""
    return Outcome(
        spec=str(spec),
        state=result.state,
        status_code=result.status_code,
        message_id=result.message_id,
        attempts=result.attempts,
        error=_error(result),
    )


def outcome_of(event: Prepared | Rejected, result: Result) -> Outcome:
    """Return the outcome of one event; `result` is ignored for a rejected event."""
    return _outcome(event, result) if isinstance(event, Prepared) else _rejection(event)


def deliveries_of(events: Sequence[Prepared]) -> list[Delivery]:
    """Return the requests for events: one event goes to the single endpoint, several go to the bulk endpoint."""
    encoded = [event.encoded for event in events]
    return [single_delivery(encoded[0])] if len(encoded) == 1 else bulk_deliveries(encoded)


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcomes of events, in order. After an interrupt, events without an answer are unknown or not sent."""

    outcomes: Sequence[Outcome]
    was_interrupted: bool
    attempts: Sequence[Attempt] = ()
    """The requests, if they are traced; their indexes are those of the events."""


def send(events: Sequence[Prepared], wire: Wire) -> Sent:
    """Send prepared events. Return the known outcomes also after an interrupt."""
    deliveries = deliveries_of(events)
    was_interrupted = False
    try:
        with closing(wire.deliver_all(deliveries)) as done:
            for _ in done:
                pass
    except KeyboardInterrupt:
        was_interrupted = True
    results = [result for delivery in deliveries for result in delivery.results]
    return Sent(outcomes_of(events, results), was_interrupted, _attempts_of(deliveries))


def _attempts_of(deliveries: Sequence[Delivery]) -> list[Attempt]:
    """Return the requests of all deliveries, with the indexes of events among all events."""
    attempts, first = [], 0
    for delivery in deliveries:
        attempts += [
            attempt._replace(indexes=tuple(first + index for index in attempt.indexes)) for attempt in delivery.attempts
        ]
        first += len(delivery.events)
    return attempts


def with_repeated(outcomes: Sequence[Outcome], is_first: Callable[[Outcome], bool]) -> list[Outcome]:
    """Mark accepted events whose key an earlier event has, or whose answer is not the first for its key, by `is_first`."""
    keys: set[str] = set()
    marked = []
    for outcome in outcomes:
        key = outcome.idempotency_key
        if outcome.state == "accepted" and key is not None:
            marked.append(replace(outcome, is_repeated=key in keys or not is_first(outcome)))
            keys.add(key)
        else:
            marked.append(outcome)
    return marked


def exit_code(outcomes: Sequence[Outcome]) -> ExitCode:
    """Return the exit code for the outcomes of single events."""
    bad = [outcome for outcome in outcomes if outcome.state in ("failed", "unknown")]
    if not bad:
        return ExitCode.OK if all(outcome.state == "accepted" for outcome in outcomes) else ExitCode.REFUSED
    return summed(
        of_event(outcome.error.code if outcome.error else "", was_sent=outcome.insert_id is not None) for outcome in bad
    )


def _outcome(event: Prepared, result: Result) -> Outcome:
    wire = event.event
    return Outcome(
        spec=event.spec.path,
        state=result.state,
        event=wire.event_name.strip(),
        distinct_id=plain_id(wire.distinct_id),
        status_code=result.status_code,
        message_id=result.message_id,
        idempotency_key=wire.idempotency_key.strip() if wire.idempotency_key is not None else None,
        insert_id=event.stamp.insert_id,
        time_ms=event.stamp.time_ms,
        attempts=result.attempts,
        error=_error(result),
    )


def _rejection(event: Rejected) -> Outcome:
    first = event.problems[0]
    return Outcome(spec=event.spec.path, state="failed", error=first)


def _error(result: Result) -> Problem | None:
    return None if result.state in ("accepted", "not_sent") else Problem(_error_code(result), result.message)


def _error_code(result: Result) -> Code:
    if result == INTERRUPTED:
        return "interrupted"
    if not result.status_code:
        return "no-answer" if result.state == "unknown" else "no-connection"
    if result.state == "unknown":
        return "unclear-answer"
    if refuses_credentials(result.status_code):
        return "credentials-refused"
    return "rate-limited" if is_rate_limit(result.status_code) else "refused"
