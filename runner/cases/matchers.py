"""Matchers in `expect:`, as far as they can be checked in the file: their names, patterns and schemas.

The rest of their form is in the spec format's JSON Schema, where editors find it.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never, get_args

from runner.errors import Problem, did_you_mean
from runner.source import Schema, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.source import Node

Matcher: TypeAlias = Literal["$any", "$re", "$approx", "$len", "$contains", "$unordered", "$absent", "$schema"]
MATCHERS: tuple[Matcher, ...] = get_args(Matcher)
_BY_NAME: Mapping[str, Matcher] = {name: name for name in MATCHERS}
ON_THE_WIRE = ("$attachments", "$ss_sdk_version")
"""Keys inside `properties` that the platform reserves."""


def matcher_of(expected: Node) -> Matcher | None:
    """Return the name of the matcher in an expected value; None for a plain value."""
    for key in expected.entries:
        if key in _BY_NAME:
            return _BY_NAME[key]
    return None


def pattern_schema(pattern: str) -> Schema:
    """Compile the pattern of `$re`, in the dialect of JSON Schema, with an engine whose work is bounded.

    Python's engine can take forever. Raises SchemaError.
    """
    return Schema({"pattern": pattern})


def matcher_problems(expected: Node, *, is_entry: bool = False) -> Iterator[Problem]:
    """Yield the problems of the matchers in an expected value; `is_entry` means that the value has a key."""
    matcher = matcher_of(expected)
    if matcher is not None:
        for key in expected.entries:
            if key != matcher:
                hint = "put it in a separate map"
                message = f"a matcher must be alone in its map, but {matcher} has '{key}' beside it"
                yield Problem("matcher-not-alone", message, expected.key_position(key), hint=hint)
        if matcher == "$absent" and not is_entry:
            message, hint = "only a key can be absent", "list only the items that must be there"
            yield Problem("matcher-misplaced", message, expected.key_position(matcher), hint=hint)
        yield from _operand_problems(matcher, expected.entries[matcher])
        return
    for key, item in expected.entries.items():
        if key.startswith("$") and key not in ON_THE_WIRE:
            message = f"there is no matcher '{key}'"
            yield Problem("unknown-matcher", message, expected.key_position(key), hint=did_you_mean(key, MATCHERS))
        else:
            yield from matcher_problems(item, is_entry=True)
    for item in expected.items:
        yield from matcher_problems(item)


def _operand_problems(matcher: Matcher, operand: Node) -> Iterator[Problem]:
    """Yield the problems of an operand; a type that the spec format's JSON Schema refuses is not among them."""
    match matcher:
        case "$re":
            if isinstance(operand.value, str):
                try:
                    pattern_schema(operand.value)
                except SchemaError as error:
                    yield _bad_pattern(operand, operand.value, error)
        case "$schema":
            if isinstance(operand.value, dict | bool):
                try:
                    Schema(operand.plain())
                except SchemaError as error:
                    yield error.problem(operand)
        case "$contains" | "$unordered":
            is_one = not isinstance(operand.value, list)
            for item in [operand] if is_one else operand.items:
                yield from matcher_problems(item)
        case "$any" | "$approx" | "$len" | "$absent":
            pass
        case _:
            assert_never(matcher)


def _bad_pattern(operand: Node, pattern: str, broken: SchemaError) -> Problem:
    """Return the problem of an invalid pattern, in Python's words if Python refuses it too."""
    if broken.is_too_large:
        return Problem(broken.code, f"this regular expression can't be used: {broken.message}", operand.position())
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(pattern)
    except re.error as error:
        at = error.pos or 0
        return Problem("bad-pattern", f"invalid regular expression: {error.msg}", operand.span(at, at + 1))
    except (RecursionError, OverflowError):
        return Problem("bad-pattern", "this regular expression is too deep or too large", operand.position())
    hint = "patterns are those of JSON Schema's pattern:, of JavaScript: (?<name>…), no \\A, \\Z, (?P=name) or (?#…)"
    return Problem(
        "bad-pattern", "Python knows this regular expression, JSON Schema does not", operand.position(), hint=hint
    )
