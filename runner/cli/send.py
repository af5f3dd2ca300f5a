"""`runner send`: load, render, check, and only then send."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.cli.specs import load_specs
from runner.config import SANDBOX_PORT, load_profile
from runner.errors import ExitCode, NotFound, Problem, UsageError, did_you_mean, shown_argument
from runner.report.outcomes import show_dry_run, show_outcomes
from runner.run import Prepared, Rejected, Run, exit_code, prepare_all, unanswered
from runner.run import send as send_events
from runner.suprsend.auth import MAX_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.cli.variables import VariableFlags
    from runner.cli.world import Session, World
    from runner.config import Target
    from runner.report import Output
    from runner.run import Outcome
    from runner.spec import Spec


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What `send` was asked to do, apart from its variables."""

    labels: tuple[str, ...]
    dry_run: bool
    sandbox: bool
    timeout_s: float
    yes: bool


def send(session: Session, paths: Sequence[Path], flags: VariableFlags, options: SendOptions) -> ExitCode:
    """Send each spec once. If one of them can't be rendered, none is sent."""
    output, world, settings = session.output, session.world, session.settings
    if not 0 < options.timeout_s <= MAX_TIMEOUT_S:
        message = f"--timeout {options.timeout_s:g}: it takes seconds, more than 0 and at most {MAX_TIMEOUT_S:,}"
        raise UsageError(Problem("usage", message))
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
        outcomes = list(send_events(events, None))
        show_outcomes(output, run, outcomes, problems)
        return exit_code(outcomes)
    if options.dry_run:
        ready = [event for event in events if isinstance(event, Prepared)]
        show_dry_run(output, run, target.base_url, ready, list(send_events(events, None)))
        return ExitCode.OK
    target.authorized()
    asks = target.confirm and not options.sandbox and not options.yes
    if asks and not _confirmed(world, output, target, settings.profile, len(events)):
        output.message("not confirmed: nothing was sent")
        return ExitCode.INTERRUPTED
    with ExitStack() as stack:
        if options.sandbox:
            target = profile.sandbox(_sandbox_port(output, stack))
        outcomes, interrupted = _deliver(events, target, options.timeout_s)
        show_outcomes(output, run, outcomes)
    return ExitCode.INTERRUPTED if interrupted else exit_code(outcomes)


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


def _deliver(events: Sequence[Prepared | Rejected], target: Target, timeout_s: float) -> tuple[list[Outcome], bool]:
    """Send, and keep what is known if somebody interrupts."""
    from runner.suprsend.connection import Connection  # noqa: PLC0415 - without sending, no HTTP library is loaded

    connection = Connection(target.authorized(), target.base_url, timeout_s=timeout_s)
    outcomes: list[Outcome] = []
    try:
        for outcome in send_events(events, connection):
            outcomes.append(outcome)  # noqa: PERF402 - what came before an interrupt is kept
    except KeyboardInterrupt:
        return [*outcomes, *unanswered(events, outcomes)], True
    finally:
        connection.close()
    return outcomes, False
