"""The ways in which a run ends before its last node."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from runner.source import Node
    from runner.workflows.timeline import Check, Kind


class EndError(Exception):
    """A run ends here. `source` is the place in the workflow file that is the reason; None for that of the node."""

    kind: ClassVar[Kind]

    def __init__(
        self, text: str, source: Node | None = None, inexact: str | None = None, checks: tuple[Check, ...] = ()
    ) -> None:
        super().__init__(text)
        self.text = text
        self.source = source
        self.inexact = inexact
        self.checks = checks


class RejectedError(EndError):
    """A trigger leads to no run."""

    kind = "not_triggered"


class StoppedError(EndError):
    """An error ends the run, as on the platform."""

    kind = "stopped"


class RefusedError(EndError):
    """The interpreter can't model what comes here."""

    kind = "refused"


class LimitError(Exception):
    """A limit of an interpretation is reached. Nothing goes on after it."""
