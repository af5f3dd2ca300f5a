"""`runner test --mutate`: changes of events and answers that no case notices."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ExitCode, InvalidInput, Problem, UsageError
from runner.project import find, project_of
from runner.pytest_plugin.places import Place, chosen_cases, specs_folder
from runner.report.mutation import show_mutations
from runner.testing.answers import Options, answers_for, is_ci
from runner.testing.collect import collect
from runner.testing.mutation import mutate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.commands.session import Session
    from runner.pytest_plugin.arguments import TestOptions


def mutate_cases(session: Session, given: Sequence[Path], flags: TestOptions) -> ExitCode:
    """Show what the cases of specs do not notice. 1 if a case fails as it is, since it notices nothing then."""
    others = (flags.name, flags.labels, flags.junit_xml, flags.html, flags.coverage)
    is_other = flags.record != "none" or flags.live or flags.update or flags.stops_at_first or bool(flags.flags)
    if is_other or any(each is not None for each in others):
        raise UsageError(
            Problem("usage", "--mutate runs the cases offline, and writes nothing", hint="omit other options")
        )
    settings, world = session.settings, session.world
    places = [Place.read(path) for path in given] or [Place(specs_folder(Path()), "")]
    chosen = chosen_cases(places, settings.config)
    options = Options("none", False, settings.profile, settings.config, is_ci(world.environ))
    today = world.clock().date()
    scores = []
    for path in find([place.path for place in places]):
        found = collect(path, project_of(path), settings.config)
        session.output.hide(found.secrets)
        if errors := [problem for problem in found.problems if problem.severity == "error"]:
            raise InvalidInput(*errors)
        names = chosen.get(os.path.realpath(path))
        cases = [ref for ref in found.cases if names is None or ref.case.name in names]
        if found.spec is not None and (cases or names is None):
            scores.append(mutate(found.spec.path, cases, answers_for(options, path.parent, world.environ, today)))
    show_mutations(session.output, scores)
    return ExitCode.REFUSED if any(score.failed for score in scores) else ExitCode.OK
