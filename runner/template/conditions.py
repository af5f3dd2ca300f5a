"""Jinja's tests that a template may use, such as `is defined`."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from jinja2.tests import TESTS as STOCK_TESTS

from runner.template.bounded import (
    charged,
    each_character,
    without_context,
)
from runner.template.fault import TemplateFault
from runner.template.kinds import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable


def _comparison(compare: Callable[[Any, Any], bool]) -> Any:
    """Return a test that charges a comparison before it runs. Operators such as `left == right` compile to it as well."""

    @pass_context
    def apply(context: Any, left: Any, right: Any) -> bool:
        if type(left) not in SMALL and type(right) not in SMALL:
            if isinstance(left, datetime) and isinstance(right, datetime):  # a clock shows some hours twice
                return compare(left.astimezone(UTC), right.astimezone(UTC))
            context.budget.compare(left, right)
        return compare(left, right)

    return apply


@pass_context
def _in(context: Any, wanted: Any, values: Any) -> bool:
    if hasattr(values, "__next__"):  # an iterator
        return any(item is wanted or TESTS["eq"](context, item, wanted) for item in values)
    context.budget.search(wanted, values)
    return wanted in values


def _remainder(name: str) -> Any:
    """Return one of Jinja's own tests of a remainder, for numbers only: on text, % would format it."""
    stock: Any = STOCK_TESTS[name]

    def apply(value: Any, *args: Any) -> bool:
        if isinstance(value, str):
            raise TemplateFault("template-type", f"'{name}' tests a number", "convert text to a number with | int")
        return bool(stock(value, *args))

    return apply


def _written_test(name: str) -> Any:
    """Return one of Jinja's own tests of text, charged for each character. It converts other values to text."""
    return charged(each_character, without_context(STOCK_TESTS[name]))


_TEST_NAMES = "boolean defined false float integer iterable mapping none number sequence string true undefined".split()  # noqa: SIM905
_COMPARED = (
    (eq, "eq", "equalto", "=="), (ne, "ne", "!="), (lt, "lt", "lessthan", "<"), (le, "le", "<="),
    (gt, "gt", "greaterthan", ">"), (ge, "ge", ">="),
)  # fmt: skip
TESTS: dict[str, Any] = (
    {name: STOCK_TESTS[name] for name in _TEST_NAMES}
    | {name: _comparison(compare) for compare, *names in _COMPARED for name in names}
    | {name: _remainder(name) for name in ("divisibleby", "even", "odd")}
    | {name: _written_test(name) for name in ("lower", "upper")}
    | {"in": _in}
)
