"""A secret's declaration → a valid placeholder, so that a case is the same on every machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.source import Json
    from runner.variables import Variable

_FORMATS: dict[str, str] = {
    "date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "duration": "P1D", "email": "placeholder@example.com",
    "hostname": "placeholder.example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "regex": "placeholder",
    "time": "00:00:00Z", "uri": "https://placeholder.example.com/", "uuid": "00000000-0000-4000-8000-000000000000",
}  # fmt: skip
_NUMBERS: tuple[Json, ...] = (100_000, 0.5, 1, -100_000)
_LETTERS = (
    "placeholder",
    "PLACEHOLDER",
    "1234567890",
    "0123456789abcdef",
    "0123456789ABCDEF",
    "Placeholder1",
    "a-b_c.d",
)
_LENGTHS = range(1, 129)
_PREFIX = re.compile(r"\^((?:[\w-]|\\[.\-+/$])*)(?![*+?{])")
"""The literal beginning of a pattern."""


def placeholder(variable: Variable) -> Json:
    """Return a placeholder for a secret without a value. Raises InvalidInput if none fits its declaration."""
    for value in _candidates(variable):
        if variable.schema.accepts(value):
            return value
    place = variable.table.key_position(variable.name) if variable.table is not None else None
    message = f"a case sees no secrets, and no placeholder was found that fits the declaration of '{variable.name}'"
    hint = "give it a value in the case's vars:, or the declaration an example in examples:"
    raise InvalidInput(Problem("var-missing", message, place, at=f"vars.{variable.name}", hint=hint))


def _candidates(variable: Variable) -> Iterator[Json]:
    declaration = variable.schema_source
    yield f"placeholder-{variable.name}"
    for key in ("examples", "enum"):
        listed = declaration.get(key)
        yield from listed if isinstance(listed, list) else ()
    yield from (declaration[key] for key in ("const", "minimum", "maximum") if key in declaration)
    yield from _FORMATS.values()
    yield from (*_NUMBERS, True, [], {})
    pattern = declaration.get("pattern")
    found = _PREFIX.match(pattern) if isinstance(pattern, str) else None
    for prefix in dict.fromkeys((found[1].replace("\\", "") if found else "", "")):
        for letters in _LETTERS:
            for length in _LENGTHS:
                yield prefix + (letters * length)[:length]
    yield None
