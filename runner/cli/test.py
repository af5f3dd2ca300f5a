"""`runner test`: the specs' cases, run by pytest in this process, with our exit codes."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import ExitCode, InvalidInput, NotFound, Problem, UsageError, did_you_mean, shown_argument
from runner.exits import summed
from runner.project import find, project_of
from runner.project.files import SPECS, home_of, link_out
from runner.pytest_plugin.front import run as run_pytest
from runner.pytest_plugin.nodes import Cases, named_cases
from runner.report import Format, as_json
from runner.report.annotations import add_job_summary, annotate
from runner.testing.answers import Options, answers_for, is_ci
from runner.testing.collect import collect
from runner.testing.inventory import orphans

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.cli.world import Session
    from runner.pytest_plugin.front import CaseResult, Ended, State
    from runner.testing.answers import Record


@dataclass(frozen=True, slots=True)
class Asked:
    """What `test` was asked to do, apart from its paths. `flags` are pytest's own."""

    record: Record
    sandbox: bool
    record_in_ci: bool
    update: bool
    name: str | None
    stops_at_first: bool
    junit_xml: Path | None
    flags: tuple[str, ...]


def run_cases(session: Session, given: Sequence[Path], asked: Asked) -> ExitCode:
    """Run the cases of specs, by default of all in the folder `specs`; then name cassettes that no case plays."""
    if asked.sandbox and asked.record == "none":
        hint = "add --record once, --record new_episodes or --record rewrite"
        raise UsageError(Problem("usage", "--sandbox says where to record from, and nothing is recorded", hint=hint))
    places = [_Place.read(path) for path in given] or [_Place(_home(Path()), "")]
    paths = [place.path for place in places]
    specs = list(find(paths))
    world, settings = session.world, session.settings
    records_nothing = is_ci(world.environ) and not asked.record_in_ci
    options = Options(asked.record, asked.sandbox, settings.profile, settings.config, records_nothing)
    today = world.clock().date()
    answers_for(options, paths[0], world.environ, today)  # what is refused is refused before anything runs
    chosen = _chosen(places, settings.config)
    cases = Cases(options, world.environ, today, update=asked.update, chosen=chosen)
    root = Path(os.path.commonpath([project_of(path) for path in paths]))
    ended = _run(session, places, root, cases, asked)
    if ended.status in (_USAGE_STATUS, _NOTHING_STATUS):
        _check_name(asked.name, ended)
    if ended.status == _USAGE_STATUS:
        raise UsageError(Problem("usage", "pytest can't be run that way", hint="it says above why"))
    left: list[Problem] = []
    if asked.name is None and not (ended.refused or ended.was_deselected or ended.was_interrupted):
        for home in sorted({home_of(path) for path in paths}):
            if any(place.has(home / SPECS if (home / SPECS).is_dir() else home) for place in places):
                left += _left_over(home, specs, ended, settings.config)
        left = list(dict.fromkeys(left))  # one home may stand in another
    _show(session, places, ended, left)
    return _exit_code(ended, left)


class _Place(NamedTuple):
    """A path that was given, and after `::` the name of a case in it."""

    path: Path
    case: str

    @classmethod
    def read(cls, given: Path) -> _Place:
        path, _, case = str(given).partition("::")
        return cls(given, "") if given.exists() else cls(Path(path), case)

    def has(self, folder: Path) -> bool:
        """Tell whether this is a folder that has all of another."""
        return self.path.is_dir() and folder.resolve().is_relative_to(self.path.resolve())

    @property
    def argument(self) -> str:
        """How pytest is told of it. Raises UsageError for a path that pytest would take apart."""
        path = str(self.path)
        if mark := next((mark for mark in ("[", "::") if mark in path), None):
            hint = "rename it, or name the folder that it is in"
            raise UsageError(Problem("usage", f"pytest can't run {path}: after '{mark}' it expects a case", hint=hint))
        return path if self.path.is_absolute() else f"./{path}"


def _home(start: Path) -> Path:
    """Find the folder of the project's specs. Nobody named it: so it must not be a link to somewhere else."""
    project = project_of(start)
    for home in (start / SPECS, project / SPECS):
        if home.is_dir():
            if problem := link_out(home, project, SPECS, "specs must lie"):
                raise InvalidInput(replace(problem, hint=f"{problem.hint}; runner test PATH runs others"))
            return Path(os.path.relpath(home))
    raise UsageError(Problem("usage", f"there is no folder {SPECS} here", hint="runner test PATH runs others"))


def _run(session: Session, places: Sequence[_Place], root: Path, cases: Cases, asked: Asked) -> Ended:
    output, world = session.output, session.world
    stdout, stderr = output.lent()
    style = output.style
    if output.format in (Format.JSON, Format.JSONL):
        stdout, style = StringIO() if output.quiet else stderr, output.message_style
    args = ["-ra", "--continue-on-collection-errors", f"--color={'yes' if style.on else 'no'}"]
    args += ["-v"] if output.verbose else ["--no-header"]
    args += ["-q"] if output.quiet else []
    args += [f"-k={asked.name}"] if asked.name is not None else []  # alone, pytest reads flags from the file after an @
    args += ["-x"] if asked.stops_at_first else []
    args += [f"--junit-xml={asked.junit_xml}"] if asked.junit_xml is not None else []
    args += [*asked.flags, *(place.argument for place in places)]
    output.flush()
    return run_pytest(args, root, cases, _cache(root, world.environ), stdout, stderr)


