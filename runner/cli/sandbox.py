"""`runner sandbox`: the local server, until it is interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.config import SANDBOX_API_KEY, SANDBOX_KEY, load_profile
from runner.errors import ExitCode
from runner.sandbox.proof import KeyRefused, ensure_key
from runner.sandbox.server import serve

if TYPE_CHECKING:
    from runner.cli.world import Session
    from runner.sandbox.server import Addresses


def sandbox(session: Session, port: int) -> ExitCode:
    """Serve. Ctrl-C is how it ends, and no failure."""
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
    rules = load_profile(start=Path(), config=settings.config, name=settings.profile).sandbox_rules()
    serve(port, announce, rules, key)
    return ExitCode.OK
