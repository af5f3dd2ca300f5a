"""A profile → a target that may be sent to now: authorized, confirmed, and with its sandbox at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.config import SANDBOX_PORT
from runner.errors import Problem, UsageError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from runner.cli.world import Session
    from runner.config import Profile, Target
    from runner.report import Output


def aim(session: Session, profile: Profile, *, sandbox: bool) -> Target:
    """Say where events will go. Opens no connection; what credentials there are is hidden from now on."""
    environ = session.world.environ
    session.output.hide(profile.secrets(environ))
    return profile.sandbox(SANDBOX_PORT) if sandbox else profile.target(environ)


def make_ready(
    session: Session, profile: Profile, target: Target, what: str, stack: ExitStack, *, sandbox: bool, yes: bool
) -> Target | None:
    """Make sure that events can and may go there; None if somebody says no.

    Raises CredentialsError without credentials, UsageError where there is nobody to ask. A sandbox that is started
    ends with `stack`.
    """
    target.authorized()
    if sandbox:
        return profile.sandbox(_sandbox_port(session.output, profile, stack))
    if target.confirm and not yes and not _confirmed(session, target, what):
        session.output.message("not confirmed: nothing was sent")
        return None
    return target


def _confirmed(session: Session, target: Target, what: str) -> bool:
    if not session.world.stdin.isatty():
        message = f"profile '{session.settings.profile}' asks before it sends, and there is no terminal to ask on"
        raise UsageError(Problem("confirm", message, hint="add --yes"))
    session.output.ask(f"send {what} to {target.base_url}? [y/N] ")
    return session.world.stdin.readline().strip().lower() in ("y", "yes")


def _sandbox_port(output: Output, profile: Profile, stack: ExitStack) -> int:
    """Take the sandbox that listens already, else start one for this command."""
    from runner.sandbox.find import is_sandbox  # noqa: PLC0415 - a sandbox is loaded only when it is asked for

    if is_sandbox(SANDBOX_PORT):
        output.message(f"sandbox: the one on http://127.0.0.1:{SANDBOX_PORT}/")
        return SANDBOX_PORT
    from runner.sandbox.server import Sandbox  # noqa: PLC0415

    sandbox = stack.enter_context(Sandbox(rules=profile.sandbox_rules()))
    output.message(f"sandbox: started for this command on {sandbox.base_url}")
    return sandbox.port
