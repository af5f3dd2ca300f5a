"""An expected value of a spec and the actual one → every mismatch, each with its line in the spec."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, assert_never, cast

from runner.cases.matchers import matcher_of
from runner.errors import Problem, nearest
from runner.secrets import Mask
from runner.source import describe, shared_allowance
from runner.testing.fit import (
    MAX_SEARCHED,
    Fit,
    TooManyError,
    approx,
    are_entries,
    is_same_scalar,
    is_too_long,
    parts,
)
from runner.testing.shown import (
    both_shown,
    hint_of_type,
    items_text,
    joined_path,
    json_text,
    key_path,
    shown_value,
    with_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.cases.matchers import Matcher
    from runner.errors import Position
    from runner.source import Json, Node


_OPEN = Mask()
_MAX_MISMATCHES = 100
_FEW = 3
_NO_KEY = "there is no such key"


class Mismatch(NamedTuple):
    """One value that is not as expected. `at` is its path, `position` the place of the expectation in the spec.

    `difference` has the expected and the actual value, if the message has both.
    """

    at: str
    message: str
    position: Position
    hint: str | None
    difference: tuple[str, str] | None = None


def compare(expected: Node, actual: Json, at: str, *, exact: bool = False, mask: Mask = _OPEN) -> list[Mismatch]:
    """Compare a value with what a spec expects, and return the mismatches, a hundred at most.

    A map must have the expected keys, and with `exact` no others; a list must have all items. 12 and 12.0 are equal; `12`
    is not `"12"`, and true is not 1. A map with a matcher stands for all values that it matches. `mask` hides secrets in
    the messages.
    """
    return _mismatches(_Comparison(exact=exact, mask=mask), expected, actual, at)


def compare_whole(expected: Node, actual: Json, at: str, mask: Mask = _OPEN) -> list[Mismatch]:
    """Compare a value with another one that it must equal exactly, and that has no matchers."""
    return _mismatches(_Comparison(exact=True, has_matchers=False, mask=mask), expected, actual, at)


def mismatch_problem(mismatch: Mismatch) -> Problem:
    """Return a mismatch as a problem."""
    at, message, position, hint, difference = mismatch
    return Problem("case-mismatch", message, position, at=at, hint=hint, difference=difference)


def _mismatches(comparison: _Comparison, expected: Node, actual: Json, at: str) -> list[Mismatch]:
    with shared_allowance():
        found = list(islice(comparison.differences(expected, actual, at), _MAX_MISMATCHES + 1))
    if len(found) > _MAX_MISMATCHES:
        found[-1] = _mismatch(at, f"more than {_MAX_MISMATCHES} values are not as expected", expected)
    return found


class _Comparison:
    def __init__(self, *, exact: bool, has_matchers: bool = True, mask: Mask = _OPEN) -> None:
        self._exact = exact
        self._has_matchers = has_matchers
        self._mask = mask
        self._fit = Fit(is_exact=exact, has_matchers=has_matchers)

    def differences(self, expected: Node, actual: Json, at: str) -> Iterator[Mismatch]:
        if self._has_matchers and (matcher := matcher_of(expected)) is not None:
            yield from self._matched(matcher, expected, actual, at)
        elif isinstance(expected.value, dict) and isinstance(actual, dict):
            yield from self._entries(expected, actual, at, is_whole=self._exact)
        elif isinstance(expected.value, list) and isinstance(actual, list):
            yield from self._items(expected, actual, at)
        elif not is_same_scalar(expected.value, actual):
            wanted, found = self._shown_both(expected.plain(), actual)
            yield _difference(at, wanted, found, expected, hint_of_type(expected, actual))

    def _entries(self, expected: Node, actual: dict[str, Json], at: str, *, is_whole: bool) -> Iterator[Mismatch]:
        for key, item in expected.entries.items():
            below = key_path(at, key)
            if key in actual:
                yield from self.differences(item, actual[key], below)
            elif not self._has_matchers or matcher_of(item) != "$absent":
                near = nearest(key, [name for name in actual if name not in expected.entries])
                hint = f"there is a key '{near}'" if near else None
                wanted = self._wanted(item)
                missing = _mismatch(below, f"expected {wanted}, but {_NO_KEY}", item, hint)
                yield missing._replace(difference=(wanted, _NO_KEY))
        for key in actual if is_whole else ():
            if key not in expected.entries:
                yield _difference(key_path(at, key), "no such key", self._shown(actual[key]), expected)

    def _items(self, expected: Node, actual: list[Json], at: str) -> Iterator[Mismatch]:
        for index, (item, found) in enumerate(zip(expected.items, actual, strict=False)):
            yield from self.differences(item, found, f"{at}[{index}]")
        yield from self._length(expected, actual, at)

    def _length(self, expected: Node, actual: list[Json], at: str) -> Iterator[Mismatch]:
        wanted, found = len(expected.items), len(actual)
        if wanted != found:
            message = f"expected a list of {items_text(wanted)}, got one of {items_text(found)}"
            yield _mismatch(at, message, expected)._replace(difference=(items_text(wanted), items_text(found)))

    def _wanted(self, expected: Node) -> str:
        """Return a description of the expected value."""
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
                near, within = approx(operand)
                return f"about {json_text(near)}" if within is None else f"{json_text(near)} ± {json_text(within)}"
            case "$len":
                return f"a length of {value}"
            case "$contains":
                return f"something that contains {self._wanted(operand)}"
            case "$unordered":
                return f"the items of {self._shown(value)} in any order"
            case "$absent":
                return "no such key"
            case "$schema":
                return "a value that its $schema accepts"
            case _:
                assert_never(matcher)

    def _matched(self, matcher: Matcher, expected: Node, actual: Json, at: str) -> Iterator[Mismatch]:
        """Yield the mismatches of a value and a matcher: several, where one can say which parts do not fit."""
        operand = expected.entries[matcher]
        if matcher == "$contains":
            yield from self._contained(operand, expected, actual, at)
        elif matcher == "$unordered" and isinstance(actual, list):
            yield from self._unordered(operand, actual, at)
        elif matcher == "$schema":
            yield from self._by_schema(operand, actual, at)
        elif not self._fit.fits_matcher(matcher, operand, actual):
            shown, hint = self._shown(actual), None
            if matcher == "$len" and isinstance(actual, str | list | dict):
                shown = f"{describe(actual)} of length {len(actual)}: {self._shown(actual, with_type=False)}"
            if matcher == "$re" and isinstance(actual, str) and is_too_long(str(operand.value), actual):
                hint = f"a pattern with lookarounds is searched for in at most {MAX_SEARCHED:,} characters"
            yield _difference(at, self._wanted(expected), shown, operand, hint)

    def _by_schema(self, operand: Node, actual: Json, at: str) -> Iterator[Mismatch]:
        schema = self._fit.schema(operand)
        if schema is None:
            yield _mismatch(at, "the schemas of this case are too large together to be checked", operand)
            return
        for fault in schema.faults(actual):
            below = joined_path(at, fault.at())
            yield Mismatch(below, with_path(below, fault.message), operand.nearest(fault.rule).position(), None)

    def _contained(self, operand: Node, expected: Node, actual: Json, at: str) -> Iterator[Mismatch]:
        if are_entries(operand, actual):
            yield from self._entries(operand, cast("dict[str, Json]", actual), at, is_whole=False)
            return
        for part in parts(operand):
            try:
                if self._fit.has_part(part, actual):
                    continue
            except TooManyError:
                yield _mismatch(at, "there are too many values to compare", part, "expect fewer items")
                return
            wanted = f"something that contains {self._wanted(part)}"
            yield _difference(at, wanted, self._shown(actual), part if part is not operand else expected)

    def _unordered(self, operand: Node, actual: list[Json], at: str) -> Iterator[Mismatch]:
        try:
            left, over = self._fit.paired(operand, actual)
        except TooManyError as error:
            message = f"{str(error) or 'the items'} are too many to compare"
            yield _mismatch(at, message, operand, "list them in order, without $unordered")
            return
        got = self._left_over(over)
        for item in left:
            yield _mismatch(at, f"expected {self._wanted(item)} among the items, but {got}", item)
        if over and not left:
            yield _mismatch(at, f"expected no other items, but {got}", operand)

    def _left_over(self, values: Sequence[Json]) -> str:
        if not values:
            return "no other items are left"
        more = f" and {len(values) - _FEW} more" if len(values) > _FEW else ""
        return f"left over {'is' if len(values) == 1 else 'are'} {', '.join(map(self._shown, values[:_FEW]))}{more}"

    def _shown(self, value: Json, *, with_type: bool = True) -> str:
        """Return a value for a message, masked before it is cut: a part of a secret would not be recognized."""
        return shown_value(cast("Json", self._mask.json(value)), with_type=with_type)

    def _shown_both(self, expected: Json, actual: Json) -> tuple[str, str]:
        return both_shown(cast("Json", self._mask.json(expected)), cast("Json", self._mask.json(actual)))


def _mismatch(at: str, message: str, expected: Node, hint: str | None = None) -> Mismatch:
    return Mismatch(at, with_path(at, message), expected.position(), hint)


def _difference(at: str, wanted: str, found: str, expected: Node, hint: str | None = None) -> Mismatch:
    return _mismatch(at, f"expected {wanted}, got {found}", expected, hint)._replace(difference=(wanted, found))
