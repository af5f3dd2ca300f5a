"""`runner send`: load, render and check everything, then send it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands.specs import load_specs
from runner.commands.target import aim, ready
from runner.errors import ExitCode, Interrupted, Problem, UsageError
from runner.eventspec.many import check_one_config, labelled
from runner.exits import summed
from runner.report import Format
from runner.report.advice import advice
from runner.report.github_actions import show_on_page
from runner.report.outcomes import show_dry_run, show_outcomes
from runner.report.style import counted, printable
from runner.run import Prepared, Rejected, Run, exit_code, prepare_all, unsent, with_own_keys, with_repeated
from runner.run import send as send_events
from runner.suprsend.retry import DEFAULT_RETRIES, DEFAULT_TIMEOUT_S, MAX_RETRIES, MAX_TIMEOUT_S, Patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.bulk.flags import BulkFlags
    from runner.commands.session import Session
    from runner.commands.variables import VariableFlags
    from runner.config import Target
    from runner.run import Outcome, Sent
    from runner.suprsend.delivery import Wait
    from runner.suprsend.waiting import Waiting
    from runner.tracing.trace import Trace


@dataclass(frozen=True, slots=True)
class SendOptions:
    """The flags of `send`, apart from those of variables and rows. A flag that was not given is None."""

    labels: tuple[str, ...]
    dry_run: bool
    sandbox: bool
    timeout_s: float | None
    retries: int | None
    yes: bool
    waiting: Waiting | None = None
    trace: Trace | None = None

    def patience(self, timeout_s: float = DEFAULT_TIMEOUT_S, retries: int = DEFAULT_RETRIES) -> Patience:
        """Return the flags' timeout and retries, or these defaults. Raise UsageError for a number out of range."""
        if self.timeout_s is not None and not 0 < self.timeout_s <= MAX_TIMEOUT_S:
            message = f"--timeout must be more than 0 and at most {MAX_TIMEOUT_S:,} seconds, got {self.timeout_s:g}"
            raise UsageError(Problem("usage", message))
        if self.retries is not None and not 0 <= self.retries <= MAX_RETRIES:
            raise UsageError(Problem("usage", f"--retries must be 0 to {MAX_RETRIES}, got {self.retries}"))
        return Patience(
            timeout_s if self.timeout_s is None else self.timeout_s, retries if self.retries is None else self.retries
        )


def send(
    session: Session,
    paths: Sequence[Path],
    flags: VariableFlags,
    options: SendOptions,
    bulk: BulkFlags,
    resume: str | None,
    state_dir: Path | None,
) -> ExitCode:
    """Send each spec once, or an event for each row, or resume a run. Raise UsageError for flags that contradict it."""
    if resume is not None:
        from runner.commands.send_rows import resume as resume_run  # noqa: PLC0415 - one event is sent without rows

        return resume_run(session, resume, paths, flags, options, bulk, state_dir)
    if not paths:
        raise UsageError(Problem("usage", "Missing argument 'SPEC'", hint="see `runner send --help`"))
    if bulk.rows:
        from runner.commands.send_rows import send_rows  # noqa: PLC0415

        return send_rows(session, paths, flags, options, bulk, state_dir)
    bulk.check_no_rows()
    if state_dir is not None:
        hint = "add --rows FILE, or remove it: single events are not recorded"
        raise UsageError(Problem("usage", "--state-dir needs the rows of a file", hint=hint))
    return _send_once(session, paths, flags, options)


