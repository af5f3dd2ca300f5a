"""`runner send`: load, render, check, and only then send."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cli.specs import check_one_config, labelled, load_specs
from runner.cli.target import aim, ready
from runner.errors import ExitCode, Problem, UsageError
from runner.report.advice import advice
from runner.report.annotations import show_on_page
from runner.report.outcomes import show_dry_run, show_outcomes
from runner.report.style import printable
from runner.run import Prepared, Rejected, Run, exit_code, prepare_all, unsent, with_repeated
from runner.run import send as send_events
from runner.suprsend.retry import DEFAULT_RETRIES, DEFAULT_TIMEOUT_S, MAX_RETRIES, MAX_TIMEOUT_S, Patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.cli.variables import VariableFlags
    from runner.cli.world import Session
    from runner.config import Target
    from runner.run import Outcome, Sent
    from runner.suprsend.delivery import Wait


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What `send` was asked to do, apart from its variables. What was not given is None."""

    labels: tuple[str, ...]
    dry_run: bool
    sandbox: bool
    timeout_s: float | None
    retries: int | None
    yes: bool

    def patience(self, timeout_s: float = DEFAULT_TIMEOUT_S, retries: int = DEFAULT_RETRIES) -> Patience:
        """Put the patience together of what was given, and these where it was not. Raises UsageError."""
        if self.timeout_s is not None and not 0 < self.timeout_s <= MAX_TIMEOUT_S:
            message = f"--timeout {self.timeout_s:g}: it takes seconds, more than 0 and at most {MAX_TIMEOUT_S:,}"
            raise UsageError(Problem("usage", message))
        if self.retries is not None and not 0 <= self.retries <= MAX_RETRIES:
            raise UsageError(Problem("usage", f"--retries {self.retries}: it takes 0 to {MAX_RETRIES}"))
        return Patience(
            timeout_s if self.timeout_s is None else self.timeout_s, retries if self.retries is None else self.retries
        )


def send(session: Session, paths: Sequence[Path], flags: VariableFlags, options: SendOptions) -> ExitCode:
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
    what = f"{len(prepared)} event{'' if len(prepared) == 1 else 's'}"
    with ready(session, aimed, what, yes=options.yes) as reached:
        if reached is None:
            return ExitCode.INTERRUPTED
        sent = _deliver(session, prepared, reached, patience)
        outcomes = with_repeated(sent.outcomes, _first_in_sandbox if options.sandbox else lambda _: True)
        outcomes = [_advised(outcome, reached, sandbox=options.sandbox) for outcome in outcomes]
        show_outcomes(output, outcomes)
        show_on_page(output, world.environ, outcomes, ())
    return ExitCode.INTERRUPTED if sent.was_interrupted else exit_code(sent.outcomes)


def _advised(outcome: Outcome, target: Target, *, sandbox: bool) -> Outcome:
    error = outcome.error
    hint = advice(target, error.code, error.message, sandbox=sandbox) if error is not None else None
    return replace(outcome, error=replace(error, hint=hint)) if error is not None and hint else outcome


def _first_in_sandbox(outcome: Outcome) -> bool:
    """Return whether a sandbox answered as to an event whose key it had not seen: others get the first one's message id."""
    from runner.sandbox.store import message_id_of  # noqa: PLC0415

    return outcome.message_id == str(message_id_of(outcome.insert_id or ""))


def _deliver(session: Session, events: Sequence[Prepared], target: Target, patience: Patience) -> Sent:
    from runner.suprsend.connection import Connection  # noqa: PLC0415 - without sending, no HTTP library is loaded

    def tell(wait: Wait) -> None:
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
        tell=tell,
        admit=target.admit,
    )
    try:
        return send_events(events, connection)
    finally:
        connection.close()


_MAX_REASON = 120
