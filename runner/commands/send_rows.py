"""`runner send SPEC --rows FILE`: an event for each row, in a run that can be resumed."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bulk.address_space import check_address_space
from runner.bulk.check import check_rows
from runner.bulk.ledger import Ledger
from runner.bulk.plan import Source, plan_run
from runner.bulk.record import SavedOptions, check_age, check_same, ledger_folder, named_folder, seconds_left
from runner.bulk.session import begun, resumed
from runner.bulk.share import Share
from runner.commands.cluster import cluster_of
from runner.commands.specs import load_again, load_spec
from runner.commands.target import aim, ready
from runner.commands.variables import VariableFlags
from runner.durations import shown_duration
from runner.errors import ExitCode, Interrupted, InvalidInput, Problem, UsageError
from runner.project import project_of
from runner.project.files import find_config
from runner.report.bulk import show_check, show_conclusion, show_repeated, with_columns
from runner.report.progress import RunWatch
from runner.report.run_commands import RunCommands
from runner.report.style import counted
from runner.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.bulk.flags import BulkFlags
    from runner.bulk.options import BulkOptions
    from runner.bulk.plan import RunPlan
    from runner.bulk.session import RunSession
    from runner.commands.send import SendOptions
    from runner.commands.session import Session
    from runner.commands.target import Aimed
    from runner.config import Target
    from runner.suprsend.retry import Patience
    from runner.tracing.trace import Trace

_LONG_S = 3600
"""Longer times are shown in minutes."""


def send_rows(
    session: Session,
    paths: Sequence[Path],
    flags: VariableFlags,
    options: SendOptions,
    given: BulkFlags,
    state_dir: Path | None,
) -> ExitCode:
    """Begin a run: send an event for each row of a file."""
    world, settings = session.world, session.settings
    patience = options.patience()
    flags.check(paths)
    if given.wants_report:
        from runner.commands.run_report import check_report_flags  # noqa: PLC0415 - few runs are reported

        check_report_flags(given.html, given.by, dry_run=options.dry_run)
    bulk = given.begin([paths[0], flags.vars_file, settings.config], options.waiting)
    spec = load_spec(session, paths, options.labels, "--rows")
    path = Path(spec.path)
    run = Run(world.new_seed(), world.clock())
    folder = named_folder(state_dir, world.environ) or ledger_folder(path, settings.config)
    source = Source(spec, path, project_of(path), settings.config)
    planned = partial(plan_rows, session, source, settings.profile, flags, sandbox=options.sandbox, trace=options.trace)
    if not options.dry_run:
        _check_address_space(bulk)
    if given.check_keys and not options.dry_run:
        if bulk.is_piped:
            raise UsageError(Problem("usage", "--check-keys reads the rows twice, and a pipe can be read once"))
        with planned(replace(bulk, results=None), patience, folder) as (plan, _):
            if not _has_own_keys(session, plan, run):
                return ExitCode.INVALID
    with planned(bulk, patience, folder) as (plan, aimed):
        if options.dry_run:
            return _check(session, plan, run)
        if given.by is not None:
            from runner.commands.run_report import check_column  # noqa: PLC0415 - few runs are reported

            check_column(plan, given.by)
        with ready(session, aimed, _description(bulk), yes=options.yes) as target:
            config = settings.config or find_config(path)
            saved = SavedOptions(
                var=flags.var,
                var_json=flags.var_json,
                secret=(),
                vars_file=flags.vars_file,
                case=flags.case,
                profile=settings.profile,
                config=config,
                project=source.project,
                is_sandboxed=options.sandbox,
                timeout_s=patience.timeout_s,
                retries=patience.retries,
                bulk=bulk,
            ).without_secrets({variable.name for variable in spec.variables if variable.is_secret})
            with (
                cluster_of(session, plan, folder, is_sandboxed=options.sandbox) as cluster,
                begun(plan, run, saved, folder, target, session.output.hidden, cluster) as running,
            ):
                commands = RunCommands(running.record, config, asks=target.confirm, state_dir=state_dir)
                if bulk.waiting is not None:
                    session.output.message(
                        "each key has the id of the run: the key of the spec would be the same in each run"
                    )
                send = partial(_run, session, running, plan, commands, target, given, takes_old=False)
                return _reported(session, folder, commands, given, send)


def resume(
    session: Session,
    run: str,
    paths: Sequence[Path],
    flags: VariableFlags,
    options: SendOptions,
    given: BulkFlags,
    state_dir: Path | None,
) -> ExitCode:
    """Resume a run: send what is unknown or was not sent, under the same ids.

    Unknown rows without an idempotency key are sent only with `--yes`, since they may count twice. Flags override the
    options that the run began with; lines are added to its file of results. Raise InvalidInput if the spec, the rows or
    the variables changed, UsageError for flags that would make another run, or if the platform may have forgotten the
    keys.
    """
    output, world, settings = session.output, session.world, session.settings
    if given.wants_report:
        from runner.commands.run_report import check_report_flags  # noqa: PLC0415 - few runs are reported

        check_report_flags(given.html, given.by)
    given.check_resume(sandbox=options.sandbox, labels=options.labels, dry_run=options.dry_run)
    folder = named_folder(state_dir, world.environ) or ledger_folder(Path(), settings.config)
    with Ledger(folder, is_new_allowed=False) as ledger:
        record = ledger.find(run)
        check_same(record, paths, given.rows, given.query, settings.profile)
        saved = SavedOptions.of(record)
        config = settings.config or saved.config
        patience = options.patience(saved.timeout_s, saved.retries)
        bulk = given.resumed(
            saved.bulk,
            [Path(record.spec), flags.vars_file or saved.vars_file, config],
            options.waiting,
        )
        commands = RunCommands(record, config, asks=False, state_dir=state_dir)
        if bulk.is_piped and not given.rows:
            pipe = "" if record.parent else "… | "
            message = "the rows came from the standard input: pipe them in again"
            raise UsageError(Problem("usage", message, hint=f"{pipe}{commands.resume()}"))
        saved.check_secrets(flags.names)
        variables = flags.over(VariableFlags(saved.var, saved.var_json, saved.vars_file, saved.case))
        spec = load_again(output, Path(record.spec), saved.project, config)
        source = Source(spec, Path(record.spec), saved.project, config)
        planned = plan_rows(
            session,
            source,
            saved.profile,
            variables,
            bulk,
            patience,
            folder,
            sandbox=saved.is_sandboxed,
            trace=options.trace,
        )
        _check_address_space(bulk)
        with planned as (plan, aimed):
            if not plan.check_resumable(record, ledger):
                output.message("other credentials than the run began with: its secret variables can't be compared")
            if given.by is not None:
                from runner.commands.run_report import check_column  # noqa: PLC0415 - few runs are reported

                check_column(plan, given.by)
            if plan.has_keys and not options.yes:
                check_age(record, world.clock())
            with (
                ready(session, aimed, _description(bulk), yes=options.yes) as target,
                cluster_of(session, plan, folder, is_sandboxed=saved.is_sandboxed) as cluster,
                resumed(plan, ledger, record, target, output.hidden, cluster, repeats_unknown=options.yes) as running,
            ):
                if running.in_doubt and not plan.has_keys and options.yes:
                    rows = counted(running.in_doubt, "row")
                    output.message(f"{rows} without a key that may have arrived: sent again, may count twice")
                if not running.can_compare_rows:
                    output.message("other credentials than the run began with: its rows can't be compared")
                commands = commands._replace(asks=target.confirm)
                send = partial(_run, session, running, plan, commands, target, given, takes_old=options.yes)
                return _reported(session, folder, commands, given, send)


@contextmanager
def plan_rows(
    session: Session,
    source: Source,
    profile: str | None,
    flags: VariableFlags,
    bulk: BulkOptions,
    patience: Patience,
    folder: Path,
    *,
    sandbox: bool,
    trace: Trace | None = None,
) -> Iterator[tuple[RunPlan, Aimed]]:
    """Yield the plan of a run, and where it goes; `folder` is the ledger's. Raise InvalidInput for missing variables."""
    aimed = aim(session, source.path, source.config, profile, sandbox=sandbox)
    [job] = flags.jobs(session.output, [source.spec], session.world.environ, aimed.profile)
    with plan_run(source, job.inputs, bulk, aimed.target, patience, folder, session.world.stdin, trace) as plan:
        session.output.hide(plan.secrets)
        if plan.problems:
            raise InvalidInput(*(with_columns(problem, plan.rows.columns, bulk.dataset) for problem in plan.problems))
        yield plan, aimed


