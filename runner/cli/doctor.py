"""`runner doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


@app.command(
    "doctor",
    cls=Command,
    epilog="runner doctor\nrunner doctor --profile staging --user u1\nrunner doctor --offline -o json",
)
@command
def doctor(
    session: Session,
    user: Annotated[
        str | None, typer.Option(help="Check that the platform knows this distinct_id.", metavar="ID")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Check this machine only: send no request.")] = False,
) -> ExitCode:
    """Check settings, credentials, connection, specs and this machine."""
    from runner.commands.doctor import doctor as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, user, is_offline=offline)
