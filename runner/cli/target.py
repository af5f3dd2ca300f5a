"""A profile → a target that may be sent to now: authorized, confirmed, and with its sandbox at work."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.config import SANDBOX_PORT
from runner.errors import Problem, UsageError
from runner.sandbox.rules import rules_of
from runner.suprsend.auth import WorkspaceKey

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


def advice(target: Target, code: str, message: str, *, sandbox: bool) -> str | None:
    """Say what to do about an event that did not get through, by the code and message of its failure; None if that says it."""
    where = target.base_url
    else_sandbox = "" if sandbox else ", or add --sandbox to send to a server on this machine"
    match code:
        case "no-connection" if message == os.strerror(errno.ECONNREFUSED):
            is_here = urlsplit(where).hostname in _LOOPBACK
            do = (
                "start the server there" if is_here else f"check the base URL ({_BASE_URL}, or base_url of the profile)"
            )
            return f"nothing listens on {where}: {do}{else_sandbox}"
        case "no-connection" if not message.startswith("the proxy"):
            return f"no connection to {where}: check the network, and the base URL ({_BASE_URL}, or base_url of the profile)"
        case "credentials-refused" if target.credentials is not None:
            kind = (
                ("workspace_key_env", "workspace_secret_env")
                if isinstance(target.credentials, WorkspaceKey)
                else ("api_key_env", "workspace_uid_env")
            )
            names = " and ".join(target.names[key] for key in kind)
            return f"{where} does not take these credentials: check {names}{else_sandbox}"
        case _:
            return None


_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_BASE_URL = "SUPRSEND_BASE_URL"


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

    sandbox = stack.enter_context(Sandbox(rules=rules_of(profile)))
    why = f"port {port} is not served by your sandbox; " if listener == "foreign" else ""
    output.message(f"sandbox: {why}started for this command on {sandbox.base_url}")
    return profile.sandbox(sandbox.port, Admit(sandbox.proof))
