"""`runner runs list|show|watch|failed`: past runs of rows."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bulk.engine import Tally
from runner.bulk.failed import FailedRows, variables_of
from runner.bulk.ledger import Ledger
from runner.bulk.record import SavedOptions, ledger_folder, named_folder
from runner.commands.specs import load_again
from runner.errors import ExitCode
from runner.report.progress import Progress
from runner.report.runs import failed_texts, show_runs
from runner.report.runs import show_run as report_run
from runner.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.bulk.record import RunRecord
    from runner.commands.session import Session
    from runner.variables import Variable

_SHOWN = 100
_WATCH_S = 0.5
"""Time between two looks at the ledger."""


def list_runs(session: Session, state_dir: Path | None) -> ExitCode:
    """Show all runs, the newest first."""
    with _ledger(session, state_dir) as ledger:
        show_runs(session.output, ledger.summaries())
    return ExitCode.OK


def show_run(session: Session, name: str, state_dir: Path | None, *, shows_all: bool) -> ExitCode:
    """Show one run, the runs that its rows came from and went to, and the rows that were not accepted."""
    with _ledger(session, state_dir) as ledger:
        record = ledger.find(name)
        summaries = ledger.summaries()
        [summary] = [each for each in summaries if each.run == record.id]
        children = [each.run for each in reversed(summaries) if each.parent == record.id]
        exceptions = partial(ledger.exceptions, record.id, with_in_flight=summary.state != "running")
        report_run(
            session.output,
            summary,
            children,
            exceptions,
            ledger.places(record.id),
            None if shows_all else _SHOWN,
            partial(ledger.measures, record.id),
        )
    return ExitCode.OK


def watch_run(session: Session, name: str, state_dir: Path | None, *, is_json: bool) -> ExitCode:
    """Show the progress of a run that another process sends, until it ends; then its result. 0 if all rows were accepted."""
    world, output = session.world, session.output
    with _ledger(session, state_dir) as ledger:
        record = ledger.find(name)
        summary = ledger.summary(record.id)
        began_s = world.monotonic()
        progress = Progress(output, _about(record), began_s, run=record.id, before=summary.counts.rows, is_json=is_json)
        while summary.state == "running":
            world.sleep(_WATCH_S)
            summary = ledger.summary(record.id)
            progress.update(Tally(summary.counts), world.monotonic())
        progress.end()
        exceptions = partial(ledger.exceptions, record.id, with_in_flight=True)
        measures = partial(ledger.measures, record.id)
        report_run(output, summary, [], exceptions, ledger.places(record.id), _SHOWN, measures)
    return ExitCode.OK if summary.counts.accepted == summary.total else ExitCode.REFUSED


def _about(record: RunRecord) -> int | None:
    """Estimate the number of rows of a run; None if its files are gone."""
    with suppress(OSError):
        return SavedOptions.of(record).bulk.estimate()
    return None


def failed_rows(session: Session, name: str, state_dir: Path | None) -> ExitCode:
    """Print the rows that failed, to be sent again: unchanged, or with `-o json` as an array.

    Each row has a mark, so that it keeps its ids. Rows that were piped in are read from the file of the run that they came
    from. Raise InvalidInput if that file does not exist any more, or changed.
    """
    output = session.output
    with _ledger(session, state_dir) as ledger:
        failed = FailedRows.of(ledger, name)
    variables = partial(_variables, session, failed)
    with failed.read(variables) as rows:
        code = output.stream(failed_texts(output, rows, variables))
    if rows.unreadable:
        file = printable(failed.source.dataset.name)
        output.message(f"{len(rows.unreadable):,} of the failed rows can't be read: mend them in {file}")
    return code


def _variables(session: Session, failed: FailedRows, header: Sequence[str]) -> Mapping[str, Variable]:
    saved = SavedOptions.of(failed.source)
    config = session.settings.config or saved.config
    spec = load_again(session.output, Path(failed.source.spec), saved.project, config)
    return variables_of(failed.source, spec, header)


def _ledger(session: Session, state_dir: Path | None) -> Ledger:
    folder = named_folder(state_dir, session.world.environ) or ledger_folder(Path(), session.settings.config)
    return Ledger(folder, is_new_allowed=False)
