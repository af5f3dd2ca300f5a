"""`runner validate`: every problem of every file at once."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import ExitCode, InvalidInput, MachineError, NotFound, Position, first_of, in_order
from runner.eventspec import Loaded, check
from runner.eventspec.many import load_all
from runner.exits import summed
from runner.lint.levels import advised, levels_of
from runner.project.config_file import read_config
from runner.project.files import find_config, is_base, project_of
from runner.report import Format, as_json
from runner.report.style import counted, printable
from runner.source import has_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.commands.session import Session
    from runner.errors import Problem, Severity
    from runner.lint.levels import Level
    from runner.report import Output
    from runner.workflows.project_checks import ProjectChecks


def validate(session: Session, paths: Sequence[Path], *, strict: bool = False, fix: bool = False) -> ExitCode:
    """Check specs without variables. Warnings fail only when `strict`. `fix` corrects first what has one safe answer."""
    output, settings = session.output, session.settings
    if settings.profile is not None:
        from runner.config import load_profile  # noqa: PLC0415 - most checks go without it

        for path in paths:
            load_profile(start=path, config=settings.config, name=settings.profile)
    count = 0
    severities: Counter[Severity] = Counter()
    kinds: set[ExitCode] = set()
    seen: set[int] = set()
    """Hashes of reported problems: specs that share a base share its problems, and each is reported once."""
    all_problems: list[Problem] = []
    changes: dict[str, int] = {}
    """How many changes were made in each file."""
    for count, each in enumerate(_checked(paths, settings.config, output, fix=fix), 1):  # noqa: B007 - how many there were
        if each.changes:
            changes[each.path] = each.changes
        fresh = [problem for problem in in_order(each.problems) if hash(problem) not in seen]
        seen.update(map(hash, fresh))
        severities.update(problem.severity for problem in fresh)
        fails = any(problem.severity in _FAILING[: 1 + strict] for problem in fresh)
        kinds.add(each.stop or (ExitCode.INVALID if fails else ExitCode.OK))
        output.findings(fresh)
        if output.format is Format.JSON:
            all_problems += fresh
        elif output.format is Format.SARIF:
            all_problems += (_with_place(problem, each.path) for problem in fresh)
    if output.format is Format.SARIF:
        from runner.report.sarif import show_sarif  # noqa: PLC0415 - it needs the registry of problems

        show_sarif(output, all_problems)
    elif output.format is Format.JSON:
        counts = {"specs": count, "errors": severities["error"], "warnings": severities["warning"]}
        counts["advice"] = severities["advice"]
        done = {"fixed": _listed(changes)} if fix else {}
        output.json(counts | done | {"problems": [as_json(problem) for problem in all_problems]})
    elif output.format is Format.JSONL:
        output.items("fixed", _listed(changes))
    else:
        for name, number in changes.items():
            output.data(f"{output.style.good('fixed')}  {printable(name)}: {counted(number, 'change')}")
        for base in filter(is_base, paths) if len(paths) > 1 else ():
            output.message(f"{base}: not checked by itself; a base is checked through the specs that extend it")
        output.message(_summary(count, severities))
        if severities["error"] and output.has_terminal:
            output.message("`runner explain CODE` says more")
    return summed(kinds, before=ExitCode.INVALID)


_FAILING: tuple[Severity, ...] = ("error", "warning")
"""What fails always, then what fails with --strict too."""


class _Checked(NamedTuple):
    """A file with its problems, and how many were corrected. `stop` is set if it could not be read or written."""

    path: str
    problems: tuple[Problem, ...]
    changes: int
    stop: ExitCode | None


def _checked(paths: Sequence[Path], config: Path | None, output: Output, *, fix: bool) -> Iterator[_Checked]:
    """Check specs one by one. One that can't be read or written is a problem like others: the rest is checked all the same."""
    checks = Checks(config)
    stop: ExitCode | None = None

    def read(path: Path, project: Path, config: Path | None) -> Loaded:
        nonlocal stop
        try:
            return check(path, project, config)
        except (NotFound, MachineError) as error:
            stop = error.exit_code
            return Loaded(str(path), None, error.problems, ())

    for loaded in load_all(paths, config, read):
        output.hide(loaded.secrets)
        found, changes = (*loaded.problems, *checks.problems(loaded)), 0
        if fix:
            try:
                changes = _fix(loaded, found)
            except (InvalidInput, MachineError) as error:
                stop, found = error.exit_code, (*found, *error.problems)
        if changes:
            mended = check(Path(loaded.path), project_of(Path(loaded.path)), config)
            found = (*mended.problems, *checks.problems(mended))
        yield _Checked(loaded.path, found, changes, stop)
        stop = None


