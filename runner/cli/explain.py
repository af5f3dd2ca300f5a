"""`runner explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli import complete
from runner.cli.command import Command
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


@app.command("explain", cls=Command, epilog="runner explain var-missing\nrunner explain")
@command
def explain(
    session: Session,
    code: Annotated[
        str | None,
        typer.Argument(
            help="A problem's code, such as var-missing; default: list all codes.",
            metavar="CODE",
            show_default=False,
            autocompletion=complete.codes,
        ),
    ] = None,
) -> ExitCode:
    """Explain a problem code, with a wrong and a right example."""
    from runner.commands.explain import explain as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, code)
