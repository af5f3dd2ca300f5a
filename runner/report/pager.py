"""Pages of the manual for a terminal: drawn with rich, and shown in a pager."""

from __future__ import annotations

import io
import re
import signal
import subprocess
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.console import Console
from rich.markdown import Markdown, TableElement
from rich.table import Table
from rich.theme import Theme

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import ConsoleOptions, RenderResult

MAX_COLUMNS = 100
"""Longer lines are hard to read."""
_LINK = re.compile(r"\[([^]\n]+)\]\((?:([\w-]+)\.md)?(?:#[\w-]+)?\)")
"""A link to a page, or to a heading of the same page: a terminal can't follow it."""
_THEME = Theme({"markdown.code": "cyan", "markdown.h2": "bold underline", "markdown.table.header": "bold"})
_NO_SUCH_COMMAND = 127


class _Table(TableElement):
    """A table that wraps long words: rich cuts them."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for table in super().__rich_console__(console, options):
            assert isinstance(table, Table)  # noqa: S101 - for the type checker: rich says only that it can be printed
            for column in table.columns:
                column.overflow = "fold"
            yield table


class _Page(Markdown):
    elements: ClassVar = {**Markdown.elements, "table_open": _Table}


def drawn(markdown: str, columns: int, *, is_colored: bool) -> str:
    """Return a page laid out for a terminal. A link to another page names the command that shows it."""
    text = io.StringIO()
    system: Literal["standard"] | None = "standard" if is_colored else None
    width = min(columns, MAX_COLUMNS)
    console = Console(file=text, width=width, force_terminal=is_colored, color_system=system, theme=_THEME)
    console.print(_Page(_LINK.sub(_spelled_out, markdown), code_theme="ansi_dark", hyperlinks=False))
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _spelled_out(link: re.Match[str]) -> str:
    return f"{link[1]} (`runner help {link[2]}`)" if link[2] else link[1]


def page_through(text: str, environ: Mapping[str, str]) -> bool:
    """Show a text in `$PAGER`, or in less. Return whether the program exists.

    Ctrl-C is left to the pager. Any other signal ends the pager, and raises KeyboardInterrupt.
    """
    command = environ.get("PAGER") or "less -R"
    pager = subprocess.Popen(  # noqa: S603 - the user's own command; POSIX: PAGER is one for sh
        ["/bin/sh", "-c", command], stdin=subprocess.PIPE, env={"LESS": "-R", **environ}, encoding="utf-8"
    )
    ctrl_c = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pager.communicate(text)  # the pager may end before it has read the whole text
    except KeyboardInterrupt:
        pager.terminate()
        raise
    finally:
        signal.signal(signal.SIGINT, ctrl_c)
        pager.wait()
    return pager.returncode != _NO_SUCH_COMMAND
