"""A profile → a target that may be sent to now: authorized, confirmed, and with its sandbox at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.config import SANDBOX_PORT
from runner.errors import Problem, UsageError

if TYPE_CHECKING:
    from contextlib import ExitStack

    from runner.cli.world import Session
    from runner.config import Profile, Target


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
        return sandbox_at(SANDBOX_PORT, session, profile, stack)
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


def sandbox_at(port: int, session: Session, profile: Profile, stack: ExitStack) -> Target:
    """Aim at the sandbox of this user that listens on a port already, else start one for this command."""
    # A sandbox is loaded only when it is asked for.
    from runner.sandbox.find import HOST, Admit, look  # noqa: PLC0415
    from runner.sandbox.proof import KeyRefused, Proof, read_key  # noqa: PLC0415

    output = session.output
    try:
        proof = Proof(read_key(session.world.environ), port)
    except KeyRefused:  # `runner sandbox` says why, when it starts
        proof = None
    listener = look(port, proof)
    if proof is not None and listener == "own":
        output.message(f"sandbox: the one on http://{HOST}:{port}/")
        return profile.sandbox(port, Admit(proof))
    from runner.sandbox.server import Sandbox  # noqa: PLC0415

    sandbox = stack.enter_context(Sandbox(rules=profile.sandbox_rules()))
    why = f"port {port} is not served by your sandbox; " if listener == "foreign" else ""
    output.message(f"sandbox: {why}started for this command on {sandbox.base_url}")
    return profile.sandbox(sandbox.port, Admit(sandbox.proof))
