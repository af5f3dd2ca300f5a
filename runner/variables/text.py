"""Text → a value of the declared type of a variable, by JSON's grammar."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING

from runner.source import NUMBER, UnclearError, is_integer, parse_json

if TYPE_CHECKING:
    from runner.source import Json


def whole(value: Json) -> Json:
    """Return a float without a fraction as an integer, unless it is too large for a double to hold exactly."""
    if type(value) is float and value.is_integer() and abs(value) <= _MAX_EXACT:
        return int(value)
    return value


_MAX_EXACT = 2**53


def from_text(text: str, types: tuple[str, ...]) -> Json:
    """Return the value that text stands for. Raises ValueError with the name of what was expected."""
    if "string" in types:
        return text
    stripped = text.strip()
    if plain := PLAIN_NUMBER.fullmatch(stripped):  # most numbers in cells
        if plain[1] is None and ("integer" in types or "number" in types):
            return int(stripped)
        if plain[1] and "number" in types:
            return float(stripped)
    number = NUMBER.fullmatch(stripped)
    for name in types:
        match name:
            case "integer" | "number" if number and is_integer(number):
                return _int(stripped)
            case "number" if number and isfinite(float(stripped)):
                return float(stripped)
            case "integer" if number and float(stripped).is_integer():
                return whole(float(stripped))
            case "boolean" if stripped in ("true", "false"):
                return stripped == "true"
            case "null" if stripped in ("null", ""):
                return None
    if types and not {"array", "object"} & set(types):
        raise ValueError(" or ".join(_TYPE_WORDS.get(name, name) for name in types))
    try:
        return parse_json(stripped)
    except UnclearError as error:
        raise ValueError(f"JSON that can be used: {error}") from None
    except ValueError:
        raise ValueError("JSON") from None


PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?")
_TYPE_WORDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "null"}


def _int(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ValueError("a number short enough to send") from None
