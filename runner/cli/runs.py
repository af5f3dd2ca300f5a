"""`runner runs list|show|failed`: what the ledger knows of past bulk runs."""

from __future__ import annotations

import csv
import io
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

from runner.bulk.columns import assign
from runner.bulk.ledger import Ledger
from runner.bulk.origin import COLUMN, MarkedRows, mark
from runner.bulk.record import SavedOptions, ledger_folder, named_folder
from runner.bulk.row import BadRow
from runner.bulk.rows import open_rows
from runner.cli.specs import load_again
from runner.errors import ExitCode, InvalidInput, Problem
from runner.report import Format
from runner.report.runs import show_run as report_run
from runner.report.runs import show_runs
from runner.report.style import printable
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.bulk.record import RunRecord
    from runner.bulk.row import Row
    from runner.cli.world import Session
    from runner.source import Json
    from runner.variables import Cells, Variable

_SHOWN = 100


def list_runs(session: Session, state_dir: Path | None) -> ExitCode:
    """Show all runs, the one that began last first; it may have been recorded before another, which asked for a yes."""
    with _ledger(session, state_dir) as ledger:
        show_runs(session.output, sorted(ledger.summaries(), key=lambda run: run.started_at, reverse=True))
    return ExitCode.OK


def show_run(session: Session, name: str, state_dir: Path | None, *, shows_all: bool) -> ExitCode:
    """Show one run, where its rows came from and went, and the rows that were not accepted."""
    with _ledger(session, state_dir) as ledger:
        record = ledger.find(name)
        summaries = ledger.summaries()
        [summary] = [each for each in summaries if each.run == record.id]
        children = [each.run for each in reversed(summaries) if each.parent == record.id]
        exceptions = partial(ledger.exceptions, record.id, with_in_flight=summary.state != "running")
        report_run(session.output, summary, children, exceptions, None if shows_all else _SHOWN)
    return ExitCode.OK


def failed_rows(session: Session, name: str, state_dir: Path | None) -> ExitCode:
    """Print the rows that failed, to be sent once more: as they stand in their file, or with `-o json` as an array.

    Each has its mark, so that it goes out under the ids that it had. Rows of a run that were piped in are looked for in the
    file of the run that they came from. Raises InvalidInput when no file is there to be read again, or not as it was.
    """
    output = session.output
    with _ledger(session, state_dir) as ledger:
        record = ledger.find(name)
        line = list(ledger.line(record))
        source = next((each for each in line if each.rows != "-"), line[-1])
        if source.rows == "-":
            message = f"the rows of run {source.id} came from the standard input, and the ledger keeps none"
            raise InvalidInput(Problem("rows-gone", message, hint=f"runner runs show {source.id} tells their numbers"))
        # A row is found by its own number in its own file, and by that of its origin in another one.
        is_own = source is record
        numbers: list[int] = [each.row if is_own else each.origin for each in ledger.failures(record.id, "failed")]
    unreadable: list[int] = [number for number in numbers if not number]  # it could not be read when it was piped in
    with open_rows(Path(source.rows), io.BytesIO(), source.rows) as opened:
        if opened.fingerprint() != source.fingerprints["rows"]:
            raise InvalidInput(Problem("run-changed", f"the file {source.rows} changed since run {source.id} began"))
        rows = MarkedRows(opened)
        found = _of(set(numbers) - {0}, rows, unreadable, is_own=is_own)
        code = output.stream(_texts(session, record, source, rows.header, found))
    if unreadable:
        output.message(f"{len(unreadable):,} of the failed rows can't be read: mend them in {printable(source.rows)}")
    return code


def _of(wanted: set[int], rows: MarkedRows, unreadable: list[int], *, is_own: bool) -> Iterator[Row]:
    for row in rows:
        if not wanted:  # what comes behind the last one may be broken
            return
        number = row.number if is_own or isinstance(row, BadRow) else row.origin or row.number
        if number not in wanted or (isinstance(row, BadRow) and not is_own):
            continue
        wanted.discard(number)
        if isinstance(row, BadRow):
            unreadable.append(number)
        else:
            yield row


def _texts(
    session: Session, record: RunRecord, source: RunRecord, header: Sequence[str] | None, rows: Iterator[Row]
) -> Iterator[str]:
    output = session.output
    marked = ((mark(record.id, row.origin or row.number), row.values) for row in rows)
    if header is None:
        return (output.row_text({COLUMN: name, **_named(values)}) for name, values in marked)
    if output.format not in (Format.JSON, Format.JSONL):
        return chain([_csv_line([COLUMN, *header])], (_csv_line([name, *values]) for name, values in marked))
    variables = _variables(session, source, header)
    return (output.row_text({COLUMN: name, **_typed(values, header, variables)}) for name, values in marked)


def _named(values: Cells) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", values)


def _variables(session: Session, record: RunRecord, header: Sequence[str]) -> Mapping[str, Variable]:
    """Name the variable that each column gives."""
    saved = SavedOptions.of(record)
    spec = load_again(session.output, Path(record.spec), saved.project, session.settings.config or saved.config)
    named = {variable.name: variable for variable in spec.variables}
    columns = assign(header, [*named], saved.bulk.renamed, ignore_extra=True)
    return {column: named[name] for column, name in columns.items()}


def _typed(cells: Cells, header: Sequence[str], variables: Mapping[str, Variable]) -> dict[str, Json]:
    """Give the values that the texts of a row stand for: nobody types those of JSON again."""
    values: dict[str, Json] = {}
    for column, cell in zip(header, cells, strict=True):
        variable = variables.get(column)
        if variable is None or "string" in variable.types:
            values[column] = cell
        elif cell:
            try:
                values[column] = variable.typed(Given(cell, column, is_text=True))
            except ValueError:  # it is why the row failed, and will be again
                values[column] = cell
    return values


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)  # Python 3.11 quotes a line break only where the line's own end has it
    return line.getvalue().removesuffix("\r\n")


def _ledger(session: Session, state_dir: Path | None) -> Ledger:
    folder = named_folder(state_dir, session.world.environ) or ledger_folder(Path(), session.settings.config)
    return Ledger(folder, is_new_allowed=False)
