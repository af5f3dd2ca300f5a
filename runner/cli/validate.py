"""`runner validate`."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.cli.parameters import Specs
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


@app.command(
    "validate",
    cls=Command,
    epilog="runner validate specs/\nrunner validate --strict specs/purchase.yaml\nrunner validate specs/ --fix",
)
@command
def validate(
    session: Session,
    paths: Specs,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Correct first what has one safe answer.")] = False,
) -> ExitCode:
    """Report every problem of every spec: no network, no variables."""
    from runner.commands.validate import validate as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, paths, strict=strict, fix=fix)
