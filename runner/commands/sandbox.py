"""`runner sandbox`: the local server, until it is interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.config import SANDBOX_API_KEY, SANDBOX_KEY, load_profile
from runner.errors import ExitCode, MachineError
from runner.sandbox.find import look
from runner.sandbox.project_specs import ProjectSpecs
from runner.sandbox.proof import KeyRefused, Proof, ensure_key
from runner.sandbox.rules import rules_of
from runner.sandbox.server import serve

if TYPE_CHECKING:
    from runner.commands.session import Session
    from runner.sandbox.server import Addresses


def sandbox(session: Session, port: int) -> ExitCode:
    """Serve until Ctrl-C, which is a success."""
    output = session.output
    key, refused = None, None
    try:
        key = ensure_key(session.world.environ)
    except KeyRefused as error:
        refused = error

    def announce(addresses: Addresses) -> None:
        output.message(f"sandbox: listening on {addresses.base_url} (Ctrl-C stops it)")
        output.message(f"  workspace key {SANDBOX_KEY.key}, secret {SANDBOX_KEY.secret.reveal()}")
        output.message(f"  API key {SANDBOX_API_KEY.key.reveal()}, workspace UID {SANDBOX_API_KEY.workspace_uid}")
        output.message(f"  what arrived: {addresses.events_url}")
        if refused is not None:
            output.message(f"  --sandbox of other commands can't use it: {refused}")

    settings = session.settings
    profile = load_profile(start=Path(), config=settings.config, name=settings.profile)
    specs = ProjectSpecs(Path.cwd(), session.world.environ, settings.config, profile.variables)
    try:
        serve(port, announce, rules_of(profile), key, specs)
    except MachineError as error:
        if key is None or look(port, Proof(key, port)) != "own":
            raise
        hint = f"other commands use it with --sandbox. {_STOP}, or start another one with --port"
        raise MachineError(
            replace(error.problems[0], message=f"your sandbox listens on port {port} already", hint=hint)
        ) from None
    return ExitCode.OK


_STOP = "To see what arrives, open the address that it printed at its start; stop it with Ctrl-C there"
