"""What a run is to do with which rows, apart from what every `send` is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_Row = TypeVar("_Row")

PART_ROWS = 100
"""As many rows go out together as the platform takes, unless the run is a slow one."""
LINGER_S = 1.0
LEAVE_OUT = "leave it out, or begin a new run"
"""What to do with a flag that a resume does not take."""
_ROW_A_LINE = (".csv", ".tsv", ".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """What a run is to do.

    `part_rows` of them go out together: the same ones in every session of a run, by which the ledger knows them.
    """

    rows: str
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

    @property
    def is_piped(self) -> bool:
        """Whether the rows come from the standard input."""
        return self.rows == "-"

    def chosen(self, rows: Iterable[_Row]) -> Iterator[_Row]:
        """Return the rows without those that the offset and the limit leave out."""
        return islice(rows, self.offset, None if self.limit is None else self.offset + self.limit)

    def estimate(self) -> int | None:
        """Estimate how many rows will be sent, by the lines of a file that has one a row."""
        path = Path(self.rows)
        if path.suffix.lower() not in _ROW_A_LINE:
            return self.limit
        with path.open("rb") as file:
            lines = sum(piece.count(b"\n") for piece in iter(partial(file.read, 1 << 20), b""))
        return max(0, min(lines - self.offset, lines if self.limit is None else self.limit))

    def without_rows(self) -> str:
        """Return the message that there is no row to take: the file may be the wrong one."""
        rows = "the standard input" if self.is_piped else self.rows
        return f"no rows: {f'--offset {self.offset:,} skips all of' if self.offset else 'there are none in'} {rows}"
