"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from runner.errors import ExitCode

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