def _has_own_keys(session: Session, plan: RunPlan, run: Run) -> bool:
    """Return whether each row has a key of its own; show those that have not. Raise the error of rows that can't be read."""
    checked = check_rows(plan, plan.setup(run, plan.target, session.output.hidden))
    if checked.failure is not None:
        raise checked.failure
    show_repeated(session.output, checked)
    return not checked.twice


def _check(session: Session, plan: RunPlan, run: Run) -> ExitCode:
    """Render every row, and send nothing."""
    checked = check_rows(plan, plan.setup(run, plan.target, session.output.hidden))
    show_check(session.output, checked)
    if checked.failure is not None:
        raise checked.failure
    if not checked.rows:
        session.output.message(plan.options.without_rows())
    return ExitCode.INVALID if checked.invalid else ExitCode.OK


def _too_slow(rows: int, takes_s: float, lasts_s: float) -> str:
    takes, lasts = (shown_duration(round(s / 60) * 60 if s > _LONG_S else round(s)) for s in (takes_s, lasts_s))
    return f"about {rows:,} rows take {takes} at this rate, and the run stops after {lasts}: see --stop-after"


def _description(bulk: BulkOptions) -> str:
    return f"an event for each row of {bulk.dataset.name}"


def _check_address_space(bulk: BulkOptions) -> None:
    if bulk.cluster is None:
        check_address_space(*Share.of(bulk), bulk.dataset)


