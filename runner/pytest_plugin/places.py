"""Paths and `SPEC::CASE` of `runner test` → folders, cases and pytest's arguments."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, NotFound, Problem, UsageError, did_you_mean, shown_argument
from runner.project import project_of
from runner.project.files import SPECS, link_out
from runner.pytest_plugin.nodes import named_cases
from runner.testing.collect import collect

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Place(NamedTuple):
    """A path, and the name of a case in it if one follows after `::`."""

    path: Path
    case: str

    @classmethod
    def read(cls, given: Path) -> Place:
        """Return the place that an argument names."""
        path, _, case = str(given).partition("::")
        return cls(given, "") if given.exists() else cls(Path(path), case)

    def has(self, folder: Path) -> bool:
        """Return whether this is a folder that contains another one."""
        return self.path.is_dir() and folder.resolve().is_relative_to(self.path.resolve())

    @property
    def argument(self) -> str:
        """Pytest's argument for it. Raises UsageError for a path that pytest would split."""
        path = str(self.path)
        if mark := next((mark for mark in ("[", "::") if mark in path), None):
            hint = "rename it, or name the folder that it is in"
            raise UsageError(Problem("usage", f"pytest can't run {path}: after '{mark}' it expects a case", hint=hint))
        return path if self.path.is_absolute() else f"./{path}"


def specs_folder(start: Path) -> Path:
    """Return the folder of the project's specs. Since no argument names it, it must not be a link out of the project."""
    project = project_of(start)
    for home in (start / SPECS, project / SPECS):
        if home.is_dir():
            if problem := link_out(home, project, SPECS, "specs must lie"):
                raise InvalidInput(replace(problem, hint=f"{problem.hint}; runner test PATH runs others"))
            return Path(os.path.relpath(home))
    raise UsageError(Problem("usage", f"there is no folder {SPECS} here", hint="runner test PATH runs others"))


def chosen_cases(places: Sequence[Place], config: Path | None) -> dict[str, set[str]]:
    """Return the cases to run, by spec, of the specs of which only some cases are named."""
    wholes = [place.path.resolve() for place in places if not place.case]
    chosen: dict[str, set[str]] = {}
    for place in places:
        path = place.path.resolve()
        if place.case and not any(path.is_relative_to(whole) for whole in wholes):
            chosen.setdefault(str(path), set()).update(_named(place, config))
    return chosen


def _named(place: Place, config: Path | None) -> Collection[str]:
    """Return the cases that a place names. Raise NotFound if there are none, InvalidInput for a broken spec."""
    found = collect(place.path, project_of(place.path), config)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    if errors:
        raise InvalidInput(*errors)
    if names := named_cases(place.case, found.cases):
        return names
    known = [ref.case.name for ref in found.cases]
    message = f"{place.path} has no case '{shown_argument(place.case)}'"
    raise NotFound(Problem("case-not-found", message, hint=did_you_mean(place.case, known, "it has no cases")))
