"""What a shell may complete a word to: paths of specs, labels, cases, profiles, codes and topics.

No problem is reported: a file that can't be read completes to nothing. A shell may evaluate what it is offered, and the
names in a project may be hostile: only those of plain characters are offered.
"""

from __future__ import annotations

import os
import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from runner.errors import RunnerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.eventspec import Spec

_MAX_SPECS = 200
"""Specs that are read for their labels: a shell waits for the answer."""
_PLAIN = re.compile(r"\w[\w ./@+=,-]*")
"""Letters, digits and signs that mean nothing to any shell inside quotes."""


def specs(incomplete: str) -> list[str]:
    """Complete the path of a spec, or of a folder that may have some."""
    from runner.project.complete import paths_from  # noqa: PLC0415 - only a shell that completes asks for it

    typed, names = paths_from(incomplete)
    return [f"{typed}{name}" for name in names if _PLAIN.fullmatch(name)]


def profiles(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete the name of a profile of the `runner.yaml` that belongs to the spec given, else of the one here."""
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


def codes(incomplete: str) -> list[tuple[str, str]]:
    """Complete the code of a problem; a shell may show its meaning beside it."""
    from runner.problems import ENTRIES  # noqa: PLC0415

    return [(code, entry.meaning) for code, entry in ENTRIES.items() if code.startswith(incomplete)]


def topics(incomplete: str) -> list[str]:
    """Complete the topic of a page of the manual."""
    from runner.report.manual import topics as names  # noqa: PLC0415

    return _offered(names(), incomplete)


def _offered(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete) and _PLAIN.fullmatch(name)]


def _loaded() -> Iterator[Spec]:
    from runner.eventspec import load  # noqa: PLC0415
    from runner.project import find, project_of  # noqa: PLC0415

    with suppress(RunnerError):
        for path, _ in zip(find(_given() or [Path("specs")]), range(_MAX_SPECS), strict=False):
            if (spec := load(path, project_of(path)).spec) is not None:
                yield spec


def _given() -> list[Path]:
    """Return the specs on the command line so far.

    They are read from the shell's own variables: typer does not know them while an option lacks its value.
    """
    from runner.project.files import SUFFIXES  # noqa: PLC0415

    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    with suppress(ValueError):  # a quote is still open
        return [path for path in map(Path, shlex.split(line)) if path.suffix in SUFFIXES and path.is_file()]
    return []
