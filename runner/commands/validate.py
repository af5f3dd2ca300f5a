"""`runner validate`: every problem of every file at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import ExitCode
from runner.eventspec import check
from runner.eventspec.many import load_all
from runner.project.files import is_base
from runner.report import Format, as_json
from runner.report.style import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.commands.session import Session
    from runner.errors import Problem


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
    for count, loaded in enumerate(load_all(paths, settings.config, check), 1):  # noqa: B007 - how many there were
        output.hide(loaded.secrets)
        fresh = [problem for problem in loaded.problems if hash(problem) not in seen]
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


def _summary(files: int, errors: int, warnings: int) -> str:
    counts = [counted(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    return f"{counted(files, 'spec')} checked: {', '.join(counts) or 'no problems'}"
