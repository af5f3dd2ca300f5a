"""A case with its spec, and the files that belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from runner.cases import Case
    from runner.eventspec import Spec


class CaseRef(NamedTuple):
    """A case with its spec and the path of its cassette."""

    spec: Spec
    case: Case
    path: Path
    project: Path
    cassette: Path
    config: Path | None = None
    """The `runner.yaml` that was named; None for the nearest one above a spec."""
    assets: Path | None = None
    """The folder with the workflows that its messages come of; None if they come of the platform."""

    @property
    def asks_for_answer(self) -> bool:
        """Return whether it expects an answer of the platform, and so has a cassette; otherwise its events are only rendered."""
        return self.case.expects_response or (self.case.expects_messages and self.assets is None)
