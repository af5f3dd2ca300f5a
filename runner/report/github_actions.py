"""What GitHub Actions shows of a command: annotations beside lines, whose text is made in `github_annotation`, and a job summary."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import Position
from runner.report.format import Format
from runner.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.errors import Problem
    from runner.report.output import Output
    from runner.run import Outcome

_MAX_ROWS = 500
_MAX_CELL = 300
"""GitHub drops a job summary that is longer than a mebibyte."""


def annotate(output: Output, annotations: Iterable[str]) -> None:
    """Write annotations in a workflow, or with `-o github`."""
    if output.is_for_workflow:
        for annotation in annotations:
            output.annotation(annotation)


def add_job_summary(
    output: Output, environ: Mapping[str, str], heading: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """Add a table to the file that GITHUB_STEP_SUMMARY names, if it names one. Print a message if it can't be written."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    lines = [f"### {_cell(heading)}", ""]
    if rows:
        lines += [_line(columns), _line(["---"] * len(columns))]
        lines += [_line([_cell(output.masked(cell)) for cell in row]) for row in rows[:_MAX_ROWS]]
        lines += ["", f"… {len(rows) - _MAX_ROWS:,} more"] if len(rows) > _MAX_ROWS else []
        lines.append("")
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write("\n".join([*lines, ""]))
    except OSError as error:
        output.message(f"can't write the job summary: {error.strerror}")


def show_on_page(
    output: Output, environ: Mapping[str, str], outcomes: Sequence[Outcome], problems: Sequence[Problem]
) -> None:
    """Annotate the events that were not accepted, and add all events to the job summary.

    `problems` stopped the events before they were sent; with `-o github` they are annotated already.
    """
    annotated = [] if output.format is Format.GITHUB else list(problems)
    for outcome in outcomes if not problems else ():
        if outcome.error is not None:
            place = outcome.error.position or Position(outcome.spec, 1, 1, 2, "")
            annotated.append(replace(outcome.error, position=place))
    annotate(output, map(output.annotation_of, annotated))
    accepted = sum(outcome.state == "accepted" for outcome in outcomes)
    rows = [
        (
            outcome.state.replace("_", " "),
            outcome.spec,
            outcome.event or "",
            str(outcome.status_code or ""),
            outcome.error.message if outcome.error else outcome.message_id or "",
        )
        for outcome in outcomes
    ]
    heading = f"runner send: {accepted} of {len(outcomes)} accepted"
    add_job_summary(output, environ, heading, ("", "spec", "event", "status", "message"), rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Escape a text for Markdown and HTML."""
    text = text if len(text) <= _MAX_CELL else f"{text[:_MAX_CELL]} …"
    text = printable(text.replace("\n", " ")).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|~@])", r"\\\1", text)
