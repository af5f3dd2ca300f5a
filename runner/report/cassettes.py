"""Cassettes, their problems and their drift → text, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.report.format import Format
from runner.report.problems import as_json
from runner.report.style import counted, printable, width

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from runner.errors import Problem
    from runner.report.output import Output
    from runner.testing.check import CheckedCassettes


class Listed(NamedTuple):
    """A cassette's file. Unknown fields are None: of a file that no case plays, or that can't be read."""

    path: str
    spec: str | None
    case: str | None
    recorded_at: date | None
    age_days: int | None
    size_bytes: int
    interactions: int | None
    source: str | None


class Verified(NamedTuple):
    """The result of sending the requests of `cassettes` again to `target`.

    `compared` and `skipped` count requests: one that is not an event, or had a transient answer, is skipped. `not_sent`
    counts the cassettes after the one that stopped the command.
    """

    target: str
    cassettes: int
    compared: int
    skipped: int
    not_sent: int
    problems: Sequence[Problem]


def show_list(output: Output, cassettes: Sequence[Listed]) -> None:
    """Show cassettes, one a line."""
    if output.format in (Format.JSON, Format.JSONL):
        listed = [each._asdict() | {"recorded_at": each.recorded_at and str(each.recorded_at)} for each in cassettes]
        output.items("cassettes", listed)
        return
    if not cassettes:
        output.message("no cassettes: runner test --record once --sandbox records them")
        return
    rows = [_cells(each) for each in cassettes]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True))
        output.data("  ".join(cells).rstrip())


def _cells(cassette: Listed) -> tuple[str, ...]:
    number = cassette.interactions
    owner = "no case" if cassette.spec is None else f"{cassette.spec}::{cassette.case}"
    return (
        printable(cassette.path),
        "age unknown" if cassette.age_days is None else counted(cassette.age_days, "day"),
        _size(cassette.size_bytes),
        "unreadable" if number is None else counted(number, "request"),
        printable(cassette.source or ("" if number is None else "another program")),
        printable(owner),
    )


def show_check(output: Output, checked: CheckedCassettes) -> None:
    """Show the problems of cassettes, and which files were removed."""
    output.findings(checked.problems)
    if output.format is Format.JSON:
        output.json(checked._asdict() | {"problems": [as_json(problem) for problem in checked.problems]})
    elif output.format is Format.JSONL:
        output.items("removed", ({"removed": path} for path in checked.removed))
    else:
        for path in checked.removed:
            output.data(f"removed  {printable(path)}")
        output.message(f"{counted(checked.cassettes, 'cassette')} checked: {_faults(checked.problems)}")


def show_verified(output: Output, verified: Verified) -> None:
    """Show how a server's answers differ from the recorded ones."""
    output.findings(verified.problems)
    if output.format is Format.JSON:
        output.json(verified._asdict() | {"problems": [as_json(problem) for problem in verified.problems]})
    elif output.format is not Format.JSONL:
        drifts = sum(problem.code == "cassette-drift" for problem in verified.problems)
        parts = [f"{counted(verified.compared, 'answer')} compared", counted(drifts, "drift") if drifts else "no drift"]
        parts += [f"{counted(verified.skipped, 'request')} skipped"] if verified.skipped else []
        parts += [f"{counted(verified.not_sent, 'cassette')} not sent"] if verified.not_sent else []
        output.message(f"{counted(verified.cassettes, 'cassette')} against {verified.target}: {', '.join(parts)}")


def _faults(problems: Sequence[Problem]) -> str:
    return counted(len(problems), "problem") if problems else "no problems"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1024:,.1f} KB"
