"""`runner help`: the pages of the manual, which is a part of the package."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import ExitCode, Problem, UsageError, did_you_mean
from runner.report import Format
from runner.report.style import as_ours

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.cli.world import Session

MANUAL = Path(__file__).parents[1] / "manual"
GROUPS = {
    "tutorial": ("tutorial",),
    "how-to": ("ci", "bulk", "secrets", "sandbox", "sdk"),
    "reference": ("spec", "templates", "cases", "commands", "configuration", "exit-codes", "problems", "python"),
    "explanation": ("promises", "design"),
}
"""The topics of the manual, in the order in which they are listed. Each has a page of its name."""
_TITLES = {
    "tutorial": "Tutorial",
    "how-to": "How-to guides",
    "reference": "Reference",
    "explanation": "Explanation",
}


class Topic(NamedTuple):
    """A page of the manual."""

    topic: str
    group: str
    about: str
    """One sentence: what the page is for."""
    markdown: str


def topics() -> list[str]:
    """Return the names of all topics."""
    return [name for names in GROUPS.values() for name in names]


def help_(session: Session, name: str | None, commands: Iterable[str]) -> ExitCode:
    """Show a page, or list the topics. Raises UsageError for a topic that does not exist."""
    if name is None:
        _list(session)
    elif name in topics():
        _show(session, _topic(name))
    else:
        hint = f"see `runner {name} --help`" if name in commands else did_you_mean(name, topics())
        raise UsageError(Problem("usage", f"no help topic '{name}'", hint=hint or "`runner help` lists the topics"))
    return ExitCode.OK


def _list(session: Session) -> None:
    output = session.output
    pages = [_topic(name) for name in topics()]
    listed = [{"topic": page.topic, "group": page.group, "about": page.about} for page in pages]
    if output.format is Format.JSON:
        output.json({"topics": listed})
        return
    if output.format is Format.JSONL:
        for each in listed:
            output.json(each)
        return
    widest = max(len(page.topic) for page in pages)
    for group, names in GROUPS.items():
        output.data(output.style.strong(f"{_TITLES[group]}:"))
        for page in pages:
            if page.topic in names:
                output.data(f"  {page.topic.ljust(widest)}  {page.about}")
        output.data("")
    output.data("`runner help TOPIC` shows a page, `runner COMMAND --help` the options of a command.")


def _show(session: Session, page: Topic) -> None:
    output, stdout = session.output, session.world.stdout
    if output.format in (Format.JSON, Format.JSONL):
        output.json(page._asdict())
    elif not stdout.isatty():
        output.data(page.markdown.rstrip("\n"))
    else:
        from runner.report.manual import drawn, page_through  # noqa: PLC0415 - rich is slow to load

        screen = shutil.get_terminal_size()
        text = drawn(page.markdown, screen.columns, is_colored=output.style.on)
        environ = session.world.environ
        is_long = text.count("\n") >= screen.lines and environ.get("TERM") != "dumb"
        if not (is_long and session.world.stdin.isatty() and page_through(text, environ)):
            output.data(as_ours(text.rstrip("\n")))


@cache
def _topic(name: str) -> Topic:
    markdown = (MANUAL / f"{name}.md").read_text("utf-8")
    [group] = [group for group, names in GROUPS.items() if name in names]
    _title, about, _rest = markdown.split("\n\n", 2)
    return Topic(name, group, about, markdown)
