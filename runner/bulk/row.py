"""A row of a file, or why it can't be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from runner.errors import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.variables import Cells

_Name = TypeVar("_Name")

MAX_ROW_CHARS = 16 * 1024 * 1024
"""Of one row; more is a quote or a bracket that was left open, and memory must not grow with the file."""
LARGE_ROW_CHARS = 10 * 1024
"""Of a row that is weighed before others are added to it: a hundred that are not come to less than a part may have."""
MAX_ROW_VALUES = 200_000
"""Of a row of JSON: no event has room for more, and each takes a hundred times its text in memory."""
MAX_COLUMNS = 10_000
MAX_EMPTY_LINES = 1_000_000
"""One after the other: a file that is packed may have billions."""
MAX_TOLD = 20
"""Of the faults that a file has in its names; it may have as many as names."""
SHOWN_NAME_CHARS = 60
"""Of a column's name; a file that is no table of rows has anything there."""


class Row(NamedTuple):
    """A row. `number` counts data rows from 1, also those that can't be read.

    `line` is the line on which the row begins, in the unpacked file; 0 in a file that has no lines. `values` are the
    cells of a table of texts, in the order of its columns, or values by their names. `origin` is the row's number in the
    run that it failed in first, if it goes out once more; else 0.
    """

    number: int
    line: int
    values: Cells
    origin: int = 0


class LargeRow(Row):
    """A row that may have more than `LARGE_ROW_CHARS` characters."""

    __slots__ = ()


class BadRow(NamedTuple):
    """A row that can't be read, while the next ones can. Its message tells what is wrong without the place, too."""

    number: int
    line: int
    problem: Problem
    origin: int = 0


class BrokenFileError(Exception):
    """What is behind the last row can't be read any more: whoever counts the rows says after which one."""


def size_of(row: Row) -> int:
    """Return about how many characters a row holds; what is no text counts for what it takes in memory, roughly."""
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


def first_told(names: Sequence[_Name], tell: Callable[[_Name], Problem]) -> list[Problem]:
    """Return the problems of the first names, and how many more there are."""
    first = list(map(tell, names[:MAX_TOLD]))
    more = len(names) - len(first)
    return [*first, Problem(first[0].code, f"{more:,} more columns are wrong")] if more else first


def place(shown: str, line: int, column: int = 1) -> Position:
    """Place a fault of a row, without its text: a row may hold what is nobody's business."""
    return Position(shown, line, column, column + 1, "")
