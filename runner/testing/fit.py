"""An expected value and an actual one → whether they fit, without a message for each difference."""

from __future__ import annotations

import re
from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, assert_never, cast

from runner.cases.matchers import matcher_of, pattern_schema
from runner.source import Schema, SchemaError
from runner.testing.pairing import pairing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.cases.matchers import Matcher
    from runner.source import Json, Node

_MILLIONTH = Fraction(1, 10**6)
_DUST = Fraction(1, 10**12)
"""Tolerance for the rounding errors of binary arithmetic around zero."""
_MAX_PAIRS = 100_000
"""Limit for the pairs of items that `$unordered` compares; lists of plain values may have any length."""
_MAX_TRIES = 400_000
"""Limit for all comparisons of values, since matchers can be nested: about half a second."""
_MORE_TRIES: Mapping[Matcher, int] = {"$re": 3, "$schema": 3}
"""A check by a schema counts as this many more comparisons."""
MAX_SEARCHED = 4_000
"""Longest text that is searched with lookarounds, whose time may grow with its square: about half a second."""
_LOOKS_AROUND = re.compile(r"\(\?<?[=!]|[+*?}]\+|\\[1-9k]")
"""Patterns without any of these take linear time."""


class TooManyError(Exception):
    """Too many comparisons would be needed. The text, if any, says of what."""


class Fit:
    """Checks whether values fit what is expected of them, with a bound on the number of checks of one comparison.

    With `is_exact`, maps must not have other keys than the expected ones.
    """

    def __init__(self, *, is_exact: bool, has_matchers: bool) -> None:
        self._exact = is_exact
        self._has_matchers = has_matchers
        self._tries = _MAX_TRIES
        self._schemas: dict[int, Schema] = {}

    def fits(self, expected: Node, actual: Json) -> bool:
        """Return whether a value is as expected. Raises TooManyError when the limit of comparisons is reached."""
        self._tries -= 1
        if self._tries < 0:
            raise TooManyError
        wanted = expected.value
        if isinstance(wanted, dict):
            if self._has_matchers and (matcher := matcher_of(expected)) is not None:
                self._tries -= _MORE_TRIES.get(matcher, 0)
                return self.fits_matcher(matcher, expected.entries[matcher], actual)
            return isinstance(actual, dict) and self._fits_entries(expected, actual, is_whole=self._exact)
        if isinstance(wanted, list):
            if not isinstance(actual, list) or len(expected.items) != len(actual):
                return False
            return all(map(self.fits, expected.items, actual))
        return is_same_scalar(wanted, actual)

    def _fits_entries(self, expected: Node, actual: dict[str, Json], *, is_whole: bool) -> bool:
        if is_whole and any(key not in expected.entries for key in actual):
            return False
        for key, item in expected.entries.items():
            if key in actual:
                if not self.fits(item, actual[key]):
                    return False
            elif not self._has_matchers or matcher_of(item) != "$absent":
                return False
        return True

    def fits_matcher(self, matcher: Matcher, operand: Node, actual: Json) -> bool:
        """Return whether a value is one that a matcher accepts. Raises TooManyError."""
        match matcher:
            case "$any":
                return True
            case "$absent":
                return False
            case "$re":
                return isinstance(actual, str) and self._is_found(operand, actual)
            case "$approx":
                return _is_near(operand, actual)
            case "$len":
                return isinstance(actual, str | list | dict) and len(actual) == operand.value
            case "$contains":
                if are_entries(operand, actual):
                    return self._fits_entries(operand, cast("dict[str, Json]", actual), is_whole=False)
                return all(self.has_part(part, actual) for part in parts(operand))
            case "$unordered":
                return isinstance(actual, list) and self.paired(operand, actual) == ([], [])
            case "$schema":
                return (schema := self.schema(operand)) is not None and schema.accepts(actual)
            case _:
                assert_never(matcher)

    def has_part(self, part: Node, actual: Json) -> bool:
        """Return whether a text or a list contains what `$contains` expects. Raises TooManyError."""
        if isinstance(actual, str):
            return isinstance(part.value, str) and part.value in actual
        return isinstance(actual, list) and any(self.fits(part, item) for item in actual)

    def paired(self, operand: Node, actual: list[Json]) -> tuple[list[Node], list[Json]]:
        """Pair expected items with actual ones, as many as possible; return the expected and actual ones without a partner.

        Plain values are paired first: each fits only equal items, so its choice does not matter. Raises TooManyError.
        """
        self._tries -= len(operand.items) + len(actual)
        spare: dict[object, deque[int]] = {}
        for index, value in enumerate(actual):
            spare.setdefault(_key(value), deque()).append(index)
        left, others = [], []
        for item in operand.items:
            if isinstance(item.value, dict | list):
                others.append(item)
            elif same := spare.get(_key(item.plain())):
                same.popleft()
            else:
                left.append(item)
        free = sorted(index for indexes in spare.values() for index in indexes)
        if len(others) * len(free) > _MAX_PAIRS:
            raise TooManyError(f"{len(others):,} expected items and {len(free):,} others")
        fitting = [[index for index in free if self.fits(item, actual[index])] for item in others]
        holders = pairing(fitting)
        paired = set(holders.values())
        left += [item for number, item in enumerate(others) if number not in paired]
        return left, [actual[index] for index in free if index not in holders]

    def _is_found(self, operand: Node, text: str) -> bool:
        """Return whether the pattern of a `$re` matches somewhere in a text."""
        if is_too_long(str(operand.value), text):
            return False
        return (schema := self.schema(operand, is_pattern=True)) is not None and schema.accepts(text)

    def schema(self, operand: Node, *, is_pattern: bool = False) -> Schema | None:
        """Compile the schema or pattern of an operand, once; return None if the schemas of a case together are too large."""
        if id(operand) not in self._schemas:
            try:
                self._schemas[id(operand)] = (
                    pattern_schema(str(operand.value)) if is_pattern else Schema(operand.plain())
                )
            except SchemaError:  # each of them is valid: it was checked when the spec was read
                return None
        return self._schemas[id(operand)]


