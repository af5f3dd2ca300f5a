"""The failed rows of a run → these rows, read again from the file that they came from, each with its mark."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from runner.bulk.columns import assign
from runner.bulk.origin import MarkedRows, mark
from runner.bulk.record import SavedOptions
from runner.bulk.row import BadRow
from runner.bulk.rows import open_rows
from runner.errors import InvalidInput, Problem
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.bulk.ledger import Ledger
    from runner.bulk.record import RunRecord
    from runner.bulk.row import Row
    from runner.eventspec import Spec
    from runner.source import Json
    from runner.variables import Cells, Variable


@dataclass(frozen=True, slots=True)
class FailedRows:
    """Which rows of a run failed, by their numbers in the file of `source`: the run itself, or one that its rows come from.

    The number of one that could not be read when it was piped in is 0.
    """

    record: RunRecord
    source: RunRecord
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, ledger: Ledger, name: str) -> FailedRows:
        """Look up the failed rows of a run. Raises NotFound; InvalidInput when there is no file to read them again from."""
        record = ledger.find(name)
        line = list(ledger.line(record))
        source = next((each for each in line if each.rows != "-"), line[-1])
        if source.rows == "-":
            message = f"the rows of run {source.id} came from the standard input, and the ledger keeps none"
            raise InvalidInput(Problem("rows-gone", message, hint=f"runner runs show {source.id} tells their numbers"))
        # A row is found by its own number in its own file, and by that of its origin in another one.
        outcomes = ledger.failures(record.id, "failed")
        return cls(record, source, tuple(each.row if source is record else each.origin for each in outcomes))

    @contextmanager
    def read(self) -> Iterator[RowsAgain]:
        """Open the file. Raises InvalidInput if it is not as it was."""
        source = self.source
        with open_rows(Path(source.rows), BytesIO(), source.rows) as opened:
            if opened.fingerprint() != source.fingerprints["rows"]:
                message = f"the file {source.rows} changed since run {source.id} began"
                raise InvalidInput(Problem("run-changed", message))
            yield RowsAgain(self, MarkedRows(opened))


class RowsAgain:
    """Failed rows that are read again. `unreadable` has the numbers of those that can't be, once the others were read."""

    def __init__(self, failed: FailedRows, rows: MarkedRows) -> None:
        self.unreadable: list[int] = [number for number in failed.numbers if not number]
        self._failed = failed
        self._rows = rows

    @property
    def header(self) -> tuple[str, ...] | None:
        """The columns of a table of texts; None where each row names its values."""
        return self._rows.header

    def __iter__(self) -> Iterator[tuple[str, Cells]]:
        """Return each row with its mark, so that it goes out under the ids that it had."""
        run = self._failed.record.id
        return ((mark(run, row.origin or row.number), row.values) for row in self._found())

    def _found(self) -> Iterator[Row]:
        is_own = self._failed.source is self._failed.record
        wanted = set(self._failed.numbers) - {0}
        for row in self._rows:
            if not wanted:  # what comes behind the last one may be broken
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
    """Return the variable that each column of a run's file gives."""
    named = {variable.name: variable for variable in spec.variables}
    columns = assign(header, [*named], SavedOptions.of(source).bulk.renamed, ignore_extra=True)
    return {column: named[name] for column, name in columns.items()}


def typed(cells: Cells, header: Sequence[str], variables: Mapping[str, Variable]) -> dict[str, Json]:
    """Return the values that the texts of a row stand for, by the types of their variables."""
    values: dict[str, Json] = {}
    for column, cell in zip(header, cells, strict=True):
        variable = variables.get(column)
        if variable is None or "string" in variable.types:
            values[column] = cell
        elif cell:
            try:
                values[column] = variable.typed(Given(cell, column, is_text=True))
            except ValueError:  # it is why the row failed, and will be again
                values[column] = cell
    return values
