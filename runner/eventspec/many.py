"""Paths → the specs at them, one by one; labels → the specs that have one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import NotFound, Problem, UsageError, did_you_mean, shown_argument
from runner.eventspec import load
from runner.project import find, project_of
from runner.project.files import CONFIG_NAME, find_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.eventspec import Loaded, Spec

_BUGS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, SyntaxError, TypeError, ValueError)
"""What Python raises for a bug."""


def load_all(
    paths: Sequence[Path], config: Path | None, read: Callable[[Path, Path, Path | None], Loaded] = load
) -> Iterator[Loaded]:
    """Read every spec at `paths`, one by one. A bug that one spec triggers is raised at the end, after the problems of all."""
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


def labelled(specs: list[Spec], labels: Sequence[str]) -> list[Spec]:
    """Return the specs that have one of the labels; all specs without labels. Raise NotFound if no spec has one."""
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
    """Raise UsageError for specs of different `runner.yaml`: the same profile may have other credentials there."""
    owners = {spec.path: find_config(Path(spec.path)) for spec in specs}
    (first, its), *others = owners.items()
    for other, config in others:
        if config != its:
            one, another = (f"{path} belongs to {_named(owner)}" for path, owner in ((first, its), (other, config)))
            hint = f"pass the specs of one {CONFIG_NAME} at a time, or name one file for all of them with --config"
            raise UsageError(Problem("usage", f"{one}, and {another}", hint=hint))


def _named(config: Path | None) -> str:
    return f"no {CONFIG_NAME}" if config is None else os.path.relpath(config)
