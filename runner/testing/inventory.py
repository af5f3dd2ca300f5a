"""A cassette's file → the case that plays it, if there is one.

The way to a cassette names its spec, so nothing but that spec has to be read.
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

    from runner.testing.collect import SpecCases
    from runner.testing.verdict import CaseRef

SUFFIXES = (".yaml", ".yml")
_OF_CASSETTES = (*SUFFIXES, ".json", "")


class Found(NamedTuple):
    """A file of a cassette.

    `cassette` is None for one that can't be read, which `problems` tell. `case` is the one that plays it.
    """

    path: Path
    project: Path
    shown: str
    place: Path
    """Where its spec stands, or would stand; else the file itself. The `runner.yaml` nearest above that counts for it."""
    cassette: Cassette | None
    problems: tuple[Problem, ...]
    case: CaseRef | None
    is_orphan: bool
    """Whether runner recorded it for a case that is no more. Of a spec that can't be read nobody knows the cases."""
    is_ours: bool
    """Whether it is for runner to judge; else another program's, which may have any form."""
    is_refused: bool
    """Whether a link leads out of the project, or to no file: then nobody looks into it."""


def files_at(paths: Iterable[Path], project: Path, home: Path | None = None) -> list[Path]:
    """List the files at `paths` that may be cassettes: those that are given, and those in folders, all levels down.

    Without paths, those of the project; with a `home` those whose spec is below it: in one repository several teams
    may have a `runner.yaml` each. Raises NotFound for a path that does not exist, and CassetteError if the project's folder is a link
    out of it.
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
    """Find out what is in cassettes, and whose they are: of `project`, else each of the one that it stands in.

    `config` is the `runner.yaml` that was named. Of other files than cassettes nothing is told, but of those in a project's folder of
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
            here = Path(os.path.realpath(path.parent), path.name)  # and not where a link leads
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
    """Return whether a file has the key that every cassette has, of whatever form the rest is."""
    try:
        with open_file(path) as file:
            return _INTERACTIONS.search(file.read(MAX_BYTES)) is not None
    except OSError:
        return False


_INTERACTIONS = re.compile(rb"""^[\s{]*["']?(?:http_)?interactions["']?\s*:""", re.MULTILINE)


def orphans(
    project: Path, collected: Iterable[SpecCases], config: Path | None = None, home: Path | None = None
) -> list[Problem]:
    """Report the cassettes that no case plays, when `collected` is all specs below `home`, else of a project.

    Those of others are left alone.
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
    """Give the specs that a cassette's name may stand for: `cassettes/shop/purchase/…` is of `specs/shop/purchase.yaml`."""
    if not cassette.is_relative_to(project / CASSETTES) or cassette.parent == project / CASSETTES:
        return
    below = cassette.parent.relative_to(project / CASSETTES)
    for folder in (project / SPECS, project):
        for suffix in SUFFIXES:
            spec = folder / below.with_name(below.name + suffix)
            if spec.is_file():
                yield spec


def _place(cassette: Path, project: Path) -> Path:
    """Return where the spec of a cassette stands, or stood; where there never was one, the cassette."""
    if (spec := next(_specs(cassette, project), None)) is not None:
        return spec
    if not cassette.is_relative_to(project / CASSETTES) or cassette.parent == project / CASSETTES:
        return cassette
    below = cassette.parent.relative_to(project / CASSETTES)
    home = project / SPECS if (project / SPECS / below.parts[0]).is_dir() or len(below.parts) == 1 else project
    return home / below.with_name(f"{below.name}{SUFFIXES[0]}")


def _is_put_aside(cassette: Path, project: Path) -> bool:
    """Tell whether the spec is there under a name that makes it none for a while, or by a link."""
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
    """Give a spec's cases, and whether these are all."""
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
