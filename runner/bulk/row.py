"""A row of a file, or why it can't be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.errors import Position

if TYPE_CHECKING:
    from runner.errors import Problem
    from runner.spec import Cells

MAX_ROW_CHARS = 16 * 1024 * 1024
"""Of one row; more is a quote or a bracket that was left open, and memory must not grow with the file."""
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


class BadRow(NamedTuple):
    """A row that can't be read, while the next ones can. Its message tells what is wrong without the place, too."""

    number: int
    line: int
    problem: Problem
    origin: int = 0


class BrokenFileError(Exception):
    """What is behind the last row can't be read any more: whoever counts the rows says after which one."""


def place(shown: str, line: int, column: int = 1) -> Position:
    """Place a fault of a row, without its text: a row may hold what is nobody's business."""
    return Position(shown, line, column, column + 1, "")
