"""Conditions of workflows → whether they hold, and why.

Source: the platform's documentation, "Branch" and "Wait until". A type that does not fit the operator makes a condition false.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, assert_never

from runner.workflows.condition_values import MISSING, Scope, Value, instant_of, shown, value_of
from runner.workflows.definition import Comparison
from runner.workflows.timeline import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.source import Json
    from runner.workflows.condition_values import _Missing
    from runner.workflows.definition import Condition, Operator

    Actual = Json | _Missing

__all__ = ["Scope", "any_holds"]


class _Result(NamedTuple):
    holds: bool
    why: str
    inexact: str | None = None


def any_holds(conditions: Sequence[Condition], scope: Scope) -> tuple[bool, tuple[Check, ...]]:
    """Return whether one of the conditions holds, or there are none; and the checks that were made, in order."""
    checks: list[Check] = []
    for condition in conditions:
        if _holds(condition, scope, checks):
            return True, tuple(checks)
    return not conditions, tuple(checks)


def _holds(condition: Condition, scope: Scope, checks: list[Check]) -> bool:
    if isinstance(condition, Comparison):
        result = _compare(condition, scope)
        text = f"{_text(condition)}: {result.why}"
        checks.append(Check(result.holds, text, condition.source, result.inexact))
        return result.holds
    if condition.operator == "AND":
        return all(_holds(argument, scope, checks) for argument in condition.arguments)
    return any(_holds(argument, scope, checks) for argument in condition.arguments)


def _text(condition: Comparison) -> str:
    namespace = f"{condition.namespace}." if condition.namespace not in ("", "$ref") else ""
    if condition.namespace == "$ref":
        return f"status of {condition.ref} {condition.operator} {condition.value}"
    value = f" {condition.value[:80]}" if condition.value is not None and condition.operator not in _WITHOUT else ""
    return f"{namespace}{condition.variable} {condition.operator}{value}"


_WITHOUT = ("EMPTY", "NON_EMPTY")


def _compare(condition: Comparison, scope: Scope) -> _Result:
    if condition.namespace == "$ref":
        return _status(condition, scope)
    actual = scope.variable(condition.namespace, condition.variable)
    if condition.operator in _WITHOUT:
        is_empty = actual is MISSING or actual is None or actual == "" or actual in ([], {})
        holds = is_empty == (condition.operator == "EMPTY")
        inexact = _EMPTY_COLLECTION if isinstance(actual, list | dict) and not actual else None
        return _Result(holds, f"it is {shown(actual)}", inexact)
    expected = value_of(condition.value or "", scope)
    result = _by_operator(condition.operator, actual, expected, scope)
    unknown = f"{condition.namespace} is not known here" if condition.namespace == "$organization" else None
    return result._replace(inexact=result.inexact or expected.inexact or unknown)


_EMPTY_COLLECTION = "whether an empty list or object is EMPTY is not documented"


def _status(condition: Comparison, scope: Scope) -> _Result:
    wanted = (condition.value or "").strip().strip('"').removeprefix("$message.")
    reached = scope.reached(condition.ref or "")
    holds = (wanted in reached) == (condition.operator == "IS")
    return _Result(holds, f"reached {', '.join(sorted(reached)) or 'nothing'}")


def _by_operator(operator: Operator, actual: Actual, value: Value, scope: Scope) -> _Result:
    expected = value.value
    match operator:
        case "==" | "!=":
            return _equality(actual, expected, is_negated=operator == "!=")
        case ">" | ">=" | "<" | "<=":
            return _order(operator, actual, expected)
        case "CONTAINS" | "NOT_CONTAINS":
            return _containment(actual, expected, is_negated=operator == "NOT_CONTAINS")
        case "ARRAY_INTERSECTS" | "NOT_ARRAY_INTERSECTS":
            return _intersection(actual, expected, is_negated=operator == "NOT_ARRAY_INTERSECTS")
        case "DATETIME_EQUALS" | "DATETIME_LT" | "DATETIME_GT":
            return _instants(operator, actual, expected, scope)
        case "EMPTY" | "NON_EMPTY" | "IS" | "IS_NOT":
            return _Result(False, "the operator does not fit the variable")
        case _:
            assert_never(operator)


def _equality(actual: Actual, expected: Actual, *, is_negated: bool) -> _Result:
    if actual is MISSING and expected is MISSING:
        return _Result(False, "both are missing", "how two missing values compare is not documented")
    if expected is MISSING:
        return _Result(is_negated, "the value is missing", "how a missing value compares is not documented")
    if actual is MISSING:
        return _Result(is_negated, "the variable is missing")
    if same(actual, expected):
        return _Result(not is_negated, f"it is {shown(actual)}")
    if kind(actual) != kind(expected):
        why = f"{shown(actual)} and {shown(expected)} are of different types"
        return _Result(False, why, _NEGATED_MISFIT if is_negated else None)
    return _Result(is_negated, f"it is {shown(actual)}, not {shown(expected)}")


_NEGATED_MISFIT = (
    "whether a negated operator holds for a type that does not fit is not documented: it is taken as false"
)


def _order(operator: Operator, actual: Actual, expected: Actual) -> _Result:
    if not is_number(actual) or not is_number(expected):
        other = actual if not is_number(actual) else expected
        return _Result(False, f"{shown(other)} is not a number")
    holds = _ORDERS[operator](actual, expected)
    return _Result(holds, f"{shown(actual)} {'is' if holds else 'is not'} {_ORDER_WORDS[operator]} {shown(expected)}")


_ORDERS: Mapping[str, Callable[..., bool]] = {
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}
_ORDER_WORDS = {">": "greater than", ">=": "at least", "<": "less than", "<=": "at most"}


def _containment(actual: Actual, expected: Actual, *, is_negated: bool) -> _Result:
    if actual is MISSING:
        return _Result(is_negated, "it is missing", _MISSING_CONTAINS if is_negated else None)
    if isinstance(actual, str) and isinstance(expected, str):
        contains = expected in actual
    elif isinstance(actual, list) and expected is not MISSING:
        contains = any(same(item, expected) for item in actual)
    else:
        why = f"{shown(actual)} can't contain {shown(expected)}"
        return _Result(False, why, _NEGATED_MISFIT if is_negated else None)
    word = "contains" if contains else "does not contain"
    return _Result(contains != is_negated, f"{shown(actual)} {word} {shown(expected)}")


_MISSING_CONTAINS = "what NOT_CONTAINS says of a missing variable is not documented: it is taken as true"


def _intersection(actual: Actual, expected: Actual, *, is_negated: bool) -> _Result:
    if not isinstance(actual, list) or not isinstance(expected, list):
        other = expected if isinstance(actual, list) else actual
        return _Result(False, f"{shown(other)} is not a list", _NEGATED_MISFIT if is_negated else None)
    meets = not {_key(item) for item in actual}.isdisjoint({_key(item) for item in expected})
    word = "have a common item" if meets else "have no common item"
    return _Result(meets != is_negated, f"{shown(actual)} and {shown(expected)} {word}")


def _instants(operator: Operator, actual: Actual, expected: Actual, scope: Scope) -> _Result:
    one, other = instant_of(actual, scope), instant_of(expected, scope)
    if one is None or other is None:
        return _Result(False, f"{shown(actual if one is None else expected)} is not a time")
    holds = one == other if operator == "DATETIME_EQUALS" else one < other if operator == "DATETIME_LT" else one > other
    word = {"DATETIME_EQUALS": "at", "DATETIME_LT": "before", "DATETIME_GT": "after"}[operator]
    return _Result(holds, f"{one.isoformat()} {'is' if holds else 'is not'} {word} {other.isoformat()}")


def is_number(value: Actual) -> bool:
    """Return whether a value is a number; true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def kind(value: Actual) -> str:
    """Return the JSON type of a value."""
    if is_number(value):
        return "number"
    return type(value).__name__


def same(one: Actual, other: Actual) -> bool:
    """Return whether two values are equal: 1 and 1.0 are, 1 and true are not, at any depth."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return kind(one) == kind(other) and one == other


def _key(value: Actual) -> object:
    """Return what is equal for values that are the same, and can be in a set."""
    if isinstance(value, list):
        return "list", tuple(map(_key, value))
    if isinstance(value, dict):
        return "dict", frozenset((name, _key(item)) for name, item in value.items())
    return kind(value), value
