"""The results of a session's cases, of which all reports of `runner test` are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from runner.testing.collect import SpecCases
    from runner.workflows.coverage import Part
    from runner.workflows.story import Line

State = Literal["passed", "failed", "skipped", "xfailed"]


class CaseResult(NamedTuple):
    """The result of a case. `reports` has its problems, in every form."""

    spec: str
    case: str
    state: State
    reason: str | None
    reports: Sequence[Mapping[str, Any]]
    messages: Sequence[str] = ()
    """The messages that came of its events."""
    took_s: float = 0
    sizes: Sequence[int] = ()
    """The sizes of its events in bytes."""
    story: Sequence[Line] = ()
    """The path of its events through the workflows."""
    ended_s: float = 0
    """When it ended, in seconds since 1970."""
    group: str = ""
    """Its name without the id of a parametrized case, which has values of its variables."""


class CaseRun(NamedTuple):
    """The results of a session."""

    status: int
    """pytest's own exit status."""
    codes: set[int]
    """The exit codes of failures, as numbers of `ExitCode`."""
    cases: Sequence[CaseResult]
    refused: Sequence[Mapping[str, Any]]
    """The problems of specs whose cases could not be run, in every form."""
    unread: int
    """The number of these specs."""
    specs: Sequence[SpecCases]
    """The specs that this process collected."""
    reached: Collection[Part]
    """The parts of workflows that the cases reached."""
    was_interrupted: bool
    was_deselected: bool
