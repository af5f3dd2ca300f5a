"""`runner cassette …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.command import Command, Group
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer(name="cassette", cls=Group, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
@command
def _cassette(session: Session) -> None:
    """Manage recorded answers of the platform."""


Cassettes = Annotated[
    list[Path] | None,
    typer.Argument(help="Cassettes, or folders of them; default: cassettes/.", metavar="PATH", show_default=False),
]


@app.command("list", cls=Command, epilog="runner cassette list")
@command
def list_cassettes(session: Session, paths: Cassettes = None) -> ExitCode:
    """List cassettes with their case, age and size."""
    from runner.commands.cassette import list_cassettes as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, paths or ())


@app.command("check", cls=Command, epilog="runner cassette check\nrunner cassette check --fix")
@command
def check_cassettes(
    session: Session,
    paths: Cassettes = None,
    fix: Annotated[bool, typer.Option("--fix", help="Remove cassettes that no case plays.")] = False,
) -> ExitCode:
    """Report secrets in cassettes, and those that can't be replayed."""
    from runner.commands.cassette import check_cassettes as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, paths or (), fix=fix)


@app.command("verify", cls=Command, epilog="runner cassette verify --profile staging")
@command
def verify_cassettes(
    session: Session,
    paths: Cassettes = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Send to a server on this machine.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask for confirmation.")] = False,
) -> ExitCode:
    """Send recorded requests again, and report how answers differ."""
    from runner.commands.cassette import verify_cassettes as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, paths or (), sandbox=sandbox, yes=yes)