def is_same_scalar(expected: object, actual: object) -> bool:
    """Return whether two scalars are equal; true is not 1."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, dict | list) or isinstance(actual, dict | list):
        return False
    return expected == actual


def _key(value: Json) -> object:
    """Return a dictionary key that is equal for equal scalars only."""
    return (type(value) is bool, value) if not isinstance(value, list | dict) else id(value)


def are_entries(operand: Node, actual: Json) -> bool:
    """Return whether `$contains` expects entries of a map."""
    return isinstance(actual, dict) and isinstance(operand.value, dict) and matcher_of(operand) is None


def parts(operand: Node) -> list[Node]:
    """Return the items that `$contains` expects."""
    return operand.items if isinstance(operand.value, list) else [operand]


def is_too_long(pattern: str, text: str) -> bool:
    """Return whether a text is too long for a pattern with lookarounds."""
    return len(text) > MAX_SEARCHED and _LOOKS_AROUND.search(pattern) is not None


def approx(operand: Node) -> tuple[int | float, int | float | None]:
    """Return the number of `$approx`, and its tolerance if there is one."""
    value, within = operand.get("value"), operand.get("within")
    return _number(value if value is not None else operand), None if within is None else _number(within)


def _number(node: Node) -> int | float:
    return node.value if isinstance(node.value, int | float) else 0  # the spec format's schema allows only numbers


def _is_near(operand: Node, actual: Json) -> bool:
    """Return whether a value is a number within the tolerance of `$approx`."""
    if isinstance(actual, bool) or not isinstance(actual, int | float):
        return False
    value, within = approx(operand)
    found, wanted = _fraction(actual), _fraction(value)
    allowed = max(abs(found), abs(wanted)) * _MILLIONTH + _DUST if within is None else _fraction(within)
    return abs(found - wanted) <= allowed


def _fraction(number: float) -> Fraction:
    """Return a number exactly as it is written in decimal: 1.1 differs from 1 by exactly 0.1."""
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))
