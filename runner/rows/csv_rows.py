"""CSV and TSV → rows, by RFC 4180: the standard library's reader, with positions of its errors."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from itertools import chain, islice
from operator import length_hint
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import InvalidInput, Problem
from runner.rows.line_rows import SEPARATORS, LineForm, LineRows, are_plain, wrong_width
from runner.rows.row import (
    LARGE_ROW_CHARS,
    MAX_COLUMNS,
    MAX_EMPTY_LINES,
    MAX_ROW_CHARS,
    SHOWN_NAME_CHARS,
    BadRow,
    LargeRow,
    Row,
    name_problems,
    place,
)
from runner.rows.text import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Position
    from runner.rows.text import Text

_QUOTE_HINT = 'a quote inside a cell is written twice: ""'
_SEPARATOR_HINTS = {"commas": "its name must end in .csv", "tabs": "its name must end in .tsv"}


class _WrongName(NamedTuple):
    """A name in a header that is empty, or a duplicate."""

    number: int
    name: str
    start: int


class Table:
    """A CSV or TSV file, quoted as in RFC 4180; a quote inside an unquoted cell is text.

    An empty line is skipped, as other readers do, but counts as a line. A text that begins after the header has its
    `columns` from elsewhere. Raises InvalidInput for an invalid header, and for a quoted cell whose end is ambiguous, after
    the rows before it.
    """

    def __init__(self, text: Text, delimiter: str, columns: tuple[str, ...] | None = None) -> None:
        # The limit for rows below also bounds cells. This limit applies to the whole process, so it is not lowered.
        csv.field_size_limit(max(csv.field_size_limit(), 4 * MAX_ROW_CHARS))
        self._shown = text.shown
        self._delimiter = delimiter
        self._first_line = self._row_line = self._block_line = text.first_line
        self._block: list[str] = []
        self._row_before_block: list[str] = []
        self._kept_chars = 0
        self._has_long_lines = False
        self._is_plain = False
        self._blocks = text.blocks()
        self._lines = iter(self._block)
        """The lines of the block that were not read."""
        self._reader = csv.reader(chain.from_iterable(self._feed()), delimiter=delimiter, strict=True)
        self.columns = columns if columns is not None else self._header()
        self.number = 0
        """The number of the last row that was read."""

    @property
    def next_line(self) -> int:
        """The line after the last row that was read."""
        return self._first_line + self._reader.line_num

    def rows(self, before: int = 0) -> Iterator[Row | BadRow]:
        """Yield the rows in their order, after this number of others; cells are text."""
        self.number = before
        return self._rows()

    def _rows(self) -> Iterator[Row | BadRow]:
        reader = self._reader
        width = len(self.columns)
        empty_lines = 0
        has_more = True
        while has_more:
            try:
                for cells in reader:
                    line = self._row_line
                    self._row_line = next_line = self._first_line + reader.line_num
                    if len(cells) == width:
                        self.number = number = self.number + 1
                        empty_lines = 0
                        may_be_large = self._has_long_lines or next_line > line + 1
                        if may_be_large and sum(map(len, cells)) > LARGE_ROW_CHARS:
                            yield LargeRow(number, line, cells)
                        else:
                            yield Row(number, line, cells)
                    elif cells:
                        self.number += 1
                        empty_lines = 0
                        where = place(self._shown, line)
                        problem = wrong_width(len(cells), width, self._delimiter, where, next_line - 1)
                        yield BadRow(self.number, line, problem)
                    else:
                        empty_lines += 1
                        self._check_empty_lines(empty_lines, line)
                has_more = False
            except csv.Error:
                problem, is_within_line = self._quote_fault()
                if not is_within_line:  # the lines in between may be rows of their own
                    raise InvalidInput(problem) from None
                self.number += 1
                line, self._row_line = self._row_line, self.next_line
                yield BadRow(self.number, line, problem)

    def take(self, at_most: int) -> LineRows | None:
        """Return the next rows as lines, fewer if a block of text ends; None if they must be read one by one."""
        while not length_hint(self._lines):
            if not self._begin_block():
                return None
        if not self._is_plain:
            return None
        lines = list(islice(self._lines, at_most))
        form = LineForm(self._shown, self._delimiter, len(self.columns))
        rows = LineRows(form, self.number + 1, self._row_line, len(lines), "".join(lines))
        self.number += len(lines)
        self._first_line += len(lines)
        self._row_line = self.next_line
        return rows

    def _feed(self) -> Iterator[Iterator[str]]:
        """Yield lines to the reader."""
        while length_hint(self._lines) or self._begin_block():
            yield self._lines

    def _begin_block(self) -> bool:
        """Begin the next block of lines, and remember those of the current row; return whether there is one."""
        block = next(self._blocks, None)
        if block is None:
            return False
        if not self._began_before_block():
            self._row_before_block.clear()
            self._kept_chars = 0
        begun = self._row_in_block()
        self._row_before_block.append(begun)
        self._kept_chars += len(begun)
        self._block, self._block_line = block, self.next_line
        self._has_long_lines = max(map(len, block), default=0) > LARGE_ROW_CHARS
        self._is_plain = not self._has_long_lines and are_plain("".join(block))
        if self._kept_chars > MAX_ROW_CHARS:
            message = f"a row of more than {MAX_ROW_CHARS:,} characters: is the quote that opens here closed?"
            raise InvalidInput(replace(self._quote_fault()[0], message=message))
        self._lines = iter(block)
        return True

    def _header(self) -> tuple[str, ...]:
        try:
            for empty_lines, cells in enumerate(self._reader):
                if cells and self._row_text().strip():
                    break
                self._check_empty_lines(empty_lines, self._row_line)
                self._row_line = self.next_line
            else:
                hint = "its first row must name the columns"
                raise InvalidInput(Problem("empty-file", "the file is empty", place(self._shown, 1), hint=hint))
        except csv.Error:
            self._check_separator()
            raise InvalidInput(self._quote_fault()[0]) from None
        if len(cells) == 1:
            self._check_separator()
        if len(cells) > MAX_COLUMNS:
            message = f"the header has {len(cells):,} columns, more than {MAX_COLUMNS:,}"
            raise InvalidInput(Problem("rows-header", message, place(self._shown, self._row_line)))
        if wrong := list(self._wrong_names(cells)):
            header = self._row_text()
            raise InvalidInput(*name_problems(wrong, lambda each: self._wrong_name(each, header, len(cells))))
        self._row_line = self.next_line
        return tuple(cells)

    def _check_empty_lines(self, count: int, line: int) -> None:
        if count > MAX_EMPTY_LINES:
            message = f"more than {MAX_EMPTY_LINES:,} empty lines"
            raise InvalidInput(Problem("rows-syntax", message, place(self._shown, line)))

    def _check_separator(self) -> None:
        """Refuse a header with another separator, and a file in another format."""
        header = self._row_text()
        message = hint = None
        if header.lstrip().startswith(("{", "[{")):
            message = "the file seems to be JSON"
            hint = "its name must end in .jsonl (an object a line) or .json (one array of objects)"
        elif self._delimiter not in header:
            wanted = SEPARATORS[self._delimiter]
            found = next((name for char, name in SEPARATORS.items() if char in header), None)
            if found is not None:
                message = f"the cells seem to be separated by {found}, not by {wanted}"
                hint = _SEPARATOR_HINTS.get(found, f"save the file with {wanted}")
        if message is not None:
            raise InvalidInput(Problem("rows-format", message, place(self._shown, self._row_line), hint=hint))

    def _wrong_names(self, names: list[str]) -> Iterator[_WrongName]:
        seen: set[str] = set()
        cells = _cells(self._row_text(), self._delimiter)
        for number, (name, (start, _)) in enumerate(zip(names, cells, strict=True), 1):
            if name in seen or not name.strip():
                yield _WrongName(number, name, start)
            seen.add(name)

    def _wrong_name(self, wrong: _WrongName, header: str, columns: int) -> Problem:
        where = self._place(header, wrong.start)
        if wrong.name.strip():
            return Problem("rows-header", f"two columns have the name '{wrong.name[:SHOWN_NAME_CHARS]}'", where)
        hint = "does the header end with an extra separator?" if wrong.number == columns else None
        return Problem("rows-header", f"column {wrong.number} has no name", where, hint=hint)

    def _quote_fault(self) -> tuple[Problem, bool]:
        """Return the problem of the quote that the reader stopped at, and whether the row certainly ends on this line."""
        row = self._row_text()
        *_, (start, end) = _cells(row, self._delimiter)
        opens, closes = self._place(row, start), self._place(row, end)
        if end == len(row):
            problem = Problem("rows-syntax", "the quote that opens here is never closed", opens, hint=_QUOTE_HINT)
            return problem, False
        if opens.line == closes.line:
            message = "text after the quote that closes a cell"
            if closes.line == self._row_line and not self._may_stay_open(row[end:]):
                return Problem("row-quotes", message, closes, hint=_QUOTE_HINT), True
            message += ", so the start of the next row is unknown"
            return Problem("rows-syntax", message, closes, hint=_QUOTE_HINT), False
        message = f"the quote that opens here closes on line {closes.line}, and text follows it there"
        return Problem("rows-syntax", message, opens, hint=_QUOTE_HINT), False

    def _may_stay_open(self, rest: str) -> bool:
        """Return whether a quote may still be open at the end of a line, however a broken quote in it is read."""
        if rest.count('"') % 2:
            return True
        opening = f'{self._delimiter}"'
        begin = rest.find(opening)
        while begin >= 0:
            *_, (start, end) = _cells(rest[begin + 1 :], self._delimiter)
            if rest.count('"', begin + 1 + start, begin + 1 + end) % 2:
                return True
            begin = rest.find(opening, begin + 1 + end)
        return False

    def _row_text(self) -> str:
        before = self._row_before_block if self._began_before_block() else ()
        return "".join((*before, self._row_in_block()))

    def _began_before_block(self) -> bool:
        return self._row_line < self._block_line

    def _row_in_block(self) -> str:
        begin, end = self._row_line - self._block_line, self.next_line - self._block_line
        return "".join(self._block[max(begin, 0) : end])

    def _place(self, row: str, offset: int) -> Position:
        cursor = Cursor(self._row_line)
        cursor.advance(row[:offset])
        return place(self._shown, cursor.line, cursor.column)


def _cells(row: str, delimiter: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each cell, up to the first one whose quotes break RFC 4180."""
    cell = re.compile(rf'"[^"]*+(?:""[^"]*+)*+(?:"|\Z)|[^{re.escape(delimiter)}\r\n]*+')
    end = -1
    while end < 0 or row.startswith(delimiter, end):
        if found := cell.match(row, end + 1):
            yield found.span()
            end = found.end()
