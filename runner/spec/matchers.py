"""Matchers in `expect:`, as far as they can be told from the file alone: their names, patterns and schemas.

The rest of their form is in the spec format's JSON Schema, where editors find it.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from runner.errors import Problem, did_you_mean
from runner.source import Schema, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.source import Node

MATCHERS = ("$any", "$re", "$approx", "$len", "$contains", "$unordered", "$absent", "$schema")

_ON_THE_WIRE = ("$attachments", "$ss_sdk_version")
"""Keys inside `properties` that are the platform's own."""


def matcher_problems(expected: Node) -> Iterator[Problem]:
    """Report what is wrong with the matchers in an expected value."""
    matcher = next((key for key in expected.entries if key in MATCHERS), None)
    if matcher is not None:
        for key in expected.entries:
            if key != matcher:
                hint = "put it in a map of its own"
                message = f"a matcher stands alone in its map, and {matcher} has '{key}' beside it"
                yield Problem("matcher-not-alone", message, expected.key_position(key), hint=hint)
        yield from _operand_problems(matcher, expected.entries[matcher])
        return
    for key, item in expected.entries.items():
        if key.startswith("$") and key not in _ON_THE_WIRE:
            message = f"there is no matcher '{key}'"
            yield Problem("unknown-matcher", message, expected.key_position(key), hint=did_you_mean(key, MATCHERS))
        else:
            yield from matcher_problems(item)
    for item in expected.items:
        yield from matcher_problems(item)


def _operand_problems(matcher: str, operand: Node) -> Iterator[Problem]:
    match matcher, operand.value:
        case "$re", str(pattern):
            try:
                with warnings.catch_warnings(action="ignore"):
                    re.compile(pattern)
            except re.error as error:
                at = error.pos or 0
                message = f"this is no regular expression: {error.msg}"
                yield Problem("bad-pattern", message, operand.span(at, at + 1))
            except (RecursionError, OverflowError):
                yield Problem("bad-pattern", "this regular expression goes too deep or too far", operand.position())
        case "$schema", dict() | bool():
            try:
                Schema(operand.plain())
            except SchemaError as error:
                place = operand.nearest(error.path).position()
                message = f"this is not a JSON Schema: {error.message}"
                yield Problem("bad-schema", message, place, hint=error.hint)
        case (("$contains" | "$unordered"), _):
            for item in operand.items or [operand]:
                yield from matcher_problems(item)
        case _:
            pass
