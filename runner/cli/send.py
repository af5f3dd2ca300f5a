"""`runner send`: load, render, check, and only then send."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.cli.specs import load_specs
from runner.config import SANDBOX_PORT, load_profile
from runner.errors import ExitCode, InvalidInput, NotFound, Problem, UsageError, did_you_mean
from runner.report.outcomes import show_dry_run, show_outcomes
from runner.run import Prepared, Rejected, Run, exit_code, prepare_all, unanswered
from runner.run import send as send_events

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.cli.variables import VariableFlags
    from runner.cli.world import Session, World
    from runner.config import Profile, Target
    from runner.report import Output
    from runner.run import Outcome
    from runner.spec import Spec


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What `send` was asked to do, apart from its variables."""

    labels: tuple[str, ...] = ()
    dry_run: bool = False
    sandbox: bool = False
    timeout_s: float = 30.0
    yes: bool = False


def send(session: Session, paths: Sequence[Path], given: VariableFlags, plan: SendOptions) -> ExitCode:
    """Send each spec once. If one of them can't be rendered, none is sent."""
    output, world, settings = session.output, session.world, session.settings
    specs = _labelled(load_specs(output, paths), plan.labels)
    profile = load_profile(start=paths[0], config=settings.config, name=settings.profile)
    inputs = given.inputs(specs, world.environ, profile)
    with ExitStack() as stack:
        target = _target(output, stack, world, profile, plan)
        output.hide(target.secrets)
        if not plan.dry_run:
            target.authorized()
        run = Run(world.new_seed(), world.clock())
        events = prepare_all(specs, inputs, run, target, world.clock)
        output.hide(secret for event in events for secret in event.secrets)
        problems = [problem for event in events if isinstance(event, Rejected) for problem in event.problems]
        output.complaints(problems)
        ready = [event for event in events if isinstance(event, Prepared)]
        if plan.dry_run and not problems:
            show_dry_run(output, run, target.base_url, ready)
            return ExitCode.OK
        if not problems and not plan.sandbox:
            _confirm(world, output, target, settings.profile, len(ready), yes=plan.yes)
        outcomes, interrupted = _deliver(events, target, plan, sending=not problems)
        show_outcomes(output, run, outcomes, problems)
    return ExitCode.INTERRUPTED if interrupted else exit_code(outcomes)


def _labelled(specs: list[Spec], labels: Sequence[str]) -> list[Spec]:
    if not labels:
        return specs
    chosen = [spec for spec in specs if set(labels) & set(spec.labels)]
    if not chosen:
        known = {label: None for spec in specs for label in spec.labels}
        hint = did_you_mean(labels[0], known, "no spec here has labels")
        raise NotFound(Problem("label-not-found", f"no spec here has the label '{labels[0]}'", hint=hint))
    return chosen


def _target(output: Output, stack: ExitStack, world: World, profile: Profile, plan: SendOptions) -> Target:
    """Find out where to send. `--sandbox` takes the one that listens already, else starts one for this command."""
    if not plan.sandbox:
        return profile.target(world.environ)
    if plan.dry_run:
        return profile.sandbox(SANDBOX_PORT)
    from runner.sandbox.find import is_sandbox  # noqa: PLC0415 - a sandbox is loaded only when it is asked for

    if is_sandbox(SANDBOX_PORT):
        output.message(f"sandbox: the one on http://127.0.0.1:{SANDBOX_PORT}/")
        return profile.sandbox(SANDBOX_PORT)
    from runner.sandbox.server import Sandbox  # noqa: PLC0415

    sandbox = stack.enter_context(Sandbox())
    output.message(f"sandbox: started for this command on {sandbox.base_url}")
    return profile.sandbox(sandbox.port)


def _confirm(world: World, output: Output, target: Target, profile: str | None, count: int, *, yes: bool) -> None:
    if not target.confirm or yes:
        return
    if not world.stdin.isatty():
        message = f"profile '{profile}' asks before it sends, and there is no terminal to ask on"
        raise UsageError(Problem("confirm", message, hint="add --yes"))
    output.ask(f"send {count} event{'' if count == 1 else 's'} to {target.base_url}? [y/N] ")
    if world.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InvalidInput(Problem("confirm", "not confirmed: nothing was sent"))


def _deliver(
    events: Sequence[Prepared | Rejected], target: Target, plan: SendOptions, *, sending: bool
) -> tuple[list[Outcome], bool]:
    """Send, and keep what is known if somebody interrupts."""
    if not sending:
        return list(send_events(events, None)), False
    from runner.suprsend.connection import Connection  # noqa: PLC0415 - without sending, no HTTP library is loaded

    connection = Connection(target.authorized(), target.base_url, timeout_s=plan.timeout_s)
    outcomes: list[Outcome] = []
    try:
        for outcome in send_events(events, connection):
            outcomes.append(outcome)  # noqa: PERF402 - what came before an interrupt is kept
    except KeyboardInterrupt:
        return [*outcomes, *unanswered(events, outcomes)], True
    finally:
        connection.close()
    return outcomes, False
