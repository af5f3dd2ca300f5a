"""`runner sandbox`."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


@app.command("sandbox", cls=Command, epilog="runner sandbox\nrunner sandbox --port 8000")
@command
def sandbox(
    session: Session,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.", min=0, max=65535)] = 7788,
) -> ExitCode:
    """Run a local server that speaks the platform's event API."""
    from runner.commands.sandbox import sandbox as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, port)
