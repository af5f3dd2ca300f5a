"""A part of a run's rows, the unit of work for threads and processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from runner.rows.block_rows import BlockRows
from runner.rows.places import Places
from runner.rows.row import BadRow, Row
from runner.rows.spans import SpannedRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.rows.places import FileStart


class Part(NamedTuple):
    """Contiguous rows of a file: `size` rows from `first_row` on. `rows` lacks those that a resume does not send.

    `digest` is that of all of them, if the rows are piped and so can't be fingerprinted in advance. `files` places them in a
    run over several files.
    """

    first_row: int
    size: int
    digest: str
    rows: Sequence[Row | BadRow] | SpannedRows = ()
    """The rows, or a reference to them, for a process that reads them itself."""
    files: tuple[FileStart, ...] = ()

    @property
    def carried(self) -> Sequence[Row | BadRow]:
        """The rows of a part that has no reference."""
        assert not isinstance(self.rows, SpannedRows)  # noqa: S101
        return self.rows

    def marks(self) -> Iterator[tuple[int, int, int]]:
        """Yield number, line and origin of each row. Of a reference only the numbers are known, and the others are 0."""
        if isinstance(self.rows, SpannedRows):
            yield from ((number, 0, 0) for number in self.rows.numbers())
        else:
            yield from ((row.number, row.line, row.origin) for row in self.rows)

    def placed(self, starts: Sequence[FileStart]) -> Part:
        """Return the part with the files of its rows, by where all files of the run begin."""
        return self._replace(files=Places(starts).within(self.first_row, self.size)) if starts else self

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the rows as columns, which takes a third of the time and space; a block has its own way."""
        if isinstance(self.rows, BlockRows | SpannedRows):
            return Part, (*self,)
        bad = {at: row for at, row in enumerate(self.rows) if isinstance(row, BadRow)}
        columns = [[row[field] for row in self.rows] for field in range(len(Row._fields))]
        return _part_of, (self[:3], columns, bad, self.files)


class RecordedPart(NamedTuple):
    """A part in the ledger."""

    first_row: int
    size: int
    digest: str


def _part_of(
    head: tuple[int, int, str],
    columns: Sequence[Sequence[Any]],
    bad: Mapping[int, BadRow],
    files: tuple[FileStart, ...],
) -> Part:
    rows: list[Row | BadRow] = list(map(Row, *columns))
    for at, row in bad.items():
        rows[at] = row
    return Part(*head, rows, files)
