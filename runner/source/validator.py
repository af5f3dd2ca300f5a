"""A JSON Schema as text → a compiled validator that refuses work beyond its limits."""

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
"""Maximum units of one check: a second at worst, and usually a hundredth of that."""
_ALLOWANCE = 15_000_000
"""Maximum units of all checks that share an allowance."""
_QUICKLY_BOUNDED = 500_000
"""A check with a quick bound below this is not priced exactly, which would take longer than the check."""
_SHARED_QUICKLY_BOUNDED = 20_000
_UNCOUNTED = 2_000
"""A check of fewer units is not counted at all."""
_MAX_ERRORS = 5_000
"""Errors that may be listed without counting them first."""
_MAX_COUNTED = 100_000
_MAX_LISTED = 1_000
"""Beyond this number of errors, only the first `_MAX_SHOWN` are reported, in short form."""
_MAX_SHOWN = 100
_ERROR_UNITS = 1_000
_COUNTED_UNITS = 10
_STATE_UNITS = 40
"""Units of a state of a regular expression, which takes memory rather than time."""
_CACHED_CHARS = 2_000
_CACHED_STATES = 2_000

_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=MAX_BACKTRACKS)

_allowance: ContextVar[list[int] | None] = ContextVar("allowance", default=None)


@contextmanager
def shared_allowance() -> Iterator[None]:
    """Share one allowance among all schemas that are compiled and checked inside: a file may have thousands of them."""
    token = _allowance.set([_ALLOWANCE])
    try:
        yield
    finally:
        _allowance.reset(token)


class BrokenRule(NamedTuple):
    """A broken rule in short form: its keyword, and the JSON Pointer of the value."""

    keyword: str
    pointer: str


class Broken(NamedTuple):
    """The first of very many rules that a value breaks, and the number of all."""

    first: list[BrokenRule]
    total: int


class Unlisted(NamedTuple):
    """The first rule that a value breaks, when counting all would take too long; None if finding one would, too."""

    first: jsonschema_rs.ValidationError | None


class Validator:
    """Checks values against a schema. Raises TooMuchError, and jsonschema_rs's exceptions if it is not a schema."""

    def __init__(self, schema: Json) -> None:
        self.work = Work(schema)
        _charge(self.work.states * _STATE_UNITS)
        self._engine = jsonschema_rs.Draft202012Validator(
            schema,  # type: ignore[arg-type] # jsonschema_rs checks it
            validate_formats=True,
            ignore_unknown_formats=False,
            retriever=_refuse,
            pattern_options=_PATTERNS,
        )
        self._is_light = self.work.is_light(_UNCOUNTED)
        self._chars = self.work.chars_within(_UNCOUNTED)

    def accepts(self, value: Json) -> bool:
        """Return whether a value breaks no rule. Raises TooMuchError instead of beginning a check that takes too long."""
        if not (self._is_light or (isinstance(value, str) and len(value) <= self._chars)):
            self._check_units(value)
        return self._engine.is_valid(value)

    def check_up_to(self, largest: Json) -> Callable[[Json], bool] | None:
        """Return `accepts` without its limits, for values that are no larger than `largest`; None if one may exceed them."""
        units = self.work.bound(largest)
        is_quick = self._is_light or (units is not None and units <= _QUICKLY_BOUNDED)
        return self._engine.is_valid if is_quick else None

    def accepts_unbounded(self, value: Json) -> bool:
        """Return whether a value breaks no rule of a trusted schema."""
        return self._engine.is_valid(value)

    def errors(self, value: Json) -> list[jsonschema_rs.ValidationError] | Broken | Unlisted:
        """Return the rules that a value breaks, or as many of them as the limits allow."""
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
                first = [
                    BrokenRule(each["schemaLocation"].rpartition("/")[2], each["instanceLocation"])
                    for each in found[:_MAX_SHOWN]
                ]
                return Broken(first, len(found))
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
        quickly_bounded = _QUICKLY_BOUNDED if _allowance.get() is None else _SHARED_QUICKLY_BOUNDED
        if units is None or units > quickly_bounded:
            units = self.work.price(value).units
        if units > _MAX_UNITS:
            raise TooMuchError("it has too many rules for a value of this size")
        _charge(units)


def validator(schema: str) -> Validator:
    """Return the validator of a schema, given as JSON. Small ones are cached: `type: string` occurs in thousands of specs."""
    return (_cached(schema) if len(schema) <= _CACHED_CHARS else None) or Validator(json.loads(schema))


@lru_cache(maxsize=64)
def _cached(schema: str) -> Validator | None:
    compiled = Validator(json.loads(schema))
    return compiled if compiled.work.states <= _CACHED_STATES else None


def _charge(units: int) -> None:
    """Charge units to the shared allowance, if there is one. Raises TooMuchError when it is used up."""
    left = _allowance.get()
    if left is not None:
        left[0] -= units
        if left[0] < 0:
            raise TooMuchError("the schemas of this file take too long together")


def _refuse(uri: str) -> Json:
    raise ValueError(f"a reference outside the schema is not followed: {uri}")
