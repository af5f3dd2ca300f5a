"""`runner runs report`, and `runner send --rows --html`: a run in the ledger → an HTML file."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bulk.by_column import check_by, count_by
from runner.bulk.failed import variables_of
from runner.bulk.ledger import Ledger
from runner.bulk.record import SavedOptions, ledger_folder, named_folder
from runner.bulk.results import messages_of
from runner.commands.specs import load_again
from runner.config import load_profile
from runner.errors import ExitCode, Problem, RunnerError, UsageError
from runner.report.html.report_file import check_report_file, write_report
from runner.report.html.run_report import RunReport, run_report
from runner.report.run_commands import RunCommands
from runner.secrets import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.bulk.plan import RunPlan
    from runner.bulk.record import RunRecord
    from runner.commands.session import Session
    from runner.variables import Variable

_MAX_MESSAGES = 20_000


def report_run(session: Session, name: str, state_dir: Path | None, html: Path | None, by: str | None) -> ExitCode:
    """Write the report of a run, by default into `run-RUN.html` in the working directory."""
    folder = named_folder(state_dir, session.world.environ) or ledger_folder(Path(), session.settings.config)
    with Ledger(folder, is_new_allowed=False) as ledger:
        record = ledger.find(name)
        path = html or Path(f"run-{record.id}.html")
        check_report_file(path)
        _hide_credentials(session, record)
        commands = RunCommands(record, session.settings.config, asks=False, state_dir=state_dir)
        write_run_report(session, ledger, commands, path, by)
    return ExitCode.OK


def _hide_credentials(session: Session, record: RunRecord) -> None:
    """Mask the credentials that the run was sent with, as far as the environment still has them: a row may quote them."""
    saved = SavedOptions.of(record)
    with suppress(RunnerError):  # a profile that is gone names no variables
        profile = load_profile(start=saved.project, config=session.settings.config or saved.config, name=saved.profile)
        session.output.hide(profile.secrets(session.world.environ))


def check_report_flags(html: Path | None, by: str | None, *, dry_run: bool = False) -> None:
    """Raise UsageError for a report that can't be written, before anything is sent."""
    if html is not None:
        if dry_run:
            raise UsageError(Problem("usage", "--html reports a run, and --dry-run sends nothing"))
        check_report_file(html)
    elif by is not None:
        raise UsageError(
            Problem("usage", "--by needs --html: it adds a plot to the report", hint="add --html report.html")
        )


def check_column(plan: RunPlan, by: str) -> None:
    """Raise the errors of `check_by` for the rows of a plan."""
    named = {each.name: each for each in plan.source.spec.variables}
    check_by(by, plan.options.dataset, lambda _: {column: named[name] for column, name in plan.columns.items()})


def report_of_sent(
    session: Session, folder: Path, commands: RunCommands, html: Path, by: str | None, code: ExitCode
) -> ExitCode:
    """Write the report that `send` was asked for. A failure is shown, and does not hide how the run ended."""
    try:
        with Ledger(folder, is_new_allowed=False) as ledger:
            write_run_report(session, ledger, commands, html, by)
    except RunnerError as error:
        session.output.complaints(error.problems)
        return code or error.exit_code
    return code


def write_run_report(session: Session, ledger: Ledger, commands: RunCommands, path: Path, by: str | None) -> None:
    """Write the report of a run. Raises the errors of `count_by`, and MachineError."""
    record = commands.record
    summary = ledger.summary(record.id)
    exceptions = partial(ledger.exceptions, record.id, with_in_flight=summary.state != "running")
    counts = None
    if by is not None:
        last_row = ledger.last_row(record.id)
        counts = count_by(by, record, exceptions(), last_row, partial(_variables, session, record))
    report = RunReport(
        summary,
        record,
        ledger.sessions(record.id),
        ledger.measures(record.id),
        exceptions,
        ledger.places(record.id),
        _messages(ledger, record),
        counts,
        commands.show(),
    )
    write_report(session.output, path, run_report(report, Mask(session.output.hidden)))


def _messages(ledger: Ledger, record: RunRecord) -> Mapping[int, str]:
    """Return the messages in the file of results, unless a later run wrote to it."""
    path = SavedOptions.of(record).bulk.results
    if path is None:
        return {}
    later = takewhile(lambda run: run != record.id, (each.run for each in ledger.summaries()))
    if any(SavedOptions.of(ledger.find(run)).bulk.results == path for run in later):
        return {}
    return messages_of(path, _MAX_MESSAGES)


def _variables(session: Session, record: RunRecord, columns: Sequence[str]) -> Mapping[str, Variable]:
    saved = SavedOptions.of(record)
    spec = load_again(session.output, Path(record.spec), saved.project, session.settings.config or saved.config)
    return variables_of(record, spec, columns)
