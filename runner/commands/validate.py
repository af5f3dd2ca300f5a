"""`runner validate`: every problem of every file at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ExitCode, InvalidInput, in_order
from runner.eventspec import check
from runner.eventspec.many import load_all
from runner.project.files import find_config, is_base
from runner.report import Format, as_json
from runner.report.style import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.commands.session import Session
    from runner.errors import Problem
    from runner.eventspec.spec import Loaded
    from runner.workflows.project_checks import ProjectChecks


def validate(session: Session, paths: Sequence[Path], *, strict: bool = False) -> ExitCode:
    """Check specs without variables. Warnings fail only when `strict`."""
    output, settings = session.output, session.settings
    if settings.profile is not None:
        from runner.config import load_profile  # noqa: PLC0415 - most checks go without it

        for path in paths:
            load_profile(start=path, config=settings.config, name=settings.profile)
    count = errors = warnings = 0
    seen: set[int] = set()
    """Hashes of reported problems: specs that share a base share its problems, and each is reported once."""
    all_problems: list[Problem] = []
    project = AssetChecks(settings.config)
    for count, loaded in enumerate(load_all(paths, settings.config, check), 1):  # noqa: B007 - how many there were
        output.hide(loaded.secrets)
        found = in_order((*loaded.problems, *project.problems(loaded)))
        fresh = [problem for problem in found if hash(problem) not in seen]
        seen.update(map(hash, fresh))
        errors += sum(problem.severity == "error" for problem in fresh)
        warnings += sum(problem.severity == "warning" for problem in fresh)
        output.findings(fresh)
        if output.format is Format.JSON:
            all_problems += fresh
    if output.format is Format.JSON:
        counts = {"specs": count, "errors": errors, "warnings": warnings}
        output.json(counts | {"problems": [as_json(problem) for problem in all_problems]})
    elif output.format is not Format.JSONL:
        for path in paths if len(paths) > 1 else ():
            if is_base(path):
                output.message(f"{path}: not checked by itself; a base is checked through the specs that extend it")
        output.message(_summary(count, errors, warnings))
        if errors and output.has_terminal:
            output.message("`runner explain CODE` says more")
    return ExitCode.INVALID if errors or (strict and warnings) else ExitCode.OK


class AssetChecks:
    """Holds specs against the assets folder that belongs to each. A folder is read once."""

    def __init__(self, config: Path | None) -> None:
        self._config = config
        self._by_folder: dict[Path, ProjectChecks | None] = {}
        """The checks of the specs in a folder."""
        self._read: dict[tuple[Path, Path | None], ProjectChecks] = {}
        """By the folder of assets and the `runner.yaml` with the rules."""

    def problems(self, loaded: Loaded) -> tuple[Problem, ...]:
        """Return the problems of a spec, and with the first spec of a folder those of its assets."""
        path = Path(loaded.path)
        own: tuple[Problem, ...] = ()
        if path.parent not in self._by_folder:
            try:
                self._by_folder[path.parent] = self._checks(path)
            except InvalidInput as error:  # of runner.yaml, or of the folder that it names
                self._by_folder[path.parent] = None
                own = error.problems
        checks = self._by_folder[path.parent]
        if checks is None:
            return own
        return (*checks.own_problems, *(checks.of_spec(loaded.spec) if loaded.spec is not None else ()))

    def _checks(self, path: Path) -> ProjectChecks | None:
        from runner.workflows.layouts import find_assets  # noqa: PLC0415 - a path is looked up, no more

        folder = find_assets(path, self._config)
        if folder is None:
            return None
        from runner.workflows.project_checks import ProjectChecks  # noqa: PLC0415 - few projects have workflow files

        config = self._config or find_config(path)
        key = folder.resolve(), config
        if key not in self._read:
            self._read[key] = ProjectChecks(folder, config)
        return self._read[key]


def _summary(files: int, errors: int, warnings: int) -> str:
    counts = [counted(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    return f"{counted(files, 'spec')} checked: {', '.join(counts) or 'no problems'}"
