"""The options that every command shares, declared once and accepted before and after the command's name."""

from __future__ import annotations

import inspect
import os
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from runner.cli import complete
from runner.commands.session import Color, LogFormat, Session, Settings
from runner.errors import ExitCode, NotFound, Problem, UsageError, shown_argument
from runner.report import Format

if TYPE_CHECKING:
    from collections.abc import Callable

_PANEL = "Everywhere"


def _declare(
    output: Annotated[
        Format | None,
        typer.Option("--output", "-o", help=" | ".join(Format), metavar="FORMAT", rich_help_panel=_PANEL),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No messages, no warnings.", rich_help_panel=_PANEL)
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="More messages.", rich_help_panel=_PANEL)] = False,
    color: Annotated[
        Color | None,
        typer.Option(help=f"{' | '.join(Color)}; NO_COLOR is honored.", metavar="WHEN", rich_help_panel=_PANEL),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="A profile of runner.yaml.", metavar="NAME", rich_help_panel=_PANEL, autocompletion=complete.profiles
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Use this file instead of runner.yaml.", metavar="FILE", rich_help_panel=_PANEL)
    ] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option(
            "--log-format", help="How messages are written on stderr.", metavar="text|json", rich_help_panel=_PANEL
        ),
    ] = None,
) -> Settings:
    return Settings(output, color, quiet, verbose, profile, config, log_format)


_SHARED = inspect.signature(_declare, eval_str=True).parameters


def command(run: Callable[..., ExitCode | None]) -> Callable[..., ExitCode | None]:
    """Add the shared options to `run(session, …)`, whose other parameters are the command's own."""

    @wraps(run)
    def with_settings(ctx: typer.Context, **values: Any) -> ExitCode | None:
        shared = {name: values.pop(name) for name in _SHARED}
        session: Session = ctx.obj
        session.adopt(session.settings.joined(_declare(**shared)), ctx.invoked_subcommand)
        if ctx.invoked_subcommand is not None:  # its own options are not parsed yet
            return run(session, **values)
        _check_format(session, ctx.info_name or "")
        _check_config(session.settings.config)
        code = run(session, **values)
        if isinstance(ctx.command, TyperGroup):  # a group without a command
            if session.output.format in (Format.JSON, Format.JSONL):
                session.output.json({"help": ctx.get_help()})
            else:
                session.output.data(ctx.get_help())
        return code

    own = list(inspect.signature(run, eval_str=True).parameters.values())[1:]
    context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [context, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *_SHARED.values()))]
    with_settings.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_settings.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del with_settings.__wrapped__
    return with_settings


def _check_format(session: Session, name: str) -> None:
    """Raise UsageError for SARIF from a command that does not write it."""
    if session.settings.format is Format.SARIF and name != "validate":
        raise UsageError(Problem("usage", "only runner validate writes -o sarif", hint="use -o json"))


def _check_config(config: Path | None) -> None:
    """Raise NotFound if the file does not exist, also for a command that does not read it."""
    if config is not None and not os.path.lexists(config):
        raise NotFound(Problem("file-not-found", f"no such file: {shown_argument(str(config))}"))


def log_format_in(args: list[str]) -> LogFormat:
    """Return the format of messages among unparsed arguments."""
    is_json = "--log-format=json" in args or ("--log-format", "json") in pairwise(args)
    return LogFormat.JSON if is_json else LogFormat.TEXT


def format_in(args: list[str]) -> Format:
    """Return the format among unparsed arguments: usage errors are reported in it too."""
    for index, arg in enumerate(args):
        name, _, value = arg.partition("=")
        wanted = value or (args[index + 1] if index + 1 < len(args) else "")
        if name in ("-o", "--output") and wanted in list(Format):
            return Format(wanted)
        if arg.startswith("-o") and arg[2:] in list(Format):
            return Format(arg[2:])
    return Format.PRETTY
