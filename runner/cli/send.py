"""`runner send`."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runner.cli.command import Command
from runner.cli.options import command
from runner.cli.parameters import (
    By,
    CaseName,
    IgnoreExtra,
    JsonVars,
    Labels,
    Limit,
    Map,
    Offset,
    OptionalSpecs,
    Progress,
    Query,
    Rows,
    StateDir,
    Trace,
    Vars,
    VarsFile,
)
from runner.commands.session import Session
from runner.errors import ExitCode

if TYPE_CHECKING:
    from runner.tracing.trace import Trace as Spans

app = typer.Typer()
_ROWS = "Rows"
_WAIT = "Messages"


class Until(StrEnum):
    """The values of `--until`."""

    TRIGGERED = "triggered"
    DELIVERED = "delivered"


@app.command(
    "send",
    cls=Command,
    epilog="runner send specs/purchase.yaml --var user=u1 --dry-run\nrunner send specs/purchase.yaml --rows orders.csv -n",
)
@command
def send(
    session: Session,
    paths: OptionalSpecs = None,
    var: Vars = None,
    var_json: JsonVars = None,
    vars_file: VarsFile = None,
    case: CaseName = None,
    label: Labels = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would be sent; open no connection.")
    ] = False,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Send to a server on this machine.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(help="Time limit for an answer, with retries; default 30.", metavar="SECONDS"),
    ] = None,
    retries: Annotated[
        int | None,
        typer.Option(help="Retries after no answer, 408, 425, 429 or 5xx; default 3.", metavar="N"),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Don't ask for confirmation; also resume rows that may count twice."),
    ] = False,
    trace: Trace = None,
    wait: Annotated[
        str | None,
        typer.Option(help="Wait for messages of the events, at most this long.", metavar="60s", rich_help_panel=_WAIT),
    ] = None,
    until: Annotated[
        Until | None,
        typer.Option(
            help="Status that messages must reach: triggered, the default, or delivered.",
            metavar="STATUS",
            rich_help_panel=_WAIT,
        ),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(
            help="With --rows: accepted rows whose messages are waited for; default 20.",
            metavar="N",
            rich_help_panel=_WAIT,
        ),
    ] = None,
    rows: Rows = None,
    query: Query = None,
    map_: Map = None,
    ignore_extra: IgnoreExtra = False,
    check_keys: Annotated[
        bool,
        typer.Option(
            "--check-keys",
            help="Send nothing if two rows have the same key: read all rows before.",
            rich_help_panel=_ROWS,
        ),
    ] = False,
    limit: Limit = None,
    offset: Offset = None,
    concurrency: Annotated[
        int | None, typer.Option(help="Concurrent requests; default 16.", metavar="N", rich_help_panel=_ROWS)
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(help="Processes; default: one per core for a large file.", metavar="N", rich_help_panel=_ROWS),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Maximum number of events per second.", metavar="N/s", rich_help_panel=_ROWS)
    ] = None,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop after the first failure.", rich_help_panel=_ROWS)
    ] = False,
    max_failures: Annotated[
        int | None, typer.Option(help="Stop after N failures.", metavar="N", rich_help_panel=_ROWS)
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="Write a line of JSON for each processed row.", metavar="FILE.jsonl", rich_help_panel=_ROWS),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write a report of the run for a browser.", metavar="FILE", rich_help_panel=_ROWS),
    ] = None,
    by: By = None,
    linger: Annotated[
        float | None,
        typer.Option(
            help="Longest wait for 100 piped rows, which make a request; default 1.",
            metavar="SECONDS",
            rich_help_panel=_ROWS,
        ),
    ] = None,
    stop_after: Annotated[
        str | None,
        typer.Option(
            help="Begin no request after this time; default: 23h after the run began, while keys are remembered.",
            metavar="8h|never",
            rich_help_panel=_ROWS,
        ),
    ] = None,
    progress: Progress = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Send on the workers of a Dask cluster, by the address of its scheduler, or `local:N` processes.",
            metavar="tls://HOST:PORT|local|none",
            rich_help_panel=_ROWS,
        ),
    ] = None,
    share_secrets: Annotated[
        bool,
        typer.Option(
            "--share-secrets",
            help="Give credentials and secret variables to the workers, over TLS.",
            rich_help_panel=_ROWS,
        ),
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            help="Resume a run: its id, `first` or `last`. Other options default to those of the run.",
            metavar="RUN",
            rich_help_panel=_ROWS,
        ),
    ] = None,
    state_dir: StateDir = None,
) -> ExitCode:
    """Send one event, several, or one for each row of a file."""
    from runner.bulk.flags import BulkFlags  # noqa: PLC0415 - help declares commands, and runs none

    bulk = BulkFlags(
        tuple(rows or ()), query, tuple(map_ or ()), ignore_extra, limit, offset, concurrency, processes, rate, fail_fast, max_failures, results,
        linger, sample, stop_after, None if progress is None else progress.value, check_keys,
        cluster, share_secrets, html, by,
    )  # fmt: skip
    with ExitStack() as stack:
        if bulk.rows and resume is None:
            from runner.bulk.early import early_workers  # noqa: PLC0415

            stack.enter_context(early_workers(bulk))
        from runner.commands.send import SendOptions  # noqa: PLC0415
        from runner.commands.send import send as run  # noqa: PLC0415
        from runner.commands.send_wait import read_waiting  # noqa: PLC0415
        from runner.commands.variables import VariableFlags  # noqa: PLC0415

        variables = VariableFlags(tuple(var or ()), tuple(var_json or ()), vars_file, case)
        waiting = read_waiting(wait, None if until is None else until.value, dry_run=dry_run)
        options = SendOptions(tuple(label or ()), dry_run, sandbox, timeout, retries, yes, waiting)
        if trace is None:
            return run(session, paths or (), variables, options, bulk, resume, state_dir)
        from runner.commands.tracing import traced  # noqa: PLC0415 - it is off by default

        def send_traced(spans: Spans) -> ExitCode:
            return run(session, paths or (), variables, replace(options, trace=spans), bulk, resume, state_dir)

        return traced(session, "runner send", send_traced)
