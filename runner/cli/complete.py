"""What a shell may complete a word to: specs, labels, cases and profiles of the project at hand.

Nothing is ever reported: a file that can't be read completes to nothing.
"""

from __future__ import annotations

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - it reads the annotations

from runner.errors import RunnerError
from runner.project.files import SUFFIXES, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.eventspec import Spec

_MOST = 200
"""Specs that are read for their labels: a shell waits for the answer."""


def specs(incomplete: str) -> list[str]:
    """Complete the path of a spec, or a folder that may have some."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") or not incomplete else typed.parent
    with suppress(OSError):
        found = sorted(path for path in folder.iterdir() if str(path).startswith(incomplete))
        return [f"{path}/" if path.is_dir() else str(path) for path in found if kind_of(path) is not None]
    return []


def profiles(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a profile: of the `runner.yaml` that belongs to the spec given, else of the one here."""
    from runner.config import profile_names  # noqa: PLC0415

    with suppress(RunnerError):
        start = next(iter(_given()), Path("specs") if Path("specs").is_dir() else Path())
        return [name for name in profile_names(start, ctx.params.get("config")) if name.startswith(incomplete)]
    return []


def labels(incomplete: str) -> list[str]:
    """Complete a label of the specs given, else of those in specs/."""
    found = {label: None for spec in _loaded() for label in spec.labels}
    return [label for label in found if label.startswith(incomplete)]


def cases(incomplete: str) -> list[str]:
    """Complete the name of a case of the spec given."""
    return [case.name for spec in _loaded() for case in spec.cases if case.name.startswith(incomplete)]


def _loaded() -> Iterator[Spec]:
    from runner.eventspec import load  # noqa: PLC0415
    from runner.project import find, project_of  # noqa: PLC0415

    with suppress(RunnerError):
        for path, _ in zip(find(_given() or [Path("specs")]), range(_MOST), strict=False):
            if (spec := load(path, project_of(path)).spec) is not None:
                yield spec


def _given() -> list[Path]:
    """List the specs on the command line so far. While an option lacks its value, typer knows of none: the shell does."""
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    with suppress(ValueError):  # a quote is still open
        return [path for path in map(Path, shlex.split(line)) if path.suffix in SUFFIXES and path.is_file()]
    return []
