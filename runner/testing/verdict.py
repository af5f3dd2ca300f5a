"""A case → a verdict: its events are compared with the expectations, and sent to its cassette if it expects an answer.

Everything that a case depends on is fixed: variables, time, ids, answers. So a verdict changes only with the spec, the
cassette or this program.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from runner.cases import case_seed, in_case
from runner.errors import ExitCode, Problem, RunnerError
from runner.eventspec.own_key import own_key
from runner.exits import of_case
from runner.run import Prepared, Rejected, with_key
from runner.secrets import Mask
from runner.suprsend.auth import secret_of
from runner.testing import network
from runner.testing.case_events import events_of_case
from runner.testing.expect import compare, mismatch_problem
from runner.testing.golden import golden_problems, own, update_golden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from uuid import UUID

    from runner.cases import Case
    from runner.source import Json, Node
    from runner.suprsend.auth import Credentials
    from runner.suprsend.connection import Connection
    from runner.suprsend.event import Stamp
    from runner.suprsend.transport import Http
    from runner.testing.case_events import StepEvents
    from runner.testing.case_ref import CaseRef
    from runner.workflows.coverage import Part
    from runner.workflows.project import ProjectWorkflows
    from runner.workflows.story import Line


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a case. `code` is the exit code: the case failed, or its cassette is missing or outdated."""

    problems: tuple[Problem, ...]
    code: ExitCode
    secrets: tuple[str, ...] = ()
    """Secret values of the case's variables; they must not be printed."""
    reached: frozenset[Part] = frozenset()
    """The parts of workflows that its events reached."""
    messages: tuple[str, ...] = ()
    """The messages that came of its events, each as a line of text."""
    sizes: tuple[int, ...] = field(default=(), compare=False)
    """The sizes of its events in bytes."""
    story: tuple[Line, ...] = field(default=(), compare=False)
    """The path of its events through the workflows."""

    @property
    def passed(self) -> bool:
        """Return whether the case has no problems."""
        return not self.problems


class Tape(NamedTuple):
    """The replacement for the network in one case."""

    post: Http
    credentials: Credentials
    base_url: str
    sleep: Callable[[float], None]
    allowed: Sequence[tuple[str, int]]
    """Hosts and ports that the case may connect to."""
    problems: Callable[[], Sequence[Problem]]
    """Called at the end; returns the differences from the recording."""
    save: Callable[[], None]
    """Called if the case passed; writes the recording, if there is one."""
    run: str | None = None
    """What stands behind the idempotency keys of events whose messages are waited for."""
    has_next: Callable[[str], bool] | None = None
    """Whether an answer to a GET is left in a replay; None if the answers come of a server."""
    stamp: Callable[[Stamp], Stamp] = lambda stamp: stamp
    """Called with the stamp of an event whose messages are waited for; returns that under which it is sent."""


class Tapes(Protocol):
    """The source of tapes for cases: `answers.Answers`."""

    @property
    def env(self) -> str:
        """The `env` of events."""

    def tape(self, ref: CaseRef, secrets: Sequence[str]) -> AbstractContextManager[Tape]:
        """Open the tape of a case. `secrets` are secret texts in its events."""

    def workflows(self, ref: CaseRef) -> ProjectWorkflows | None:
        """Return the workflows that the messages of a case come of; None if they come of the platform."""


class Alteration(Protocol):
    """A change of what a case makes, to see whether the case notices it."""

    def events(self, made: StepEvents) -> StepEvents:
        """Return the events of a step, changed."""
        ...

    def answer(self, answer: Json, made: StepEvents) -> Json:
        """Return the answer to a step, changed."""
        ...


