"""Rows and their outcomes → places, lines, JSON, and rendered bodies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.errors import ExitCode
from runner.report.style import printable
from runner.run import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.bulk.outcomes import RowOutcome
    from runner.errors import Problem
    from runner.report.output import Output
    from runner.rows.places import Places
    from runner.rows.row import BadRow, Row
    from runner.run import Prepared


def row_place(row: int, line: int, places: Places) -> str:
    """Return the place of a row, with its line; `line` is 0 in a file without lines. `places` find its file, if there are several."""
    if (place := places.of(row)) is not None:
        return f"row {row:,} ({printable(place.path)} {f'line {line:,}' if line else f'row {place.row:,}'})"
    return f"row {row:,} (line {line:,})" if line else f"row {row:,}"


def place_json(row: int, line: int, places: Places) -> dict[str, object]:
    """Return the place of a row as JSON."""
    place = places.of(row)
    return {"row": row} | ({} if place is None else {"file": place.path, "row_in_file": place.row}) | {"line": line}


def state_text(state: str, output: Output) -> str:
    """Return the state of a row that was not accepted, painted."""
    return output.style.error("not sent" if state == "not_sent" else state)


def failure_line(failure: RowOutcome, places: Places, output: Output) -> str:
    """Return the line of a row that was not accepted, with its message."""
    status = f" {failure.status_code}" if failure.status_code else ""
    place = row_place(failure.row, failure.line, places)
    return f"{state_text(failure.state, output)}  {place}  {failure.code}{status}  {printable(failure.message)}"


def row_as_json(outcome: RowOutcome, places: Places) -> dict[str, object]:
    """Return what the ledger records about a row that was not accepted."""
    return place_json(outcome.row, outcome.line, places) | {
        "state": outcome.state,
        "code": outcome.code,
        "status_code": outcome.status_code,
        "attempts": outcome.attempts,
    }


def failure_as_json(outcome: RowOutcome, places: Places) -> dict[str, object]:
    """Return a row that was not accepted as JSON, with its message."""
    origin = {"origin": outcome.origin} if outcome.origin else {}
    return row_as_json(outcome, places) | {"message": outcome.message} | origin


def rendered(
    output: Output,
    events: Iterator[tuple[Row | BadRow, Prepared | Rejected]],
    places: Places,
    met: set[ExitCode],
    *,
    indent: bool,
) -> Iterator[str]:
    """Yield the body of each event. Report a rejected event with its place, and add its exit code to `met`."""
    for row, event in events:
        with output.hiding(event.secrets):
            if isinstance(event, Rejected):
                met.add(ExitCode.INVALID)
                place = f"in {row_place(row.number, row.line, places)}"
                output.complaints(_placed(problem, place) for problem in event.problems)
                continue
            text = output.body_text(event.body, indent=indent)
        yield text


def _placed(problem: Problem, place: str) -> Problem:
    if problem.context is None or problem.context.startswith("in row "):
        return replace(problem, context=place)
    return replace(problem, context=f"{place}: {problem.context}")
