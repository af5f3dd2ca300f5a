"""`runner list`."""

from __future__ import annotations

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.cli.parameters import Labels, OptionalSpecs
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


@app.command("list", cls=Command, epilog="runner list\nrunner list specs/purchase.yaml -o json")
@command
def list_specs(session: Session, paths: OptionalSpecs = None, label: Labels = None) -> ExitCode:
    """List specs with their variables, cases and recordings."""
    from runner.commands.list import list_specs as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, paths or (), label or ())