def run_case(ref: CaseRef, tapes: Tapes, *, update: bool = False, alter: Alteration | None = None) -> Verdict:
    """Run one case. With `update`, write its golden files; `alter` changes its events and answers.

    Faults of a spec, a cassette or a server are part of the verdict, not raised.
    """
    run = _Run(ref, tapes, update=update, alter=alter)
    raised: RunnerError | None = None
    try:
        found = list(run.problems())
    except RunnerError as error:
        raised = error
        found = [_in_case(problem, ref.case, None) for problem in error.problems]
    return Verdict(
        tuple(found),
        of_case(found, raised) if found else ExitCode.OK,
        tuple(run.secrets),
        frozenset(run.reached),
        tuple(run.messages),
        tuple(run.sizes),
        run.story,
    )


class _Run:
    """One run of a case."""

    def __init__(self, ref: CaseRef, tapes: Tapes, *, update: bool, alter: Alteration | None) -> None:
        self._ref = ref
        self._tapes = tapes
        self._update = update
        self._alter = alter
        self._seed: UUID = case_seed(ref.path.resolve().relative_to(ref.project), ref.case.name)
        self._golden: list[tuple[Node, list[dict[str, Json]]]] = []
        self.secrets: list[str] = []
        self.reached: set[Part] = set()
        self.messages: list[str] = []
        self.sizes: list[int] = []
        self.story: tuple[Line, ...] = ()
        self._polls = False

    def problems(self) -> Iterator[Problem]:
        """Yield the problems of the events; if there are none, those of the answers."""
        with network.blocked():
            made = list(events_of_case(self._ref, self._seed, self._tapes.env))
            if self._alter is not None:
                made = [self._alter.events(each) for each in made]
            self.secrets += [secret for each in made for event in each.events for secret in event.secrets]
            self.sizes += [len(event.body) for each in made for event in each.ready]
            found = [problem for each in made for problem in self._wrong_events(each)]
        workflows = self._tapes.workflows(self._ref) if self._ref.case.expects_messages else None
        if not found and workflows is not None:
            found = list(self._wrong_messages(made, workflows))
        self._polls = self._ref.case.expects_messages and workflows is None
        if not found and (self._ref.case.expects_response or self._polls):
            with self._tapes.tape(self._ref, self.secrets) as tape, network.blocked(tape.allowed):
                made = list(self._in_run(made, tape))
                found = list(self._wrong_answers(made, tape))
                if not found:
                    tape.save()
        if not found:
            for golden, wires in self._golden:
                update_golden(golden, wires, Mask(self.secrets), self._ref.project)
        yield from found

    def _wrong_events(self, made: StepEvents) -> Iterator[Problem]:
        """Compare events with `error`, `event`, `max_bytes` and `golden`."""
        mask = Mask(self.secrets)
        for row, event in enumerate(made.events, 1):
            place = made.place if made.step.rows is None else ", ".join(filter(None, (made.place, f"row {row}")))
            for problem in _wrong_event(made, event, mask):
                yield _in_case(problem, self._ref.case, place)
        golden = made.expected("golden")
        if golden is not None and len(made.ready) == len(made.events):
            wires: list[dict[str, Json]] = [json.loads(event.body) for event in made.ready]
            if self._update:  # written at the end, because a case that fails writes nothing
                self._golden.append((golden, wires))
                return
            for problem in golden_problems(golden, wires, mask):
                yield _in_case(problem, self._ref.case, made.place)

    def _wrong_messages(self, made: Sequence[StepEvents], workflows: ProjectWorkflows) -> Iterator[Problem]:
        """Run the events through the workflows of the project, and compare the messages with `messages`."""
        from runner.testing.message_fit import expectations  # noqa: PLC0415 - few cases expect messages
        from runner.testing.offline import OfflineStep, actual_message, events_of, offline_problems  # noqa: PLC0415
        from runner.workflows.coverage import reached_by  # noqa: PLC0415
        from runner.workflows.story import story  # noqa: PLC0415

        steps = [
            OfflineStep(
                [json.loads(event.body) for event in each.ready],
                each.ready[0].stamp.time_ms if each.ready else 0,
                expectations(each.step.expect),
            )
            for each in made
        ]
        events = events_of(steps)
        timeline = workflows.run(events, self._ref.case.node)
        self.reached.update(reached_by(timeline))
        self.story = tuple(story(timeline, events))
        self.messages += [actual_message(message, events[message.event]).text() for message in timeline.messages]
        for number, problem in offline_problems(events, timeline, steps, Mask(self.secrets)):
            yield _in_case(problem, self._ref.case, made[number].place)

    def _in_run(self, made: Sequence[StepEvents], tape: Tape) -> Iterator[StepEvents]:
        """Yield the events under keys of their own, if their messages are waited for: those of another run must not be found."""
        row = 0
        for each in made:
            events: list[Prepared | Rejected] = []
            for event in each.events:
                if isinstance(event, Prepared) and self._polls and tape.run is not None:
                    key = own_key(event.event.idempotency_key, tape.run, row)
                    events.append(with_key(event, key, tape.stamp(event.stamp), self._tapes.env))
                else:
                    events.append(event)
                row += 1
            yield each._replace(events=tuple(events))

    def _wrong_answers(self, made: Sequence[StepEvents], tape: Tape) -> Iterator[Problem]:
        """Send each step, and compare its answer with `response`."""
        from runner.suprsend.connection import Connection  # noqa: PLC0415 - a case that only renders loads no HTTP library

        connection = Connection(
            tape.credentials, tape.base_url, sleep=tape.sleep, random=lambda: 0.0, transport=tape.post
        )
        polled: list[Problem] = []
        try:
            answers = [_send(connection, each) if each.ready else None for each in made]
            if self._alter is not None:
                answers = [self._alter.answer(*each) for each in zip(answers, made, strict=True)]
            if self._polls:
                polled = list(self._refused(made, answers)) or list(self._wrong_polls(made, connection, tape))
        finally:
            connection.close()
        if found := tape.problems():  # other problems would only follow from these
            yield from (_in_case(problem, self._ref.case, None) for problem in found)
            return
        for each, answer in zip(made, answers, strict=True):
            if (expected := each.expected("response")) is not None:
                mask = Mask([*self.secrets, secret_of(tape.credentials)])
                for mismatch in compare(expected, answer, "", mask=mask):
                    yield _in_case(mismatch_problem(mismatch), self._ref.case, each.place)
        yield from polled

    def _refused(self, made: Sequence[StepEvents], answers: Sequence[Json]) -> Iterator[Problem]:
        """Report events that were not accepted, unless a `response` is expected: their silence would prove nothing."""
        for each, answer in zip(made, answers, strict=True):
            messages = each.expected("messages")
            if messages is None or not isinstance(answer, dict) or each.expected("response") is not None:
                continue
            if answer.get("status") != "success":
                reason = answer.get("message") or f"{answer.get('failure')} of {answer.get('total')} events failed"
                text = Mask(self.secrets).text(f"the event was not accepted, so no messages can come: {reason}")
                yield _in_case(Problem("refused", text, messages.position(), at="messages"), self._ref.case, each.place)

    def _wrong_polls(self, made: Sequence[StepEvents], connection: Connection, tape: Tape) -> Iterator[Problem]:
        """Wait for the messages of each step, and compare them with `messages`.

        The platform skips an event with the key of an earlier step: the messages under it are those of that step.
        """
        from runner.testing.message_fit import expectations  # noqa: PLC0415 - few cases expect messages
        from runner.testing.polls import wait_for_step  # noqa: PLC0415

        mask = Mask([*self.secrets, secret_of(tape.credentials)])
        earlier: set[str] = set()
        for each in made:
            expected = expectations(each.step.expect)
            all_keys = {str(event.event.idempotency_key) for event in each.ready}
            keys = sorted(all_keys - earlier)
            earlier |= all_keys
            if expected is None:
                continue
            result = wait_for_step(connection, keys, expected, tape.has_next, mask)
            self.messages += result.messages
            for problem in result.problems:
                yield _in_case(problem, self._ref.case, each.place)


