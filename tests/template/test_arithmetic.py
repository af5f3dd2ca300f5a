"""Numbers are computed as they are written."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import partial, reduce
from math import isfinite
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.template.arithmetic import compute, total
from runner.template.fault import TemplateFault

if TYPE_CHECKING:
    from tests.projects import Templates


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ 0.1 + 0.2 }}", 0.3),
        ("{{ 0.1 + 0.2 == 0.3 }}", True),
        ("{{ 3 * 19.99 }}", 59.97),
        ("{{ 1.1 - 1 }}", 0.1),
        ("{{ 4.35 * 100 }}", 435.0),
        ("{{ 1 / 3 }}", 0.3333333333333333),
        ("{{ 6 / 3 }}", 2.0),
        ("{{ 7.5 // 2 }}", 3.0),
        ("{{ -7.5 // 2 }}", -4.0),
        ("{{ 0.3 % 0.1 }}", 0.0),
        ("{{ -7.5 % 2 }}", 0.5),
        ("{{ 1.1 ** 2 }}", 1.21),
        ("{{ 2 ** 0.5 }}", 2**0.5),
        ("{{ 2 + 3 }}", 5),
        ("{{ 7 // 2 }}", 3),
        ("{{ 7 % -2 }}", -1),
        ("{{ true + 0.5 }}", 1.5),
        ("{{ 1e300 * 1e-300 }}", 1.0),
        ("{{ 9007199254740993 + 0.0 }}", 9007199254740992.0),
        ("{{ [0.1, 0.2, 0.3] | sum }}", 0.6),
        ("{{ [{'p': 0.1}, {'p': 0.7}] | sum(attribute='p') }}", 0.8),
        ("{{ [0.1] | sum(start=0.2) }}", 0.3),
        ("{{ 2.675 | round(2) }}", 2.68),
        ("{{ 2.5 | round }}", 2.0),
        ("{{ 3.5 | round }}", 4.0),
        ("{{ 2.5 | round(method='half_up') }}", 3.0),
        ("{{ -2.5 | round(0, 'half_up') }}", -3.0),
        ("{{ 1.1 | round(1, 'ceil') }}", 1.1),
        ("{{ 1.19 | round(1, 'floor') }}", 1.1),
        ("{{ 1250 | round(-2) }}", 1200.0),
        ("{{ 1e308 | round(300) }}", 1e308),
    ],
)
def test_fractions_are_computed_in_decimal(templates: Templates, source: str, value: object) -> None:
    found = templates.evaluate(source)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ 1 / 0 }}", "error[template-failed] division by zero"),
        ("{{ 1.5 / 0 }}", "error[template-failed] division by zero"),
        ("{{ 1.5 % 0 }}", "error[template-failed] "),
        ("{{ 1e308 * 10 }}", "error[not-finite] the result is beyond what a double can hold"),
        ("{{ 1e308 + 1e308 }}", "error[not-finite] the result is beyond what a double can hold"),
        ("{{ 10.0 ** 400 }}", "error[not-finite] the result is beyond what a double can hold"),
        ("{{ 1 | round(301) }}", "error[template-type] round to 301 digits"),
        ("{{ 1 | round(0, 'up') }}", "error[template-type] unknown method of round (these exist: common, half_up, ceil, floor)"),
        ("{{ 1 | round(0.5) }}", "error[template-type] the number of digits must be a whole number"),
        ("{{ none + 1 }}", "error[template-failed] "),
    ],
)  # fmt: skip
def test_what_has_no_result_is_reported(templates: Templates, source: str, message: str) -> None:
    (line,) = templates.failure(source)
    assert message in line


_DECIMALS = st.builds(
    lambda digits, shift: float(f"{digits}e{-shift}"), st.integers(-(10**9), 10**9), st.integers(0, 6)
)


@settings(max_examples=500)
@given(sign=st.sampled_from(["+", "-", "*", "/"]), left=_DECIMALS, right=_DECIMALS | st.integers(-(10**6), 10**6))
def test_a_result_is_the_double_nearest_to_the_exact_one(sign: str, left: float, right: float) -> None:
    exact_left, exact_right = Fraction(repr(left)), Fraction(repr(right))
    if sign == "/" and right == 0:
        return
    exact = {"+": lambda: exact_left + exact_right, "-": lambda: exact_left - exact_right,
             "*": lambda: exact_left * exact_right, "/": lambda: exact_left / exact_right}[sign]()  # fmt: skip
    assert compute(sign, left, right) == float(exact)


_SHORT = st.builds(lambda digits, shift: digits / 10**shift, st.integers(-(10**6), 10**6), st.integers(0, 6))
_NUMBERS = (
    _SHORT | _DECIMALS | st.integers(-(10**4), 10**4) | st.booleans() | st.floats() | st.sampled_from([0.0, -0.0])
)


@settings(max_examples=500)
@given(sign=st.sampled_from(["+", "-", "*"]), left=_NUMBERS, right=_NUMBERS)
def test_the_short_way_gives_what_decimals_give(sign: str, left: float, right: float) -> None:
    if float not in (type(left), type(right)) or not (isfinite(left) and isfinite(right)):
        return
    one, other = (Decimal(repr(each)) if type(each) is float else Decimal(each) for each in (left, right))
    exact = {"+": Decimal.__add__, "-": Decimal.__sub__, "*": Decimal.__mul__}[sign]
    with localcontext(prec=40):
        expected = float(exact(one, other))
    if isfinite(expected):
        assert repr(compute(sign, left, right)) == repr(expected)


@settings(max_examples=300)
@given(start=st.sampled_from([0, 3, 0.5, -0.0]), parts=st.lists(_NUMBERS, max_size=8))
def test_a_sum_is_what_adding_one_after_the_other_gives(start: float, parts: list[float]) -> None:
    try:
        expected = repr(reduce(partial(compute, "+"), parts, start))
    except TemplateFault as error:
        with pytest.raises(TemplateFault, match=str(error)):
            total(start, parts)
    else:
        assert repr(total(start, parts)) == expected
