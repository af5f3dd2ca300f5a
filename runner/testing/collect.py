"""A spec's file → its cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput
from runner.spec import load
from runner.testing.cassette import cassette_path
from runner.testing.expand import expand
from runner.testing.verdict import CaseRef

if TYPE_CHECKING:
    from pathlib import Path

    from runner.errors import Problem


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
