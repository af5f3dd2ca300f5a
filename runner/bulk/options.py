"""The options of a bulk run, beside those of every `send`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.rows.dataset import Dataset
    from runner.suprsend.waiting import Waiting

_Row = TypeVar("_Row")

PART_ROWS = 100
"""Rows of a part: as many as the platform accepts in a request, fewer if the rate is limited."""
LINGER_S = 1.0
SAMPLE_ROWS = 20
"""Accepted rows whose messages are waited for."""
LEAVE_OUT = "omit it, or start a new run"
"""The hint for a flag that a resume does not accept."""
_ROW_A_LINE = (".csv", ".tsv", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """The options of a bulk run.

    `part_rows` rows make a part. Every session of a run has the same parts, since the ledger records parts. With `waiting`,
    keys have the run's id behind them, and the messages of `sample` accepted rows are waited for.
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

    @property
    def is_piped(self) -> bool:
        """Whether the rows come from the standard input."""
        return self.dataset.is_piped

    def chosen(self, rows: Iterable[_Row]) -> Iterator[_Row]:
        """Return the rows within the offset and the limit."""
        return islice(rows, self.offset, None if self.limit is None else self.offset + self.limit)

    def estimate(self) -> int | None:
        """Estimate the number of rows by the lines of files that have one a row."""
        paths = [Path(file.path) for file in self.dataset.files]
        if not paths or any(path.suffix.lower() not in _ROW_A_LINE for path in paths):
            return self.limit
        lines = sum(map(_lines, paths))
        return max(0, min(lines - self.offset, lines if self.limit is None else self.limit))

    def without_rows(self) -> str:
        """Return the message for a file without rows to send."""
        rows = self.dataset.name
        return f"--offset {self.offset:,} skips all rows of {rows}" if self.offset else f"no rows in {rows}"


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(partial(file.read, 1 << 20), b""))
