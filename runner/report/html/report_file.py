"""The file of a report: where it may be written, and that it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem, UsageError
from runner.report.html.page import START
from runner.report.style import printable
from runner.writing import overwrite

if TYPE_CHECKING:
    from pathlib import Path

    from runner.report.output import Output


def check_report_file(path: Path) -> None:
    """Raise UsageError, before work begins, for a file that is not a report, and for a folder that does not exist."""
    if str(path) == "-":
        raise UsageError(
            Problem("usage", "--html -: a report is written to a file", hint="for example --html report.html")
        )
    if path.is_dir():
        raise UsageError(
            Problem("usage", f"--html {path}: it is a folder", hint=f"for example --html {path / 'report.html'}")
        )
    if not path.parent.is_dir():
        raise UsageError(Problem("usage", f"--html {path}: there is no folder {path.parent}"))
    if path.exists() and not (path.is_file() and _is_report(path)):
        raise UsageError(
            Problem("usage", f"--html {path}: this file exists, and is not a report", hint="name another file")
        )


def write_report(output: Output, path: Path, content: bytes) -> None:
    """Write a report, and say so. Raises MachineError."""
    overwrite(path, content, path.parent)
    output.message(f"report: {printable(str(path))}")


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(len(START.encode()))
    except OSError:
        return False
    return head in (b"", START.encode())
