"""`runner runs list|show|failed`: what the ledger knows of past bulk runs."""

from __future__ import annotations

import csv
import io
from itertools import chain, islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bulk.columns import assign
from runner.bulk.ledger import Ledger
from runner.bulk.row import BadRow
from runner.bulk.rows import open_rows
from runner.cli.bulk import ledger_folder, load_again
from runner.cli.bulk_record import Kept
from runner.errors import ExitCode, InvalidInput, Problem
from runner.report import Format
from runner.report.bulk import show_run as report_run
from runner.report.bulk import show_runs
from runner.report.style import printable
from runner.spec import Given

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner.bulk.ledger import RunRecord
    from runner.bulk.row import Row
    from runner.bulk.rows import RowFile
    from runner.cli.world import Session
    from runner.source import Json
    from runner.spec import Cells, Variable

_SHOWN = 100


def list_runs(session: Session) -> ExitCode:
    """Show all runs, the newest first."""
    with _ledger(session) as ledger:
        show_runs(session.output, ledger.summaries())
    return ExitCode.OK


def show_run(session: Session, name: str) -> ExitCode:
    """Show one run, and the rows that were not accepted."""
    with _ledger(session) as ledger:
        record = ledger.find(name)
        [summary] = [each for each in ledger.summaries() if each.run == record.id]
        failed = list(islice(ledger.failures(record.id, "failed"), _SHOWN))
        unknown = list(islice(ledger.failures(record.id, "unknown"), _SHOWN))
        report_run(session.output, summary, [*failed, *unknown])
    return ExitCode.OK


def failed_rows(session: Session, name: str) -> ExitCode:
    """Print the rows that failed, to be sent once more: as they stand in their file, or with `-o json` as an array.

    Raises InvalidInput when the file is not there to be read again, or not what it was.
    """
    output = session.output
    with _ledger(session) as ledger:
        record = ledger.find(name)
        if record.rows == "-":
            message = f"the rows of run {record.id} came from the standard input, and the ledger keeps none"
            raise InvalidInput(Problem("rows-gone", message, hint=f"runner runs show {record.id} tells their numbers"))
        wanted = {failure.row for failure in ledger.failures(record.id, "failed")}
    unreadable: list[BadRow] = []
    with open_rows(Path(record.rows), io.BytesIO(), record.rows) as rows:
        if rows.fingerprint() != record.fingerprints["rows"]:
            raise InvalidInput(Problem("run-changed", f"the file {record.rows} changed since run {record.id} began"))
        texts = _texts(session, record, rows.header, _of(wanted, rows, unreadable))
        code = output.stream(texts)
    if unreadable:
        output.message(f"{len(unreadable):,} of the failed rows can't be read: mend them in {printable(record.rows)}")
    return code


def _of(wanted: set[int], rows: RowFile, unreadable: list[BadRow]) -> Iterator[Row]:
    last = max(wanted, default=0)  # what comes behind it may be broken
    for row in takewhile(lambda row: row.number <= last, rows):
        if row.number not in wanted:
            continue
        if isinstance(row, BadRow):
            unreadable.append(row)
        else:
            yield row


def _texts(session: Session, record: RunRecord, header: Sequence[str] | None, rows: Iterator[Row]) -> Iterator[str]:
    output = session.output
    if header is None:
        return (output.row_text(row.values) for row in rows)
    if output.format not in (Format.JSON, Format.JSONL):
        return chain([_csv_line(header)], (_csv_line(row.values) for row in rows))
    variables = _variables(session, record, header)
    return (output.row_text(_typed(row.values, header, variables)) for row in rows)


def _variables(session: Session, record: RunRecord, header: Sequence[str]) -> Mapping[str, Variable]:
    """Name the variable that each column gives."""
    kept = Kept.read(record)
    session.settings = session.settings._replace(config=session.settings.config or kept.config)
    spec = load_again(session, Path(record.spec), kept.project)
    named = {variable.name: variable for variable in spec.variables}
    columns = assign(header, [*named], kept.bulk.renamed, ignore_extra=True)
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


def _ledger(session: Session) -> Ledger:
    return Ledger(ledger_folder(Path(), session.settings.config), is_new_allowed=False)
