"""The failed rows of a run, read again from their file and marked with their origin."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Any

from runner.bulk.columns import assign, typed_text
from runner.bulk.origin import MarkedRows, mark
from runner.bulk.parts import OTHER_RESULT, Digests
from runner.bulk.record import SavedOptions, check_rows
from runner.errors import InvalidInput, Problem
from runner.rows.open_dataset import open_dataset
from runner.rows.row import BadRow
from runner.variables import Given

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from runner.bulk.ledger import Ledger
    from runner.bulk.part import RecordedPart
    from runner.bulk.record import RunRecord
    from runner.eventspec import Spec
    from runner.rows.row import Row
    from runner.source import Json
    from runner.variables import Cells, Variable


@dataclass(frozen=True, slots=True)
class FailedRows:
    """The failed rows of a run, by their numbers in the file of `source`: the run itself, or the one its rows come from.

    A piped row that could not be read has the number 0. `parts` are those of a `source` with a query.
    """

    record: RunRecord
    source: RunRecord
    numbers: tuple[int, ...]
    parts: tuple[RecordedPart, ...]

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
        numbers = tuple(each.row if source is record else each.origin for each in outcomes)
        has_query = source.dataset.query is not None
        return cls(record, source, numbers, tuple(ledger.parts(source.id)) if has_query else ())

    @contextmanager
    def read(self, variables: Callable[[Sequence[str]], Mapping[str, Variable]]) -> Iterator[RowsAgain]:
        """Open the file, or run the query again; `variables` returns the variable of each column.

        Raises InvalidInput if the file has changed, and for a query with secrets, whose rows can't be compared.
        """
        source = self.source
        with open_dataset(source.dataset, BytesIO()) as opened:
            check_rows(source, opened.fingerprint())
            rows = MarkedRows(opened)
            of_column = {} if rows.columns is None or rows.header is not None else variables(rows.columns)
            opened.convert_texts(partial(typed_text, of_column, keeps_untyped=True))
            if source.dataset.query is None:
                yield RowsAgain(self, rows.header, rows)
                return
            flags = SavedOptions.of(source).given_names
            kept = {column for column, variable in of_column.items() if variable.name not in flags}
            if any(of_column[column].may_be_secret for column in kept):
                message = f"run {source.id} has secrets in its rows, so those of its query can't be compared"
                raise InvalidInput(
                    Problem("rows-gone", message, hint=f"runner runs show {source.id} shows their numbers")
                )
            yield RowsAgain(self, rows.header, _compared(rows, self.parts, kept))


class RowsAgain:
    """Failed rows, read again. After the iteration, `unreadable` has the numbers of rows that can't be read."""

    def __init__(self, failed: FailedRows, header: tuple[str, ...] | None, rows: Iterable[Row | BadRow]) -> None:
        self.header = header
        """The columns of a table; None if each row has its own keys."""
        self.unreadable: list[int] = [number for number in failed.numbers if not number]
        self._failed = failed
        self._rows = rows

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


def _compared(
    rows: Iterable[Row | BadRow], parts: Iterable[RecordedPart], kept: Collection[str]
) -> Iterator[Row | BadRow]:
    """Yield the rows of parts. Raises InvalidInput for a part whose rows differ in the columns that counted."""
    read = iter(rows)
    number = 0
    for first_row, size, digest in parts:
        part = [*islice(read, first_row - 1 - number, first_row - 1 - number + size)]
        number = first_row - 1 + size
        if Digests().of([_only(row, kept) for row in part]) != digest:
            message = f"the rows from {first_row:,} on are not the ones that the run began with"
            raise InvalidInput(Problem("rows-changed", message, hint=OTHER_RESULT))
        yield from part


def _only(row: Row | BadRow, kept: Collection[str]) -> Row | BadRow:
    if isinstance(row, BadRow):
        return row
    values: Any = row.values
    return row._replace(values={name: value for name, value in values.items() if name in kept})


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
