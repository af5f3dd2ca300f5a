"""The failed rows of a run, read again from their file and marked with their origin."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from runner.bulk.columns import assign
from runner.bulk.origin import MarkedRows, mark
from runner.bulk.record import SavedOptions, check_rows
from runner.errors import InvalidInput, Problem
from runner.rows.row import BadRow
from runner.rows.row_files import open_dataset
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.bulk.ledger import Ledger
    from runner.bulk.record import RunRecord
    from runner.eventspec import Spec
    from runner.rows.row import Row
    from runner.source import Json
    from runner.variables import Cells, Variable


@dataclass(frozen=True, slots=True)
class FailedRows:
    """The failed rows of a run, by their numbers in the file of `source`: the run itself, or the one its rows come from.

    A piped row that could not be read has the number 0.
    """

    record: RunRecord
    source: RunRecord
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, ledger: Ledger, name: str) -> FailedRows:
        """Return the failed rows of a run. Raises NotFound, and InvalidInput if the rows came from the standard input."""
        record = ledger.find(name)
        ancestry = list(ledger.ancestry(record))
        source = next((each for each in ancestry if not each.is_piped), ancestry[-1])
        if source.is_piped:
            message = f"the rows of run {source.id} came from the standard input, and the ledger does not store rows"
            raise InvalidInput(Problem("rows-gone", message, hint=f"runner runs show {source.id} shows their numbers"))
        # In its own file a row has its own number, in another one that of its origin.
        outcomes = ledger.failures(record.id, "failed")
        return cls(record, source, tuple(each.row if source is record else each.origin for each in outcomes))

    @contextmanager
    def read(self) -> Iterator[RowsAgain]:
        """Open the file. Raises InvalidInput if it has changed."""
        source = self.source
        with open_dataset(source.dataset, BytesIO()) as opened:
            check_rows(source, opened.fingerprint())
            yield RowsAgain(self, MarkedRows(opened))


class RowsAgain:
    """Failed rows, read again. After the iteration, `unreadable` has the numbers of rows that can't be read."""

    def __init__(self, failed: FailedRows, rows: MarkedRows) -> None:
        self.unreadable: list[int] = [number for number in failed.numbers if not number]
        self._failed = failed
        self._rows = rows

    @property
    def header(self) -> tuple[str, ...] | None:
        """The columns of a table; None if each row has its own keys."""
        return self._rows.header

    def __iter__(self) -> Iterator[tuple[str, Cells]]:
        """Yield each row with its mark, by which it is sent again with the same ids."""
        run = self._failed.record.id
        return ((mark(run, row.origin or row.number), row.values) for row in self._found())

    def _found(self) -> Iterator[Row]:
        is_own = self._failed.source is self._failed.record
        wanted = set(self._failed.numbers) - {0}
        for row in self._rows:
            if not wanted:  # the file may be invalid after the last one
                return
            number = row.number if is_own or isinstance(row, BadRow) else row.origin or row.number
            if number not in wanted or (isinstance(row, BadRow) and not is_own):
                continue
            wanted.discard(number)
            if isinstance(row, BadRow):
                self.unreadable.append(number)
            else:
                yield row


def variables_of(source: RunRecord, spec: Spec, header: Sequence[str]) -> Mapping[str, Variable]:
    """Return the variable of each column of a run's file."""
    named = {variable.name: variable for variable in spec.variables}
    columns = assign(header, [*named], SavedOptions.of(source).bulk.renamed, ignore_extra=True)
    return {column: named[name] for column, name in columns.items()}


def typed(cells: Cells, header: Sequence[str], variables: Mapping[str, Variable]) -> dict[str, Json]:
    """Convert the texts of a row to the types of their variables."""
    values: dict[str, Json] = {}
    for column, cell in zip(header, cells, strict=True):
        variable = variables.get(column)
        if variable is None or "string" in variable.types:
            values[column] = cell
        elif cell:
            try:
                values[column] = variable.typed(Given(cell, column, is_text=True))
            except ValueError:  # this is why the row failed; it is reported again when it is sent
                values[column] = cell
    return values
