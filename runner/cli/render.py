"""`runner render`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from runner.cli import complete
from runner.cli.command import Command
from runner.cli.options import command
from runner.cli.parameters import (
    CaseName,
    IgnoreExtra,
    JsonVars,
    Limit,
    Map,
    Offset,
    Query,
    Rows,
    Vars,
    VarsFile,
)
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


class As(StrEnum):
    """The values of `--as`."""

    JSON = "json"
    CURL = "curl"


@app.command(
    "render",
    cls=Command,
    epilog="runner render specs/purchase.yaml --var user=u1\nrunner render specs/purchase.yaml --as curl\nrunner render specs/purchase.yaml --explain",
)
@command
def render(
    session: Session,
    path: Annotated[
        Path, typer.Argument(help="The spec.", metavar="SPEC", show_default=False, autocompletion=complete.specs)
    ],
    var: Vars = None,
    var_json: JsonVars = None,
    vars_file: VarsFile = None,
    case: CaseName = None,
    as_: Annotated[As, typer.Option("--as", help="The event as JSON, or a curl command that sends it.")] = As.JSON,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show for each field its template, and where its values come from.")
    ] = False,
    rows: Rows = None,
    query: Query = None,
    map_: Map = None,
    ignore_extra: IgnoreExtra = False,
    limit: Limit = None,
    offset: Offset = None,
) -> ExitCode:
    """Show exactly what would be sent, with secrets masked."""
    from runner.bulk.flags import BulkFlags  # noqa: PLC0415 - help declares commands, and runs none
    from runner.commands.render import render as run  # noqa: PLC0415
    from runner.commands.variables import VariableFlags  # noqa: PLC0415

    variables = VariableFlags(tuple(var or ()), tuple(var_json or ()), vars_file, case)
    bulk = BulkFlags(tuple(rows or ()), query, tuple(map_ or ()), ignore_extra, limit, offset)
    return run(session, path, variables, bulk, as_curl=as_ is As.CURL, is_explained=explain)
