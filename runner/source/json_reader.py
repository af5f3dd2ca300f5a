"""JSON text → nodes. The standard library's scanner reads strings."""

from __future__ import annotations

import json
import re
from json import JSONDecodeError, JSONDecoder, decoder
from math import isfinite, isinf
from typing import TYPE_CHECKING, Any, NoReturn

from runner.errors import Problem
from runner.source.node import Node

if TYPE_CHECKING:
    from runner.source.node import Json
    from runner.source.text import Text

MAX_DEPTH = 64

_MAX_PROBLEMS = 1_000

_SPACE = re.compile(r"[ \t\n\r]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<fraction>\.[0-9]+)?(?P<exponent>[eE][-+]?[0-9]+)?")
"""JSON's grammar of numbers, which also applies to YAML, flags and rows."""
_STRING_FAULTS = {
    "Unterminated string starting at": "the string that opens here is never closed",
    "Invalid control character at": "a control character in a string must be written as an escape",
}
_WORDS: tuple[tuple[str, bool | None], ...] = (("true", True), ("false", False), ("null", None))


def parse(text: Text) -> tuple[Node | None, list[Problem]]:
    """Return the node of one JSON value, and the problems. The node is None if the text is not JSON."""
    reader = _Reader(text)
    try:
        root, end = reader.value(reader.skip(0), 0)
        reader.expect_end(end)
    except _SyntaxError as error:
        return None, [*reader.problems, Problem("json-syntax", error.message, text.position(error.offset))]
    return root, reader.problems


def is_integer(match: re.Match[str]) -> bool:
    """Return whether a match of `NUMBER` has neither a fraction nor an exponent."""
    return match["fraction"] is None and match["exponent"] is None


def parse_json(text: str | bytes) -> Json:
    """Return a JSON value, read by the same rules, without positions. Raises ValueError, and UnclearError if it is JSON."""
    try:
        return json.loads(text, **_RULES)  # type: ignore[no-any-return]
    except RecursionError:
        raise ValueError("nested too deep") from None


class UnclearError(ValueError):
    """The text is JSON, but readers differ in how they read it; the message says why."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise UnclearError("a key occurs twice in an object")
    return entries


def _integer(literal: str) -> int:
    try:
        return int(literal)
    except ValueError:
        raise UnclearError(f"a number of {len(literal)} digits") from None


def _finite(literal: str) -> float:
    number = float(literal)
    if not isfinite(number):
        raise UnclearError("a number too large for a double")
    return number


def _refuse_constant(literal: str) -> NoReturn:
    raise ValueError(f"{literal} is not a JSON number")


_RULES: dict[str, Any] = {
    "object_pairs_hook": _unique,
    "parse_int": _integer,
    "parse_float": _finite,
    "parse_constant": _refuse_constant,
}
STRICT = JSONDecoder(**_RULES)
"""Decodes by the rules of `parse_json`, also a value inside a text."""


class _SyntaxError(Exception):
    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class _Reader:
    def __init__(self, text: Text) -> None:
        self.text = text
        self.content = text.content
        self.problems: list[Problem] = []

    def skip(self, at: int) -> int:
        match = _SPACE.match(self.content, at)
        return match.end() if match else at

    def expect_end(self, at: int) -> None:
        at = self.skip(at)
        if at < len(self.content):
            raise _SyntaxError("there is more text after the value", at)

    def value(self, at: int, depth: int) -> tuple[Node, int]:
        char = self.content[at : at + 1]
        if depth >= MAX_DEPTH and char in ("{", "["):
            raise _SyntaxError(f"nested more than {MAX_DEPTH} levels deep", at)
        if char == "{":
            return self._object(at, depth)
        if char == "[":
            return self._array(at, depth)
        if char == '"':
            string, end = self._string(at)
            return Node(string, self.text, at, end, '"'), end
        for word, constant in _WORDS:
            if self.content.startswith(word, at):
                return Node(constant, self.text, at, at + len(word)), at + len(word)
        if match := NUMBER.match(self.content, at):
            return Node(self._number(match, at), self.text, at, match.end()), match.end()
        raise _SyntaxError("a JSON value is missing here" if not char else f"a JSON value can't begin with {char}", at)

    def _object(self, at: int, depth: int) -> tuple[Node, int]:
        entries: dict[str, Node] = {}
        node = Node(entries, self.text, at, at)
        end = self.skip(at + 1)
        while self.content[end : end + 1] != "}":
            if entries:
                end = self._expect(",", end)
            if self.content[end : end + 1] != '"':
                raise _SyntaxError("a key in double quotes is missing here", end)
            start = end
            key, end = self._string(start)
            span = (start, end)
            item, end = self.value(self._expect(":", self.skip(end)), depth + 1)
            if key in entries and len(self.problems) < _MAX_PROBLEMS:
                place = self.text.position(*span)
                hint = f"first on line {self.text.position(node.keys[key][0]).line}"
                message = f"key '{key}' occurs twice in this object"
                self.problems.append(Problem("duplicate-key", message, place, hint=hint))
            entries[key] = item
            node.keys[key] = span
            end = self.skip(end)
        node.end = end + 1
        return node, end + 1

    def _array(self, at: int, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        node = Node(items, self.text, at, at)
        end = self.skip(at + 1)
        while self.content[end : end + 1] != "]":
            if items:
                end = self._expect(",", end)
            item, end = self.value(end, depth + 1)
            items.append(item)
            end = self.skip(end)
        node.end = end + 1
        return node, end + 1

    def _expect(self, char: str, at: int) -> int:
        if self.content[at : at + 1] != char:
            raise _SyntaxError(f"'{char}' is missing here", at)
        return self.skip(at + 1)

    def _string(self, at: int) -> tuple[str, int]:
        try:
            string, end = decoder.scanstring(self.content, at + 1, True)  # type: ignore[attr-defined] # typeshed leaves it out
        except JSONDecodeError as error:
            message = _STRING_FAULTS.get(error.msg, error.msg[:1].lower() + error.msg[1:])
            raise _SyntaxError(message, error.pos) from None
        return string, end

    def _number(self, match: re.Match[str], at: int) -> int | float:
        literal = match[0]
        if is_integer(match):
            try:
                return int(literal)
            except ValueError:
                raise _SyntaxError(f"a number of {len(literal)} digits", at) from None
        number = float(literal)
        if isinf(number):
            raise _SyntaxError("a number too large for a double", at)
        return number
