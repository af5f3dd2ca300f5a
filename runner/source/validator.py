"""A JSON Schema as text → a compiled validator that begins no work beyond its bounds."""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import jsonschema_rs

from runner.source.pattern_work import MAX_BACKTRACKS, TooMuchError
from runner.source.schema_work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.source.node import Json

_MAX_UNITS = 10_000_000
"""Of one check: a second at worst, mostly a hundredth of that."""
_ALLOWANCE = 15_000_000
"""Of all checks that share an allowance."""
_AT_FIRST_SIGHT = 500_000
"""A check that is bounded by so many units is not looked at closely, which takes longer."""
_SHARED_AT_FIRST_SIGHT = 20_000
_UNNOTICED = 2_000
"""Units that are not worth counting."""
_MAX_ERRORS = 5_000
"""Of those that may be found without counting first how many there are."""
_MAX_COUNTED = 100_000
_MAX_LISTED = 1_000
"""Of those that are found. More are told in few words, and only the first: nobody reads on."""
_TOLD = 100
_ERROR_UNITS = 1_000
_COUNTED_UNITS = 10
_STATE_UNITS = 40
"""A regular expression takes more memory than time."""
_KEPT_CHARS = 2_000
_KEPT_STATES = 2_000

_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=MAX_BACKTRACKS)

_allowance: ContextVar[list[int] | None] = ContextVar("allowance", default=None)


@contextmanager
def shared_allowance() -> Iterator[None]:
    """Let the schemas that are compiled and checked inside share one bound: a file may have thousands of them."""
    token = _allowance.set([_ALLOWANCE])
    try:
        yield
    finally:
        _allowance.reset(token)


class BrokenRule(NamedTuple):
    """A rule that is broken, in few words: its keyword, and the JSON Pointer of the value."""

    keyword: str
    pointer: str


class Broken(NamedTuple):
    """The first of very many rules that a value breaks, and how many there are."""

    first: list[BrokenRule]
    total: int


class Unlisted(NamedTuple):
    """The first rule that a value breaks, if even that can be told, where to count all takes too long."""

    first: jsonschema_rs.ValidationError | None


class Validator:
    """Checks values against a schema. Raises TooMuchError, and what jsonschema_rs raises for what is no schema."""

    def __init__(self, schema: Json) -> None:
        self.work = Work(schema)
        _charge(self.work.states * _STATE_UNITS)
        self._engine = jsonschema_rs.Draft202012Validator(
            schema,  # type: ignore[arg-type] # whatever it is
            validate_formats=True,
            ignore_unknown_formats=False,
            retriever=_refuse,
            pattern_options=_PATTERNS,
        )
        self._is_light = self.work.is_light(_UNNOTICED)
        self._chars = self.work.chars_within(_UNNOTICED)

    def accepts(self, value: Json) -> bool:
        """Return whether a value breaks no rule. Raises TooMuchError before it begins what takes too long."""
        if not (self._is_light or (isinstance(value, str) and len(value) <= self._chars)):
            self._check_units(value)
        return self._engine.is_valid(value)

    def check_up_to(self, largest: Json) -> Callable[[Json], bool] | None:
        """Return `accepts` without its bounds, for values that are no larger than this one; None if one may need them."""
        units = self.work.bound(largest)
        is_quick = self._is_light or (units is not None and units <= _AT_FIRST_SIGHT)
        return self._engine.is_valid if is_quick else None

    def accepts_unbounded(self, value: Json) -> bool:
        """Return whether a value breaks no rule of a schema that is known to be harmless."""
        return self._engine.is_valid(value)

    def errors(self, value: Json) -> list[jsonschema_rs.ValidationError] | Broken | Unlisted:
        """List the rules that a value breaks, or as many of them as a bounded time allows."""
        try:
            return self._errors(*self.work.price(value)[1:], value)
        except TooMuchError:
            return Unlisted(None)

    def _errors(self, may_be: int, nested: int, value: Json) -> list[jsonschema_rs.ValidationError] | Broken | Unlisted:
        if may_be > _MAX_COUNTED:
            return Unlisted(self._first(value) if nested <= _MAX_ERRORS else None)
        if may_be > _MAX_ERRORS:
            _charge(may_be * _COUNTED_UNITS)
            found = self._engine.evaluate(value).errors()
            if len(found) > _MAX_LISTED:
                told = ((each["schemaLocation"].rpartition("/")[2], each["instanceLocation"]) for each in found[:_TOLD])
                return Broken([BrokenRule(*each) for each in told], len(found))
            may_be = len(found)
        _charge(may_be * _ERROR_UNITS)
        return list(self._engine.iter_errors(value))

    def _first(self, value: Json) -> jsonschema_rs.ValidationError | None:
        try:
            self._engine.validate(value)
        except jsonschema_rs.ValidationError as error:
            return error
        return None

    def _check_units(self, value: Json) -> None:
        units = self.work.bound(value)
        at_first_sight = _AT_FIRST_SIGHT if _allowance.get() is None else _SHARED_AT_FIRST_SIGHT
        if units is None or units > at_first_sight:
            units = self.work.price(value).units
        if units > _MAX_UNITS:
            raise TooMuchError("its rules are too many for so large a value")
        _charge(units)


def validator(schema: str) -> Validator:
    """Compile a schema, given as JSON. Small ones are kept: a thousand specs declare `type: string` a few thousand times."""
    return (_kept(schema) if len(schema) <= _KEPT_CHARS else None) or Validator(json.loads(schema))


@lru_cache(maxsize=64)
def _kept(schema: str) -> Validator | None:
    compiled = Validator(json.loads(schema))
    return compiled if compiled.work.states <= _KEPT_STATES else None


def _charge(units: int) -> None:
    """Take units from the allowance, if there is one. Raises TooMuchError when it is used up."""
    left = _allowance.get()
    if left is not None:
        left[0] -= units
        if left[0] < 0:
            raise TooMuchError("the schemas of this file take too long together")


def _refuse(uri: str) -> Json:
    raise ValueError(f"a reference outside the schema is not followed: {uri}")
