"""The values that all parts of a run share."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from runner.config import Target
    from runner.suprsend.attempts import TraceContext


@dataclass(frozen=True)
class Setup:
    """The values that all parts of a run share. They are pickled and sent to workers with each part."""

    spec: Path
    project: Path
    config: Path | None
    spec_digest: str
    fixed: Mapping[str, object]
    secrets: tuple[str, ...]
    columns: Mapping[str, str]
    header: tuple[str, ...] | None
    allows_extra: bool
    seed: UUID
    now: datetime
    target: Target
    timeout_s: float
    retries: int
    wants_results: bool
    session: int = 1
    """The number of the session; of several results of a row, the last session's counts."""
    has_keys: bool = True
    """Whether each event has an idempotency key. Without one, it may count twice when it is sent again."""
    key_run: str | None = None
    """The run whose id is behind each idempotency key; None if keys are those of the spec."""
    trace: TraceContext | None = None
    """The trace that requests belong to; None if nothing is traced."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the setup once, and let each process unpickle it once."""
        return _setup_of, (self._pickled,)

    @cached_property
    def _pickled(self) -> bytes:
        return pickle.dumps([getattr(self, each.name) for each in fields(self)], pickle.HIGHEST_PROTOCOL)


@lru_cache(1)
def _setup_of(pickled: bytes) -> Setup:
    return Setup(*pickle.loads(pickled))  # noqa: S301 - it comes from the process that began the run
