"""The options of a bulk run, beside those of every `send`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from runner.rows.estimate import estimated_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from runner.rows.dataset import Dataset
    from runner.suprsend.waiting import Waiting

_Row = TypeVar("_Row")

PART_ROWS = 100
"""Rows of a part: as many as the platform accepts in a request, fewer if the rate is limited."""
CLUSTER_PART_ROWS = 1000
"""Rows of a part for a cluster, ten requests: a scheduler takes about a millisecond for each part."""
LINGER_S = 1.0
SAMPLE_ROWS = 20
"""Accepted rows whose messages are waited for."""
LEAVE_OUT = "omit it, or start a new run"
"""The hint for a flag that a resume does not accept."""


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """The options of a bulk run.

    `part_rows` rows make a part. Every session of a run has the same parts, since the ledger records parts. With `waiting`,
    keys have the run's id behind them, and the messages of `sample` accepted rows are waited for. A session begins no part
    after `stop_after_s`; None is the default of `RunRecord.seconds_left`.
    """

    dataset: Dataset
    renamed: Mapping[str, str]
    ignore_extra: bool
    limit: int | None
    offset: int
    concurrency: int
    processes: int | None
    rate: float | None
    max_failures: int | None
    results: Path | None
    part_rows: int
    linger_s: float = LINGER_S
    waiting: Waiting | None = None
    sample: int = SAMPLE_ROWS
    stop_after_s: float | None = None
    cluster: str | None = None
    """The address of a cluster, as it was typed; None for this machine alone."""
    cluster_requests: int | None = None
    """Concurrent requests of a cluster; None for as many as its workers have threads."""
    shares_secrets: bool = False
    """Whether the workers of a cluster get secrets from this machine."""

    @property
    def is_cut(self) -> bool:
        """Whether parts are references to rows, which the workers of a cluster read themselves."""
        return self.cluster is not None and self.dataset.has_places

    @property
    def is_piped(self) -> bool:
        """Whether the rows come from the standard input."""
        return self.dataset.is_piped

    @property
    def may_wait(self) -> bool:
        """Whether the next row may let a reader wait for long: that of a pipe, or of a store."""
        return self.is_piped or self.dataset.is_remote

    def chosen(self, rows: Iterable[_Row]) -> Iterator[_Row]:
        """Return the rows within the offset and the limit."""
        return islice(rows, self.offset, None if self.limit is None else self.offset + self.limit)

    def estimate(self) -> int | None:
        """Estimate the number of rows of the run; None if their files do not show it."""
        rows = estimated_rows(self.dataset)
        if rows is None:
            return self.limit
        return max(0, min(rows - self.offset, rows if self.limit is None else self.limit))

    def without_rows(self) -> str:
        """Return the message for a file without rows to send."""
        rows = self.dataset.name
        return f"--offset {self.offset:,} skips all rows of {rows}" if self.offset else f"no rows in {rows}"
