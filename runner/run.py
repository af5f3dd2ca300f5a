"""Specs and variables and a wire → a stream of outcomes: the one path that everything which sends shares.

Clock and ids come in as values: the same run gives the same bytes, whenever and wherever it is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Protocol

from runner.errors import ExitCode, InvalidEvent, InvalidInput, Problem
from runner.spec import Given, Occurrence, Spec, render, resolve
from runner.suprsend.chunks import chunks
from runner.suprsend.event import MAX_EVENT_KB, Event, Stamp, body_of, plain_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from runner.config import Target
    from runner.suprsend.answer import Result

State = Literal["accepted", "failed", "unknown", "not_sent"]


class Wire(Protocol):
    """What events go through: `suprsend.connection.Connection`, or anything that speaks like it."""

    def send_one(self, body: bytes) -> Result:
        """Send one encoded event."""
        ...

    def send_many(self, bodies: Sequence[bytes]) -> Iterator[Result]:
        """Send encoded events in chunks; one result for each, in order, as the answers come."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """One run: `seed` makes its ids, `id` names it to people, as in `20261123-131502-7f3a`."""

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
    """One event to make: a spec, where its variables come from, and what tells it from others (`in case 'x'`)."""

    spec: Spec
    inputs: Inputs
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event that is ready to go: `body` are the bytes that go out. Nothing may print `secrets`."""

    spec: Spec
    event: Event
    stamp: Stamp
    body: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that can't go out, and why."""

    spec: Spec
    problems: tuple[Problem, ...]
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event. `status_code` is 0 where no answer came; `error` says why it was not accepted."""

    spec: str
    state: State
    event: str | None = None
    distinct_id: str | None = None
    status_code: int = 0
    message_id: str | None = None
    idempotency_key: str | None = None
    insert_id: str | None = None
    time_ms: int | None = None
    error: Problem | None = None


def prepare(job: Job, occurrence: Occurrence, env: str, max_event_kb: int = MAX_EVENT_KB) -> Prepared | Rejected:
    """Resolve a job's variables, render its spec, check the event and encode it."""
    spec, inputs = job.spec, job.inputs
    values = resolve(spec.variables, inputs.layers, inputs.environ, inputs.profile)
    if values.problems:
        return _rejected(job, values.problems, values.secrets)
    try:
        event = render(spec, values.values, occurrence)
        body = body_of(event, env, occurrence.stamp, max_event_kb)
    except InvalidEvent as error:  # the size: all else is checked with its place while rendering
        position = spec.root.key_position("properties")
        problem = Problem(error.code, error.message, position, at=error.at, hint=error.hint)
        return _rejected(job, (problem,), values.secrets)
    except InvalidInput as error:
        return _rejected(job, error.problems, values.secrets)
    return Prepared(spec, event, occurrence.stamp, body, values.secrets)


def _rejected(job: Job, problems: Iterable[Problem], secrets: tuple[str, ...]) -> Rejected:
    def told(problem: Problem) -> Problem:
        contexts = [context for context in (job.context, problem.context) if context]
        return replace(problem, context=": ".join(contexts) or None)

    return Rejected(job.spec, tuple(map(told, problems)), secrets)


def prepare_all(
    jobs: Iterable[Job], run: Run, target: Target, clock: Callable[[], datetime]
) -> list[Prepared | Rejected]:
    """Prepare each job as one event of the run."""
    return [
        prepare(job, Occurrence(run.seed, row, clock()), target.env, target.max_event_kb)
        for row, job in enumerate(jobs)
    ]


def send(events: Sequence[Prepared | Rejected], wire: Wire | None) -> Iterator[Outcome]:
    """Send prepared events, one alone to the single endpoint, several through bulk; yields outcomes in order.

    If any was rejected, or without a wire, nothing is sent.
    """
    ready = [event for event in events if isinstance(event, Prepared)]
    if wire is None or len(ready) < len(events):
        for event in events:
            yield _outcome(event) if isinstance(event, Prepared) else _rejection(event)
        return
    bodies = [event.body for event in ready]
    results = iter([wire.send_one(bodies[0])]) if len(bodies) == 1 else wire.send_many(bodies)
    for event in ready:
        yield _outcome(event, next(results))


def unanswered(events: Sequence[Prepared | Rejected], outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Give outcomes to the events after those that have some, when the run was interrupted.

    Those of the request that was under way may have arrived; the ones after it were not sent.
    """
    rest = [event for event in events[len(outcomes) :] if isinstance(event, Prepared)]
    in_flight = len(next(chunks(event.body for event in rest), []))
    problem = Problem("interrupted", "interrupted before an answer came")
    return [
        _outcome(event, state="unknown", error=problem) if index < in_flight else _outcome(event)
        for index, event in enumerate(rest)
    ]


def exit_code(outcomes: Sequence[Outcome]) -> ExitCode:
    """Sum up a run. Refused credentials come first; a rate limit or silence only when it explains every failure."""
    bad = [outcome for outcome in outcomes if outcome.state in ("failed", "unknown")]
    if not bad:
        return ExitCode.OK if all(outcome.state == "accepted" for outcome in outcomes) else ExitCode.REFUSED
    codes = {_code_of(outcome) for outcome in bad}
    if ExitCode.CREDENTIALS in codes:
        return ExitCode.CREDENTIALS
    for code in (ExitCode.RATE_LIMITED, ExitCode.NO_ANSWER):
        if codes == {code}:
            return code
    return ExitCode.INVALID if codes == {ExitCode.INVALID} else ExitCode.REFUSED


_UNAUTHORIZED = (401, 403)
_TOO_MANY = 429


def _code_of(outcome: Outcome) -> ExitCode:
    if outcome.error is not None and outcome.insert_id is None:
        return ExitCode.INVALID
    if outcome.status_code in _UNAUTHORIZED:
        return ExitCode.CREDENTIALS
    if outcome.status_code == _TOO_MANY:
        return ExitCode.RATE_LIMITED
    return ExitCode.REFUSED if outcome.status_code else ExitCode.NO_ANSWER


def _outcome(
    event: Prepared, result: Result | None = None, *, state: State = "not_sent", error: Problem | None = None
) -> Outcome:
    if result is not None:
        state = result.state
        error = None if state == "accepted" else Problem(_error_code(result), result.message)
    wire = event.event
    return Outcome(
        spec=event.spec.path,
        state=state,
        event=wire.event_name.strip(),
        distinct_id=plain_id(wire.distinct_id),
        status_code=result.status_code if result else 0,
        message_id=result.message_id if result else None,
        idempotency_key=wire.idempotency_key.strip() if wire.idempotency_key is not None else None,
        insert_id=event.stamp.insert_id,
        time_ms=event.stamp.time_ms,
        error=error,
    )


def _rejection(event: Rejected) -> Outcome:
    first = event.problems[0]
    return Outcome(spec=event.spec.path, state="failed", error=first)


def _error_code(result: Result) -> str:
    if not result.status_code:
        return "no-answer" if result.state == "unknown" else "no-connection"
    if result.state == "unknown":
        return "unclear-answer"
    if result.status_code in _UNAUTHORIZED:
        return "credentials-refused"
    return "rate-limited" if result.status_code == _TOO_MANY else "refused"
