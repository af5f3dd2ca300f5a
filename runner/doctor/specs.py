"""The check of specs: they are valid."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from runner.doctor.finding import Finding, failure, skipped
from runner.errors import NotFound, RunnerError
from runner.eventspec import check
from runner.eventspec.many import load_all
from runner.project.files import SPECS, home_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import Problem
    from runner.eventspec import Loaded

SPECS_VALID = "specs"


def load_specs(start: Path, config: Path | None) -> list[Loaded] | Finding:
    """Read the specs at `start`, or in specs/ of its project; return the finding of `specs` if they can't be read."""
    try:
        folder = start if start.name == SPECS else Path(os.path.relpath(home_of(start) / SPECS))
        return list(load_all([folder], config, check))
    except NotFound as error:
        return skipped(SPECS_VALID, error.problems[0].message, "`runner init` writes a first spec")
    except RunnerError as error:
        return failure(SPECS_VALID, error.problems[0].message, error.problems[0].hint)


def specs(loaded: Sequence[Loaded]) -> Finding:
    """Check specs as `runner validate` does."""
    problems = list(dict.fromkeys(problem for each in loaded for problem in each.problems))
    errors = [problem for problem in problems if problem.severity == "error"]
    count = f"{len(loaded):,} spec{'' if len(loaded) == 1 else 's'}"
    if errors:
        return failure(SPECS_VALID, f"{_number(errors, 'error')} in {count}: {_first(errors)}", _ADVICE)
    if problems:
        text = f"{_number(problems, 'warning')} in {count}: {_first(problems)}"
        return Finding(SPECS_VALID, "warning", text, _ADVICE)
    return Finding(SPECS_VALID, "ok", f"{count}, no problems")


_ADVICE = "`runner validate` shows all problems"


def _number(problems: Sequence[Problem], word: str) -> str:
    return f"{len(problems):,} {word}{'' if len(problems) == 1 else 's'}"


def _first(problems: Sequence[Problem]) -> str:
    """Return the place of the first problem and its code. Its message may quote a value of the spec."""
    first, place = problems[0], problems[0].position
    return f"{place.path}:{place.line}: {first.code}" if place is not None else first.code
