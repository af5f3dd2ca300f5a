"""Arithmetic with numbers as they are written: `0.1 + 0.2` is `0.3`, and `3 * 19.99` is `59.97`.

JSON's numbers are decimal, and Python computes with binary fractions. So where a fraction takes part, the digits that
both numbers are written with are computed with, to 40 digits, and the result is the nearest number of 64 bits. Its
ties go to the even digit (IEEE 754, section 4.3.1).
"""

from __future__ import annotations

import operator
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.template.fault import TemplateFault
from runner.template.limits import MAX_BITS, too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Number: TypeAlias = int | float

_DIGITS = 40
_LARGEST = 10**36
"""An integer beyond has more digits than are computed with."""
_DIVISIONS = ("/", "//", "%")
_MAX_EXPONENT = 1000
_CONTEXT = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)
_WIDE = Context(prec=1000, rounding=ROUND_HALF_EVEN)
"""For rounding: a number of 64 bits has up to 309 digits before the point, and may be asked for 300 behind it."""


def compute(sign: str, left: Number, right: Number) -> Number:
    """Return `left sign right`. Integers alone are computed as Python does.

    Raises ArithmeticError for a division by zero, TemplateFault for a fraction that is beyond 64 bits and for an integer that
    may be beyond MAX_BITS.
    """
    is_left_float, is_right_float = type(left) is float, type(right) is float
    is_whole = not (is_left_float or is_right_float)
    if sign in _QUICK and -_FEW < left < _FEW and -_FEW < right < _FEW:
        if is_whole:
            return _BINARY[sign](left, right)  # type: ignore[no-any-return]
        one, other = repr(left), repr(right)
        if len(one) <= _SHORT and len(other) <= _SHORT and "e" not in one and "e" not in other:
            return _QUICK[sign](left, right)
    if is_whole and sign != "/":
        _check_bits(sign, left, right)
        return _BINARY[sign](left, right)  # type: ignore[no-any-return]
    if (sign == "**" and not _is_decimal_power(left, right)) or _is_inexact(left) or _is_inexact(right):
        return _BINARY[sign](left, right)  # type: ignore[no-any-return]
    if right == 0 and sign in _DIVISIONS:
        raise ZeroDivisionError("division by zero")
    result = float(
        _DECIMAL[sign](
            Decimal(repr(left)) if is_left_float else Decimal(left),
            Decimal(repr(right)) if is_right_float else Decimal(right),
        )
    )
    if not isfinite(result):
        raise TemplateFault("not-finite", "the result is beyond what a double can hold")
    return result


def _check_bits(sign: str, left: Any, right: Any) -> None:
    if sign == "*" and left.bit_length() + right.bit_length() > MAX_BITS:
        raise too_large("a product has", MAX_BITS, "bits")
    if sign == "**" and left.bit_length() * abs(right) > MAX_BITS:
        raise too_large("a power has", MAX_BITS, "bits")


def _is_decimal_power(base: Number, exponent: Number) -> bool:
    return type(exponent) is int and abs(exponent) <= _MAX_EXPONENT and base != 0


def _is_inexact(number: Number) -> bool:
    """Return whether a number has more digits than are computed with, or none."""
    return not -_LARGEST < number < _LARGEST and not (type(number) is float and isfinite(number))


def _floor(left: Decimal, right: Decimal) -> Decimal:
    return _WIDE.divide(left, right).to_integral_value(ROUND_FLOOR, _WIDE)


def _modulo(left: Decimal, right: Decimal) -> Decimal:
    return _WIDE.subtract(left, _WIDE.multiply(right, _floor(left, right)))


_DECIMAL: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _CONTEXT.add, "-": _CONTEXT.subtract, "*": _CONTEXT.multiply, "/": _CONTEXT.divide, "**": _CONTEXT.power,
    "//": _floor, "%": _modulo,
}  # fmt: skip
_BINARY = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": operator.pow,
    "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip

_FEW = 10_000_000
_SHORT = 8
_QUICK: Mapping[str, Callable[[Number, Number], Number]] = {
    "+": lambda left, right: round(left + right, 6),
    "-": lambda left, right: round(left - right, 6),
    "*": lambda left, right: float(f"{left * right:.15g}"),
}
"""The same results, at a third of the cost, for two numbers written in at most 8 characters and without an exponent.

They have at most 7 digits, so the exact product has at most 14, and the exact sum at most 6 behind the point and 8 before it.
Python's own result is off by less than three units in its last place of 53 bits, so the exact one is the only number of that
many digits nearby. A boolean, which is written as `True` or `False`, has an `e`.
"""

ROUNDINGS: Mapping[str, str] = {
    "common": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR,
}  # fmt: skip
"""The methods of `round`."""


def rounded(number: Number, digits: int, method: str) -> float:
    """Round a number, as it is written, to so many digits behind the point."""
    if not isfinite(number):
        return float(number)
    exact = Decimal(repr(float(number))) if type(number) is float or _is_inexact(number) else Decimal(number)
    return float(exact.quantize(Decimal(1).scaleb(-digits), ROUNDINGS[method], _WIDE))