def _cache(root: Path, environ: Mapping[str, str]) -> Path | None:
    """Make the folder in which pytest remembers what failed: the user's, since what is in the project anybody may have put there."""
    home = Path(environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", ""), ".cache"))
    if not home.is_absolute():
        return None
    cache = home / "suprsend-runner" / "pytest" / sha256(os.fsencode(root)).hexdigest()[:16]
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return cache


def _chosen(places: Sequence[_Place], config: Path | None) -> dict[str, set[str]]:
    """List the cases to run of each spec of which some were named; of one that was named as a whole too, all are run."""
    wholes = [place.path.resolve() for place in places if not place.case]
    chosen: dict[str, set[str]] = {}
    for place in places:
        path = place.path.resolve()
        if place.case and not any(path.is_relative_to(whole) for whole in wholes):
            chosen.setdefault(str(path), set()).update(_named(place, config))
    return chosen


def _named(place: _Place, config: Path | None) -> Collection[str]:
    """List the cases that were named. Raises NotFound if the spec doesn't have them, InvalidInput if it can't tell."""
    found = collect(place.path, project_of(place.path), config)
    errors = [problem for problem in found.problems if problem.severity == "error"]
    if errors:
        raise InvalidInput(*errors)
    if names := named_cases(place.case, found.cases):
        return names
    known = [ref.case.name for ref in found.cases]
    message = f"{place.path} has no case '{shown_argument(place.case)}'"
    raise NotFound(Problem("case-not-found", message, hint=did_you_mean(place.case, known, "it has no cases")))


def _check_name(name: str | None, ended: Ended) -> None:
    """Raise NotFound if there is no case of that name, which pytest takes for a broken expression or finds nothing for."""
    names = [ref.case.name for spec in ended.specs for ref in spec.cases]
    if name is not None and names:
        hint = did_you_mean(name, names, "see the specs' tests")
        raise NotFound(Problem("case-not-found", f"no case fits -k '{shown_argument(name)}'", hint=hint))


def _left_over(home: Path, specs: Sequence[Path], ended: Ended, config: Path | None) -> list[Problem]:
    """Name the cassettes of specs below `home` that no case plays. What is not ours in their folder is left alone."""
    collected = ended.specs
    if len(collected) < len(specs):  # other processes did it
        collected = [collect(path, project_of(path), config) for path in specs]
    return orphans(project_of(home), collected, config, home)


_STATES: tuple[State, ...] = ("passed", "failed", "skipped", "xfailed")


def _show(session: Session, places: Sequence[_Place], ended: Ended, left: Sequence[Problem]) -> None:
    output, environ = session.output, session.world.environ
    counts = Counter(result.state for result in ended.cases)
    told = [each for result in ended.cases for each in result.told] + list(ended.refused)
    match output.format:
        case Format.JSON:
            problems = [each["json"] for each in ended.refused] + [as_json(problem) for problem in left]
            sums = {"total": len(ended.cases)} | {state: counts[state] for state in _STATES}
            output.json(sums | {"cases": [_as_json(result) for result in ended.cases], "problems": problems})
        case Format.JSONL:
            for result in ended.cases:
                output.json(_as_json(result))
            for each in ended.refused:
                output.json(each["json"])
            for problem in left:
                output.json(as_json(problem))
        case Format.PRETTY | Format.GITHUB:
            output.complaints(left)
    missing = [told for told in told if told["json"]["code"] == "cassette-missing"]
    if len(missing) > 1:
        command = shlex.join(
            ["runner", "test", *(str(place.path) for place in places), "--record", "once", "--sandbox"]
        )
        output.message(f"{len(missing)} cassettes are missing; to record all: {command}")
    shown = [] if output.format is Format.GITHUB else left  # of complaints, that format makes annotations
    annotate(output, [*(each["annotation"] for each in told), *map(output.annotation_of, shown)])
    parts = [f"{counts[state]} {state}" for state in _STATES if counts[state]]
    parts += [f"{ended.unread} spec{'' if ended.unread == 1 else 's'} can't be run"] if ended.unread else []
    add_job_summary(
        output,
        environ,
        f"runner test: {', '.join(parts) or 'no cases'}",
        ("", "spec", "case", "what"),
        list(_rows(ended, left)),
    )


def _as_json(result: CaseResult) -> dict[str, object]:
    problems = [each["json"] for each in result.told]
    return {name: getattr(result, name) for name in ("spec", "case", "state", "reason")} | {"problems": problems}


def _rows(ended: Ended, left: Sequence[Problem]) -> Iterator[tuple[str, str, str, str]]:
    """Give the lines of the job summary: all that is not as it should be, then what was skipped."""
    for told in ended.refused:
        yield "❌", told["json"]["path"] or "", "", told["json"]["message"]
    for result in ended.cases:
        for told in result.told:
            yield "❌", result.spec, result.case, told["json"]["message"]
    for problem in left:
        yield "❌", problem.position.path if problem.position else "", "", problem.message
    for result in ended.cases:
        if result.state in ("skipped", "xfailed"):
            yield result.state, result.spec, result.case, result.reason or ""


def _exit_code(ended: Ended, left: Sequence[Problem]) -> ExitCode:
    """Sum up: cassettes count where nothing else failed, for they explain every failure then."""
    if ended.was_interrupted:
        return ExitCode.INTERRUPTED
    codes = {
        *map(ExitCode, ended.codes),
        *([ExitCode.CASSETTE] if left else []),
        *([ExitCode.BUG] if ended.status == _BUG_STATUS else []),
    }
    if codes:  # a spec that can't be read hides its cases
        return summed(codes, before=ExitCode.INVALID)
    return _OTHERWISE.get(ended.status, ExitCode.REFUSED)


_OTHERWISE = {0: ExitCode.OK, 2: ExitCode.INVALID, 5: ExitCode.NOT_FOUND}
"""What pytest's own exit status means where no case failed."""
_BUG_STATUS, _USAGE_STATUS, _NOTHING_STATUS = 3, 4, 5
