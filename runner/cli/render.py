"""`runner render`: the bytes that would be sent, or a curl command that sends them."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cases import case_seed
from runner.cli.specs import load_spec
from runner.cli.target import aim
from runner.errors import ExitCode, InvalidInput
from runner.eventspec import Occurrence
from runner.project import project_of
from runner.report import Format
from runner.report.curl import curl_command
from runner.run import Rejected, Run, prepare
from runner.suprsend.retry import DEFAULT_RETRIES, DEFAULT_TIMEOUT_S, Patience

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from runner.bulk.options import BulkOptions
    from runner.bulk.row import BadRow, Row
    from runner.cli.variables import VariableFlags
    from runner.cli.world import Session
    from runner.config import Target
    from runner.errors import Problem
    from runner.eventspec import Spec
    from runner.run import Prepared


def render(session: Session, path: Path, flags: VariableFlags, *, as_curl: bool = False) -> ExitCode:
    """Render one spec. On a terminal, and with `-o pretty`, the JSON is indented; else it is the body to the byte."""
    output, world, settings = session.output, session.world, session.settings
    flags.check([path])
    spec = load_spec(session, [path], (), "render")
    path = Path(spec.path)  # a folder may hold the one spec
    aimed = aim(session, path, settings.config, settings.profile, sandbox=False)
    target = aimed.target
    [job] = flags.jobs(output, [spec], world.environ, aimed.profile)
    seed, now = _seed_and_instant(session, path, spec, flags)
    event = prepare(job, Occurrence(seed, 0, now), target.env, target.max_event_kb)
    output.hide(event.secrets)
    if isinstance(event, Rejected):
        raise InvalidInput(*event.problems)
    if as_curl:
        output.script(curl_command(target.base_url, target.credentials, target.names, output.masked_body(event.body)))
    else:
        output.body(event.body, indent=_is_for_people(session))
    _tell_placeholder(session, target)
    return ExitCode.OK


def render_rows(session: Session, path: Path, flags: VariableFlags, bulk: BulkOptions) -> ExitCode:
    """Render a spec for each row of a file; a row that makes no event is reported, and the others go on.

    The bodies are those of `render`; with `-o json` they are the items of one array.
    """
    from runner.bulk.plan import Source  # noqa: PLC0415 - one event is rendered without them
    from runner.bulk.record import ledger_folder, named_folder  # noqa: PLC0415
    from runner.bulk.task import tools_of  # noqa: PLC0415
    from runner.cli.bulk import plan_rows  # noqa: PLC0415

    settings = session.settings
    flags.check([path])
    spec = load_spec(session, [path], (), "--rows")
    path = Path(spec.path)
    run = Run(*_seed_and_instant(session, path, spec, flags))
    folder = named_folder(None, session.world.environ) or ledger_folder(path, settings.config)
    source = Source(spec, path, project_of(path), settings.config)
    patience = Patience(DEFAULT_TIMEOUT_S, DEFAULT_RETRIES)
    with plan_rows(session, source, settings.profile, flags, bulk, patience, folder, sandbox=False) as (plan, _):
        tools = tools_of(plan.setup(run, plan.target, session.output.hidden))
        rows = plan.chosen_rows()
        met: set[ExitCode] = set()
        first = next(rows, None)
        if first is None:
            session.output.message(bulk.without_rows())
        else:
            rows = chain([first], rows)
        code = session.output.stream(_texts(session, ((row, tools.prepare(row)) for row in rows), met))
        _tell_placeholder(session, plan.target)
    return code or max(met, default=ExitCode.OK)


def _texts(
    session: Session, events: Iterator[tuple[Row | BadRow, Prepared | Rejected]], met: set[ExitCode]
) -> Iterator[str]:
    """Return the body of each event. What is rejected is reported, and its exit code is met."""
    from runner.report.rows import row_place  # noqa: PLC0415

    output = session.output
    for row, event in events:
        with output.hiding(event.secrets):
            if isinstance(event, Rejected):
                met.add(ExitCode.INVALID)
                place = f"in {row_place(row.number, row.line)}"
                output.complaints(_placed(problem, place) for problem in event.problems)
                continue
            text = output.body_text(event.body, indent=_is_for_people(session))
        yield text


def _placed(problem: Problem, place: str) -> Problem:
    if problem.context is None or problem.context.startswith("in row "):
        return replace(problem, context=place)
    return replace(problem, context=f"{place}: {problem.context}")


def _is_for_people(session: Session) -> bool:
    form = session.settings.format
    return form is Format.PRETTY or (form is None and session.world.stdout.isatty())


def _tell_placeholder(session: Session, target: Target) -> None:
    if target.credentials is None:
        session.output.message("no credentials are set: WORKSPACE_KEY stands for the workspace key")


def _seed_and_instant(session: Session, path: Path, spec: Spec, flags: VariableFlags) -> tuple[UUID, datetime]:
    """Take what ids are made of, and the time: those of a new run, or a case's own, the same as when it is tested."""
    case = flags.case_of(spec)
    if case is None:
        return session.world.new_seed(), session.world.clock()
    return case_seed(path.resolve().relative_to(project_of(path)), case.name), case.instant
