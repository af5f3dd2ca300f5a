"""`runner init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


@app.command("init", cls=Command, epilog="runner init\nrunner init shop")
@command
def init(
    session: Session,
    folder: Annotated[Path, typer.Argument(help="The project's folder.", metavar="DIR", show_default=False)] = Path(),
    source: Annotated[
        str | None,
        typer.Option("--from", help="Git repository and commit that the workflow installs.", metavar="URL@COMMIT"),
    ] = None,
) -> ExitCode:
    """Write a first project that works: spec, cassette, workflow."""
    from runner.commands.init import init as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, folder, source)
