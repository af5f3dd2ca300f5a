"""`runner validate`: every problem of every file at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.specs import load_all
from runner.errors import ExitCode
from runner.eventspec import check
from runner.project.files import is_base
from runner.report import Format, as_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.cli.world import Session
    from runner.errors import Problem


def validate(session: Session, paths: Sequence[Path], *, strict: bool = False) -> ExitCode:
    """Check specs as far as that goes without variables. Warnings fail only when `strict`."""
    output, settings = session.output, session.settings
    if settings.profile is not None:
        from runner.config import load_profile  # noqa: PLC0415 - most checks go without it

        for path in paths:
            load_profile(start=path, config=settings.config, name=settings.profile)
    count = errors = warnings = 0
    seen: set[int] = set()
    """Hashes of what is told: each spec that uses a base has its problems, and each is told once. Hashes, to stay small."""
    told: list[Problem] = []
    for count, loaded in enumerate(load_all(paths, settings.config, check), 1):  # noqa: B007 - how many there were
        output.hide(loaded.secrets)
        fresh = [problem for problem in loaded.problems if hash(problem) not in seen]
        seen.update(map(hash, fresh))
        errors += sum(problem.severity == "error" for problem in fresh)
        warnings += sum(problem.severity == "warning" for problem in fresh)
        output.findings(fresh)
        if output.format is Format.JSON:
            told += fresh
    if output.format is Format.JSON:
        counts = {"specs": count, "errors": errors, "warnings": warnings}
        output.json(counts | {"problems": [as_json(problem) for problem in told]})
    elif output.format is not Format.JSONL:
        for path in paths if len(paths) > 1 else ():
            if is_base(path):
                output.message(f"{path}: not checked by itself; a base is checked through the specs that extend it")
        output.message(_summary(count, errors, warnings))
        if errors and output.has_terminal:
            output.message("`runner explain CODE` says more")
    return ExitCode.INVALID if errors or (strict and warnings) else ExitCode.OK


def _summary(files: int, errors: int, warnings: int) -> str:
    counts = [_count(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    return f"{_count(files, 'spec')} checked: {', '.join(counts) or 'no problems'}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
