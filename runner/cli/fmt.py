"""`runner fmt`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()
Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="YAML files, or folders of them; default: specs/, cassettes/ and runner.yaml.",
        metavar="PATH",
        show_default=False,
    ),
]


@app.command("fmt", cls=Command, epilog="runner fmt\nrunner fmt specs/ --check\nrunner fmt specs/purchase.yaml --diff")
@command
def fmt(
    session: Session,
    paths: Paths = None,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail if a file would change.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="As --check, and show what would change.")] = False,
) -> ExitCode:
    """Write specs and cassettes in one layout, with every comment."""
    from runner.commands.fmt import fmt as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, paths or (), check=check, diff=diff)
