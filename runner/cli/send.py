"""`runner send`: load, render, check, and only then send."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.cli.specs import load_specs
from runner.config import SANDBOX_PORT, load_profile
from runner.errors import ExitCode, NotFound, Problem, UsageError, did_you_mean, shown_argument
from runner.report.outcomes import show_dry_run, show_outcomes
from runner.run import Prepared, Rejected, Run, exit_code, prepare_all, unsent
from runner.run import send as send_events
from runner.suprsend.retry import MAX_RETRIES, MAX_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.cli.variables import VariableFlags
    from runner.cli.world import Session, World
    from runner.config import Target
    from runner.report import Output
    from runner.run import Sent
    from runner.spec import Spec
    from runner.suprsend.delivery import Wait


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What `send` was asked to do, apart from its variables."""

    labels: tuple[str, ...]
    dry_run: bool
    sandbox: bool
    timeout_s: float
    retries: int
    yes: bool


def send(session: Session, paths: Sequence[Path], flags: VariableFlags, options: SendOptions) -> ExitCode:
    """Send each spec once. If one of them can't be rendered, none is sent."""
    output, world, settings = session.output, session.world, session.settings
    if not 0 < options.timeout_s <= MAX_TIMEOUT_S:
        message = f"--timeout {options.timeout_s:g}: it takes seconds, more than 0 and at most {MAX_TIMEOUT_S:,}"
        raise UsageError(Problem("usage", message))
    if not 0 <= options.retries <= MAX_RETRIES:
        raise UsageError(Problem("usage", f"--retries {options.retries}: it takes 0 to {MAX_RETRIES}"))
    flags.check(paths)
    specs = _labelled(load_specs(output, paths), options.labels)
    profile = load_profile(start=paths[0], config=settings.config, name=settings.profile)
    output.hide(profile.secrets(world.environ))
    target = profile.sandbox(SANDBOX_PORT) if options.sandbox else profile.target(world.environ)
    jobs = flags.jobs(output, specs, world.environ, profile)
    run = Run(world.new_seed(), world.clock())
    events = prepare_all(jobs, run, target, world.clock)
    output.hide(secret for event in events for secret in event.secrets)
    problems = [problem for event in events if isinstance(event, Rejected) for problem in event.problems]
    if problems:
        output.complaints(problems)
        outcomes = unsent(events)
        show_outcomes(output, run, outcomes, problems)
        return exit_code(outcomes)
    ready = [event for event in events if isinstance(event, Prepared)]
    if options.dry_run:
        show_dry_run(output, run, target.base_url, ready, unsent(ready))
        return ExitCode.OK
    target.authorized()
    asks = target.confirm and not options.sandbox and not options.yes
    if asks and not _confirmed(world, output, target, settings.profile, len(events)):
        output.message("not confirmed: nothing was sent")
        return ExitCode.INTERRUPTED
    with ExitStack() as stack:
        if options.sandbox:
            target = profile.sandbox(_sandbox_port(output, stack))
        sent = _deliver(session, ready, target, options)
        show_outcomes(output, run, sent.outcomes)
    return ExitCode.INTERRUPTED if sent.was_interrupted else exit_code(sent.outcomes)


def _labelled(specs: list[Spec], labels: Sequence[str]) -> list[Spec]:
    if not labels:
        return specs
    chosen = [spec for spec in specs if set(labels) & set(spec.labels)]
    if not chosen:
        known = {label: None for spec in specs for label in spec.labels}
        hint = did_you_mean(labels[0], known, "see the specs' labels" if known else "there are no labels")
        raise NotFound(
            Problem("label-not-found", f"no spec here has the label '{shown_argument(labels[0])}'", hint=hint)
        )
    return chosen


def _sandbox_port(output: Output, stack: ExitStack) -> int:
    """Take the sandbox that listens already, else start one for this command."""
    from runner.sandbox.find import is_sandbox  # noqa: PLC0415 - a sandbox is loaded only when it is asked for

    if is_sandbox(SANDBOX_PORT):
        output.message(f"sandbox: the one on http://127.0.0.1:{SANDBOX_PORT}/")
        return SANDBOX_PORT
    from runner.sandbox.server import Sandbox  # noqa: PLC0415

    sandbox = stack.enter_context(Sandbox())
    output.message(f"sandbox: started for this command on {sandbox.base_url}")
    return sandbox.port


def _confirmed(world: World, output: Output, target: Target, profile: str | None, count: int) -> bool:
    """Ask. Raises UsageError where there is nobody to answer."""
    if not world.stdin.isatty():
        message = f"profile '{profile}' asks before it sends, and there is no terminal to ask on"
        raise UsageError(Problem("confirm", message, hint="add --yes"))
    output.ask(f"send {count} event{'' if count == 1 else 's'} to {target.base_url}? [y/N] ")
    return world.stdin.readline().strip().lower() in ("y", "yes")


def _deliver(session: Session, events: Sequence[Prepared], target: Target, options: SendOptions) -> Sent:
    from runner.suprsend.connection import Connection  # noqa: PLC0415 - without sending, no HTTP library is loaded

    def tell(wait: Wait) -> None:
        status = f"HTTP {wait.status_code}: " if wait.status_code else ""
        again = f"retry {wait.retry} of {wait.retries} in {wait.pause_s:.1f} s"
        output.message(f"{status}{output.masked(wait.message)[:_MAX_REASON]}; {again}")

    output, world = session.output, session.world
    connection = Connection(
        target.authorized(),
        target.base_url,
        timeout_s=options.timeout_s,
        retries=options.retries,
        clock=lambda: world.clock().timestamp(),
        sleep=world.sleep,
        random=world.random,
        tell=tell,
    )
    try:
        return send_events(events, connection)
    finally:
        connection.close()


_MAX_REASON = 120
