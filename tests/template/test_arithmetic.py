"""Numbers are computed as they are written."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.template.arithmetic import compute

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
