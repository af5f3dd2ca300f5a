"""What a check against a schema costs: never less than what it does, and refused before it begins."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.source import Schema, SchemaError, shared_allowance
from runner.source.pattern_work import TooMuchError
from runner.source.schema_work import Work

if TYPE_CHECKING:
    from runner.source import Json

LEVELS = 28


def doubled(rule: object, levels: int = LEVELS) -> dict[str, Json]:
    """Make a schema in which each definition refers to the next one as a rule says, by `here`."""

    def of(level: int, part: object) -> Json:
        if part == "here":
            return {"$ref": f"#/$defs/a{level + 1}"}
        if isinstance(part, dict):
            return {key: of(level, item) for key, item in part.items()}
        return [of(level, item) for item in part] if isinstance(part, list) else part  # type: ignore[return-value]

    chain: dict[str, Json] = {f"a{level}": of(level, rule) for level in range(levels)}
    return {"$ref": "#/$defs/a0", "$defs": {**chain, f"a{levels}": {"type": "string"}}}


@pytest.mark.parametrize(
    "rule",
    [
        {"allOf": ["here", "here"]},
        {"anyOf": ["here", "here"]},
        {"oneOf": ["here", "here"]},
        {"allOf": [{"not": "here"}, {"not": "here"}]},
        {"if": "here", "then": "here", "else": "here"},
        {"dependentSchemas": {"a": "here", "b": "here"}},
        {"allOf": ["here"], "unevaluatedProperties": False},
        {"allOf": ["here"], "unevaluatedItems": False},
    ],
    ids="-".join,
)
def test_a_schema_that_doubles_for_one_value_is_refused(rule: Json) -> None:
    with pytest.raises(SchemaError, match="more than 100,000 rules for one value") as caught:
        Schema(doubled(rule))
    assert caught.value.code == "schema-too-large"


@pytest.mark.parametrize(
    ("rule", "wrap"),
    [
        ({"allOf": [{"properties": {"x": "here"}}, {"additionalProperties": "here"}]}, "map"),
        ({"patternProperties": {"x": "here", "^x": "here"}}, "map"),
        ({"allOf": [{"items": "here"}, {"prefixItems": ["here"]}]}, "list"),
        ({"contains": "here", "items": "here"}, "list"),
    ],
    ids=["properties", "patternProperties", "items", "contains"],
)
def test_a_schema_that_doubles_with_each_level_is_refused_for_a_deep_value_alone(rule: Json, wrap: str) -> None:
    schema = Schema(doubled(rule))
    value: Json = "x"
    for _ in range(LEVELS):
        value = {"x": value} if wrap == "map" else [value]
    [fault] = schema.faults(value)
    assert (fault.code, schema.accepts(value)) == ("schema-too-large", False)
    assert schema.accepts("x")


def test_a_check_of_values_up_to_a_size_is_bounded_where_one_of_them_may_take_long() -> None:
    schema = Schema(doubled({"allOf": [{"items": "here"}, {"prefixItems": ["here"]}]}))
    value: Json = "x"
    for _ in range(LEVELS):
        value = [value]
    assert not schema.check_up_to(value)(value)
    assert schema.check_up_to(value)("x")
    assert schema.check_up_to("xy")("x")


@pytest.mark.parametrize(
    "schema",
    [
        {"$id": "https://x.test/a", "$ref": "b", "$defs": {"b": {"$id": "b", "allOf": [{"$ref": "#/$defs/c"}], "$defs": {"c": {"type": "string"}}}}},
        {"$ref": "#there", "$defs": {"a": {"$anchor": "there", "type": "string"}}},
        {"$dynamicRef": "#there", "$defs": {"a": {"$dynamicAnchor": "there", "type": "string"}}},
        {"$ref": "#/$defs/a~1b%25", "$defs": {"a/b%": {"type": "string"}}},
        {"$ref": "#/x-mine/0", "x-mine": [{"type": "string"}]},
        {"$id": "urn:a", "$ref": "#/$defs/b", "$defs": {"b": {"$id": "urn:b", "$ref": "#/$defs/c", "$defs": {"c": {"type": "string"}}}}},
    ],
    ids=["ids", "anchors", "dynamic", "escapes", "anywhere", "urns"],
)  # fmt: skip
def test_references_are_followed_as_the_validator_does(schema: Json) -> None:
    work = Work(schema)
    assert work.strangers == []
    assert work.price("a").errors >= 1
    assert [fault.keyword for fault in Schema(schema).faults(1)] == ["type"]


def test_a_reference_that_leads_back_to_itself_is_refused() -> None:
    for schema in ({"$ref": "#"}, {"allOf": [{"anyOf": [{"$ref": "#"}]}]}):
        with pytest.raises(SchemaError, match="leads back to itself"):
            Schema(schema)  # type: ignore[arg-type]


def test_a_schema_of_trees_is_a_schema_of_trees_of_any_size() -> None:
    schema = Schema({"properties": {"children": {"items": {"$ref": "#"}}}, "required": ["name"]})
    tree: Json = {"name": "leaf"}
    for _ in range(20):
        tree = {"name": "branch", "children": [tree, {"name": "leaf"}]}
    assert schema.accepts(tree)
    assert [fault.key for fault in schema.faults({"name": "root", "children": [tree, {}]})] == ["name"]


def test_what_goes_deeper_than_the_validator_s_stack_is_refused() -> None:
    with pytest.raises(SchemaError, match="more than 400 schemas deep"):
        Schema(doubled({"anyOf": ["here", False]}, 5_000))


def test_patterns_that_are_too_large_together_are_refused() -> None:
    with pytest.raises(SchemaError, match="its regular expressions are too large"):
        Schema({"patternProperties": {f"^k{number}.*z": {} for number in range(30_000)}})


def test_thousands_of_broken_rules_are_told_in_few_words() -> None:
    faults = Schema({"items": {"allOf": [{"type": "string"}] * 20}}).faults([1] * 1_000)
    assert (len(faults), faults[0].path, faults[-1].message) == (101, (0,), "19,900 more rules are broken")


def test_what_can_t_be_counted_is_told_by_its_first_broken_rule() -> None:
    faults = Schema({"items": {"allOf": [{"type": "string"}] * 20}}).faults([1] * 9_000)
    assert [(fault.path, fault.message) for fault in faults] == [
        ((0,), "the value must be text, not a number"),
        ((), "the value is too large to list every rule that it breaks"),
    ]


def test_checks_that_share_an_allowance_end_when_it_is_used_up() -> None:
    start = time.process_time()
    refused = 0
    with shared_allowance():
        for number in range(2_000):
            try:
                schema = Schema({**doubled({"anyOf": ["here", "here"]}, 11), "title": str(number)})
            except SchemaError as error:
                refused += error.code == "schema-too-large"
            else:
                refused += any(fault.code == "schema-too-large" for fault in schema.faults(number))
    assert 0 < refused < 2_000
    assert time.process_time() - start < 10


types = st.sampled_from(["string", "integer", "object", "array", "null"])
leaves = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({"type": types}),
    st.fixed_dictionaries({"required": st.lists(st.sampled_from("abc"), unique=True)}),
    st.fixed_dictionaries({"$ref": st.sampled_from(["#/$defs/x", "#/$defs/y"])}),
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda keyword, items: {keyword: items}, st.sampled_from(["allOf", "anyOf", "oneOf"]), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda keyword, item: {keyword: item}, st.sampled_from(["not", "items", "additionalProperties", "contains", "unevaluatedProperties", "propertyNames"]), inner),
        st.builds(lambda entries: {"properties": entries}, st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
        st.builds(lambda one, other, third: {"if": one, "then": other, "else": third}, inner, inner, inner),
    ),
    max_leaves=8,
)  # fmt: skip
values = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["", "a", "bc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def counted(errors: list[jsonschema_rs.ValidationError]) -> int:
    """Count errors, with those inside of alternatives."""
    inner = [each for error in errors for branch in getattr(error.kind, "context", []) for each in branch]
    return len(errors) + (counted(inner) if inner else 0)


@given(schemas, schemas, values)
def test_an_estimate_is_never_too_low(schema: Json, definition: Json, value: Json) -> None:
    whole: dict[str, Json] = {"allOf": [schema], "$defs": {"x": definition, "y": {"type": "string"}}}
    try:
        work = Work(whole)
    except TooMuchError:
        assert "#/$defs/x" in str(definition)  # it stands for itself
        return
    compiled = jsonschema_rs.Draft202012Validator(whole)
    price = work.price(value)
    assert counted(list(compiled.iter_errors(value))) <= price.errors
    bound = work.bound(value)
    assert bound is None or price.units <= bound
    assert Schema(whole).accepts(value) == compiled.is_valid(value)
    assert Schema(whole).check_up_to(value)(value) == compiled.is_valid(value)
