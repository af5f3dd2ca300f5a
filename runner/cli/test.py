"""`runner test`."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from runner.cli import complete
from runner.cli.command import Command
from runner.cli.options import command
from runner.cli.parameters import Trace
from runner.commands.session import Session
from runner.errors import ExitCode, Problem, UsageError

app = typer.Typer()
_PYTEST_FLAG = "--pytest-flag"


class Record(StrEnum):
    """The values of `--record`."""

    NONE = "none"
    ONCE = "once"
    NEW_EPISODES = "new_episodes"
    REWRITE = "rewrite"


class _Splitting(Command):
    """A command that passes on everything after `--`, flags too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Make each argument after `--` a value of the option that collects them."""
        if "--" in args:
            here = args.index("--")
            args = [*args[:here], *(f"{_PYTEST_FLAG}={arg}" for arg in args[here + 1 :])]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


@app.command("test", cls=_Splitting, epilog="runner test\nrunner test specs/ --record once --sandbox")
@command
def run_cases(
    session: Session,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Spec files, folders, or SPEC::CASE; default: specs/. Arguments after -- go to pytest.",
            metavar="[PATH] [-- FLAG]",
            autocompletion=complete.specs,
            show_default=False,
        ),
    ] = None,
    record: Annotated[Record, typer.Option(help=" | ".join(Record), metavar="WHEN")] = Record.NONE,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Record from a server on this machine.")] = False,
    record_in_ci: Annotated[bool, typer.Option("--record-in-ci", help="Record even if CI is set.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Update golden files.")] = False,
    name: Annotated[
        str | None, typer.Option("-k", help="Only cases that match a name or pytest's expression.", metavar="CASE")
    ] = None,
    stop: Annotated[bool, typer.Option("-x", help="Stop at the first failure.")] = False,
    labels: Annotated[
        str | None, typer.Option("-m", help="Only cases with these labels: pytest's expression.", metavar="LABELS")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Send to the target, and wait for the messages that cases expect.")
    ] = False,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Show which parts of the workflows no case reached.")
    ] = False,
    coverage_min: Annotated[
        float | None,
        typer.Option(help="Fail below this coverage, in percent.", metavar="PERCENT", min=0, max=100),
    ] = None,
    junit_xml: Annotated[Path | None, typer.Option(help="Write a JUnit report.", metavar="FILE")] = None,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Show which changes of events and answers no case notices.")
    ] = False,
    html: Annotated[Path | None, typer.Option("--html", help="Write a report for a browser.", metavar="FILE")] = None,
    trace: Trace = None,
    pytest_flag: Annotated[list[str] | None, typer.Option(_PYTEST_FLAG, hidden=True)] = None,
) -> ExitCode:
    """Run the cases of specs, offline, against recorded answers."""
    from runner.commands.test import run_cases as run  # noqa: PLC0415 - help declares commands, and runs none
    from runner.pytest_plugin.arguments import Coverage, TestOptions  # noqa: PLC0415

    flags = tuple(pytest_flag or ())
    covered = Coverage(coverage_min) if coverage or coverage_min is not None else None
    options = TestOptions(
        record.value, sandbox, record_in_ci, update, name, stop, labels, junit_xml, live, covered, flags, html
    )
    if mutate:
        from runner.commands.mutate import mutate_cases  # noqa: PLC0415

        if trace is not None:
            raise UsageError(Problem("usage", "--mutate and --trace can't be used together"))
        return mutate_cases(session, paths or (), options)
    if trace is None:
        return run(session, paths or (), options)
    from runner.commands.tracing import traced  # noqa: PLC0415 - it is off by default

    return traced(session, "runner test", partial(run, session, paths or (), options))
