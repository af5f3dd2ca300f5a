"""`runner runs reconcile`: a past run and an export of messages → what became of each row."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.bulk.ledger import Ledger
from runner.bulk.plan import Source
from runner.bulk.reconcile.exports import messages_in, tables_in
from runner.bulk.reconcile.join import RunRow, digest_of, joined
from runner.bulk.reconcile.judgement import LOST, Rules
from runner.bulk.reconcile.live import look_for
from runner.bulk.reconcile.run_rows import Candidates, keyed_rows, rows_of_results, with_states
from runner.bulk.record import SavedOptions, ledger_folder, named_folder
from runner.commands.send_rows import plan_rows
from runner.commands.send_wait import looking
from runner.commands.specs import load_again
from runner.commands.target import aim, readable
from runner.commands.variables import VariableFlags
from runner.durations import duration_s
from runner.errors import ExitCode, InvalidInput, MachineError, Problem, UsageError
from runner.exits import summed
from runner.report.reconcile import Reconciled, show_reconciled
from runner.report.run_commands import RunCommands
from runner.suprsend.retry import Patience
from runner.suprsend.statuses import is_rate_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.bulk.ledger import RunSummary
    from runner.bulk.reconcile.exports import Export
    from runner.bulk.reconcile.join import Join
    from runner.bulk.reconcile.run_rows import KeyedRow
    from runner.bulk.record import RunRecord
    from runner.commands.session import Session
    from runner.suprsend.messages_api import ListFailure

SAMPLE = 1000
"""Rows whose messages are asked for, unless another number is given."""
_MAX_SAMPLE = 100_000
_MAX_EXPECTED = 1000
_BATCH = 1000


class ReconcileFlags(NamedTuple):
    """The flags of `runs reconcile`, as they were typed. Exactly one of `messages`, `s3` and `live` must be given."""

    messages: tuple[str, ...]
    s3: Path | None
    live: bool
    results: Path | None
    within: str
    expect: int | None
    sample: int | None

    def check(self) -> float:
        """Return the time in which messages must come. Raise UsageError for invalid flags."""
        sources = [name for name, value in zip(("--messages", "--s3", "--live"), self[:3], strict=True) if value]
        if len(sources) != 1:
            message = (
                f"{' and '.join(sources)} can't be used together" if sources else "nothing to compare the run with"
            )
            hint = "give one of --messages FILE, --s3 FOLDER and --live"
            raise UsageError(Problem("usage", message, hint=hint))
        if self.sample is not None and not self.live:
            raise UsageError(Problem("usage", "--sample needs --live: an export has the messages of all rows"))
        for name, number, most in (("--sample", self.sample, _MAX_SAMPLE), ("--expect", self.expect, _MAX_EXPECTED)):
            if number is not None and not 1 <= number <= most:
                raise UsageError(Problem("usage", f"{name} must be 1 to {most:,}, got {number}"))
        try:
            return duration_s(self.within)
        except ValueError as error:
            raise UsageError(Problem("usage", f"--within: {error}", hint="such as 10m or 2h")) from None


def reconcile(
    session: Session, name: str, flags: ReconcileFlags, variables: VariableFlags, state_dir: Path | None
) -> ExitCode:
    """Compare the rows of a run with the messages that came of them.

    Raise InvalidInput if the rows can't be read again as they were, or the export can't be read.
    """
    within_s = flags.check()
    folder = named_folder(state_dir, session.world.environ) or ledger_folder(Path(), session.settings.config)
    with Ledger(folder, is_new_allowed=False) as ledger:
        record = ledger.find(name)
        summaries = ledger.summaries()
        [summary] = [each for each in summaries if each.run == record.id]
        if summary.state == "running":
            message = f"run {record.id} is in use by another process"
            raise MachineError(Problem("run-locked", message, hint="wait until it ends, or stop it"))
        export = None if flags.live else _export(flags, record)
        candidates = Candidates(flags.sample or SAMPLE) if flags.live else None
        with joined(int(record.started.timestamp() * 1_000_000)) as join:
            with _keyed_rows(session, ledger, record, flags, variables, folder) as rows:
                _add_rows(join, with_states(rows, ledger, record.id), candidates)
            _check_complete(join, summary, flags)
            failure: ListFailure | None = None
            if export is not None:
                join.add(export.sightings)
            elif candidates is not None:
                failure = _look(session, record, join, candidates.keys())
            latest = datetime.fromtimestamp(join.latest_us / 1_000_000, UTC)
            as_of = max(session.world.clock() if export is None else export.as_of, latest)
            is_early = within_s > 0 and (as_of - latest).total_seconds() < within_s
            tables = export.tables if export is not None else frozenset[str]()
            was_sent_again = any(each.parent == record.id for each in summaries)
            join.judge(
                Rules(
                    is_early,
                    flags.expect,
                    "requests" in tables,
                    "workflow_executions" in tables,
                    was_sent_again,
                )
            )
            config = session.settings.config or SavedOptions.of(record).config
            commands = RunCommands(record, config, asks=False, state_dir=state_dir)
            found = Reconciled(commands, as_of, within_s, sorted(tables), join, ledger.places(record.id), failure)
            show_reconciled(session.output, found)
            return _code(join, failure)


def _export(flags: ReconcileFlags, record: RunRecord) -> Export:
    return messages_in(flags.messages) if flags.s3 is None else tables_in(flags.s3, record.started)


@contextmanager
def _keyed_rows(
    session: Session,
    ledger: Ledger,
    record: RunRecord,
    flags: ReconcileFlags,
    variables: VariableFlags,
    folder: Path,
) -> Iterator[Iterable[KeyedRow]]:
    """Yield the rows of a run with their keys: from its file of results, or made again from its file of rows."""
    saved = SavedOptions.of(record)
    if flags.results is not None:
        with rows_of_results(flags.results) as rows:
            yield rows
        return
    if record.is_piped:
        message = f"the rows of run {record.id} came from the standard input, and the ledger does not store rows"
        results = saved.bulk.results or "FILE.jsonl"
        hint = f"give the file that the run wrote with --results, which has the keys: --results {results}"
        raise InvalidInput(Problem("rows-gone", message, hint=hint))
    saved.check_secrets(variables.names)
    path = Path(record.spec)
    config = session.settings.config or saved.config
    source = Source(load_again(session.output, path, saved.project, config), path, saved.project, config)
    given = variables.over(VariableFlags(saved.var, saved.var_json, saved.vars_file, saved.case))
    bulk = replace(saved.bulk, results=None)
    patience = Patience(saved.timeout_s, saved.retries)
    planned = plan_rows(session, source, saved.profile, given, bulk, patience, folder, sandbox=saved.is_sandboxed)
    with planned as (plan, aimed):
        if not plan.has_keys:
            message = f"the events of run {record.id} have no idempotency keys, by which their messages could be found"
            raise InvalidInput(
                Problem("idempotency-key", message, hint="see 'idempotency_key' in the manual's page spec")
            )
        if not plan.check_resumable(record, ledger):
            session.output.message("other credentials than the run began with: its secret variables can't be compared")
        yield keyed_rows(plan, plan.setup(record, aimed.target, session.output.hidden))


def _add_rows(join: Join, rows: Iterator[RunRow], candidates: Candidates | None) -> None:
    while batch := [*islice(rows, _BATCH)]:
        join.add_rows(batch, are_asked=candidates is None)
        if candidates is not None:
            for row in batch:
                candidates.add(row, digest_of(row.key) or b"")
    join.end_rows()


def _check_complete(join: Join, summary: RunSummary, flags: ReconcileFlags) -> None:
    """Raise InvalidInput if rows are missing that the run accepted."""
    found = join.count("accepted")
    if found != summary.counts.accepted:
        where = str(flags.results) if flags.results is not None else "the file of rows"
        message = f"{where} has {found:,} of the {summary.counts.accepted:,} accepted rows of run {summary.run}"
        raise InvalidInput(Problem("rows-changed", message, hint="is it the file of this run?"))


def _look(session: Session, record: RunRecord, join: Join, keys: list[str]) -> ListFailure | None:
    world, output = session.world, session.output
    saved = SavedOptions.of(record)
    config = session.settings.config or saved.config
    profile = session.settings.profile or saved.profile
    target = readable(session, aim(session, Path(record.spec), config, profile, sandbox=saved.is_sandboxed))

    def show(number: int) -> None:
        if output.has_terminal:
            output.status(f"asked for the messages of {number:,} of {len(keys):,} keys")

    with looking(session, target) as connection:
        return look_for(
            connection,
            keys,
            join,
            clock=world.monotonic,
            now_s=lambda: world.clock().timestamp(),
            sleep=world.sleep,
            random=world.random,
            on_look=show,
        )


def _code(join: Join, failure: ListFailure | None) -> ExitCode:
    codes = [ExitCode.REFUSED] if join.kinds().keys() & set(LOST) else []
    if any(fate == "late" for _, fate in join.fates):
        codes.append(ExitCode.NO_MESSAGE)
    if failure is not None:
        is_limit = is_rate_limit(failure.status_code)
        otherwise = ExitCode.RATE_LIMITED if is_limit else ExitCode.NO_ANSWER
        codes.append(ExitCode.CREDENTIALS if failure.refuses_credentials else otherwise)
    return summed(codes)
