"""The rows of a run, read again → how many of each value of a column were not accepted. The ledger has no cells."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from itertools import takewhile
from typing import TYPE_CHECKING, Any, cast

from runner.bulk.origin import MarkedRows
from runner.bulk.record import SavedOptions, check_rows
from runner.errors import InvalidInput, Problem, UsageError, did_you_mean, shown_argument
from runner.rows.open_dataset import open_dataset
from runner.rows.row import BadRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from runner.bulk.outcomes import RowOutcome
    from runner.bulk.record import RunRecord
    from runner.rows.dataset import Dataset
    from runner.rows.row import Row
    from runner.variables import Variable

_MAX_VALUES = 10_000
UNREADABLE = "(unreadable)"
EMPTY = "(empty)"
OTHER = "(other values)"


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """The rows that a run reached by the value of a column, and those of them that were not accepted.

    Only the first ten thousand values are counted by themselves, since a column may have a value for each row.
    """

    column: str
    rows: Mapping[str, int]
    not_accepted: Mapping[str, int]


def count_by(
    column: str,
    record: RunRecord,
    exceptions: Iterable[RowOutcome],
    last_row: int,
    variables: Callable[[Sequence[str]], Mapping[str, Variable]],
) -> ColumnCounts:
    """Count the rows of a run up to `last_row`, the last one that it began.

    `exceptions` are the rows that were not accepted, in order; `variables` returns the variable of each column.

    Raises UsageError for a column that does not exist or may be secret, and InvalidInput for rows that can't be read again.
    """
    _check_dataset(record.dataset)
    options = SavedOptions.of(record).bulk
    with open_dataset(record.dataset, BytesIO()) as opened:
        check_rows(record, opened.fingerprint())
        rows = MarkedRows(opened)
        _check_column(column, rows, variables)
        at = rows.header.index(column) if rows.header is not None else None
        reached = takewhile(lambda row: row.number <= last_row, options.chosen(rows))
        return _counted(column, at, reached, exceptions)


def check_by(column: str, dataset: Dataset, variables: Callable[[Sequence[str]], Mapping[str, Variable]]) -> None:
    """Raise what `count_by` would raise for a column, before the rows are sent."""
    _check_dataset(dataset)
    with open_dataset(dataset, BytesIO()) as opened:
        _check_column(column, MarkedRows(opened), variables)


def _check_dataset(dataset: Dataset) -> None:
    if dataset.is_piped or dataset.query is not None:
        what = "came from the standard input" if dataset.is_piped else "are those of a query"
        message = f"--by reads the rows again, and these {what}"
        raise InvalidInput(Problem("rows-gone", message, hint="omit --by"))


def _check_column(column: str, rows: MarkedRows, variables: Callable[[Sequence[str]], Mapping[str, Variable]]) -> None:
    columns, shown = rows.columns, shown_argument(column)
    variable = variables(columns or (column,)).get(column)
    if variable is not None and variable.may_be_secret:
        raise UsageError(Problem("usage", f"--by {shown}: the values of this column may be secret"))
    if columns is not None and column not in columns:
        hint = did_you_mean(column, list(columns), f"the columns are {', '.join(map(shown_argument, columns))}")
        raise UsageError(Problem("usage", f"--by {shown}: the rows have no such column", hint=hint))


def _counted(
    column: str, at: int | None, rows: Iterable[Row | BadRow], exceptions: Iterable[RowOutcome]
) -> ColumnCounts:
    every: Counter[str] = Counter()
    some: Counter[str] = Counter()
    others = (outcome.row for outcome in exceptions)
    other = next(others, None)
    for row in rows:
        value = _value(column, at, row)
        if value not in every and len(every) >= _MAX_VALUES:
            value = OTHER
        every[value] += 1
        if row.number == other:
            some[value] += 1
            other = next(others, None)
    return ColumnCounts(column, every, some)


def _value(column: str, at: int | None, row: Row | BadRow) -> str:
    if isinstance(row, BadRow):
        return UNREADABLE
    cells: Any = row.values
    value = cells[at] if at is not None else cast("Mapping[str, object]", cells).get(column)
    if value in (None, ""):
        return EMPTY
    return value if isinstance(value, str) else json.dumps(value, default=str)
