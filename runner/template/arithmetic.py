"""Arithmetic with numbers as they are written: `0.1 + 0.2` is `0.3`, and `3 * 19.99` is `59.97`.

JSON's numbers are decimal, and Python computes with binary fractions. So where a fraction takes part, the digits that
both numbers are written with are computed with, to 40 digits, and the result is the nearest number of 64 bits. Its
ties go to the even digit (IEEE 754, section 4.3.1).
"""

from __future__ import annotations

import operator
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from functools import partial, reduce
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.template.fault import TemplateFault
from runner.template.limits import MAX_BITS, too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
        one, other = round(left * _SCALE), round(right * _SCALE)
        if one / _SCALE == left and other / _SCALE == right:
            exactly, scale = _QUICK[sign]
            if exact := exactly(one, other):  # the sign of zero is decided below
                return exact / scale
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


def total(start: Number, parts: Sequence[Number]) -> Number:
    """Return the sum of numbers, as `compute` adds one after the other."""
    numbers = [start, *parts]
    try:
        scaled = [round(number * _SCALE) for number in numbers]
    except (ValueError, OverflowError):  # a number that is not finite
        scaled = []
    if [each / _SCALE for each in scaled] == numbers and type(start) is int and sum(map(abs, scaled)) < _EXACT:
        return sum(scaled) / _SCALE if float in map(type, numbers) else sum(numbers)
    return reduce(partial(compute, "+"), parts, start)


_FEW = 10_000_000
_SCALE = 1e4
_EXACT = 10**15
"""Below this, a double stands for one number of so many digits: the one that it is written with."""
_QUICK: Mapping[str, tuple[Callable[[int, int], int], int]] = {
    "+": (operator.add, 10**4), "-": (operator.sub, 10**4), "*": (operator.mul, 10**8),
}  # fmt: skip
"""How to compute, exactly, with two numbers below `_FEW` that have at most four digits behind the point.

Both are integers when multiplied by `_SCALE`, and so is the result when multiplied by the number here. Python divides
integers to the nearest double.
"""

ROUNDINGS: Mapping[str, str] = {
    "common": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR,
}  # fmt: skip
"""The methods of `round`."""


def rounded(number: Number, digits: int, method: str) -> float:
    """Round a number, in decimal as it is written, to a number of digits after the point."""
    if not isfinite(number):
        return float(number)
    exact = Decimal(repr(float(number))) if type(number) is float or _is_inexact(number) else Decimal(number)
    return float(exact.quantize(Decimal(1).scaleb(-digits), ROUNDINGS[method], _WIDE))
