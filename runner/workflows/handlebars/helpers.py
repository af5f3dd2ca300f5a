"""Helpers of templates: arguments → a value. What the documentation leaves open raises UnsupportedError with the helper's name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from runner.source import describe
from runner.workflows.expression_errors import UnsupportedError
from runner.workflows.handlebars.values import (
    MAX_EXACT,
    UNDEFINED,
    Undefined,
    is_truthy,
    json_of,
    length,
    own,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.workflows.handlebars.values import Value

_Function: TypeAlias = "Callable[[Sequence[Value]], Value]"

BLOCKS = frozenset({"each", "if", "unless", "with", "compare"})
"""Helpers that open a block."""


def call(name: str, arguments: Sequence[Value]) -> Value:
    """Return the result of a helper. Raise UnsupportedError if it, or what it does with these arguments, is not known."""
    if (function := _FUNCTIONS.get(name)) is None:
        raise UnsupportedError(f"the helper '{name}' is not supported here")
    try:
        return function(arguments)
    except _OpenError:
        shown = ", ".join(_kind(argument) for argument in arguments) or "no argument"
        raise UnsupportedError(f"the helper '{name}' is not supported with {shown}") from None


def holds(left: Value, operator: Value, right: Value) -> bool:
    """Return whether a comparison of `compare` holds.

    Texts and numbers are compared with values of their own type alone: how others are converted is not documented.
    """
    match operator:
        case "==" | "===":
            return _equal(left, right)
        case "!=" | "!==":
            return not _equal(left, right)
        case "<" | "<=" | ">" | ">=":
            if not (_is_number(left) and _is_number(right)):
                raise UnsupportedError(
                    f"the helper 'compare' is not supported with {_kind(left)} {operator} {_kind(right)}"
                )
            assert isinstance(left, int | float)  # noqa: S101 - both are numbers
            assert isinstance(right, int | float)  # noqa: S101
            return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[operator]
    raise UnsupportedError(f"the operator {text_of(operator)!r} of the helper 'compare' is not supported")


def _equal(left: Value, right: Value) -> bool:
    kinds = {_kind(left), _kind(right)}
    if kinds <= {"null", "undefined"} and len(kinds) == 2:  # noqa: PLR2004 - `==` and `===` differ
        raise UnsupportedError("the helper 'compare' is not supported with null and undefined")
    if len(kinds) == 1 and not kinds & {"a list", "a map"}:
        return left == right
    if kinds & {"null", "undefined"}:
        return False
    raise UnsupportedError(f"the helper 'compare' is not supported with {' and '.join(sorted(kinds))}")


class _OpenError(Exception):
    """The documentation does not say what the helper does with these arguments."""


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: Value) -> str:
    return "undefined" if value is UNDEFINED else describe(value)


def _texts(change: Callable[[str], str]) -> _Function:
    def helper(arguments: Sequence[Value]) -> Value:
        match arguments:
            case [str() as text]:
                return change(text)
        raise _OpenError

    return helper


def _numbers(compute: Callable[[float, float], float]) -> _Function:
    def helper(arguments: Sequence[Value]) -> Value:
        match arguments:
            case [int() | float() as left, int() | float() as right] if _is_number(left) and _is_number(right):
                result = compute(left, right)
                if math.isfinite(result) and abs(result) <= MAX_EXACT:
                    return result
        raise _OpenError

    return helper


def _divided(left: float, right: float) -> float:
    if not right:
        raise _OpenError
    return left / right


def _remainder(left: float, right: float) -> float:
    if left < 0 or right <= 0:
        raise _OpenError
    return math.fmod(left, right)


def _capitalized(text: str) -> str:
    rest = text[1:]
    if rest != rest.lower():  # whether the rest becomes lower case is not documented
        raise _OpenError
    return text[:1].upper() + rest


def _default(arguments: Sequence[Value]) -> Value:
    match arguments:
        case [value, otherwise]:
            return otherwise if value in (None, "") or value is UNDEFINED else value
    raise _OpenError


def _looked_up(arguments: Sequence[Value]) -> Value:
    match arguments:
        case [value, key]:
            return own(value, text_of(key)) if is_truthy(value) else value
    raise _OpenError


def _logged(_: Sequence[Value]) -> Value:
    return UNDEFINED


def _json(arguments: Sequence[Value]) -> Value:
    match arguments:
        case [value] if not isinstance(value, Undefined):
            return json_of(value)
    raise _OpenError


def _rounded(arguments: Sequence[Value]) -> Value:
    match arguments:
        case [int() | float() as number] if _is_number(number) and abs(number) <= MAX_EXACT:
            return math.floor(number + 0.5) if number % 1 else int(number)
    raise _OpenError


def _unique(arguments: Sequence[Value]) -> Value:
    match arguments:
        case [list() as items] if all(isinstance(item, str) for item in items):
            return list(dict.fromkeys(text_of(item) for item in items))
    raise _OpenError


def _item_at(arguments: Sequence[Value]) -> Value:
    match arguments:
        case [list() as items, int() as index] if not isinstance(index, bool) and 0 <= index < len(items):
            item: Value = items[index]
            return item
    raise _OpenError


def _joined(arguments: Sequence[Value]) -> Value:
    match arguments:
        case [list() as items, str() as between] if all(isinstance(item, str | int) for item in items):
            return between.join(text_of(item) for item in items)
    raise _OpenError


def _length(arguments: Sequence[Value]) -> Value:
    match arguments:
        case [list() | str() as value]:
            return length(value)
    raise _OpenError


_FUNCTIONS: dict[str, _Function] = {
    "default": _default,
    "lookup": _looked_up,
    "log": _logged,
    "jsonStringify": _json,
    "lowercase": _texts(str.lower),
    "uppercase": _texts(str.upper),
    "capitalize": _texts(_capitalized),
    "add": _numbers(lambda left, right: left + right),
    "subtract": _numbers(lambda left, right: left - right),
    "multiply": _numbers(lambda left, right: left * right),
    "divide": _numbers(_divided),
    "mod": _numbers(_remainder),
    "round": _rounded,
    "unique": _unique,
    "itemAt": _item_at,
    "join": _joined,
    "length": _length,
}
HELPERS = frozenset({*_FUNCTIONS, *BLOCKS, "datetime-format", "t"})
"""The documented helpers. Their names are never variables."""
