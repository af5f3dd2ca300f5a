"""Conditions hold as documented: each operator against a table of its semantics by pairs of JSON types."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.source import Node, read
from runner.workflows.conditions import Scope, any_holds
from runner.workflows.definition import Comparison, Group

if TYPE_CHECKING:
    from runner.workflows.definition import Condition, Operator

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ABSENT = object()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Node:
    path = tmp_path_factory.mktemp("place") / "workflow.json"
    path.write_text("{}")
    root = read(path).root
    assert root is not None
    return root


def scope_of(payload: dict[str, Any] | None = None, **fields: Any) -> Scope:
    people: dict[str, Any] = {"recipient": {}, "actor": {}, "tenant": {}, "category": "orders"}
    return Scope(payload or {}, **{**people, "now_ms": int(NOW.timestamp() * 1000), **fields})


def comparison(place: Node, variable: str, operator: Operator, value: str | None, namespace: Any = "") -> Comparison:
    return Comparison(namespace, variable, operator, value, None, place)


# The model: for each JSON type of the variable and of the value, what the operator says. It shares no code with the package.


def json_type(value: Any) -> str:
    names = {
        bool: "boolean",
        int: "number",
        float: "number",
        str: "text",
        list: "list",
        dict: "map",
        type(None): "null",
    }
    return "absent" if value is ABSENT else names[type(value)]


def canonical(value: Any) -> str:
    """Text that is equal for equal JSON values."""
    if json_type(value) == "number":
        return f"number {float(value)!r}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{canonical(value[key])}" for key in sorted(value)) + "}"
    return f"{json_type(value)} {value!r}"


def modelled(operator: str, variable: Any, value: Any) -> bool:
    pair = json_type(variable), json_type(value)
    equal = variable is not ABSENT and canonical(variable) == canonical(value)
    if operator == "EMPTY":
        return variable is ABSENT or canonical(variable) in ("null None", "text ''", "[]", "{}")
    if operator == "NON_EMPTY":
        return not modelled("EMPTY", variable, value)
    if operator == "==":
        return equal
    if operator == "!=":
        return pair[0] == "absent" or (pair[0] == pair[1] and not equal)
    if operator in (">", ">=", "<", "<="):
        if pair != ("number", "number"):
            return False
        sign = (variable > value) - (variable < value)
        return sign in {">": (1,), ">=": (1, 0), "<": (-1,), "<=": (-1, 0)}[operator]
    if operator in ("CONTAINS", "NOT_CONTAINS"):
        if pair[0] == "absent":
            return operator == "NOT_CONTAINS"
        if pair == ("text", "text"):
            answer = variable.find(value) >= 0
        elif pair[0] == "list":
            answer = canonical(value) in [canonical(item) for item in variable]
        else:
            return False
        return answer if operator == "CONTAINS" else not answer
    if operator in ("ARRAY_INTERSECTS", "NOT_ARRAY_INTERSECTS"):
        if pair != ("list", "list"):
            return False
        common = [item for item in variable if canonical(item) in [canonical(other) for other in value]]
        return bool(common) == (operator == "ARRAY_INTERSECTS")
    raise AssertionError(operator)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(-3, 3, allow_nan=False).map(lambda number: round(number, 1)),
    st.sampled_from(["", "a", "ab", "A", "1", "true"]),
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xy"), inner, max_size=2)
)
PLAIN_OPERATORS: tuple[Operator, ...] = (
    "==", "!=", ">", ">=", "<", "<=", "CONTAINS", "NOT_CONTAINS", "EMPTY", "NON_EMPTY", "ARRAY_INTERSECTS",
    "NOT_ARRAY_INTERSECTS",
)  # fmt: skip


@given(operator=st.sampled_from(PLAIN_OPERATORS), variable=VALUES | st.just(ABSENT), value=VALUES)
def test_each_operator_agrees_with_a_table_of_its_types(
    place: Node, operator: Operator, variable: Any, value: Any
) -> None:
    payload = {} if variable is ABSENT else {"v": variable}
    holds, checks = any_holds([comparison(place, "v", operator, json.dumps(value))], scope_of(payload))
    assert holds == modelled(operator, variable, value)
    assert [check.holds for check in checks] == [holds]


@given(
    operator=st.sampled_from(["DATETIME_EQUALS", "DATETIME_LT", "DATETIME_GT"]),
    minutes=st.integers(-3, 3),
    form=st.sampled_from(["Z", "none", "+05:30", "epoch", "now"]),
    other=st.integers(-3, 3),
)
def test_instants_are_compared_whatever_the_form(
    place: Node, operator: Operator, minutes: int, form: str, other: int
) -> None:
    moment = NOW + timedelta(minutes=minutes)
    forms: dict[str, str | int] = {
        "Z": f"{moment:%Y-%m-%dT%H:%M:%S}Z",
        "none": f"{moment:%Y-%m-%dT%H:%M:%S}",
        "+05:30": f"{moment + timedelta(hours=5, minutes=30):%Y-%m-%dT%H:%M:%S}+05:30",
        "epoch": int(moment.timestamp()),
        "now": f"now{'-' if minutes < 0 else '+'}{abs(minutes)}m",
    }
    value = json.dumps(f"now{'-' if other < 0 else '+'}{abs(other)}m")
    holds, _ = any_holds([comparison(place, "v", operator, value)], scope_of({"v": forms[form]}))
    sign = {"DATETIME_EQUALS": 0, "DATETIME_LT": -1, "DATETIME_GT": 1}[operator]
    assert holds == ((minutes > other) - (minutes < other) == sign)


@pytest.mark.parametrize("value", ["soon", "now*1d", "now+1w", "2026-13-01", "", None, True, [], {}, 1e300])
@pytest.mark.parametrize("operator", ["DATETIME_EQUALS", "DATETIME_LT", "DATETIME_GT"])
def test_what_is_no_time_makes_a_condition_false(place: Node, operator: Operator, value: Any) -> None:
    assert not any_holds([comparison(place, "v", operator, '"now"')], scope_of({"v": value}))[0]
    assert not any_holds([comparison(place, "v", operator, json.dumps(value))], scope_of({"v": "now"}))[0]


@pytest.mark.parametrize(
    ("operator", "status", "holds"),
    [
        ("IS", "$message.delivered", True),
        ("IS", "$message.seen", False),
        ("IS_NOT", "$message.seen", True),
        ("IS_NOT", '"$message.delivered"', False),
        ("IS", "$message.delivery_failed", False),
    ],
)
def test_the_status_of_a_message_is_what_its_node_reached(
    place: Node, operator: Operator, status: str, holds: bool
) -> None:
    asked: list[str] = []

    def reached(ref: str) -> frozenset[str]:
        asked.append(ref)
        return frozenset({"delivered"})

    condition = Comparison("$ref", "message_status", operator, status, "email_1", place)
    assert any_holds([condition], scope_of(reached=reached))[0] is holds
    assert asked == ["email_1"]


@pytest.mark.parametrize(
    ("variable", "operator", "value", "payload", "text"),
    [
        ("amount", ">", "1000", {"amount": 900}, "amount > 1000: 900 is not greater than 1000"),
        ("amount", ">", "1000", {"amount": "1500"}, 'amount > 1000: "1500" is not a number'),
        ("amount", "<=", "limit", {"amount": 5, "limit": 9.5}, "amount <= limit: 5 is at most 9.5"),
        ("plan", "==", '"pro"', {"plan": "free"}, 'plan == "pro": it is "free", not "pro"'),
        ("plan", "==", '"1"', {"plan": 1}, 'plan == "1": 1 and "1" are of different types'),
        ("plan", "!=", '"pro"', {}, 'plan != "pro": the variable is missing'),
        ("tags", "CONTAINS", '"gift"', {"tags": ["new"]}, 'tags CONTAINS "gift": ["new"] does not contain "gift"'),
        ("tags", "EMPTY", None, {"tags": ["new"]}, 'tags EMPTY: it is ["new"]'),
        ("t", "ARRAY_INTERSECTS", "[2]", {"t": [1, 2]}, "t ARRAY_INTERSECTS [2]: [1, 2] and [2] have a common item"),
        (
            "due", "DATETIME_LT", '"now+1d"', {"due": "2026-03-02"},
            'due DATETIME_LT "now+1d": 2026-03-02T00:00:00+00:00 is before 2026-03-03T09:00:00+00:00',
        ),
    ],
)  # fmt: skip
def test_a_check_shows_the_condition_with_its_values(
    place: Node, variable: str, operator: Operator, value: str | None, payload: dict[str, Any], text: str
) -> None:
    _, checks = any_holds([comparison(place, variable, operator, value)], scope_of(payload))
    assert [check.text for check in checks] == [text]


@pytest.mark.parametrize(
    ("variable", "operator", "value"),
    [
        ("plan", "==", "premium"),  # a bare word, which is no key
        ("number", "!=", '"1"'),  # a misfit of a negated operator
        ("number", "NOT_CONTAINS", '"1"'),
        ("number", "NOT_ARRAY_INTERSECTS", "[1]"),
        ("missing", "NOT_CONTAINS", '"1"'),
        ("none", "EMPTY", None),
        ("missing", "==", "$recipient.missing"),
        ("number", "!=", "$recipient.missing"),
    ],
)
def test_what_the_documentation_leaves_open_is_marked(
    place: Node, variable: str, operator: Operator, value: str | None
) -> None:
    payload = {"plan": "premium", "number": 1, "none": []}
    _, checks = any_holds([comparison(place, variable, operator, value)], scope_of(payload))
    assert checks[0].inexact


@pytest.mark.parametrize(
    ("namespace", "variable", "value"),
    [
        ("", "order.total", "7"),
        ("", "a.b", '"exact"'),
        ("", "order.lines.0.sku", '"k1"'),
        ("", "order.total", "data.order.total"),
        ("", "order.total", "order.total"),
        ("$recipient", "plan", '"pro"'),
        ("$recipient", "plan", "$actor.plan"),
        ("$brand", "brand_name", '"Acme"'),
        ("$brand", "properties.plan", "$tenant.properties.plan"),
        ("$category", "slug", '"orders"'),
    ],
)
def test_a_variable_and_a_value_are_found_by_namespace_and_path(
    place: Node, namespace: str, variable: str, value: str
) -> None:
    scope = scope_of(
        {"order": {"total": 7, "lines": [{"sku": "k1"}]}, "a.b": "exact", "a": {"b": "path"}},
        recipient={"plan": "pro"},
        actor={"plan": "pro"},
        tenant={"brand_name": "Acme", "properties": {"plan": "gold"}},
    )
    holds, checks = any_holds([comparison(place, variable, "==", value, namespace)], scope)
    assert holds, checks
    assert checks[0].inexact is None


def test_the_variable_of_a_future_event_is_compared_with_the_data_of_the_run(place: Node) -> None:
    scope = scope_of({"order_id": 7}, future_event={"order_id": 7, "other": 8})
    for namespace in ("", "$future_event"):
        assert any_holds([comparison(place, "order_id", "==", "order_id", namespace)], scope)[0]
        assert not any_holds([comparison(place, "other", "==", "order_id", namespace)], scope)[0]


CONDITIONS = st.recursive(
    st.booleans(),
    lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)


@given(st.lists(CONDITIONS, max_size=4))
def test_groups_are_plain_logic_and_items_are_alternatives(place: Node, items: list[Any]) -> None:
    def build(item: Any) -> Condition:
        if isinstance(item, bool):
            return comparison(place, "yes", "==", json.dumps(item))
        return Group(item[0], tuple(map(build, item[1])), place)

    def truth(item: Any) -> bool:
        if isinstance(item, bool):
            return item
        return {"AND": min, "OR": max}[item[0]](truth(part) for part in item[1])

    holds, _ = any_holds([build(item) for item in items], scope_of({"yes": True}))
    assert holds == (not items or max(map(truth, items)))


@given(
    operator=st.sampled_from([*PLAIN_OPERATORS, "DATETIME_EQUALS", "DATETIME_LT", "DATETIME_GT"]),
    variable=VALUES | st.integers() | st.text(max_size=300),
    value=st.text(max_size=300),
)
def test_any_text_as_value_gives_a_short_line(place: Node, operator: Operator, variable: Any, value: str) -> None:
    _, checks = any_holds([comparison(place, "v", operator, value)], scope_of({"v": variable}))
    assert len(checks[0].text) < 500


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 100_000, "1e999", "NaN", '{"a":1,"a":2}', "$.", ".", "data."])
def test_a_hostile_value_is_no_crash(place: Node, value: str) -> None:
    for operator in PLAIN_OPERATORS:
        _, checks = any_holds([comparison(place, "v", operator, value)], scope_of({"v": 10**400}))
        assert len(checks[0].text) < 500
