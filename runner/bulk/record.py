"""A run as the ledger keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from runner.source import Json


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run, with all that a resume needs.

    `spec` and `rows` are paths, `rows` may be `-` for the standard input. They are kept so that a record that is found
    names them from the directory in which it is found. `arguments` is the caller's own, as JSON. `fingerprints` are
    digests by the name of what must not change until a resume. `parent` is the run whose failed rows these are, those of
    its sessions up to `parent_session`.
    """

    id: str
    seed: UUID
    started: datetime
    spec: str
    rows: str
    arguments: Mapping[str, Json]
    fingerprints: Mapping[str, str]
    parent: str | None = None
    parent_session: int = 0