def _wrong_event(made: StepEvents, event: Prepared | Rejected, mask: Mask) -> Iterator[Problem]:
    """Compare one event of a step with what is expected of each."""
    if (error := made.expected("error")) is not None:
        yield from _wrong_error(error, event)
        return
    if isinstance(event, Rejected):
        yield from event.problems
        return
    if made.step.expect is not None:
        yield from compare_event(made.step.expect, json.loads(event.body), mask)
    most = made.expected("max_bytes")
    if most is not None and len(event.body) > int(str(most.value)):
        message = f"expected at most {most.value} bytes, the event has {len(event.body)}"
        yield Problem("case-mismatch", message, most.position(), at="max_bytes")


def compare_event(expect: Node, event: dict[str, Json], mask: Mask) -> Iterator[Problem]:
    """Compare an event with `event` and `exact` of an expectation."""
    if (expected := expect.get("event")) is not None:
        exact = (node := expect.get("exact")) is not None and node.value is True
        actual = _comparable(event, expected) if exact else event
        yield from map(mismatch_problem, compare(expected, actual, "", exact=exact, mask=mask))


def _send(connection: Connection, made: StepEvents) -> Json:
    """Send a step as the Python API does; return the response in its documented form."""
    from runner.suprsend.bulk import BulkEvents  # noqa: PLC0415
    from runner.suprsend.client import response_of  # noqa: PLC0415
    from runner.suprsend.delivery import single_delivery  # noqa: PLC0415

    if made.step.rows is None:
        delivery = single_delivery(made.ready[0].encoded)
        connection.deliver(delivery)
        [result] = delivery.results
        response: Any = response_of(result)
        return response  # type: ignore[no-any-return]
    encoded = {id(event.event): event.encoded for event in made.ready}
    bulk = BulkEvents(connection, lambda event: encoded[id(event)], 1)
    bulk.append(*(event.event for event in made.ready))
    answer = bulk.trigger()
    return {
        "status": answer.status,
        "total": answer.total,
        "success": answer.success,
        "failure": answer.failure,
        "unknown": answer.unknown,
        "failed_records": json.loads(json.dumps(answer.failed_records)),
    }


