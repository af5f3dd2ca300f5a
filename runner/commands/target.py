"""A profile → a target that is ready for events: with credentials, confirmed, and with its sandbox running."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from runner.config import SANDBOX_PORT, load_profile
from runner.errors import Interrupted, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.commands.session import Session
    from runner.config import Profile, Target


class Aimed(NamedTuple):
    """Where events will go: a profile, the name in `--profile`, and its target."""

    profile: Profile
    name: str | None
    target: Target
    is_sandboxed: bool


def aim(session: Session, start: Path, config: Path | None, name: str | None, *, sandbox: bool) -> Aimed:
    """Load a profile and return where events will go. Open no connection; mask the credentials from now on."""
    profile = load_profile(start=start, config=config, name=name)
    environ = session.world.environ
    session.output.hide(profile.secrets(environ))
    target = profile.sandbox(SANDBOX_PORT) if sandbox else profile.target(environ)
    return Aimed(profile, name, target, sandbox)


@contextmanager
def ready(session: Session, aimed: Aimed, what: str, *, yes: bool) -> Iterator[Target]:
    """Yield the target once it has credentials and is confirmed. A sandbox that this starts ends with the block.

    Raise CredentialsError without credentials, UsageError without a terminal to ask on, Interrupted if the answer is no.
    """
    target = aimed.target
    target.authorized()
    if aimed.is_sandboxed:
        with sandbox_at(SANDBOX_PORT, session, aimed.profile) as sandboxed:
            yield sandboxed
    elif target.confirm and not yes and not _confirmed(session, aimed, what):
        raise Interrupted("not confirmed: nothing was sent")
    else:
        yield target


def readable(session: Session, aimed: Aimed) -> Target:
    """Return the target that messages are read from: with credentials, and a sandbox that is running.

    Raise CredentialsError without credentials, UsageError without a sandbox.
    """
    if not aimed.is_sandboxed:
        aimed.target.authorized()
        return aimed.target
    running, _ = _running_sandbox(SANDBOX_PORT, session, aimed.profile)
    if running is None:
        message = f"the events went to a sandbox, and none of yours is running on port {SANDBOX_PORT}"
        raise UsageError(Problem("usage", message, hint="messages of a sandbox are gone when it ends"))
    return running


@contextmanager
def sandbox_at(port: int, session: Session, profile: Profile) -> Iterator[Target]:
    """Yield this user's sandbox that listens on the port already, else one that ends with the block."""
    running, listener = _running_sandbox(port, session, profile)
    output = session.output
    if running is not None:
        output.message(f"sandbox: the one on http://127.0.0.1:{port}/")
        yield running
        return
    from runner.sandbox.find import Admit  # noqa: PLC0415
    from runner.sandbox.rules import rules_of  # noqa: PLC0415
    from runner.sandbox.server import Sandbox  # noqa: PLC0415

    rules = rules_of(profile)
    with Sandbox(rules=rules) as sandbox:
        why = f"port {port} is not served by your sandbox; " if listener == "foreign" else ""
        output.message(f"sandbox: {why}started for this command on {sandbox.base_url}")
        if rules.project is not None:
            from runner.report.sandbox import left_out_lines  # noqa: PLC0415 - few projects have workflow files

            for line in left_out_lines(rules.project.left_out()):
                output.message(line)
        yield profile.sandbox(sandbox.port, Admit(sandbox.proof))


def _running_sandbox(port: int, session: Session, profile: Profile) -> tuple[Target | None, str]:
    """Return this user's sandbox that listens on a port, if there is one, and whose server listens there."""
    # Only --sandbox needs these.
    from runner.sandbox.find import Admit, look  # noqa: PLC0415
    from runner.sandbox.proof import KeyRefused, Proof, read_key  # noqa: PLC0415

    try:
        proof = Proof(read_key(session.world.environ), port)
    except KeyRefused:  # `runner sandbox` says why, when it starts
        proof = None
    listener = look(port, proof)
    return (profile.sandbox(port, Admit(proof)) if proof is not None and listener == "own" else None), listener


def _confirmed(session: Session, aimed: Aimed, what: str) -> bool:
    if not session.world.stdin.isatty():
        message = f"profile '{aimed.name}' asks before it sends, and there is no terminal to ask on"
        raise UsageError(Problem("confirm", message, hint="add --yes"))
    session.output.ask(f"send {what} to {aimed.target.base_url}? [y/N] ")
    return session.world.stdin.readline().strip().lower() in ("y", "yes")
