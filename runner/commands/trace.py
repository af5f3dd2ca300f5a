"""`runner trace`: an event → the timeline of the workflows that it triggers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from runner.cases import case_seed
from runner.commands.render import seed_and_instant
from runner.commands.specs import load_spec
from runner.commands.target import aim
from runner.errors import ExitCode, InvalidInput, NotFound, Problem
from runner.eventspec import Occurrence
from runner.project import project_of
from runner.report.trace import show_trace
from runner.run import Rejected, prepare
from runner.testing.case_events import events_of_case
from runner.testing.case_ref import CaseRef
from runner.testing.cassette_path import cassette_path
from runner.workflows.assets_reader import find_assets
from runner.workflows.event import event_of
from runner.workflows.project import ProjectWorkflows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.commands.session import Session
    from runner.commands.variables import VariableFlags
    from runner.eventspec import Spec
    from runner.run import Prepared


def trace(session: Session, path: Path, flags: VariableFlags) -> ExitCode:
    """Run the event of a spec, or those of all steps of a case, through the workflows of the project. Nothing is sent."""
    flags.check([path])
    spec = load_spec(session, [path], (), "trace")
    path = Path(spec.path)  # the argument may be a folder with one spec
    folder = find_assets(path, session.settings.config)
    if folder is None:
        hint = "pull the project's workflows with the platform's command line, or name their folder with assets: in runner.yaml"
        raise NotFound(Problem("assets-not-found", f"no workflow files belong to {path}", hint=hint))
    workflows = ProjectWorkflows(folder, path, session.settings.config)
    workflows.check()
    try:
        prepared = list(_events(session, path, spec, flags))
        for event in prepared:
            session.output.hide(event.secrets)
        events = [event_of(json.loads(event.body), event.stamp.time_ms) for event in prepared]
        case = flags.case_of(spec)
        timeline = workflows.run(events, case.node if case is not None else None)
    finally:
        workflows.close()
    show_trace(session.output, events, timeline)
    return ExitCode.OK


def _events(session: Session, path: Path, spec: Spec, flags: VariableFlags) -> Iterator[Prepared]:
    aimed = aim(session, path, session.settings.config, session.settings.profile, sandbox=False)
    case = flags.case_of(spec)
    if case is not None and not flags.names and len(case.steps) > 1:
        project = project_of(path)
        below = path.resolve().relative_to(project)
        ref = CaseRef(
            spec, case, path, project, cassette_path(project, project / below, case.name), session.settings.config
        )
        for step in events_of_case(ref, case_seed(below, case.name), aimed.target.env):
            yield from map(_ready, step.events)
        return
    [job] = flags.jobs(session.output, [spec], session.world.environ, aimed.profile)
    seed, now = seed_and_instant(session, path, spec, flags)
    yield _ready(prepare(job, Occurrence(seed, 0, now), aimed.target.env, aimed.target.max_event_kb))


def _ready(event: Prepared | Rejected) -> Prepared:
    if isinstance(event, Rejected):
        raise InvalidInput(*event.problems)
    return event