def _wrong_error(expected: Node, event: Prepared | Rejected) -> Iterator[Problem]:
    """Compare an expected error with the actual problems: one of them must have all expected properties."""
    expected_parts = {key: str(node.value) for key, node in expected.entries.items()}
    wanted = _error_text(expected_parts.get("code"), expected_parts.get("at"), expected_parts.get("message"))
    if isinstance(event, Prepared):
        yield Problem("case-passed", f"expected {wanted}, but the event is valid", expected.position(), at="error")
        return
    fits = any(
        expected_parts.get("code", problem.code) == problem.code
        and expected_parts.get("at", problem.at) == problem.at
        and expected_parts.get("message", "") in problem.message
        for problem in event.problems
    )
    if not fits:
        got = "; ".join(_error_text(problem.code, problem.at, problem.message) for problem in event.problems)
        yield Problem("case-mismatch", f"expected {wanted}, got {got}", expected.position(), at="error")


def _error_text(code: str | None, at: str | None, message: str | None) -> str:
    text = f"error[{code}]" if code else "an error"
    text += f" at {at}" if at else ""
    return text + (f": {message}" if message else "")


def _comparable(wire: dict[str, Json], expected: Node) -> dict[str, Json]:
    """Return an event without the values that the client adds, except those that the expectation names."""
    kept = own(wire)
    return {key: kept.get(key, value) for key, value in wire.items() if key in kept or key in expected.entries}


def _in_case(problem: Problem, case: Case, place: str | None) -> Problem:
    contexts = [in_case(case.name), place, problem.context]
    return replace(problem, context=", ".join(context for context in contexts if context))
