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
    fail: Annotated[
        str,
        typer.Option(metavar="NAME:SHARE,…", help="Failures, with their share of all requests: 429:0.1,reset:0.05."),
    ] = "",
    latency: Annotated[str, typer.Option(metavar="TIME", help="Time before each answer: 50ms, or 20ms-200ms.")] = "",
    seed: Annotated[int | None, typer.Option(help="Repeat the sequence of failures of this number.")] = None,
) -> ExitCode:
    """Run a local server that speaks the platform's event API."""
    from runner.commands import sandbox as command_of  # noqa: PLC0415 - help declares commands, and runs none

    return command_of.sandbox(session, port, command_of.Rehearsal(fail, latency, seed))
