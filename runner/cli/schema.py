"""`runner schema`."""

from __future__ import annotations

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


@app.command("schema", cls=Command, epilog="runner schema > spec.schema.json")
@command
def schema(session: Session) -> ExitCode:
    """Print the spec format's JSON Schema, for editors."""
    from runner.commands.schema import schema as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session)
