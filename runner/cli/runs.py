"""`runner runs list|show|failed`: what the ledger knows of past bulk runs."""

from __future__ import annotations

import csv
import io
import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bulk.ledger import Ledger
from runner.bulk.row import Row
from runner.bulk.rows import fingerprint, open_rows
from runner.cli.bulk import ledger_folder
from runner.errors import ExitCode, InvalidInput, Problem
from runner.report.bulk import show_run as report_run
from runner.report.bulk import show_runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.cli.world import Session

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
    """Print the rows that failed as they stand in their file, to be sent once more.

    Raises InvalidInput when the file is not there to be read again, or not what it was.
    """
    with _ledger(session) as ledger:
        record = ledger.find(name)
        if record.rows == "-":
            message = f"the rows of run {record.id} came from the standard input, and the ledger keeps none"
            raise InvalidInput(Problem("rows-gone", message, hint=f"runner runs show {record.id} tells their numbers"))
        if fingerprint(Path(record.rows)) != record.fingerprints["rows"]:
            raise InvalidInput(Problem("run-changed", f"the file {record.rows} changed since run {record.id} began"))
        wanted = {failure.row for failure in ledger.failures(record.id, "failed")}
    unreadable = 0
    with open_rows(Path(record.rows), io.BytesIO(), record.rows) as rows:
        if rows.is_text and rows.columns:
            session.output.script(_csv_line(rows.columns))
        for row in rows:
            if row.number not in wanted:
                continue
            if isinstance(row, Row):
                values = row.values
                session.output.script(
                    _csv_line(values.values()) if rows.is_text else json.dumps(values, ensure_ascii=False)
                )
            else:
                unreadable += 1
    if unreadable:
        session.output.message(f"{unreadable:,} of the failed rows can't be read: mend them in {record.rows}")
    return ExitCode.OK


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)  # Python 3.11 quotes a line break only where the line's own end has it
    return line.getvalue().removesuffix("\r\n")


def _ledger(session: Session) -> Ledger:
    return Ledger(ledger_folder(Path(), session.settings.config))
