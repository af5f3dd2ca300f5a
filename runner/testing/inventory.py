"""A cassette's file → the case that plays it, if there is one.

The path of a cassette contains that of its spec, so only that spec is read.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import NotFound, Position, Problem, RunnerError, shown_argument
from runner.project.files import CASSETTES, SPECS, link_out, misspelt, project_of
from runner.source import open_file
from runner.testing.cassette import Cassette, CassetteError, OutsideProject
from runner.testing.cassette_reader import load
from runner.testing.collect import collect
from runner.testing.leaks import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.testing.case_ref import CaseRef
    from runner.testing.collect import SpecCases

SUFFIXES = (".yaml", ".yml")
_OF_CASSETTES = (*SUFFIXES, ".json", "")


class Found(NamedTuple):
    """A file that is, or may be, a cassette.

    `cassette` is None if it can't be read; `problems` say why. `case` is the one that plays it.
    """

    path: Path
    project: Path
    shown: str
    place: Path
    """The path of its spec, existing or not, else the file itself. The nearest `runner.yaml` above it applies."""
    cassette: Cassette | None
    problems: tuple[Problem, ...]
    case: CaseRef | None
    is_orphan: bool
    """Whether runner recorded it for a case that no longer exists; False if the spec can't be read."""
    is_ours: bool
    """Whether runner checks it; another program's file may have any form."""
    is_refused: bool
    """Whether it is a link out of the project, or not a regular file: it is not read then."""


def files_at(paths: Iterable[Path], project: Path, home: Path | None = None) -> list[Path]:
    """Return the files at `paths` that may be cassettes, those in folders at all levels.

    Without paths, return those of the project; with a `home`, those whose spec is below it, since a repository can have
    several `runner.yaml`. Raises NotFound for a path that does not exist, and CassetteError if the project's folder of
    cassettes is a link out of it.
    """
    given = list(paths)
    for path in given:
        if not path.exists():
            message = f"no such file or folder: {shown_argument(str(path))}"
            raise NotFound(Problem("file-not-found", message, hint=misspelt(path)))
    folder = project / CASSETTES
    if not given and (problem := link_out(folder, project, os.path.relpath(folder), "cassettes must lie")):
        raise CassetteError(problem)
    found = {os.path.realpath(each): each for path in given or [folder] for each in _below(path)}
    if given or home is None:
        return list(found.values())
    return [each for each in found.values() if _place(each, project).is_relative_to(home)]


