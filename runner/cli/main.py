"""The command line: its root, its commands, and the one handler of exceptions.

Each command's own file declares its parameters. Only the file of the command that comes first is loaded; help and
completion load them all.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner import __version__
from runner.cli.command import Group
from runner.cli.options import command, format_in, log_format_in
from runner.cli.usage import usage_problem
from runner.commands import COMMANDS, GROUPS
from runner.commands.session import Session
from runner.errors import ExitCode, Problem, RunnerError, UsageError
from runner.exits import BY_SIGNAL, failure_of
from runner.report import Format, as_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from runner.commands.world import World


def run(args: Sequence[str], world: World) -> int:
    """Run one command line. Return its exit code; raise nothing."""
    session = Session(world, format_in(list(args)), log_format_in(list(args)))
    try:
        if "" in args:
            raise UsageError(Problem("usage", "an argument is empty", hint="is a variable of the shell not set?"))  # noqa: TRY301
        parse = _parser_of(tuple(_needed(args)))
        code = parse(list(args), prog_name="runner", standalone_mode=False, obj=session)
        session.output.flush()
    except typer.TyperException as error:
        return _report(session, UsageError(usage_problem(error, args)))
    except (BrokenPipeError, SystemExit):  # the reader of typer's own printing went away; `Output` handles its own
        session.output.drop()
        return int(ExitCode.OK)
    except (KeyboardInterrupt, typer.Abort):
        return _report(session, KeyboardInterrupt())
    except Exception as error:  # noqa: BLE001 - the outermost handler
        return _report(session, error)
    if code in BY_SIGNAL:  # a run of rows ends by itself, and shows what became of it
        _report(session, KeyboardInterrupt())
    return int(code or 0)


def app_of(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return the command line with these commands."""
    app = typer.Typer(
        name="runner",
        cls=Group,
        rich_markup_mode=None,
        help="Fire, check and replay SuprSend notification events from YAML specs.",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )
    app.callback(invoke_without_command=True)(_root)
    for name in names:
        declared: typer.Typer = import_module(f"runner.cli.{name}").app
        if name in GROUPS:
            app.add_typer(declared)
        else:  # typer would make a group of each
            app.registered_commands += declared.registered_commands
    return app


@cache
def _parser_of(names: tuple[str, ...]) -> Callable[..., Any]:
    """Return typer's parser of these commands, which takes as long to make as a short command takes to run."""
    return typer.main.get_command(app_of(names))


@command
def _root(
    session: Session,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        if session.output.format in (Format.JSON, Format.JSONL):
            session.output.json({"runner": __version__})
        else:
            session.output.data(f"runner {__version__}")
        raise typer.Exit


def _needed(args: Sequence[str]) -> Sequence[str]:
    """Return the commands to declare: the one that comes first, if one does."""
    return args[:1] if args and args[0] in COMMANDS else COMMANDS


def _report(session: Session, error: BaseException) -> int:
    """Report what ended a command. Return its exit code."""
    output = session.output
    failure = failure_of(error)
    try:
        if failure.detail:
            output.detail(failure.detail)
        # A document that is on stdout already must stay the only one.
        if output.format is Format.JSONL or (output.format is Format.JSON and not output.has_data):
            output.items("problems", map(as_json, failure.problems))
        else:
            output.complaints(failure.problems)
    except RunnerError:
        return int(ExitCode.MACHINE)
    return int(failure.exit_code)
