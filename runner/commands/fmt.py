"""`runner fmt`: write specs, cassettes and `runner.yaml` in one layout, or say which are not."""

from __future__ import annotations

from stat import S_IMODE
from typing import TYPE_CHECKING

from runner.errors import ExitCode, RunnerError
from runner.formatting.files import files_at, formatted
from runner.project.files import CONFIG_NAME
from runner.report.formatted import FormattedFile, show_formatted
from runner.writing import overwrite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.commands.session import Session
    from runner.errors import Problem
    from runner.formatting.files import Formatted


def fmt(session: Session, paths: Sequence[Path], *, check: bool, diff: bool) -> ExitCode:
    """Format the files at `paths`, else those of the project. `check` and `diff` change nothing, and report what would be."""
    output = session.output
    writes = not (check or diff)
    files: list[FormattedFile] = []
    problems: list[Problem] = []
    for each in map(formatted, files_at(paths)):
        if diff and each.is_changed:
            output.hide(_secrets(each, session.settings.config))
        files.append(_file(each, writes=writes, diff=diff))
        problems += each.problems
        if check and each.is_changed:
            problems.append(each.first_change)
        if writes and each.is_changed and each.after is not None:
            mode = S_IMODE(each.path.stat().st_mode)
            overwrite(each.path, each.after.encode(), each.project, shown=each.shown, mode=mode)
    show_formatted(output, files, problems, writes=writes)
    if any(file.state == "refused" for file in files):
        return ExitCode.INVALID
    return ExitCode.REFUSED if any(file.state == "unformatted" for file in files) else ExitCode.OK


def _file(each: Formatted, *, writes: bool, diff: bool) -> FormattedFile:
    if each.after is None:
        return FormattedFile(each.shown, "refused", ())
    if not each.is_changed:
        return FormattedFile(each.shown, "unchanged", ())
    return FormattedFile(each.shown, "formatted" if writes else "unformatted", tuple(_diff(each)) if diff else ())


def _diff(each: Formatted) -> Iterator[str]:
    from difflib import unified_diff  # noqa: PLC0415 - only --diff needs it

    old, new = each.before.splitlines(), (each.after or "").splitlines()
    lines = list(unified_diff(old, new, each.shown, f"{each.shown} (formatted)", lineterm=""))
    yield from lines or [f"--- {each.shown}: only the ends of its lines differ"]


def _secrets(each: Formatted, config: Path | None) -> Sequence[str]:
    """Return the secret defaults of a spec, which no diff may show."""
    if each.path.name == CONFIG_NAME:
        return ()
    from runner.eventspec import load  # noqa: PLC0415 - only --diff needs it

    try:
        return load(each.path, each.project, config).secrets
    except RunnerError:  # of runner.yaml, say, which concerns no layout
        return ()
