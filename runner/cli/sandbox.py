"""`runner sandbox`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode, Problem, UsageError

app = typer.Typer()


@app.command(
    "sandbox",
    cls=Command,
    epilog="runner sandbox\nrunner sandbox --port 8000 --memory -q\nrunner sandbox --ready --timeout 10",
)
@command
def sandbox(
    session: Session,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 7788,
    host: Annotated[str, typer.Option(help="Address to listen on, for other machines.")] = "127.0.0.1",
    db: Annotated[
        Path | None, typer.Option(help="Store in this file instead of .runner/sandbox.sqlite3.", metavar="FILE")
    ] = None,
    memory: Annotated[bool, typer.Option("--memory", help="Store nothing on disk.")] = False,
    max_events: Annotated[int, typer.Option(help="Records to store.", min=1, max=10_000_000)] = 100_000,
    max_mb: Annotated[
        int | None, typer.Option(help="MB to store: 512, or 64 with --memory.", min=1, max=100_000)
    ] = None,
    max_event_kb: Annotated[
        int | None, typer.Option(help="KB of the largest event, instead of the profile's.", min=1, max=800)
    ] = None,
    ready: Annotated[bool, typer.Option("--ready", help="Only wait until the sandbox of this port answers.")] = False,
    timeout: Annotated[float | None, typer.Option(help="Seconds that --ready waits: 30.", min=0, max=3600)] = None,
) -> ExitCode:
    """Run a local server that speaks the platform's event API."""
    from runner.commands import sandbox as commands  # noqa: PLC0415 - help declares commands, and runs none

    if ready:
        return commands.ready(session, port, commands.READY_S if timeout is None else timeout)
    if timeout is not None:
        raise UsageError(Problem("usage", "--timeout is an option of --ready"))
    options = commands.SandboxOptions(port, host, db, memory, max_events, max_mb, max_event_kb)
    return commands.sandbox(session, options)
