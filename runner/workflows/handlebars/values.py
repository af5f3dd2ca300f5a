"""Values as JavaScript sees them: truth, text, fields and the order of keys."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeAlias

from runner.workflows.expression_errors import ExpressionError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.source import Json


class Undefined:
    """The value of what is missing."""

    __slots__ = ()


UNDEFINED: Final = Undefined()
Value: TypeAlias = "Json | Undefined"
MAX_EXACT = 2**53
_MAX_INDEX = 2**32 - 1
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_PLAIN_DIGITS = 21
"""JavaScript writes numbers with more digits before the point in exponent notation."""
_PLAIN_ZEROS = -7
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "`": "&#x60;", "=": "&#x3D;"}
_TABLE = str.maketrans(_ESCAPED)


def escaped(text: str) -> str:
    """Return a text with the characters escaped that `{{x}}` escapes.

    >>> escaped("a < b = 'c'")
    'a &lt; b &#x3D; &#x27;c&#x27;'
    """
    return text.translate(_TABLE)


def is_truthy(value: Value) -> bool:
    """Return whether JavaScript counts a value as true; empty lists and objects are."""
    if isinstance(value, list | dict):
        return True
    return value is not UNDEFINED and value is not None and value not in ("", 0) and value == value  # noqa: PLR0124 - NaN


def is_empty(value: Value) -> bool:
    """Return whether a value is empty for `#with`: 0 is not, an empty list is.

    >>> is_empty(0), is_empty([]), is_empty("")
    (False, True, True)
    """
    if isinstance(value, list):
        return not value
    return not is_truthy(value) and not (value == 0 and not isinstance(value, bool | str))


def own(value: Value, name: str) -> Value:
    """Return a field of a value. Raise ExpressionError if the value can't have any, as null can't."""
    match value:
        case dict():
            return value.get(name, UNDEFINED)
        case list() | str():
            if name == "length":
                return length(value)
            if _INDEX.fullmatch(name) and int(name) < len(value):
                return value[int(name)]
            return UNDEFINED
        case None | Undefined():
            raise ExpressionError(f"'{name}' is read of a value that is missing")
    return UNDEFINED


def length(value: list[Json] | str) -> int:
    """Return the length of a list, or of a text in units of UTF-16."""
    return len(value) + (sum(char > "\uffff" for char in value) if isinstance(value, str) else 0)


def has(value: Value, name: str) -> bool:
    """Return whether a value that may be an object or a list has a field."""
    if not isinstance(value, dict | list):
        return False
    return own(value, name) is not UNDEFINED


def keys(value: Mapping[str, Json]) -> list[str]:
    """Return the keys of an object in the order of JavaScript: those that are indexes first.

    >>> keys({"b": 1, "10": 1, "2": 1})
    ['2', '10', 'b']
    """
    indexes = [key for key in value if _INDEX.fullmatch(key) and int(key) < _MAX_INDEX]
    if not indexes:
        return list(value)
    first = set(indexes)
    return [*sorted(indexes, key=int), *(key for key in value if key not in first)]


def text_of(value: Value) -> str:
    """Return a value as text, as JavaScript converts it; null and undefined are named."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value)
        case None:
            return "null"
        case list():
            return ",".join("" if item is None else text_of(item) for item in value)
        case dict():
            return "[object Object]"
    return "undefined"


def json_of(value: Json) -> str:
    """Return a value as JSON, as `JSON.stringify` writes it.

    >>> json_of({"b": [1.0, None], "2": "é"})
    '{"2":"é","b":[1,null]}'
    """
    match value:
        case list():
            return f"[{','.join(map(json_of, value))}]"
        case dict():
            return f"{{{','.join(f'{json_of(key)}:{json_of(value[key])}' for key in keys(value))}}}"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case float() if not math.isfinite(value):
            return "null"
    return text_of(value)


def shown(value: Value) -> str:
    """Return a value as it is rendered: nothing for null and undefined."""
    return "" if value is None or value is UNDEFINED else text_of(value)


def _number(number: float) -> str:
    """Return a number in the notation of JavaScript.

    >>> [_number(number) for number in (1.0, 0.1, 1e21, 1.5e-7, 123456789012345680000.0)]
    ['1', '0.1', '1e+21', '1.5e-7', '123456789012345680000']
    """
    if isinstance(number, int):
        if abs(number) > MAX_EXACT:
            raise UnsupportedError(f"a whole number beyond {MAX_EXACT:,} may be rounded")
        return str(number)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else ("Infinity" if number > 0 else "-Infinity")
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - the number is finite
    figures = "".join(map(str, digits))
    minus, point = ("-" if sign and number else ""), len(figures) + exponent
    if not number:
        return "0"
    if len(figures) <= point <= _PLAIN_DIGITS:
        return f"{minus}{figures}{'0' * (point - len(figures))}"
    if 0 < point <= _PLAIN_DIGITS:
        return f"{minus}{figures[:point]}.{figures[point:]}"
    if point - 1 > _PLAIN_ZEROS and point <= 0:
        return f"{minus}0.{'0' * -point}{figures}"
    rest = f".{figures[1:]}" if len(figures) > 1 else ""
    return f"{minus}{figures[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
