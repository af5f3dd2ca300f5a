"""`runner import`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


class As(StrEnum):
    """The values of `--as`: those of `runner.importing.sources.Kind`, which help need not load."""

    CURL = "curl"
    JSON = "json"
    HAR = "har"
    POSTMAN = "postman"
    PYTHON = "python"
    ROWS = "rows"
    EVENT = "event"
    SCHEMA = "schema"


@app.command(
    "import",
    cls=Command,
    epilog="runner import --from-sandbox --last 10m\nrunner import app/ --dry-run\nrunner import orders.har --to specs/shop",
)
@command
def import_(
    session: Session,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders, a curl command in quotes, or - for standard input.",
            metavar="SOURCE",
            show_default=False,
        ),
    ] = None,
    from_sandbox: Annotated[bool, typer.Option("--from-sandbox", help="What arrived at the running sandbox.")] = False,
    last: Annotated[str | None, typer.Option(help="Only what arrived at it in this time: 10m.", metavar="TIME")] = None,
    to: Annotated[Path, typer.Option(help="Folder of the specs.", metavar="DIR")] = Path("specs"),
    as_: Annotated[
        As | None,
        typer.Option("--as", help="The kind of the sources, if it can't be found in them.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show a diff, and write nothing.")] = False,
) -> ExitCode:
    """Write specs with cases from a sandbox, requests, code or rows."""
    from runner.commands.importing import import_ as run  # noqa: PLC0415 - help declares commands, and runs none
    from runner.importing.sources import Kind  # noqa: PLC0415

    kind = Kind(as_) if as_ is not None else None
    return run(session, sources or [], kind, to, last, from_sandbox=from_sandbox, dry_run=dry_run)
