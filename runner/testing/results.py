"""What became of the cases of one session: a function of it is what `runner test` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.testing.collect import SpecCases

State = Literal["passed", "failed", "skipped", "xfailed"]


class CaseResult(NamedTuple):
    """What became of a case. `told` is what is wrong with it, in every form."""

    spec: str
    case: str
    state: State
    reason: str | None
    told: Sequence[Mapping[str, Any]]


class CaseRun(NamedTuple):
    """What became of a session's cases."""

    status: int
    """pytest's own exit status."""
    codes: set[int]
    """What failures mean, as numbers of `ExitCode`."""
    cases: Sequence[CaseResult]
    refused: Sequence[Mapping[str, Any]]
    """What is wrong with specs whose cases could not be run, in every form."""
    unread: int
    """How many specs these are."""
    specs: Sequence[SpecCases]
    """What was collected in this process."""
    was_interrupted: bool
    was_deselected: bool
