"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from runner.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.errors import Problem

State: TypeAlias = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `advice` says what to do about it. `text` of a skipped check is the reason.

    `exit_code` is that of the command if this check alone failed; it has no meaning in the other states.
    """

    name: str
    state: State
    text: str
    advice: str | None = None
    exit_code: ExitCode = ExitCode.REFUSED


def failure(name: str, text: str, advice: str | None = None, exit_code: ExitCode = ExitCode.REFUSED) -> Finding:
    """Return the finding of a check that failed."""
    return Finding(name, "failed", text, advice, exit_code)


def skipped(name: str, reason: str, advice: str | None = None) -> Finding:
    """Return the finding of a check that could not be made, or has nothing to look at."""
    return Finding(name, "skipped", reason, advice)


def summary_of(problems: Sequence[Problem]) -> str:
    """Return the first problem with its place, and the number of all others."""
    first = problems[0]
    place = f"{first.position.path}:{first.position.line}: " if first.position is not None else ""
    return f"{place}{first.message}{and_more(len(problems) - 1)}"


def and_more(count: int) -> str:
    """Return how many others there are, as the end of a text that names the first.

    >>> and_more(2), and_more(0)
    (' (and 2 more)', '')
    """
    return f" (and {count:,} more)" if count else ""