def _send_once(session: Session, paths: Sequence[Path], flags: VariableFlags, options: SendOptions) -> ExitCode:
    """Send each spec once. If one of them can't be rendered, none is sent."""
    output, world, settings = session.output, session.world, session.settings
    patience = options.patience()
    flags.check(paths)
    specs = labelled(load_specs(session, paths), options.labels)
    if settings.config is None and (settings.profile is not None or options.sandbox):
        check_one_config(specs)
    aimed = aim(session, Path(specs[0].path), settings.config, settings.profile, sandbox=options.sandbox)
    target = aimed.target
    jobs = flags.jobs(output, specs, world.environ, aimed.profile)
    run = Run(world.new_seed(), world.clock())
    events = prepare_all(jobs, run, target, world.clock)
    output.hide(secret for event in events for secret in event.secrets)
    problems = [problem for event in events if isinstance(event, Rejected) for problem in event.problems]
    if problems:
        output.complaints(problems)
        outcomes = unsent(events)
        show_outcomes(output, outcomes, problems)
        show_on_page(output, world.environ, outcomes, problems)
        return exit_code(outcomes)
    prepared = [event for event in events if isinstance(event, Prepared)]
    if options.dry_run:
        show_dry_run(output, target.base_url, prepared, unsent(prepared))
        return ExitCode.OK
    if options.waiting is not None:
        prepared, keys = with_own_keys(prepared, run, target.env, target.max_event_kb)
        for key in keys:
            output.message(f"sent as {printable(key)}: the key of the spec would be the same in each run")
    what = counted(len(prepared), "event")
    with ready(session, aimed, what, yes=options.yes) as reached:
        sent = _deliver(session, prepared, reached, patience, options.trace)
        outcomes = with_repeated(sent.outcomes, _first_in_sandbox if options.sandbox else lambda _: True)
        outcomes = [_advised(outcome, reached, sandbox=options.sandbox) for outcome in outcomes]
        if options.waiting is not None and not sent.was_interrupted:
            return _wait(session, outcomes, reached, options.waiting)
        show_outcomes(output, outcomes)
        show_on_page(output, world.environ, outcomes, ())
    if sent.was_interrupted:
        raise Interrupted
    return exit_code(sent.outcomes)


def _wait(session: Session, outcomes: Sequence[Outcome], target: Target, waiting: Waiting) -> ExitCode:
    """Show the outcomes, wait for the messages of accepted events, and show these."""
    from runner.commands.send_wait import wait_for  # noqa: PLC0415 - most sends do not wait
    from runner.report.messages import show_messages  # noqa: PLC0415

    output, environ = session.output, session.world.environ
    is_data = output.format in (Format.JSON, Format.JSONL)
    if not is_data:
        show_outcomes(output, outcomes)
    waited = wait_for(session, outcomes, target, waiting)
    if is_data:
        show_outcomes(output, outcomes, waited=waited.events)
    show_messages(output, outcomes, waited.events)
    output.complaints(waited.problems)
    show_on_page(output, environ, outcomes, waited.problems)
    if waited.was_interrupted:
        raise Interrupted
    return summed([exit_code(outcomes), waited.code])


def _advised(outcome: Outcome, target: Target, *, sandbox: bool) -> Outcome:
    error = outcome.error
    hint = advice(target, error.code, error.message, sandbox=sandbox) if error is not None else None
    return replace(outcome, error=replace(error, hint=hint)) if error is not None and hint else outcome


def _first_in_sandbox(outcome: Outcome) -> bool:
    """Return whether the sandbox saw the event's key for the first time: a repeated event gets the first one's message id."""
    from runner.sandbox.store import message_id_of  # noqa: PLC0415

    return outcome.message_id == message_id_of(outcome.insert_id or "")


def _deliver(
    session: Session, events: Sequence[Prepared], target: Target, patience: Patience, trace: Trace | None
) -> Sent:
    from runner.suprsend.connection import Connection  # noqa: PLC0415 - without sending, no HTTP library is loaded

    def show_retry(wait: Wait) -> None:
        status = f"HTTP {wait.status_code}: " if wait.status_code else ""
        again = f"retry {wait.retry} of {wait.retries} in {wait.pause_s:.1f} s"
        output.message(f"{status}{printable(output.cut(wait.message, _MAX_REASON))}; {again}")

    output, world = session.output, session.world
    connection = Connection(
        target.authorized(),
        target.base_url,
        timeout_s=patience.timeout_s,
        retries=patience.retries,
        clock=lambda: world.clock().timestamp(),
        sleep=world.sleep,
        random=world.random,
        on_retry=show_retry,
        admit=target.admit,
        trace=trace.context if trace is not None else None,
    )
    try:
        sent = send_events(events, connection)
    finally:
        connection.close()
    if trace is not None:
        from runner.commands.tracing import add_events  # noqa: PLC0415

        add_events(trace, target.base_url, sent)
    return sent


_MAX_REASON = 120