def _with_place(problem: Problem, path: str) -> Problem:
    """Return a problem with a position: code scanning refuses a log in which one has none."""
    return problem if problem.position is not None else replace(problem, position=Position(path, 1, 1, 2, ""))


def _fix(loaded: Loaded, problems: Collection[Problem]) -> int:
    """Correct a valid spec's file, and return the number of changes."""
    from runner.lint.fixes import fixed  # noqa: PLC0415 - only --fix needs them
    from runner.writing import rewrite  # noqa: PLC0415

    path = Path(os.path.realpath(loaded.path))
    mended = fixed(path, loaded.spec, problems) if loaded.spec is not None else None
    if mended is None:
        return 0
    project = project_of(Path(loaded.path))
    rewrite(path, mended.content, project, shown=loaded.path, is_current=lambda raw: has_text(raw, mended.before))
    return mended.changes


def _listed(changes: Mapping[str, int]) -> list[dict[str, object]]:
    return [{"path": path, "changes": number} for path, number in changes.items()]


class Checks:
    """Advises on specs, and holds them against the assets folder that belongs to each. A folder is read once."""

    def __init__(self, config: Path | None) -> None:
        self._config = config
        self._by_folder: dict[Path, tuple[Mapping[str, Level], ProjectChecks | None]] = {}
        """The levels of rules for the specs in a folder, and the checks of its assets, if it has some."""
        self._read: dict[tuple[Path, Path | None], ProjectChecks] = {}
        """By the folder of assets and the `runner.yaml` with the rules."""

    def problems(self, loaded: Loaded) -> tuple[Problem, ...]:
        """Return what may be changed in a spec, and with the first spec of a folder what is wrong with its assets."""
        path = Path(loaded.path)
        own: tuple[Problem, ...] = ()
        if path.parent not in self._by_folder:
            try:
                config = self._config or find_config(path)
                levels, own = self._levels(config)
                project = self._project(path, config)
                self._by_folder[path.parent] = levels, project
                own += project.own_problems if project is not None else ()
            except InvalidInput as error:  # of runner.yaml, or of the folder that it names
                self._by_folder[path.parent] = {}, None
                own = error.problems
        levels, project = self._by_folder[path.parent]
        if (spec := loaded.spec) is None:
            return own
        of_assets = project.of_spec(spec) if project is not None else ()
        return (*own, *of_assets, *first_of([*advised(spec, levels)]))

    @staticmethod
    def _levels(config: Path | None) -> tuple[Mapping[str, Level], tuple[Problem, ...]]:
        root = read_config(config).root if config is not None and config.is_file() else None
        levels, wrong = levels_of(root.get("checks") if root is not None else None)
        return levels, tuple(wrong)

    def _project(self, path: Path, config: Path | None) -> ProjectChecks | None:
        from runner.workflows.layouts import find_assets  # noqa: PLC0415 - a path is looked up, no more

        folder = find_assets(path, self._config)
        if folder is None:
            return None
        from runner.workflows.project_checks import ProjectChecks  # noqa: PLC0415 - few projects have workflow files

        key = folder.resolve(), config
        if key not in self._read:
            self._read[key] = ProjectChecks(folder, config)
        return self._read[key]


def _summary(files: int, severities: Counter[Severity]) -> str:
    counts = [counted(severities[each], each) for each in ("error", "warning") if severities[each]]
    if pieces := severities["advice"]:
        counts.append(f"{counted(pieces, 'piece')} of advice")
    return f"{counted(files, 'spec')} checked: {', '.join(counts) or 'no problems'}"
