"""`runner runs`: past runs of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli.command import Command, Group
from runner.cli.options import command
from runner.cli.parameters import By, JsonVars, Progress, ProgressForm, StateDir, Vars
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer(name="runs", cls=Group, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
@command
def _runs(session: Session) -> None:
    """Show past runs of send --rows."""


RunName = Annotated[str, typer.Argument(help="A run's id, or its beginning, or `first` or `last`.", metavar="RUN")]


@app.command("list", cls=Command, epilog="runner runs list")
@command
def list_runs(session: Session, state_dir: StateDir = None) -> ExitCode:
    """List all runs, the newest first."""
    from runner.commands.runs import list_runs as run  # noqa: PLC0415 - help declares commands, and runs none

    return run(session, state_dir)


@app.command("show", cls=Command, epilog="runner runs show last\nrunner runs show 20261128 --all")
@command
def show_run(
    session: Session,
    run: RunName = "last",
    all_: Annotated[bool, typer.Option("--all", help="Show all rows as text, not only the first 100.")] = False,
    state_dir: StateDir = None,
) -> ExitCode:
    """Show the result of a run, and the rows that were not accepted."""
    from runner.commands.runs import show_run as show  # noqa: PLC0415 - help declares commands, and runs none

    return show(session, run, state_dir, shows_all=all_)


@app.command("watch", cls=Command, epilog="runner runs watch last")
@command
def watch_run(
    session: Session,
    run: RunName = "last",
    progress: Progress = None,
    state_dir: StateDir = None,
) -> ExitCode:
    """Follow a run of another process until it ends."""
    from runner.commands.runs import watch_run as watch  # noqa: PLC0415 - help declares commands, and runs none

    return watch(session, run, state_dir, is_json=progress is ProgressForm.JSON)


@app.command(
    "failed",
    cls=Command,
    epilog="runner runs failed last > rows.jsonl\nrunner runs failed | runner send SPEC --rows -",
)
@command
def failed_rows(session: Session, run: RunName = "last", state_dir: StateDir = None) -> ExitCode:
    """Print the rows that failed, ready for --rows -."""
    from runner.commands.runs import failed_rows as show  # noqa: PLC0415 - help declares commands, and runs none

    return show(session, run, state_dir)


@app.command(
    "report", cls=Command, epilog="runner runs report last\nrunner runs report last --html run.html --by country"
)
@command
def report_run(
    session: Session,
    run: RunName = "last",
    html: Annotated[
        Path | None, typer.Option("--html", help="The file to write; default: run-RUN.html.", metavar="FILE")
    ] = None,
    by: By = None,
    state_dir: StateDir = None,
) -> ExitCode:
    """Write a report of a run, to be opened in a browser."""
    from runner.commands.run_report import report_run as report  # noqa: PLC0415 - help declares commands, and runs none

    return report(session, run, state_dir, html, by)


@app.command(
    "reconcile",
    cls=Command,
    epilog="runner runs reconcile last --messages messages.jsonl\nrunner runs reconcile 20261128 --s3 exports/",
)
@command
def reconcile_run(
    session: Session,
    run: RunName = "last",
    messages: Annotated[
        list[str] | None,
        typer.Option(
            help="Messages as the messages API lists them: .jsonl, .json, .csv, .parquet, folders, patterns.",
            metavar="FILE",
        ),
    ] = None,
    s3: Annotated[
        Path | None,
        typer.Option("--s3", help="A copy of the tables that the platform exports to S3.", metavar="FOLDER"),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Ask the messages API, key by key.")] = False,
    sample: Annotated[
        int | None, typer.Option(help="With --live: ask for at most N rows; default 1000.", metavar="N")
    ] = None,
    within: Annotated[
        str, typer.Option(help="Time in which messages come; what is missing before is late.", metavar="10m")
    ] = "10m",
    expect: Annotated[
        int | None, typer.Option(help="Messages that each row must have; default: at least one.", metavar="N")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="Take the keys from the file that send --results wrote.", metavar="FILE.jsonl"),
    ] = None,
    var: Vars = None,
    var_json: JsonVars = None,
    state_dir: StateDir = None,
) -> ExitCode:
    """Compare the rows of a run with the messages that came of them."""
    from runner.commands.reconcile import ReconcileFlags, reconcile  # noqa: PLC0415 - help declares commands, and runs none
    from runner.commands.variables import VariableFlags  # noqa: PLC0415

    flags = ReconcileFlags(tuple(messages or ()), s3, live, results, within, expect, sample)
    return reconcile(session, run, flags, VariableFlags(tuple(var or ()), tuple(var_json or ())), state_dir)
