"""JSON → rows: one object a line, or one array of objects, which is read through a window."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import chain
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, NoReturn, TypeGuard

from runner.errors import InvalidInput, Problem
from runner.rows.row import (
    LARGE_ROW_CHARS,
    MAX_EMPTY_LINES,
    MAX_ROW_CHARS,
    MAX_ROW_VALUES,
    BadRow,
    LargeRow,
    Row,
    place,
)
from runner.rows.text import Cursor
from runner.source import STRICT, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.errors import Position
    from runner.rows.text import Text
    from runner.source import Json

_MAX_DEPTH = 64
_SPACE = re.compile(r"[ \t\n\r]*")
_NO_NUMBER = re.compile(r"-?(?:NaN|Infinity)")
_REREAD_CHARS = 64 * 1024
_SHOWN_CHARS = 200
"""Characters of a key in messages."""


def json_lines(text: Text, before: int = 0) -> Iterator[Row | BadRow]:
    """Yield the row of each line, after this number of others; blank lines are skipped.

    Raises InvalidInput for a file without rows, and for one that is a JSON array, whose lines could be mistaken for rows.
    """
    number, empty_lines = before, 0
    for line, whole in enumerate(chain.from_iterable(text.blocks()), text.first_line):
        content = whole.rstrip(" \t\r\n")
        if not content:
            empty_lines += 1
            if empty_lines > MAX_EMPTY_LINES:
                message = f"more than {MAX_EMPTY_LINES:,} empty lines"
                raise InvalidInput(Problem("rows-syntax", message, place(text.shown, line)))
            continue
        if not number and _begins_array(content):
            hint = "its name must end in .json, or each line must be one object, with no bracket or comma around it"
            raise InvalidInput(
                Problem("rows-format", "the file seems to be a JSON array", place(text.shown, line), hint=hint)
            )
        number += 1
        empty_lines = 0
        if len(content) > MAX_ROW_VALUES and _values_in(content) > MAX_ROW_VALUES:
            yield BadRow(number, line, Problem("row-too-large", _TOO_MANY_VALUES, place(text.shown, line)))
            continue
        try:
            value = STRICT.decode(content)
        except (ValueError, RecursionError) as error:
            yield _bad_row(number, content, error, place(text.shown, line))
        else:
            if _is_row(value, content, 0, len(content)):
                yield (LargeRow if len(content) > LARGE_ROW_CHARS else Row)(number, line, value)
            else:
                yield _no_row(number, value, content, place(text.shown, line), _LINES_HINT)
    if not number:
        raise InvalidInput(Problem("empty-file", "the file is empty", place(text.shown, 1)))


_LINES_HINT = "one object a line; a file that is one array of objects must end in .json"


def _begins_array(line: str) -> bool:
    """Return whether a first line looks like that of a JSON array: `[`, or an object followed by a comma."""
    start = line.lstrip(" \t")
    if not (start.startswith("{") and start.endswith(",")):
        return start.startswith("[")
    try:
        json.loads(start[:-1])
    except (ValueError, RecursionError):
        return False
    return True


def json_array(text: Text) -> Iterator[Row | BadRow]:
    """Yield the rows of one array of objects.

    Raises InvalidInput, after the rows before it, for an error after which the next object can't be found.
    """
    return _Array(text).rows()


class _Array:
    """A window into the text; its consumed part is dropped when more text is needed."""

    def __init__(self, text: Text) -> None:
        self._shown = text.shown
        self._pieces = text.pieces()
        self._window = ""
        self._at = 0
        self._counted = 0
        self._cursor = Cursor()

    def rows(self) -> Iterator[Row | BadRow]:
        first = self._next_char()
        if not first:
            raise InvalidInput(Problem("empty-file", "the file is empty", place(self._shown, 1)))
        if first != "[":
            hint = "if it has one object a line, its name must end in .jsonl" if first == "{" else None
            self._refuse("the file must be one array of objects", hint)
        self._at += 1
        number = 0
        following = self._next_char()
        while following != "]":
            number += 1
            yield self._row(number)
            following = self._next_char()
            if following == ",":
                self._at += 1
                if self._next_char() == "]":
                    self._refuse("an object is missing after the last comma", "remove the comma")
            elif following != "]":
                self._refuse("',' is missing here" if following else _CUT)
        self._at += 1
        if self._next_char():
            self._refuse("there is more text after the array")

    def _row(self, number: int) -> Row | BadRow:
        try:
            value, end = self._scan(STRICT)
        except ValueError as error:
            _, end = self._scan(_LENIENT)
            where, content = self._here(), self._window[self._at : end]
            self._at = end
            return _bad_row(number, content, error, where)
        start, self._at = self._at, end
        self._count(start)
        if _is_row(value, self._window, start, end):
            return (LargeRow if end - start > LARGE_ROW_CHARS else Row)(number, self._cursor.line, value)
        where = place(self._shown, self._cursor.line, self._cursor.column)
        return _no_row(number, value, self._window[start:end], where)

    def _scan(self, decoder: JSONDecoder) -> tuple[object, int]:
        """Return the value at the position. Raises ValueError for invalid JSON."""
        while True:
            try:
                value, end = decoder.raw_decode(self._window, self._at)
            except JSONDecodeError as error:
                # An error near the end of the window may only mean that the window ends too early.
                is_cut = error.pos > len(self._window) - _LONGEST_WORD or error.msg.startswith("Unterminated")
                if not (is_cut and self._read_on()):
                    raise self._no_json(error) from None
            except RecursionError as error:
                raise self._no_json(error) from None
            else:
                if self._window[end - 1] in _CLOSING or end < len(self._window) or not self._read_on():
                    return value, end

    def _next_char(self) -> str:
        """Return the next character that is not white space; an empty text at the end of the file."""
        spaces = 0
        while True:
            space = _SPACE.match(self._window, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._window):
                return self._window[self._at]
            spaces += len(self._window)
            if spaces > MAX_ROW_CHARS:
                self._refuse(f"more than {MAX_ROW_CHARS:,} characters of white space")
            if not self._read_on():
                return ""

    def _read_on(self) -> bool:
        """Double the window, so that scanning again costs at most as much as scanning once."""
        where = self._here()
        left = self._window[self._at :]
        if len(left) > MAX_ROW_CHARS:
            message = f"a row of more than {MAX_ROW_CHARS:,} characters: is a quote or bracket not closed?"
            raise InvalidInput(Problem("rows-syntax", message, where))
        if len(left) > MAX_ROW_VALUES and _values_in(left) > MAX_ROW_VALUES:
            raise InvalidInput(Problem("rows-too-large", _TOO_MANY_VALUES, where))
        pieces = [left]
        wanted = min(len(left), MAX_ROW_CHARS - len(left))
        while wanted >= 0 and (piece := next(self._pieces, None)) is not None:
            pieces.append(piece)
            wanted -= len(piece)
        if len(pieces) > 1:
            self._window = "".join(pieces)
            self._at = self._counted = 0
        return len(pieces) > 1

    def _here(self) -> Position:
        self._count(self._at)
        return place(self._shown, self._cursor.line, self._cursor.column)

    def _count(self, to: int) -> None:
        self._cursor.advance(self._window[self._counted : to])
        self._counted = to

    def _no_json(self, error: JSONDecodeError | RecursionError) -> InvalidInput:
        where = self._here()
        content = self._window[self._at :]
        if isinstance(error, JSONDecodeError):
            error.pos -= self._at
            if not content[error.pos :].strip():
                self._at = len(self._window)
                self._refuse(_CUT, f"the incomplete row begins on line {where.line}")
        return InvalidInput(replace(_fault(content, error, where), code="rows-syntax"))

    def _refuse(self, message: str, hint: str | None = None) -> NoReturn:
        raise InvalidInput(Problem("rows-syntax", message, self._here(), hint=hint))


_CLOSING = '}]"'
_LONGEST_WORD = 16
"""Longest token that the window may cut, such as `-Infin` or a part of an escape; cut strings have their own error."""
_CUT = "the file ends inside the array"


_TOO_MANY_VALUES = f"a row of more than {MAX_ROW_VALUES:,} values"


def _values_in(content: str) -> int:
    """Return an upper bound for the values in a text of JSON, before it is parsed."""
    return content.count(",") + content.count("[") + content.count("{")


def _is_row(value: object, content: str, start: int, end: int) -> TypeGuard[dict[str, Json]]:
    if not isinstance(value, dict):
        return False
    if content.count("[", start, end) + content.count("{", start, end) <= _MAX_DEPTH:
        return True
    level: list[object] = [value]
    for _ in range(_MAX_DEPTH):
        level = [item for above in level for item in _inner(above)]
    return not any(isinstance(item, dict | list) for item in level)


def _inner(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _no_row(number: int, value: object, content: str, where: Position, hint: str | None = None) -> BadRow:
    if isinstance(value, dict):
        return _bad_row(number, content, RecursionError(), where)
    kind = next(word for kind, word in _WORDS if isinstance(value, kind))
    return BadRow(number, where.line, Problem("row-json", f"a row must be an object, not {kind}", where, hint=hint))


_WORDS = ((list, "a list"), (str, "a text"), (bool, "a boolean"), (int | float, "a number"), (type(None), "null"))


def _bad_row(number: int, content: str, error: ValueError | RecursionError, where: Position) -> BadRow:
    problem = _fault(content, error, where)
    if isinstance(error, JSONDecodeError) and problem.position is not None:
        problem = replace(problem, message=f"column {problem.position.column}: {problem.message}")
    return BadRow(number, where.line, problem)


def _fault(content: str, error: ValueError | RecursionError, where: Position) -> Problem:
    """Return the problem of an invalid text that begins at a place.

    The reader of specs has the best messages, but makes a node of each value, so it is used for short texts only.
    """
    pos = error.pos if isinstance(error, JSONDecodeError) else len(content)
    if pos <= _REREAD_CHARS:
        begun = content[:_REREAD_CHARS].replace("\r\n", "\n").replace("\r", "\n")
        for found in read_text(begun, where.path, as_json=True).problems:
            if found.position is not None:
                return _moved(found, found.position, where)
    cursor = Cursor(where.line, where.column)
    cursor.advance(content[:pos] if pos < len(content) else "")
    if isinstance(error, JSONDecodeError):
        message = "this is not JSON"
    else:
        message = f"nested more than {_MAX_DEPTH} levels deep" if isinstance(error, RecursionError) else str(error)
    return Problem("row-json", message, place(where.path, cursor.line, cursor.column))


def _moved(found: Problem, inside: Position, where: Position) -> Problem:
    column = inside.column + (where.column - 1 if inside.line == 1 else 0)
    message, hint = found.message[:_SHOWN_CHARS], None
    if word := _NO_NUMBER.match(inside.text, inside.column - 1):
        message, hint = f"{word[0]} is not a JSON number", "write null, or omit the key"
    return Problem("row-json", message, place(where.path, where.line + inside.line - 1, column), hint=hint)


_LENIENT = JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
