"""Groups of commands: `runner cassette …` and `runner runs …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.command import Command, Group
from runner.cli.options import StateDir, command
from runner.cli.world import Session  # noqa: TC001
from runner.errors import ExitCode  # noqa: TC001

cassette = typer.Typer(cls=Group, rich_markup_mode=None)


@cassette.callback(invoke_without_command=True)
@command
def _cassette(session: Session) -> None:
    """Look after recorded answers of the platform."""


Cassettes = Annotated[
    list[Path] | None,
    typer.Argument(help="Cassettes, or folders of them; default: cassettes/.", metavar="PATH", show_default=False),
]


@cassette.command("list", cls=Command, epilog="runner cassette list")
@command
def list_cassettes(session: Session, paths: Cassettes = None) -> ExitCode:
    """List cassettes: whose they are, how old, how large."""
    from runner.cli.cassette import list_cassettes as run  # noqa: PLC0415

    return run(session, paths or ())


@cassette.command("check", cls=Command, epilog="runner cassette check\nrunner cassette check --fix")
@command
def check_cassettes(
    session: Session,
    paths: Cassettes = None,
    fix: Annotated[bool, typer.Option("--fix", help="Remove those that no case plays.")] = False,
) -> ExitCode:
    """Report secrets in cassettes, and those that can't be played."""
    from runner.cli.cassette import check_cassettes as run  # noqa: PLC0415

    return run(session, paths or (), fix=fix)


@cassette.command("verify", cls=Command, epilog="runner cassette verify --profile staging")
@command
def verify_cassettes(
    session: Session,
    paths: Cassettes = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Ask a server on this machine.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask where a profile says confirm.")] = False,
) -> ExitCode:
    """Send what is recorded again, and report how answers differ."""
    from runner.cli.cassette import verify_cassettes as run  # noqa: PLC0415

    return run(session, paths or (), sandbox=sandbox, yes=yes)


runs = typer.Typer(cls=Group, rich_markup_mode=None)


@runs.callback(invoke_without_command=True)
@command
def _runs(session: Session) -> None:
    """Look at past runs of send --rows."""


RunName = Annotated[str, typer.Argument(help="A run's id, or its beginning, or `last`.", metavar="RUN")]


@runs.command("list", cls=Command, epilog="runner runs list")
@command
def list_runs(session: Session, state_dir: StateDir = None) -> ExitCode:
    """List all runs, the newest first."""
    from runner.cli.runs import list_runs as run  # noqa: PLC0415

    return run(session, state_dir)


@runs.command("show", cls=Command, epilog="runner runs show last\nrunner runs show 20261128 --all")
@command
def show_run(
    session: Session,
    run: RunName = "last",
    all_: Annotated[bool, typer.Option("--all", help="Show all rows as text, not the first 100 alone.")] = False,
    state_dir: StateDir = None,
) -> ExitCode:
    """Show what became of a run, and which rows were not accepted."""
    from runner.cli.runs import show_run as show  # noqa: PLC0415

    return show(session, run, state_dir, shows_all=all_)


@runs.command(
    "failed",
    cls=Command,
    epilog="runner runs failed last > rows.jsonl\nrunner runs failed | runner send SPEC --rows -",
)
@command
def failed_rows(session: Session, run: RunName = "last", state_dir: StateDir = None) -> ExitCode:
    """Print the rows that failed, ready for --rows -."""
    from runner.cli.runs import failed_rows as show  # noqa: PLC0415

    return show(session, run, state_dir)
