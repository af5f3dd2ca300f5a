"""The pages of the manual, which ship with the package: `runner help` lists and shows them."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.report.format import Format
from runner.report.style import as_ours

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from runner.report.output import Output

MANUAL = Path(__file__).parents[1] / "manual"
GROUPS = {
    "tutorial": ("tutorial", "tutorial-app", "tutorial-specs"),
    "how-to": (
        "ci",
        "bulk",
        "schedules",
        "cluster",
        "secrets",
        "sandbox",
        "sandbox-page",
        "messages",
        "rehearse",
        "workflow-tests",
        "proof",
        "reconcile",
        "reports",
        "tracing",
        "doctor",
        "import",
        "sdk",
        "recipes",
        "recipes-teams",
    ),
    "reference": (
        "spec",
        "templates",
        "cases",
        "workflows",
        "assets",
        "advice",
        "fixture",
        "row-types",
        "commands",
        "configuration",
        "exit-codes",
        "problems",
        "python",
    ),
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


def list_topics(output: Output) -> None:
    """List the topics, by group."""
    pages = [_topic(name) for name in topics()]
    if output.format in (Format.JSON, Format.JSONL):
        output.items("topics", ({"topic": page.topic, "group": page.group, "about": page.about} for page in pages))
        return
    widest = max(len(page.topic) for page in pages)
    for group, names in GROUPS.items():
        output.data(output.style.strong(f"{_TITLES[group]}:"))
        for page in pages:
            if page.topic in names:
                output.data(f"  {page.topic.ljust(widest)}  {page.about}")
        output.data("")
    output.data("`runner help TOPIC` shows a page, `runner COMMAND --help` the options of a command.")


def show_page(output: Output, name: str, stdin: TextIO, stdout: TextIO, environ: Mapping[str, str]) -> None:
    """Show the page of a topic: its Markdown, or on a terminal laid out, and in a pager if it is long."""
    page = _topic(name)
    if output.format in (Format.JSON, Format.JSONL):
        output.json(page._asdict())
    elif not stdout.isatty():
        output.data(page.markdown.rstrip("\n"))
    else:
        from runner.report.pager import drawn, page_through  # noqa: PLC0415 - rich is slow to load

        screen = shutil.get_terminal_size()
        text = drawn(page.markdown, screen.columns, is_colored=output.style.on)
        is_long = text.count("\n") >= screen.lines and environ.get("TERM") != "dumb"
        if not (is_long and stdin.isatty() and page_through(text, environ)):
            output.data(as_ours(text.rstrip("\n")))


@cache
def _topic(name: str) -> Topic:
    markdown = (MANUAL / f"{name}.md").read_text("utf-8")
    [group] = [group for group, names in GROUPS.items() if name in names]
    _title, about, _rest = markdown.split("\n\n", 2)
    return Topic(name, group, about, markdown)
