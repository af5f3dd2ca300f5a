"""Paths → loaded specs, or the problems that stop a command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, NotFound, Problem, UsageError, did_you_mean, shown_argument
from runner.eventspec import load
from runner.project import find, project_of
from runner.project.files import CONFIG_NAME, find_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.cli.world import Session
    from runner.eventspec import Loaded, Spec
    from runner.report import Output


_BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError)
"""What Python raises where a program is wrong."""


def load_all(
    paths: Sequence[Path], config: Path | None, read: Callable[[Path, Path, Path | None], Loaded] = load
) -> Iterator[Loaded]:
    """Read every spec at `paths`, one by one. A bug that one of them meets is raised at the end: it hides no other's problems."""
    projects: dict[Path, Path] = {}
    bug: Exception | None = None
    for path in find(paths):
        folder = path.parent
        if folder not in projects:
            projects[folder] = project_of(path)
        try:
            loaded = read(path, projects[folder], config)
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


def load_spec(session: Session, paths: Sequence[Path], labels: Sequence[str], asked: str) -> Spec:
    """Load the one spec at `paths` that has one of the labels. Raises UsageError for several: `asked` takes one."""
    specs = labelled(load_specs(session, paths), labels)
    if len(specs) != 1:
        raise UsageError(Problem("usage", f"{asked} takes one spec, these are {len(specs)}"))
    return specs[0]


def load_again(output: Output, path: Path, project: Path, config: Path | None) -> Spec:
    """Load a spec as a run did, whatever the working directory is now. Its warnings were shown then."""
    loaded = load(path, project, config)
    output.hide(loaded.secrets)
    if loaded.spec is None:
        raise InvalidInput(*(problem for problem in loaded.problems if problem.severity == "error"))
    return loaded.spec


def labelled(specs: list[Spec], labels: Sequence[str]) -> list[Spec]:
    """Choose the specs that have one of the labels, all without any. Raises NotFound if none has."""
    if not labels:
        return specs
    chosen = [spec for spec in specs if set(labels) & set(spec.labels)]
    if not chosen:
        known = {label: None for spec in specs for label in spec.labels}
        hint = did_you_mean(labels[0], known, "see the specs' labels" if known else "there are no labels")
        raise NotFound(
            Problem("label-not-found", f"no spec here has the label '{shown_argument(labels[0])}'", hint=hint)
        )
    return chosen


def check_one_config(specs: Sequence[Spec]) -> None:
    """Refuse specs that belong to different `runner.yaml`: the profile of one has another's credentials. Raises UsageError."""
    owners = {spec.path: find_config(Path(spec.path)) for spec in specs}
    (first, its), *others = owners.items()
    for other, config in others:
        if config != its:
            one, another = (f"{path} belongs to {_named(owner)}" for path, owner in ((first, its), (other, config)))
            hint = f"give the specs of one {CONFIG_NAME} at a time, or name the one for all of them with --config"
            raise UsageError(Problem("usage", f"{one}, and {another}", hint=hint))


def _named(config: Path | None) -> str:
    return f"no {CONFIG_NAME}" if config is None else os.path.relpath(config)
