"""`runner help`."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli import complete
from runner.cli.command import Command
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


@app.command("help", cls=Command, epilog="runner help\nrunner help templates")
@command
def help_(
    session: Session,
    topic: Annotated[
        str | None,
        typer.Argument(
            help="A topic; default: list all topics.",
            metavar="TOPIC",
            show_default=False,
            autocompletion=complete.topics,
        ),
    ] = None,
) -> ExitCode:
    """Show a page of the manual, or list its topics."""
    from runner.commands.help import help_ as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, topic)
