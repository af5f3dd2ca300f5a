"""Paths → loaded specs, whose secrets are masked and whose warnings are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import InvalidInput, Problem, UsageError
from runner.eventspec import load
from runner.eventspec.many import labelled, load_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.commands.session import Session
    from runner.eventspec import Spec
    from runner.report import Output


def load_specs(session: Session, paths: Sequence[Path]) -> list[Spec]:
    """Load every spec at `paths`, and show warnings. Raise InvalidInput with the errors of all specs."""
    output = session.output
    loaded = list(load_all(paths, session.settings.config))
    output.hide(secret for one in loaded for secret in one.secrets)
    problems = list(dict.fromkeys(problem for one in loaded for problem in one.problems))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise InvalidInput(*errors)
    output.complaints(problems)
    return [one.spec for one in loaded if one.spec is not None]


def load_spec(session: Session, paths: Sequence[Path], labels: Sequence[str], command: str) -> Spec:
    """Load the one spec at `paths` that has one of the labels. Raise UsageError for several: `command` takes one."""
    specs = labelled(load_specs(session, paths), labels)
    if len(specs) != 1:
        raise UsageError(Problem("usage", f"{command} takes one spec, got {len(specs)}"))
    return specs[0]


def load_again(output: Output, path: Path, project: Path, config: Path | None) -> Spec:
    """Load a spec as its run loaded it, from any working directory. Its warnings were shown then."""
    loaded = load(path, project, config)
    output.hide(loaded.secrets)
    if loaded.spec is None:
        raise InvalidInput(*(problem for problem in loaded.problems if problem.severity == "error"))
    return loaded.spec
