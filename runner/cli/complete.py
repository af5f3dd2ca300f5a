"""What a shell may complete a word to: specs, labels, cases and profiles of the project at hand.

Nothing is ever reported: a file that can't be read completes to nothing. A shell may evaluate what it is offered, and the
names in a project are somebody else's: only those of plain characters are.
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - it reads the annotations

from runner.errors import RunnerError
from runner.project.files import SUFFIXES, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.eventspec import Spec

_MOST = 200
"""Specs that are read for their labels: a shell waits for the answer."""


_PLAIN = re.compile(r"\w[\w ./@+=,-]*")
"""Letters, digits and signs that mean nothing to any shell inside quotes."""


def specs(incomplete: str) -> list[str]:
    """Complete the path of a spec, or a folder that may have some."""
    folder, _, begun = incomplete.rpartition("/")
    with suppress(OSError):
        found = sorted(
            path for path in Path(f"{folder}/" if "/" in incomplete else "").iterdir() if path.name.startswith(begun)
        )
        typed = incomplete.removesuffix(begun)
        names = (f"{path.name}/" if path.is_dir() else path.name for path in found if kind_of(path) is not None)
        return [f"{typed}{name}" for name in names if _PLAIN.fullmatch(name)]
    return []


def profiles(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a profile: of the `runner.yaml` that belongs to the spec given, else of the one here."""
    from runner.config import profile_names  # noqa: PLC0415

    with suppress(RunnerError):
        start = next(iter(_given()), Path("specs") if Path("specs").is_dir() else Path())
        return _offered(profile_names(start, ctx.params.get("config")), incomplete)
    return []


def labels(incomplete: str) -> list[str]:
    """Complete a label of the specs given, else of those in specs/."""
    return _offered((label for spec in _loaded() for label in spec.labels), incomplete)


def cases(incomplete: str) -> list[str]:
    """Complete the name of a case of the spec given."""
    return _offered((case.name for spec in _loaded() for case in spec.cases), incomplete)


def _offered(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete) and _PLAIN.fullmatch(name)]


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
