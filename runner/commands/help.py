"""`runner help`: a page of the manual, or the list of its topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.commands import COMMANDS
from runner.errors import ExitCode, Problem, UsageError, did_you_mean
from runner.report.manual import list_topics, show_page, topics

if TYPE_CHECKING:
    from runner.commands.session import Session


def help_(session: Session, name: str | None) -> ExitCode:
    """Show the page of a topic, or list the topics. Raise UsageError for a topic that does not exist."""
    output, world = session.output, session.world
    if name is None:
        list_topics(output)
    elif name in topics():
        show_page(output, name, world.stdin, world.stdout, world.environ)
    else:
        hint = f"see `runner {name} --help`" if name in COMMANDS else did_you_mean(name, topics())
        raise UsageError(Problem("usage", f"no help topic '{name}'", hint=hint or "`runner help` lists the topics"))
    return ExitCode.OK
