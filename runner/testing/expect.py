"""An expected value of a spec and what came instead → every mismatch, each at its line of the spec."""

from __future__ import annotations

import re
from collections import deque
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, cast

from runner.cases.matchers import matcher_of, pattern_schema
from runner.errors import nearest
from runner.secrets import Mask
from runner.source import Schema, SchemaError, describe, shared_allowance
from runner.testing.pairing import pairing
from runner.testing.shown import (
    at_way,
    both_shown,
    hint_of_type,
    items_text,
    json_text,
    shown_value,
    way_joined,
    way_to,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.errors import Position
    from runner.source import Json, Node


_OPEN = Mask()


_MILLIONTH = Fraction(1, 10**6)


_DUST = Fraction(1, 10**12)
"""What arithmetic in binary leaves over where nothing should be."""


_MAX_MISMATCHES = 100


_MAX_PAIRS = 100_000
"""Of items that `$unordered` tries on one another; a list of plain values may have any length."""


_MAX_TRIES = 400_000
"""Of values that are tried on one another in all, since matchers may stand in matchers: half a second."""


_TRIES_OF_A_SCHEMA = 3


_FEW = 3


_MAX_SEARCHED = 4_000
"""Characters in which a pattern that looks around is sought. Its time may grow with their square: half a second here."""


_LOOKS_AROUND = re.compile(r"\(\?<?[=!]|[+*?}]\+|\\[1-9k]")
"""Patterns without any of these take a time in proportion to the text."""


class Mismatch(NamedTuple):
    """One value that is not as expected. `at` is the way to it, `position` where the spec says what was expected."""

    at: str
    message: str
    position: Position
    hint: str | None


def compare(expected: Node, actual: Json, at: str, *, exact: bool = False, mask: Mask = _OPEN) -> list[Mismatch]:
    """Hold a value against what a spec expects of it, and list every mismatch, up to a hundred.

    Of a map the expected keys must be there, and with `exact` no others; a list must be there whole. 12 and 12.0 are
    one number; `12` is not `"12"`, and true is not 1. A map of one matcher stands for all that it matches. `mask` hides
    what nobody may read in the messages.
    """
    return _told(_Comparison(exact=exact, mask=mask), expected, actual, at)


def compare_whole(expected: Node, actual: Json, at: str, mask: Mask = _OPEN) -> list[Mismatch]:
    """Hold a value against all of another one, in which nothing is a matcher."""
    return _told(_Comparison(exact=True, has_matchers=False, mask=mask), expected, actual, at)


def _told(comparison: _Comparison, expected: Node, actual: Json, at: str) -> list[Mismatch]:
    with shared_allowance():
        found = list(islice(comparison.differences(expected, actual, at), _MAX_MISMATCHES + 1))
    if len(found) > _MAX_MISMATCHES:
        found[-1] = _mismatch(at, f"more than {_MAX_MISMATCHES} values are not as expected", expected)
    return found


class _TooManyError(Exception):
    """More values would have to be tried on one another than may be. The text says which, if it is said."""


class _Comparison:
    def __init__(self, *, exact: bool, has_matchers: bool = True, mask: Mask = _OPEN) -> None:
        self._exact = exact
        self._has_matchers = has_matchers
        self._mask = mask
        self._tries = _MAX_TRIES
        self._schemas: dict[int, Schema] = {}

    def differences(self, expected: Node, actual: Json, at: str) -> Iterator[Mismatch]:
        if self._has_matchers and (matcher := matcher_of(expected)) is not None:
            yield from self._matched(matcher, expected, actual, at)
        elif isinstance(expected.value, dict) and isinstance(actual, dict):
            yield from self._entries(expected, actual, at, is_whole=self._exact)
        elif isinstance(expected.value, list) and isinstance(actual, list):
            yield from self._items(expected, actual, at)
        elif not _is_same_scalar(expected.value, actual):
            wanted, found = self._shown_both(expected.plain(), actual)
            yield _mismatch(at, f"expected {wanted}, got {found}", expected, hint_of_type(expected, actual))

    def _fits(self, expected: Node, actual: Json) -> bool:
        """Return whether there is no difference. Raises _TooManyError after as many tries as may be made."""
        self._tries -= 1
        if self._tries < 0:
            raise _TooManyError
        wanted = expected.value
        if isinstance(wanted, dict):
            if self._has_matchers and (matcher := matcher_of(expected)) is not None:
                return self._fits_matcher(matcher, expected.entries[matcher], actual)
            return isinstance(actual, dict) and self._fits_entries(expected, actual, is_whole=self._exact)
        if isinstance(wanted, list):
            if not isinstance(actual, list) or len(expected.items) != len(actual):
                return False
            return all(map(self._fits, expected.items, actual))
        return _is_same_scalar(wanted, actual)

    def _fits_entries(self, expected: Node, actual: dict[str, Json], *, is_whole: bool) -> bool:
        if is_whole and any(key not in expected.entries for key in actual):
            return False
        for key, item in expected.entries.items():
            if key in actual:
                if not self._fits(item, actual[key]):
                    return False
            elif not self._has_matchers or matcher_of(item) != "$absent":
                return False
        return True

    def _fits_matcher(self, matcher: str, operand: Node, actual: Json) -> bool:
        match matcher:
            case "$any":
                return True
            case "$re":
                self._tries -= _TRIES_OF_A_SCHEMA
                return isinstance(actual, str) and self._is_found(operand, actual)
            case "$approx":
                return _is_near(operand, actual)
            case "$len":
                return isinstance(actual, str | list | dict) and len(actual) == operand.value
            case "$contains" if _are_entries(operand, actual):
                return self._fits_entries(operand, cast("dict[str, Json]", actual), is_whole=False)
            case "$contains":
                return all(self._has_part(part, actual) for part in _parts(operand))
            case "$unordered" if isinstance(actual, list):
                left, over = self._paired(operand, actual)
                return not left and not over
            case "$schema":
                self._tries -= _TRIES_OF_A_SCHEMA
                return (schema := self._schema(operand)) is not None and schema.accepts(actual)
            case _:
                return False

    def _entries(self, expected: Node, actual: dict[str, Json], at: str, *, is_whole: bool) -> Iterator[Mismatch]:
        for key, item in expected.entries.items():
            below = way_to(at, key)
            if key in actual:
                yield from self.differences(item, actual[key], below)
            elif not self._has_matchers or matcher_of(item) != "$absent":
                near = nearest(key, [name for name in actual if name not in expected.entries])
                hint = f"there is a key '{near}'" if near else None
                message = f"expected {self._wanted(item)}, but there is no such key"
                yield _mismatch(below, message, item, hint)
        for key in actual if is_whole else ():
            if key not in expected.entries:
                yield _mismatch(way_to(at, key), f"expected no such key, got {self._shown(actual[key])}", expected)

    def _items(self, expected: Node, actual: list[Json], at: str) -> Iterator[Mismatch]:
        for index, (item, found) in enumerate(zip(expected.items, actual, strict=False)):
            yield from self.differences(item, found, f"{at}[{index}]")
        yield from self._length(expected, actual, at)

    def _length(self, expected: Node, actual: list[Json], at: str) -> Iterator[Mismatch]:
        wanted, found = len(expected.items), len(actual)
        if wanted != found:
            yield _mismatch(at, f"expected a list of {items_text(wanted)}, got one of {items_text(found)}", expected)

    def _wanted(self, expected: Node) -> str:
        """Say what was expected."""
        matcher = matcher_of(expected) if self._has_matchers else None
        if matcher is None:
            return self._shown(expected.plain())
        operand = expected.entries[matcher]
        value = operand.plain()
        match matcher:
            case "$any":
                return "any value"
            case "$re":
                return f"text that matches {value}"
            case "$approx":
                near, within = _approx(operand)
                return f"about {json_text(near)}" if within is None else f"{json_text(near)} ± {json_text(within)}"
            case "$len":
                return f"a length of {value}"
            case "$contains":
                return f"something that contains {self._wanted(operand)}"
            case "$unordered":
                return f"the items of {self._shown(value)} in any order"
            case "$absent":
                return "no such key"
            case _:
                return "what its $schema takes"

    def _matched(self, matcher: str, expected: Node, actual: Json, at: str) -> Iterator[Mismatch]:
        operand = expected.entries[matcher]
        match matcher:
            case "$any":
                return
            case "$re" if isinstance(actual, str) and self._is_found(operand, actual):
                return
            case "$approx" if _is_near(operand, actual):
                return
            case "$len" if isinstance(actual, str | list | dict):
                if len(actual) != operand.value:
                    found = f"{describe(actual)} of length {len(actual)}: {self._shown(actual, told=False)}"
                    yield _mismatch(at, f"expected {self._wanted(expected)}, got {found}", operand)
                return
            case "$contains":
                yield from self._contained(operand, expected, actual, at)
                return
            case "$unordered" if isinstance(actual, list):
                yield from self._unordered(operand, actual, at)
                return
            case "$schema":
                schema = self._schema(operand)
                if schema is None:
                    yield _mismatch(at, "the schemas of this case are too large to be checked together", operand)
                    return
                for fault in schema.faults(actual):
                    below = way_joined(at, fault.at())
                    yield Mismatch(below, at_way(below, fault.message), operand.nearest(fault.rule).position(), None)
                return
        hint = None
        if matcher == "$re" and isinstance(actual, str) and _is_too_long(str(operand.value), actual):
            hint = f"a pattern that looks around is sought in at most {_MAX_SEARCHED:,} characters"
        yield _mismatch(at, f"expected {self._wanted(expected)}, got {self._shown(actual)}", operand, hint)

    def _contained(self, operand: Node, expected: Node, actual: Json, at: str) -> Iterator[Mismatch]:
        if _are_entries(operand, actual):
            yield from self._entries(operand, cast("dict[str, Json]", actual), at, is_whole=False)
            return
        for part in _parts(operand):
            try:
                if self._has_part(part, actual):
                    continue
            except _TooManyError:
                yield _mismatch(at, "there are too many values to try on one another", part, "expect less of them")
                return
            message = f"expected something that contains {self._wanted(part)}, got {self._shown(actual)}"
            yield _mismatch(at, message, part if part is not operand else expected)

    def _has_part(self, part: Node, actual: Json) -> bool:
        if isinstance(actual, str):
            return isinstance(part.value, str) and part.value in actual
        return isinstance(actual, list) and any(self._fits(part, item) for item in actual)

    def _unordered(self, operand: Node, actual: list[Json], at: str) -> Iterator[Mismatch]:
        try:
            left, over = self._paired(operand, actual)
        except _TooManyError as error:
            message = f"{str(error) or 'the items'} are too many to try on one another"
            yield _mismatch(at, message, operand, "give them in order, without $unordered")
            return
        got = self._left_over(over)
        for item in left:
            yield _mismatch(at, f"expected {self._wanted(item)} among the items, but {got}", item)
        if over and not left:
            yield _mismatch(at, f"expected no other items, but {got}", operand)

    def _paired(self, operand: Node, actual: list[Json]) -> tuple[list[Node], list[Json]]:
        """Pair each expected item with one that fits it, so that as many as possible have one; return those that have none.

        Plain values come first: all that one of them fits are alike, so whichever it takes, none is worse off.
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
            raise _TooManyError(f"{len(others):,} expected items and {len(free):,} others")
        fitting = [[index for index in free if self._fits(item, actual[index])] for item in others]
        holders = pairing(fitting)
        paired = set(holders.values())
        left += [item for number, item in enumerate(others) if number not in paired]
        return left, [actual[index] for index in free if index not in holders]

    def _is_found(self, operand: Node, text: str) -> bool:
        if _is_too_long(str(operand.value), text):
            return False
        return (schema := self._schema(operand, is_pattern=True)) is not None and schema.accepts(text)

    def _schema(self, operand: Node, *, is_pattern: bool = False) -> Schema | None:
        """Compile the schema that an operand is, once; None where the schemas of a case are too large together."""
        if id(operand) not in self._schemas:
            try:
                self._schemas[id(operand)] = (
                    pattern_schema(str(operand.value)) if is_pattern else Schema(operand.plain())
                )
            except SchemaError:  # each of them alone is sound: the spec was read
                return None
        return self._schemas[id(operand)]

    def _left_over(self, values: Sequence[Json]) -> str:
        if not values:
            return "none is left"
        more = f" and {len(values) - _FEW} more" if len(values) > _FEW else ""
        return f"left over {'is' if len(values) == 1 else 'are'} {', '.join(map(self._shown, values[:_FEW]))}{more}"

    def _shown(self, value: Json, *, told: bool = True) -> str:
        """Show a value, masked before it is cut: half a secret is not recognised."""
        return shown_value(cast("Json", self._mask.json(value)), told=told)

    def _shown_both(self, expected: Json, actual: Json) -> tuple[str, str]:
        return both_shown(cast("Json", self._mask.json(expected)), cast("Json", self._mask.json(actual)))


def _is_same_scalar(expected: object, actual: object) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, dict | list) or isinstance(actual, dict | list):
        return False
    return expected == actual


def _key(value: Json) -> object:
    """Give something to look a value up by: equal for scalars that are the same, and for no others."""
    return (type(value) is bool, value) if not isinstance(value, list | dict) else id(value)


def _are_entries(operand: Node, actual: Json) -> bool:
    """Return whether `$contains` asks for entries of a map."""
    return isinstance(actual, dict) and isinstance(operand.value, dict) and matcher_of(operand) is None


def _parts(operand: Node) -> list[Node]:
    return operand.items if isinstance(operand.value, list) else [operand]


def _is_too_long(pattern: str, text: str) -> bool:
    return len(text) > _MAX_SEARCHED and _LOOKS_AROUND.search(pattern) is not None


def _approx(operand: Node) -> tuple[int | float, int | float | None]:
    value, within = operand.get("value"), operand.get("within")
    return _number(value if value is not None else operand), None if within is None else _number(within)


def _number(node: Node) -> int | float:
    return node.value if isinstance(node.value, int | float) else 0  # the format's schema lets nothing else through


def _is_near(operand: Node, actual: Json) -> bool:
    if isinstance(actual, bool) or not isinstance(actual, int | float):
        return False
    value, within = _approx(operand)
    found, wanted = _fraction(actual), _fraction(value)
    allowed = max(abs(found), abs(wanted)) * _MILLIONTH + _DUST if within is None else _fraction(within)
    return abs(found - wanted) <= allowed


def _fraction(number: float) -> Fraction:
    """Take a number as it is written: 1.1 is 0.1 from 1, and no hair more."""
    return Fraction(number) if isinstance(number, int) else Fraction(repr(number))


def _mismatch(at: str, message: str, expected: Node, hint: str | None = None) -> Mismatch:
    return Mismatch(at, at_way(at, message), expected.position(), hint)
