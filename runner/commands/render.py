"""`runner render`: the bytes that would be sent, or a curl command that sends them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.cases import case_seed
from runner.commands.specs import load_spec
from runner.commands.target import aim
from runner.errors import ExitCode, InvalidInput, Problem, UsageError
from runner.eventspec import Occurrence
from runner.project import project_of
from runner.report import Format
from runner.report.curl import curl_command
from runner.run import Rejected, prepare
from runner.variables import origins, resolve

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from runner.bulk.flags import BulkFlags
    from runner.commands.session import Session
    from runner.commands.variables import VariableFlags
    from runner.config import Target
    from runner.eventspec import Spec
    from runner.run import Job


def render(
    session: Session, path: Path, flags: VariableFlags, bulk: BulkFlags, *, as_curl: bool, is_explained: bool
) -> ExitCode:
    """Show the event of a spec, or those of a file of rows, without sending. Raise UsageError for flags that contradict it."""
    if as_curl and is_explained:
        raise UsageError(Problem("usage", "--as curl and --explain can't be combined", hint="leave one of them out"))
    if not bulk.rows:
        bulk.check_no_rows()
        return _render_one(session, path, flags, as_curl=as_curl, is_explained=is_explained)
    if is_explained:
        hint = "give one event's variables with --var, or with --case"
        raise UsageError(Problem("usage", "--explain explains one event, not rows", hint=hint))
    if as_curl:
        hint = "give one event's variables with --var, or send the rows: runner send SPEC --rows FILE"
        raise UsageError(Problem("usage", "--as curl makes the command for one event, not for rows", hint=hint))
    from runner.commands.render_rows import render_rows  # noqa: PLC0415 - one event is rendered without rows

    return render_rows(session, path, flags, bulk.begin(read=()))


def _render_one(session: Session, path: Path, flags: VariableFlags, *, as_curl: bool, is_explained: bool) -> ExitCode:
    """Render a spec once. On a terminal, and with `-o pretty`, the JSON is indented; otherwise it is the exact body."""
    output, world, settings = session.output, session.world, session.settings
    flags.check([path])
    spec = load_spec(session, [path], (), "render")
    path = Path(spec.path)  # the argument may be a folder with one spec
    aimed = aim(session, path, settings.config, settings.profile, sandbox=False)
    target = aimed.target
    [job] = flags.jobs(output, [spec], world.environ, aimed.profile)
    seed, now = seed_and_instant(session, path, spec, flags)
    event = prepare(job, Occurrence(seed, 0, now), target.env, target.max_event_kb)
    output.hide(event.secrets)
    if isinstance(event, Rejected):
        raise InvalidInput(*event.problems)
    if is_explained:
        _explain(session, job, Occurrence(seed, 0, now))
    elif as_curl:
        output.script(curl_command(target.base_url, target.credentials, target.names, output.masked_body(event.body)))
    else:
        output.body(event.body, indent=is_for_people(session))
    report_placeholder(session, target)
    return ExitCode.OK


def _explain(session: Session, job: Job, occurrence: Occurrence) -> None:
    from runner.eventspec.explanation import explain  # noqa: PLC0415 - only --explain needs it
    from runner.report.explained import show_explained  # noqa: PLC0415

    inputs = job.inputs
    sources = (job.spec.variables, inputs.layers, inputs.environ, inputs.profile)
    show_explained(session.output, explain(job.spec, resolve(*sources).values, origins(*sources), occurrence))


def is_for_people(session: Session) -> bool:
    """Return whether JSON is indented, for people to read."""
    form = session.settings.format
    return form is Format.PRETTY or (form is None and session.world.stdout.isatty())


def report_placeholder(session: Session, target: Target) -> None:
    """Report that the body has a placeholder, if there are no credentials."""
    if target.credentials is None:
        session.output.message("no credentials are set: WORKSPACE_KEY stands for the workspace key")


def seed_and_instant(session: Session, path: Path, spec: Spec, flags: VariableFlags) -> tuple[UUID, datetime]:
    """Return the seed of ids and the instant: of a new run, or those with which the case is tested."""
    case = flags.case_of(spec)
    if case is None:
        return session.world.new_seed(), session.world.clock()
    return case_seed(path.resolve().relative_to(project_of(path)), case.name), case.instant
