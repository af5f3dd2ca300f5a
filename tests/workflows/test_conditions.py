"""Conditions of workflows, held to a small model of their documented semantics."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.source import read_text
from runner.workflows.condition_values import shown
from runner.workflows.conditions import Scope, any_holds
from runner.workflows.definition import Comparison, Group

if TYPE_CHECKING:
    from runner.source import Json
    from runner.workflows.definition import Namespace, Operator
    from runner.workflows.timeline import Check

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SOURCE = read_text("{}", "workflow.json").root
assert SOURCE is not None
MISSING: Any = object()


def scope(payload: Any = None, **more: Any) -> Scope:
    people = {name: more.pop(name, {}) for name in ("recipient", "actor", "tenant")}
    return Scope(payload or {}, **people, category="payments", now_ms=int(NOW.timestamp() * 1000), **more)


def condition(
    operator: Operator, value: str | None, variable: str = "x", namespace: Namespace = "", ref: str | None = None
) -> Comparison:
    assert SOURCE is not None
    return Comparison(namespace, variable, operator, value, ref, SOURCE)


def check(operator: Operator, actual: Any, value: str | None, **more: Any) -> Check:
    payload = {} if actual is MISSING else {"x": actual}
    holds, [found] = any_holds([condition(operator, value)], scope({**payload, **more}))
    assert found.holds is holds
    return found


# The model: what each operator means, by the types of its two sides. It knows nothing of how conditions are read.


def type_of(value: Any) -> str:
    if value is MISSING:
        return "missing"
    if isinstance(value, bool):
        return "boolean"
    names = {str: "text", int: "number", float: "number", list: "list", dict: "map", type(None): "null"}
    return names[type(value)]


def canonical(value: Any) -> Any:
    """Write a value so that equal ones are equal: 1 is 1.0, and neither is true."""
    match type_of(value):
        case "number":
            return ["number", float(value)]
        case "list":
            return ["list", *map(canonical, value)]
        case "map":
            return ["map", *sorted((key, canonical(item)) for key, item in value.items())]
        case other:
            return [other, value]


def model(operator: str, actual: Any, expected: Any) -> bool:
    kinds = type_of(actual), type_of(expected)
    equal = canonical(actual) == canonical(expected)
    match operator:
        case "==":
            return bool(equal)
        case "!=":
            return not equal and (kinds[0] == kinds[1] or kinds[0] == "missing")
        case ">" | ">=" | "<" | "<=":
            if kinds != ("number", "number"):
                return False
            orders = {
                ">": actual > expected,
                ">=": actual >= expected,
                "<": actual < expected,
                "<=": actual <= expected,
            }
            return bool(orders[operator])
        case "CONTAINS":
            return contains(actual, expected)
        case "NOT_CONTAINS":
            return kinds[0] == "missing" or (fits(actual, expected) and not contains(actual, expected))
        case "ARRAY_INTERSECTS":
            return kinds == ("list", "list") and common(actual, expected)
        case "NOT_ARRAY_INTERSECTS":
            return kinds == ("list", "list") and not common(actual, expected)
        case "EMPTY":
            return actual is MISSING or (actual in (None, "", [], {}) and not isinstance(actual, bool))
        case "NON_EMPTY":
            return not model("EMPTY", actual, expected)
    raise AssertionError(operator)


def fits(actual: Any, expected: Any) -> bool:
    return type_of(actual) == "list" or (type_of(actual), type_of(expected)) == ("text", "text")


def contains(actual: Any, expected: Any) -> bool:
    if type_of(actual) == "list":
        return canonical(expected) in list(map(canonical, actual))
    return (type_of(actual), type_of(expected)) == ("text", "text") and expected in actual


def common(one: Any, other: Any) -> bool:
    return any(canonical(item) in list(map(canonical, other)) for item in one)


NUMBERS = st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5, -2.5, 1e3])
SCALARS = st.none() | st.booleans() | NUMBERS | st.sampled_from(["", "a", "ab", "b", "1", "true"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2), max_leaves=5)  # fmt: skip
OPERATORS = ["==", "!=", ">", ">=", "<", "<=", "CONTAINS", "NOT_CONTAINS", "ARRAY_INTERSECTS", "NOT_ARRAY_INTERSECTS", "EMPTY", "NON_EMPTY"]  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
@given(actual=VALUES | st.just(MISSING), expected=VALUES)
def test_an_operator_is_as_documented(operator: Operator, actual: Any, expected: Any) -> None:
    assert check(operator, actual, json.dumps(expected)).holds is model(operator, actual, expected)


@given(one=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)), seconds=st.integers(-5, 5))  # noqa: DTZ001
def test_times_are_compared_as_instants(one: datetime, seconds: int) -> None:
    other = one + timedelta(seconds=seconds)
    value = json.dumps(other.replace(tzinfo=UTC).isoformat())
    expected = {"DATETIME_EQUALS": seconds == 0, "DATETIME_LT": seconds > 0, "DATETIME_GT": seconds < 0}
    assert {name: check(name, one.isoformat(), value).holds for name in expected} == expected  # type: ignore[arg-type]
    whole = one.replace(microsecond=0, tzinfo=UTC)
    assert check("DATETIME_EQUALS", int(whole.timestamp()), json.dumps(whole.isoformat())).holds


@pytest.mark.parametrize(
    ("actual", "value", "holds"),
    [
        ("2026-03-02T11:59:59Z", '"now+1d"', True),
        ("2026-03-02T12:00:00Z", '"now+1d"', False),
        ("2026-03-01T13:00:00+02:00", '"now"', True),
        ("2026-03-01T10:29:00", '"now-1h30m"', True),
        ("2026-03-01T10:31:00", '"now - 1h30m"', False),
        ("yesterday", '"now"', False),
        (True, '"now"', False),
        (None, '"now"', False),
        ("2026-03-01T00:00:00Z", '"soon"', False),
    ],
)
def test_a_time_may_be_relative_to_now(actual: Json, value: str, holds: bool) -> None:
    assert check("DATETIME_LT", actual, value).holds is holds


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"pro"', "pro"), ("100", 100), ("9.5", 9.5), ("true", True), ("null", None), ("[1, 2]", [1, 2]),
        ("plan", "gold"), ("data.plan", "gold"), ("$recipient.plan", "silver"), ("$actor.plan", "bronze"),
        ("$brand.properties.plan", "iron"), ("$tenant.properties.plan", "iron"), ("order.items.1.id", "i2"),
    ],
)  # fmt: skip
def test_a_value_is_text_that_holds_an_expression(value: str, expected: Json) -> None:
    where = scope(
        {"x": expected, "plan": "gold", "order": {"items": [{"id": "i1"}, {"id": "i2"}]}},
        recipient={"plan": "silver"},
        actor={"plan": "bronze"},
        tenant={"properties": {"plan": "iron"}},
    )
    holds, [found] = any_holds([condition("==", value)], where)
    assert (holds, found.inexact) == (True, None)


def test_a_bare_word_that_names_nothing_is_text_and_inexact() -> None:
    found = check("==", "premium", "premium")
    assert found.holds
    assert found.inexact is not None
    assert not check("==", "premium", "$recipient.plan").holds


@pytest.mark.parametrize(
    ("variable", "payload", "holds"),
    [
        ("order.total", {"order.total": 5, "order": {"total": 7}}, True),
        ("order.total", {"order": {"total": 5}}, True),
        ("order.total", {"order": [5]}, False),
        ("order.0", {"order": [5]}, True),
        ("order.00000000000000000000001", {"order": [5]}, False),
        ("order.", {"order": 5}, False),
        (".".join("a" * 200), {"a": {"a": 5}}, False),
    ],
)
def test_a_variable_is_a_key_or_a_path(variable: str, payload: dict[str, Json], holds: bool) -> None:
    assert any_holds([condition("==", "5", variable)], scope(payload))[0] is holds


def test_each_namespace_reads_its_own_data() -> None:
    where = scope({"x": 1}, recipient={"x": 2}, actor={"x": 3}, tenant={"x": 4}, future_event=None)
    for number, namespace in enumerate(("", "$recipient", "$actor", "$brand"), 1):
        assert any_holds([condition("==", str(number), "x", namespace)], where)[0]  # type: ignore[arg-type]
    later = scope({"x": 1, "y": 9}, future_event={"x": 5})
    assert any_holds([condition("==", "5", "x", "$future_event")], later)[0]
    assert any_holds([condition("==", "5", "x")], later)[0]
    assert any_holds([condition("!=", "y", "x")], later)[0]
    [unknown] = any_holds([condition("==", "1", "x", "$organization")], where)[1]
    assert unknown.inexact is not None


@pytest.mark.parametrize("status", ["delivered", "seen", "clicked", "delivery_failed"])
def test_the_status_of_a_message_is_that_of_its_node(status: str) -> None:
    where = scope(reached=lambda ref: frozenset({status}) if ref == "email_1" else frozenset())
    for text in (f"$message.{status}", f'"$message.{status}"'):
        assert any_holds([condition("IS", text, "message_status", "$ref", "email_1")], where)[0]
        assert not any_holds([condition("IS_NOT", text, "message_status", "$ref", "email_1")], where)[0]
        assert not any_holds([condition("IS", text, "message_status", "$ref", "sms_1")], where)[0]


def test_items_are_alternatives_and_groups_nest() -> None:
    assert SOURCE is not None
    yes, no = condition("==", "1"), condition("==", "2")
    where = scope({"x": 1})

    def group(operator: Any, *arguments: Any) -> Group:
        assert SOURCE is not None
        return Group(operator, arguments, SOURCE)

    cases: list[tuple[list[Any], bool]] = [
        ([], True), ([yes], True), ([no], False), ([no, yes], True), ([group("AND", yes, yes)], True),
        ([group("AND", yes, no)], False), ([group("OR", no, yes)], True), ([group("AND", yes, group("OR", no, no))], False),
        ([group("AND", yes, group("OR", no, yes))], True),
    ]  # fmt: skip
    for conditions, expected in cases:
        assert any_holds(conditions, where)[0] is expected
    assert len(any_holds([group("AND", no, yes)], where)[1]) == 1


@pytest.mark.parametrize(
    ("operator", "actual", "value", "text"),
    [
        (">", 900, "1000", "x > 1000: 900 is not greater than 1000"),
        ("==", "FR", '"DE"', 'x == "DE": it is "FR", not "DE"'),
        (">", "900", "1000", 'x > 1000: "900" is not a number'),
        ("CONTAINS", ["a"], '"b"', 'x CONTAINS "b": ["a"] does not contain "b"'),
        ("EMPTY", MISSING, None, "x EMPTY: it is missing"),
        ("==", MISSING, "1", "x == 1: the variable is missing"),
        ("==", "y" * 500, '"z"', 'x == "z": it is a text of 500 characters, not "z"'),
    ],
)
def test_a_check_shows_the_values(operator: Operator, actual: Any, value: str | None, text: str) -> None:
    assert check(operator, actual, value).text == text


def test_long_lists_are_compared_in_no_time() -> None:
    many = list(range(20_000))
    began = datetime.now(UTC)
    assert not check("ARRAY_INTERSECTS", many, json.dumps([-number - 1 for number in many])).holds
    assert check("ARRAY_INTERSECTS", many, json.dumps([19_999])).holds
    assert datetime.now(UTC) - began < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("s" * 78, f'"{"s" * 78}"'),
        ("s" * 90, "a text of 90 characters"),
        (["s" * 90], "a list of 1 items"),
        ({"a": "s" * 90}, "an object of 1 keys"),
        (10**90, "a number of 91 digits"),
    ],
)
def test_a_value_is_shown_whole_or_not_at_all(value: Json, text: str) -> None:
    assert shown(value) == text
