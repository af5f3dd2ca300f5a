"""`runner trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.cli import complete
from runner.cli.command import Command
from runner.cli.options import command
from runner.cli.parameters import CaseName, JsonVars, Vars, VarsFile
from runner.commands.session import Session
from runner.errors import ExitCode

app = typer.Typer()


@app.command(
    "trace",
    cls=Command,
    epilog="runner trace specs/purchase.yaml --var user=u1\nrunner trace specs/purchase.yaml -o json",
)
@command
def trace(
    session: Session,
    path: Annotated[
        Path, typer.Argument(help="The spec.", metavar="SPEC", show_default=False, autocompletion=complete.specs)
    ],
    var: Vars = None,
    var_json: JsonVars = None,
    vars_file: VarsFile = None,
    case: CaseName = None,
) -> ExitCode:
    """Show what the workflows make of an event, decision by decision."""
    from runner.commands.trace import trace as run  # noqa: PLC0415 - help declares commands, and runs none
    from runner.commands.variables import VariableFlags  # noqa: PLC0415

    return run(session, path, VariableFlags(tuple(var or ()), tuple(var_json or ()), vars_file, case))
