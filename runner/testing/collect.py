"""Specs → their cases; and cassettes that no case has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, Position, Problem
from runner.spec import load
from runner.testing.cassette import FOLDER, cassette_path
from runner.testing.expand import expand
from runner.testing.verdict import CaseRef

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class SpecCases(NamedTuple):
    """What a spec's file has: its cases, unless one of the problems is an error."""

    path: Path
    problems: tuple[Problem, ...]
    cases: tuple[CaseRef, ...]
    secrets: tuple[str, ...]
    """Of defaults and cases: nothing may print them."""


def collect(path: Path, project: Path) -> SpecCases:
    """Load a spec, and list its cases. Raises NotFound and MachineError for the file itself."""
    loaded = load(path, project)
    if loaded.spec is None:
        return SpecCases(path, loaded.problems, (), loaded.secrets)
    try:
        cases = expand(loaded.spec)
    except InvalidInput as error:
        return SpecCases(path, (*loaded.problems, *error.problems), (), loaded.secrets)
    names = [case.name for case in cases]
    below = path.resolve().relative_to(project)
    refs = tuple(
        CaseRef(loaded.spec, case, path, project, cassette_path(project, project / below, case.name, names))
        for case in cases
    )
    return SpecCases(path, loaded.problems, refs, loaded.secrets)


def orphans(project: Path, specs: Iterable[SpecCases]) -> list[Problem]:
    """Find cassettes that none of the cases has. Only of all specs of a project together can that be said."""
    known = {ref.cassette for spec in specs for ref in spec.cases if ref.asks_for_answer}
    found = sorted((project / FOLDER).rglob("*.yaml"))
    return [_orphan(path) for path in found if path not in known and not path.name.startswith(".")]


def _orphan(path: Path) -> Problem:
    shown = os.path.relpath(path)
    hint = "no case has it any more: runner cassette check --fix removes it"
    return Problem("cassette-orphan", "no case plays this cassette", Position(shown, 1, 1, 2, ""), hint=hint)