def _run(
    session: Session,
    running: RunSession,
    plan: RunPlan,
    commands: RunCommands,
    target: Target,
    given: BulkFlags,
    *,
    takes_old: bool,
) -> ExitCode:
    """Send the rows. With `takes_old`, also when the platform may have forgotten the keys of the run's first rows."""
    output, options = session.output, plan.options
    if plan.trace is not None:
        plan.trace.sends_to(target.base_url)
        plan.trace.set_run(running.record.id)
    lasts_s = seconds_left(running.record, options, session.world.clock(), has_keys=plan.has_keys and not takes_old)
    is_shown = output.has_terminal and not output.quiet
    about = options.estimate() if options.rate or is_shown or given.progress == "json" else None
    if about and options.rate and about / options.rate > lasts_s:
        output.message(_too_slow(about, about / options.rate, lasts_s))
    began_s = time.monotonic()
    watch = RunWatch(output, about, began_s, commands, is_json=given.progress == "json")
    if (waiting := options.waiting) is not None:
        from runner.commands.rows_wait import send_and_wait  # noqa: PLC0415 - most runs do not wait

        return send_and_wait(session, running, watch, lasts_s, options, waiting, commands, target)
    conclusion = running.run(watch, lasts_s)
    show_conclusion(output, conclusion, commands, target)
    return conclusion.exit_code


def _reported(
    session: Session, folder: Path, commands: RunCommands, given: BulkFlags, send: Callable[[], ExitCode]
) -> ExitCode:
    """Send, and write the report if it is asked for, also of a run whose messages were not waited for to the end."""
    if given.html is None:
        return send()
    from runner.commands.run_report import report_of_sent  # noqa: PLC0415 - few runs are reported

    try:
        code = send()
    except Interrupted as error:
        report_of_sent(session, folder, commands, given.html, given.by, error.exit_code)
        raise
    return report_of_sent(session, folder, commands, given.html, given.by, code)