def _below(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        if path.exists():
            yield path
        return
    for folder, names, files in os.walk(path):
        names.sort()
        for name in sorted(files):
            if os.path.splitext(name)[1] in _OF_CASSETTES and not name.startswith("."):  # noqa: PTH122 - a name, no path
                yield Path(folder) / name


def inventory(files: Iterable[Path], project: Path | None = None, config: Path | None = None) -> Iterator[Found]:
    """Read cassettes and find the case of each, in `project` or, without one, in the project that contains the file.

    `config` is the `runner.yaml` that was named. Files that are not cassettes are skipped, except in a project's folder of
    cassettes.
    """
    known: dict[Path, tuple[tuple[CaseRef, ...], bool]] = {}
    of_all = project
    for path in files:
        place = Path(os.path.realpath(path))
        project = of_all or project_of(path)
        specs = list(_specs(place, project))
        for spec in specs:
            if spec not in known:
                known[spec] = _cases(spec, project, config)
        cases = [case for spec in specs for case in known[spec][0]]
        case = next((each for each in cases if each.cassette == place and each.asks_for_answer), None)
        shown = os.path.relpath(path)
        cassette, error = _load(path, shown)
        is_recorded = cassette is not None and cassette.source is not None
        is_known = all(known[spec][1] for spec in specs) and not _is_put_aside(place, project)
        is_below = place.is_relative_to(project / CASSETTES)
        is_orphan = is_recorded and is_below and is_known and case is None
        is_refused = isinstance(error, OutsideProject) or (path.exists() and not path.is_file())
        is_ours = case is not None or is_recorded or bool(specs) or is_refused
        if is_ours or is_below or cassette is not None or means_to_be_a_cassette(path):
            here = Path(os.path.realpath(path.parent), path.name)  # the link itself, not its target
            owner = case.path.resolve() if case is not None else _place(here, project)
            yield Found(
                path,
                project,
                shown,
                owner,
                cassette,
                () if error is None else error.problems,
                case,
                is_orphan,
                is_ours,
                is_refused,
            )


def means_to_be_a_cassette(path: Path) -> bool:
    """Return whether a file has the key that every cassette has, even if the rest is invalid."""
    try:
        with open_file(path) as file:
            return _INTERACTIONS.search(file.read(MAX_BYTES)) is not None
    except OSError:
        return False


_INTERACTIONS = re.compile(rb"""^[\s{]*["']?(?:http_)?interactions["']?\s*:""", re.MULTILINE)


def orphans(
    project: Path, collected: Iterable[SpecCases], config: Path | None = None, home: Path | None = None
) -> list[Problem]:
    """Report the cassettes that no case plays. `collected` must be all specs below `home`, by default of the project.

    Cassettes of other specs are ignored.
    """
    played = {ref.cassette for spec in collected for ref in spec.cases if ref.asks_for_answer}
    try:
        left = [path for path in files_at((), project, home) if Path(os.path.realpath(path)) not in played]
    except CassetteError as error:
        return list(error.problems)
    return [orphan(found) for found in inventory(left, project, config) if found.is_orphan]


def orphan(found: Found) -> Problem:
    """Report a cassette that no case plays."""
    hint = f"runner cassette check {shlex.quote(found.shown)} --fix removes it"
    return Problem("cassette-orphan", "no case plays this cassette", Position(found.shown, 1, 1, 2, ""), hint=hint)


def _specs(cassette: Path, project: Path) -> Iterator[Path]:
    """Yield the specs that a cassette may belong to: `cassettes/shop/purchase/…` to `specs/shop/purchase.yaml`."""
    if not cassette.is_relative_to(project / CASSETTES) or cassette.parent == project / CASSETTES:
        return
    below = cassette.parent.relative_to(project / CASSETTES)
    for folder in (project / SPECS, project):
        for suffix in SUFFIXES:
            spec = folder / below.with_name(below.name + suffix)
            if spec.is_file():
                yield spec


def _place(cassette: Path, project: Path) -> Path:
    """Return the path of a cassette's spec, existing or not; the cassette itself if it can have none."""
    if (spec := next(_specs(cassette, project), None)) is not None:
        return spec
    if not cassette.is_relative_to(project / CASSETTES) or cassette.parent == project / CASSETTES:
        return cassette
    below = cassette.parent.relative_to(project / CASSETTES)
    home = project / SPECS if (project / SPECS / below.parts[0]).is_dir() or len(below.parts) == 1 else project
    return home / below.with_name(f"{below.name}{SUFFIXES[0]}")


def _is_put_aside(cassette: Path, project: Path) -> bool:
    """Return whether the spec exists under a name that disables it, or as a link."""
    below = cassette.parent.relative_to(project / CASSETTES) if cassette.is_relative_to(project / CASSETTES) else Path()
    homes = [home for home in (project / SPECS, project) if below.name]
    return any(
        (home / below.with_name(mark + below.name + suffix)).is_file()
        or (home / below.with_name(below.name + suffix)).is_symlink()
        or any((home / each).is_symlink() for each in below.parents)
        for home in homes
        for mark in "_."
        for suffix in SUFFIXES
    )


def _cases(spec: Path, project: Path, config: Path | None) -> tuple[tuple[CaseRef, ...], bool]:
    """Return a spec's cases, and whether they are complete."""
    try:
        collected = collect(spec, project, config)
    except RunnerError:
        return (), False
    return collected.cases, all(problem.severity == "warning" for problem in collected.problems)


def _load(path: Path, shown: str) -> tuple[Cassette | None, CassetteError | None]:
    try:
        return load(path, shown=shown), None
    except CassetteError as error:
        return None, error
