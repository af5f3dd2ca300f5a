"""`runner send --wait`: accepted events → the messages that come of them."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.durations import duration_s, shown_duration
from runner.errors import ExitCode, Problem, RunnerError, UsageError
from runner.exits import summed
from runner.report.messages import no_message, show_waiting, skipped_event
from runner.suprsend.message_wait import wait_for_messages
from runner.suprsend.retry import MAX_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.commands.session import Session
    from runner.config import Target
    from runner.report.messages import Cause
    from runner.run import Outcome
    from runner.suprsend.connection import Connection
    from runner.suprsend.message_wait import WaitedEvent

Until = Literal["triggered", "delivered"]
_LOOK_UP_S = 5.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """`--wait` and `--until`."""

    within_s: float
    until: Until = "triggered"

    @classmethod
    def read(cls, wait: str | None, until: Until, *, dry_run: bool) -> Waiting | None:
        """Return the flags; None without `--wait`. Raise UsageError for flags that contradict each other."""
        if wait is None:
            return None
        if dry_run:
            raise UsageError(Problem("usage", "--dry-run sends nothing, so there is nothing to --wait for"))
        try:
            within_s = duration_s(wait)
        except ValueError as error:
            raise UsageError(Problem("usage", f"--wait: {error}", hint="such as 60s or 2m")) from None
        if not 0 < within_s <= MAX_TIMEOUT_S:
            raise UsageError(Problem("usage", f"--wait must be more than 0 and at most a day, got {wait}"))
        return cls(within_s, until)


class Waited(NamedTuple):
    """The messages of accepted events by their keys, what is wrong with them, and the exit code of the waiting.

    After an interrupt, it is what was known then.
    """

    events: dict[str, WaitedEvent]
    problems: list[Problem]
    code: ExitCode
    was_interrupted: bool = False


def wait_for(session: Session, outcomes: Sequence[Outcome], target: Target, waiting: Waiting) -> Waited:
    """Wait for the messages of accepted events.

    The platform skips an event with the key of an earlier one: the messages under this key belong to the earlier one.
    """
    from runner.suprsend.connection import Connection  # noqa: PLC0415 - without sending, no HTTP library is loaded

    world, output = session.world, session.output
    accepted = [each for each in outcomes if each.state == "accepted" and each.idempotency_key is not None]
    by_key: dict[str, Outcome] = {}
    skipped = [each for each in accepted if by_key.setdefault(str(each.idempotency_key), each) is not each]
    connection = Connection(
        target.authorized(), target.base_url, clock=lambda: world.clock().timestamp(), admit=target.admit
    )
    try:
        found, was_interrupted = _wait(session, connection, list(by_key), waiting)
        if was_interrupted:
            return Waited({event.key: event for event in found}, [], ExitCode.INTERRUPTED, was_interrupted)
        evidence = {
            event.key: _evidence(session, connection, by_key[event.key])
            for event in found
            if event.state == "pending" and not event.messages and event.failure is None
        }
    finally:
        connection.close()
        output.status("")
    problems = [skipped_event(outcome) for outcome in skipped]
    codes = [ExitCode.NO_MESSAGE for _ in skipped]
    for event in found:
        problem, code = _result(event, by_key[event.key], waiting, evidence.get(event.key, _Evidence()))
        problems += [problem] if problem is not None else []
        codes.append(code)
    return Waited({event.key: event for event in found}, problems, summed(codes))


def _wait(
    session: Session, connection: Connection, keys: Sequence[str], waiting: Waiting
) -> tuple[list[WaitedEvent], bool]:
    """Return the messages that came, and whether the wait was interrupted."""
    from runner.suprsend.message_wait import WaitedEvent  # noqa: PLC0415

    world = session.world
    latest: list[WaitedEvent] = [WaitedEvent(key, "pending", (), 0.0) for key in keys]

    def now_s() -> float:
        return world.clock().timestamp()

    def show(events: Sequence[WaitedEvent], waited_s: float) -> None:
        latest[:] = events
        show_waiting(session.output, events, waited_s, waiting.within_s)

    try:
        found = wait_for_messages(
            connection,
            keys,
            waiting.until,
            waiting.within_s,
            clock=world.monotonic,
            now_s=now_s,
            sleep=world.sleep,
            random=world.random,
            on_look=show,
        )
    except KeyboardInterrupt:
        return latest, True
    return found, False


def _result(
    event: WaitedEvent, outcome: Outcome, waiting: Waiting, evidence: _Evidence
) -> tuple[Problem | None, ExitCode]:
    """Return what is wrong with the messages of an event, and its exit code."""
    if event.state == "reached":
        return None, ExitCode.OK
    failure = event.failure
    if failure is not None and failure.refuses_credentials:
        message = f"the messages can't be read: {failure.message}"
        return Problem("credentials-refused", message), ExitCode.CREDENTIALS
    if event.state == "failed":
        return _failed(event), ExitCode.REFUSED
    return no_message(event, outcome, waiting.until, shown_duration(waiting.within_s), *evidence), ExitCode.NO_MESSAGE


class _Evidence(NamedTuple):
    """What is known of an event without messages: reasons that are certain, and causes that are ruled out."""

    known: tuple[str, ...] = ()
    excluded: tuple[Cause, ...] = ()


def _evidence(session: Session, connection: Connection, outcome: Outcome) -> _Evidence:
    """Ask the platform for the user, and the assets folder for workflows."""
    from urllib.parse import quote  # noqa: PLC0415 - only an event without messages needs these

    from runner.suprsend.answer import Answer  # noqa: PLC0415
    from runner.workflows.assets_reader import find_assets, read_assets  # noqa: PLC0415

    known: list[str] = []
    excluded: list[Cause] = []
    answer = connection.get(f"v1/user/{quote(outcome.distinct_id or '', safe='')}/", _LOOK_UP_S)
    if isinstance(answer, Answer) and answer.status_code == HTTPStatus.OK:
        excluded.append("user")
    elif isinstance(answer, Answer) and answer.status_code == HTTPStatus.NOT_FOUND:
        known.append(
            f"the platform does not know the user {outcome.distinct_id}, and discards events for unknown users"
        )
    try:
        folder = find_assets(Path(outcome.spec), session.settings.config)
        assets, problems = read_assets(folder) if folder is not None else (None, ())
    except RunnerError:  # the event was sent: a faulty folder says nothing about it, and is reported by `validate`
        return _Evidence(tuple(known), tuple(excluded))
    if assets is None or assets.workflows is None:
        return _Evidence(tuple(known), tuple(excluded))
    if any(workflow.is_live for workflow in assets.listening_to(outcome.event or "")):
        excluded.append("workflow")
    elif not any(problem.severity == "error" for problem in problems):  # else it may be in a file that can't be read
        known.append(f"no live workflow in {folder} listens to '{outcome.event}'")
    return _Evidence(tuple(known), tuple(excluded))


def _failed(event: WaitedEvent) -> Problem:
    from runner.suprsend.messages import FAILED  # noqa: PLC0415 - only a failure needs it

    message = next(each for each in event.messages if each.status in FAILED and each.status != "not_to_be_triggered")
    why = f": {message.failure_reason}" if message.failure_reason else ""
    of = f" of {message.workflow}" if message.workflow else ""
    return Problem("message-failed", f"{message.channel}{of} to {message.recipient}: {message.status}{why}")
