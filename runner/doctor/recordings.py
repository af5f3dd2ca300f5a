"""Checks of cassettes: they can be replayed and hold no secret, a case plays each of them, and they are recent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runner.doctor.finding import Finding, failure, skipped, summary_of
from runner.errors import RunnerError
from runner.project import project_of
from runner.project.files import home_of
from runner.testing.check import check, known_secrets
from runner.testing.inventory import files_at, inventory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from runner.errors import Problem
    from runner.testing.inventory import Found

CASSETTES, AGES = "cassettes", "cassette ages"
_EXPIRED = "cassette-expired"


def cassettes(config: Path | None, profile: str | None, environ: Mapping[str, str], today: date) -> tuple[Finding, ...]:
    """Check the cassettes of the project, as `runner cassette check` does: one finding for their content, one for their ages."""
    try:
        project = project_of(Path())
        found = list(inventory(files_at((), project, home_of(Path())), project, config))
        if not found:
            reason = "there are none"
            return skipped(CASSETTES, reason, _RECORD), skipped(AGES, reason)
        secrets = known_secrets(found, (), config, profile, environ)
        problems = check(found, (), config, secrets, today, fix=False).problems
    except RunnerError as error:
        return failure(CASSETTES, error.problems[0].message, error.problems[0].hint), skipped(AGES, "see above")
    expired = [problem for problem in problems if problem.code == _EXPIRED]
    others = [problem for problem in problems if problem.code != _EXPIRED]
    return _content(found, others), _ages(found, expired, today)


_RECORD = "`runner test specs/ --record once --sandbox` records them"


def _content(found: Sequence[Found], problems: Sequence[Problem]) -> Finding:
    number = f"{len(found):,} cassette{'' if len(found) == 1 else 's'}"
    if not problems:
        return Finding(CASSETTES, "ok", f"{number}, no problems")
    advice = "`runner cassette check` shows all problems"
    errors = [problem for problem in problems if problem.severity == "error"]
    text = f"{number}; {summary_of(errors or problems)}"
    return failure(CASSETTES, text, advice) if errors else Finding(CASSETTES, "warning", text, advice)


def _ages(found: Sequence[Found], expired: Sequence[Problem], today: date) -> Finding:
    if expired:
        return failure(AGES, summary_of(expired), expired[0].hint or "record it again")
    ages = [age for each in found if each.cassette is not None and (age := each.cassette.age_days(today)) is not None]
    if not ages:
        return skipped(AGES, "no cassette says when it was recorded")
    oldest = max(ages)
    return Finding(AGES, "ok", f"the oldest was recorded {oldest:,} day{'' if oldest == 1 else 's'} ago")
