"""A row of a file, or the problem of one that can't be read."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from runner.errors import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.variables import Cells

_Name = TypeVar("_Name")

MAX_ROW_CHARS = 16 * 1024 * 1024
"""Limit for the characters of a row. A longer one has an open quote or bracket, and memory must not grow with the file."""
LARGE_ROW_CHARS = 10 * 1024
"""Rows up to this size are not measured: a hundred of them are within the limit of a part."""
MAX_ROW_VALUES = 200_000
"""Limit for the values of a JSON row: no event has room for more, and each takes a hundred times its text in memory."""
MAX_COLUMNS = 10_000
MAX_EMPTY_LINES = 1_000_000
"""Limit for consecutive empty lines: a compressed file can have billions."""
_MAX_PROBLEMS = 20
"""Limit for the invalid names of columns that are reported."""
SHOWN_NAME_CHARS = 60
"""Characters of a column's name in messages; a file that is not a table may have anything there."""


class Row(NamedTuple):
    """A row. `number` counts data rows from 1, including unreadable ones.

    `line` is the first line of the row in the decompressed file; 0 if the file has no lines. `values` are the cells of a
    table in the order of its columns, or values by their names. `origin` is the row's number in the first run that it failed
    in, 0 if it is new.
    """

    number: int
    line: int
    values: Cells
    origin: int = 0


class LargeRow(Row):
    """A row that may have more than `LARGE_ROW_CHARS` characters."""

    __slots__ = ()


class BadRow(NamedTuple):
    """A row that can't be read, while the next ones can. Its message is clear without the position, too."""

    number: int
    line: int
    problem: Problem
    origin: int = 0


class BrokenFileError(Exception):
    """The rest of the file can't be read. The reader of the rows adds the number of the last one."""


def first_row(rows: Iterator[Row | BadRow], at_most: int, seen: list[Row | BadRow]) -> Row | None:
    """Return the first readable row among the first ones, and add all that were read to `seen`."""
    for row in islice(rows, at_most):
        seen.append(row)
        if isinstance(row, Row):
            return row
    return None


def size_of(row: Row) -> int:
    """Return the approximate number of characters of a row; other values count by their size in memory."""
    size = 0
    inner: list[Any] = [row.values]
    for value in inner:
        items = value
        if type(value) is dict:
            size += sum(map(len, value))
            items = value.values()
        for item in items:
            kind = type(item)
            size += len(item) if kind is str else _VALUE_CHARS
            if kind is dict or kind is list:
                inner.append(item)
    return size


_VALUE_CHARS = 8


def name_problems(names: Sequence[_Name], problem_of: Callable[[_Name], Problem]) -> list[Problem]:
    """Return the problems of the first invalid names, and one with the number of the others."""
    first = list(map(problem_of, names[:_MAX_PROBLEMS]))
    more = len(names) - len(first)
    return [*first, Problem(first[0].code, f"{more:,} more columns are wrong")] if more else first


def place(shown: str, line: int, column: int = 1) -> Position:
    """Return the position of a row without its text, since rows may hold personal data."""
    return Position(shown, line, column, column + 1, "")
