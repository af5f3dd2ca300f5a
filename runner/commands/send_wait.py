"""`runner send --wait`: accepted events → the messages that come of them."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.durations import duration_s, shown_duration
from runner.errors import ExitCode, Problem, RunnerError, UsageError
from runner.exits import summed
from runner.report.messages import no_message, show_waiting, skipped_event
from runner.suprsend.retry import MAX_TIMEOUT_S
from runner.suprsend.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.commands.session import Session
    from runner.config import Target
    from runner.report.messages import Cause
    from runner.run import Outcome
    from runner.suprsend.connection import Connection
    from runner.suprsend.message_wait import WaitedEvent
    from runner.suprsend.waiting import Until

_LOOK_UP_S = 5.0


def read_waiting(wait: str | None, until: Until | None, *, dry_run: bool) -> Waiting | None:
    """Return the flags `--wait` and `--until`; None without `--wait`. Raise UsageError for flags that contradict each other."""
    if wait is None:
        if until is not None:
            message = "--until needs --wait: it is the status of the messages that are waited for"
            raise UsageError(Problem("usage", message, hint="for example --wait 60s"))
        return None
    if dry_run:
        raise UsageError(Problem("usage", "--dry-run sends nothing, so there is nothing to --wait for"))
    try:
        within_s = duration_s(wait)
    except ValueError as error:
        raise UsageError(Problem("usage", f"--wait: {error}", hint="such as 60s or 2m")) from None
    if not 0 < within_s <= MAX_TIMEOUT_S:
        raise UsageError(Problem("usage", f"--wait must be more than 0 and at most a day, got {wait}"))
    return Waiting(within_s) if until is None else Waiting(within_s, until)


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
    accepted = [each for each in outcomes if each.state == "accepted" and each.idempotency_key is not None]
    by_key: dict[str, Outcome] = {}
    skipped = [each for each in accepted if by_key.setdefault(str(each.idempotency_key), each) is not each]
    with looking(session, target) as connection:
        events, was_interrupted = look_until(session, connection, list(by_key), waiting)
        if was_interrupted:
            return Waited(events, [], ExitCode.INTERRUPTED, was_interrupted)
        problems = [skipped_event(outcome) for outcome in skipped]
        problems += [
            problem_of(session, connection, event, by_key[key], waiting)
            for key, event in events.items()
            if event.state != "reached"
        ]
    codes = [ExitCode.NO_MESSAGE for _ in skipped] + [code_of(event) for event in events.values()]
    return Waited(events, problems, summed(codes))


@contextmanager
def looking(session: Session, target: Target) -> Iterator[Connection]:
    """Yield a connection for looking at messages. The progress that is shown meanwhile ends with the block."""
    from runner.suprsend.connection import Connection  # noqa: PLC0415 - without sending, no HTTP library is loaded

    clock = session.world.clock
    connection = Connection(target.authorized(), target.base_url, clock=lambda: clock().timestamp(), admit=target.admit)
    try:
        yield connection
    finally:
        connection.close()
        session.output.status("")


def look_until(
    session: Session, connection: Connection, keys: Sequence[str], waiting: Waiting
) -> tuple[dict[str, WaitedEvent], bool]:
    """Wait for the messages of events; return them by their keys, and whether the wait was interrupted.

    After an interrupt, it is what was known then.
    """
    from runner.suprsend.message_wait import WaitedEvent, wait_for_messages  # noqa: PLC0415

    world = session.world
    latest: list[WaitedEvent] = [WaitedEvent(key, "pending", (), 0.0) for key in keys]
    was_interrupted = False

    def show(events: Sequence[WaitedEvent], waited_s: float) -> None:
        latest[:] = events
        show_waiting(session.output, events, waited_s, waiting.within_s)

    try:
        latest = wait_for_messages(
            connection,
            keys,
            waiting.until,
            waiting.within_s,
            clock=world.monotonic,
            now_s=lambda: world.clock().timestamp(),
            sleep=world.sleep,
            random=world.random,
            on_look=show,
        )
    except KeyboardInterrupt:
        was_interrupted = True
    return {event.key: event for event in latest}, was_interrupted


def code_of(event: WaitedEvent) -> ExitCode:
    """Return the exit code for the messages of an event."""
    if event.state == "reached":
        return ExitCode.OK
    if event.failure is not None and event.failure.refuses_credentials:
        return ExitCode.CREDENTIALS
    return ExitCode.REFUSED if event.state == "failed" else ExitCode.NO_MESSAGE


def problem_of(
    session: Session, connection: Connection, event: WaitedEvent, outcome: Outcome, waiting: Waiting
) -> Problem:
    """Return what is wrong with the messages of an event that did not reach the status. Look for the reason if none came."""
    failure = event.failure
    if failure is not None and failure.refuses_credentials:
        return Problem("credentials-refused", f"the messages can't be read: {failure.message}")
    if event.state == "failed":
        return _failed(event)
    has_nothing = not event.messages and failure is None
    evidence = _evidence(session, connection, outcome) if has_nothing else _Evidence()
    return no_message(event, outcome, waiting.until, shown_duration(waiting.within_s), *evidence)


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
