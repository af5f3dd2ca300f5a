"""Paths → loaded specs, or the problems that stop a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import InvalidInput
from runner.spec import find, load, project_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.cli.world import Session
    from runner.spec import Loaded, Spec


_BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError)
"""What Python raises where a program is wrong."""


def load_all(paths: Sequence[Path], config: Path | None) -> Iterator[Loaded]:
    """Load every spec at `paths`, one by one. A bug that one of them meets is raised at the end: it hides no other's problems."""
    projects: dict[Path, Path] = {}
    bug: Exception | None = None
    for path in find(paths):
        folder = path.parent
        if folder not in projects:
            projects[folder] = project_of(path)
        try:
            loaded = load(path, projects[folder], config)
        except _BUGS as error:
            error.add_note(f"reading {path}")
            bug = bug or error
        else:
            yield loaded
    if bug is not None:
        raise bug


def load_specs(session: Session, paths: Sequence[Path]) -> list[Spec]:
    """Load every spec at `paths`; warnings are shown. Raises InvalidInput with the errors of all of them."""
    output = session.output
    loaded = list(load_all(paths, session.settings.config))
    output.hide(secret for one in loaded for secret in one.secrets)
    problems = list(dict.fromkeys(problem for one in loaded for problem in one.problems))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InvalidInput(*errors)
    output.complaints(problems)
    return [one.spec for one in loaded if one.spec is not None]
