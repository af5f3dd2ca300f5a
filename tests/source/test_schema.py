"""A JSON Schema over values: one message a fault, in the words of somebody who writes YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import Position, Problem
from runner.source import Fault, Json, Schema, SchemaError, problems, read_text

if TYPE_CHECKING:
    from runner.errors import Step
    from tests.servers.capturing import CapturingServer


def faults(schema: Json, value: Json) -> list[Fault]:
    return Schema(schema).faults(value)


def schema_error(schema: Json) -> tuple[str, tuple[Step, ...], str | None]:
    with pytest.raises(SchemaError) as caught:
        Schema(schema)
    return caught.value.message, caught.value.path, caught.value.hint


URL_OR_MAP: Json = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "object", "required": ["url"], "additionalProperties": False, "properties": {"url": {}}},
    ]
}


@pytest.mark.parametrize(
    ("schema", "value", "message", "hint"),
    [
        ({"type": "integer"}, "5", "the value must be a whole number, not text", None),
        ({"type": "integer"}, 1.5, "the value must be a whole number, not 1.5", None),
        ({"type": "array"}, {}, "the value must be a list, not a map", None),
        ({"type": "object"}, [], "the value must be a map, not a list", None),
        ({"type": "boolean"}, "true", "the value must be true or false, not text", None),
        ({"type": "null"}, 0, "the value must be null, not a number", None),
        ({"type": "number"}, None, "the value must be a number, not null", None),
        ({"type": "string"}, 5, "the value must be text, not a number", 'quote it: "5"'),
        ({"type": "string"}, True, "the value must be text, not a boolean", None),
        ({"type": "string"}, None, "the value must be text, not null", None),
        ({"type": ["integer", "string"]}, [], "the value must be a whole number or text, not a list", None),
        ({"enum": ["red", "green", 1, None, True]}, "gren",
         "the value is gren, not one of red, green, 1, null, true", "did you mean 'green'?"),
        ({"enum": ["red"]}, None, "the value is null, not one of red", None),
        ({"enum": ["late"]}, "", "the value is empty, not one of late", None),
        ({"enum": ["late"]}, " ", "the value is ' ', not one of late", None),
        ({"enum": ["late"]}, "late ", "the value is 'late ', not one of late", "did you mean 'late'?"),
        ({"enum": ["1.10"]}, 1.1, "the value is a number, not one of 1.10", "put it in quotes"),
        ({"enum": [1, 2]}, "1", "the value is text, not one of 1, 2", "remove the quotes"),
        ({"minimum": 0}, -1, "-1 is less than the minimum of 0", None),
        ({"maximum": 10}, 10**30, f"{10**30} is greater than the maximum of 10", None),
        ({"maxLength": 2}, "abc", "the value has more than 2 characters", None),
        ({"maxLength": 1}, "abc", "the value has more than 1 character", None),
        ({"minLength": 4}, "abc", "the value has fewer than 4 characters", None),
        ({"minLength": 1}, "", "the value is empty", None),
        ({"pattern": "^[0-9]+$"}, "abc", "the value is 'abc', which does not match ^[0-9]+$", None),
        ({"minItems": 2}, [1], "the value has fewer than 2 items", None),
        ({"minItems": 1}, [], "the value is empty", None),
        ({"maxItems": 0}, [1], "the value has more than 0 items", None),
        ({"maxItems": 1}, [1, 2], "the value has more than 1 item", None),
        ({"uniqueItems": True}, [1, 2, 1], "the value has the same item twice", None),
        ({"const": 1}, 2, "the value must be 1, not 2", None),
        ({"const": "a"}, "b", "the value must be a, not b", None),
        ({"const": 1}, "1", "the value must be 1, a number, not text", "remove the quotes"),
        ({"const": 1}, "x", "the value must be 1, a number, not text", None),
        ({"const": 1}, None, "the value must be 1, a number, not null", None),
        ({"const": True}, "true", "the value must be true, a boolean, not text", "remove the quotes"),
        ({"const": True}, 1, "the value must be true, a boolean, not a number", None),
        (False, 1, "the value is not allowed here", None),
    ],
)  # fmt: skip
def test_a_broken_rule_is_told_in_plain_words(schema: Json, value: Json, message: str, hint: str | None) -> None:
    assert [(fault.path, fault.message, fault.hint) for fault in faults(schema, value)] == [((), message, hint)]


def test_a_named_value_is_told_by_its_name() -> None:
    schema: Json = {"properties": {"order": {"properties": {"id": {"type": "string"}}}}}
    assert faults(schema, {"order": {"id": 5}}) == [
        Fault("type", ("order", "id"), "'id' must be text, not a number", 'quote it: "5"')
    ]


def test_a_value_that_fits_has_no_faults() -> None:
    assert faults({"type": "object", "required": ["a"]}, {"a": 1}) == []


def test_every_missing_key_is_told() -> None:
    assert faults({"required": ["a", "b"]}, {}) == [
        Fault("required", (), "missing key 'a'", key="a"),
        Fault("required", (), "missing key 'b'", key="b"),
    ]


def test_an_unknown_key_comes_with_the_nearest_known_one() -> None:
    schema: Json = {"additionalProperties": False, "properties": {"order": {}, "user": {}}}
    assert faults(schema, {"ordr": 1, "zz": 2}) == [
        Fault("additionalProperties", (), "unknown key 'ordr'", "did you mean 'order'?", "ordr"),
        Fault("additionalProperties", (), "unknown key 'zz'", "known here: order, user", "zz"),
    ]


def test_a_misspelt_key_is_one_fault_and_not_also_a_missing_one() -> None:
    schema: Json = {
        "additionalProperties": False,
        "required": ["event", "user"],
        "properties": {"event": {}, "user": {}, "amount": {}},
    }
    assert faults(schema, {"evnt": 1}) == [
        Fault("required", (), "missing key 'user'", key="user"),
        Fault("additionalProperties", (), "unknown key 'evnt'", "did you mean 'event'?", "evnt"),
    ]
    assert faults(schema, {"amuont": 1, "zz": 2, "event": 3}) == [
        Fault("required", (), "missing key 'user'", key="user"),
        Fault("additionalProperties", (), "unknown key 'amuont'", "did you mean 'amount'?", "amuont"),
        Fault("additionalProperties", (), "unknown key 'zz'", "known here: event, user, amount", "zz"),
    ]


def test_a_misspelt_key_hides_the_missing_one_of_its_own_map_alone() -> None:
    item: Json = {"additionalProperties": False, "required": ["url"], "properties": {"url": {}}}
    assert faults({"items": item}, [{"ur": 1}, {}]) == [
        Fault("additionalProperties", (0,), "unknown key 'ur'", "did you mean 'url'?", "ur"),
        Fault("required", (1,), "missing key 'url'", key="url"),
    ]
    two: Json = {
        "additionalProperties": False,
        "required": ["url"],
        "properties": {"url": {}, "a": {"required": ["urk"]}},
    }
    assert faults(two, {"urk": 1, "a": {}}) == [
        Fault("required", ("a",), "missing key 'urk'", key="urk"),
        Fault("additionalProperties", (), "unknown key 'urk'", "did you mean 'url'?", "urk"),
    ]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"required": ["b"]}, {}),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}),
        ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}),
    ],
)
def test_a_missing_key_is_named_whichever_rule_asks_for_it(schema: Json, value: Json) -> None:
    (fault,) = faults(schema, value)
    assert (fault, fault.at()) == (Fault("required", (), "missing key 'b'", key="b"), "b")
    (inside,) = faults({"properties": {"order": {"items": schema}}}, {"order": [value]})
    assert inside.at() == "order[0].b"


def test_an_unknown_key_behind_a_reference_has_a_suggestion_too() -> None:
    schema: Json = {
        "$defs": {"paint": {"additionalProperties": False, "properties": {"colour": {}}}},
        "properties": {"x": {"$ref": "#/$defs/paint"}},
    }
    assert faults(schema, {"x": {"color": 1}}) == [
        Fault("additionalProperties", ("x",), "unknown key 'color'", "did you mean 'colour'?", "color")
    ]


def test_of_several_shapes_the_one_of_the_value_s_type_is_reported_on() -> None:
    assert faults(URL_OR_MAP, "") == [Fault("minLength", (), "the value is empty")]
    assert faults(URL_OR_MAP, {}) == [Fault("required", (), "missing key 'url'", key="url")]


def test_a_value_of_no_shape_s_type_is_told_the_types() -> None:
    assert faults(URL_OR_MAP, 4) == [Fault("type", (), "the value must be text or a map, not a number")]
    assert faults({"oneOf": [{"type": "string"}, {"type": "number"}]}, []) == [
        Fault("type", (), "the value must be text or a number, not a list")
    ]


def test_a_bad_name_of_a_key_is_told() -> None:
    assert faults({"propertyNames": {"pattern": "^a"}}, {"b": 1}) == [
        Fault("propertyNames", (), "'b' can't be a name here: it does not match ^a", None, "b")
    ]


def test_one_fault_seen_in_two_ways_is_told_once() -> None:
    assert faults({"allOf": [{"required": ["a"]}, {"required": ["a"]}]}, {}) == [
        Fault("required", (), "missing key 'a'", key="a")
    ]


@pytest.mark.parametrize(
    ("name", "bad", "good", "wanted"),
    [
        ("date", "2026-13-01", "2026-12-01", "a date"),
        ("date-time", "2026-01-02", "2026-01-02T03:04:05Z", "a date and time"),
        ("duration", "1 day", "P1D", "a duration"),
        ("email", "x", "a@example.com", "an e-mail address"),
        ("hostname", "a b", "a.example.com", "a host name"),
        ("ipv4", "1.2.3", "1.2.3.4", "an IPv4 address"),
        ("ipv6", "1.2.3.4", "::1", "an IPv6 address"),
        ("regex", "(", "a+", "a regular expression"),
        ("time", "25:00", "03:04:05Z", "a time"),
        ("uri", "x y", "https://example.com/", "a URI"),
        ("uuid", "x", "00000000-0000-4000-8000-000000000001", "a UUID"),
        ("json-pointer", "a", "/a", "of the format json-pointer"),
    ],
)
def test_formats_are_asserted(name: str, bad: str, good: str, wanted: str) -> None:
    hint = "for example 2026-01-02T03:04:05Z" if name == "date-time" else None
    assert faults({"format": name}, bad) == [Fault("format", (), f"the value is '{bad}', which is not {wanted}", hint)]
    assert faults({"format": name}, good) == []


OUTSIDE = "move what it refers to under $defs: external references are never followed"


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("https://example.com/x.json", "'https://example.com/x.json' is outside the schema", OUTSIDE),
        ("file:///etc/passwd", "'file:///etc/passwd' is outside the schema", OUTSIDE),
        ("other.json", "'other.json' is outside the schema", OUTSIDE),
        ("urn:x:y", "'urn:x:y' is outside the schema", OUTSIDE),
        ("#/nowhere", "'#/nowhere' does not exist in the schema", None),
        ("#anchor", "'#anchor' does not exist in the schema", None),
    ],
)
def test_a_reference_that_leads_out_of_the_schema_or_nowhere_is_refused(
    reference: str, message: str, hint: str | None
) -> None:
    assert schema_error({"$ref": reference}) == (message, ("$ref",), hint)


@pytest.mark.parametrize(
    ("schema", "message", "path"),
    [
        ({"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {}}, "'#/$defs/b' does not exist in the schema",
         ("properties", "a", "$ref")),
        ({"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "$defs": {"a": {}}},
         "'#/$defs/b' does not exist in the schema", ("anyOf", 1, "$ref")),
        ({"properties": {"a": {"$ref": "#/$defs/b"}, "c": {"$ref": "#/$defs/bb"}}, "$defs": {"bb": {}}},
         "'#/$defs/b' does not exist in the schema", ("properties", "a", "$ref")),
        ({"properties": {"$ref": {"type": "string"}, "a": {"$ref": "other.json"}}},
         "'other.json' is outside the schema", ("properties", "a", "$ref")),
        ({"properties": {"$ref": {"$ref": "#/nowhere"}}}, "'#/nowhere' does not exist in the schema",
         ("properties", "$ref", "$ref")),
        ({"$id": "https://example.com/a.json", "items": {"$ref": "#/nowhere"}}, "'#/nowhere' does not exist in the schema",
         ("items", "$ref")),
    ],
)  # fmt: skip
def test_a_broken_reference_is_told_where_it_stands(schema: Json, message: str, path: tuple[Step, ...]) -> None:
    assert schema_error(schema)[:2] == (message, path)


def test_a_remote_reference_touches_no_network(server: CapturingServer) -> None:
    schema_error({"$ref": f"{server.base_url}x.json"})
    schema_error({"$id": f"{server.base_url}a.json", "$ref": "b.json"})
    assert (server.connections, server.received) == (0, [])


@pytest.mark.parametrize(
    ("schema", "message", "path"),
    [
        ([1], "a JSON Schema is a map or a boolean, not a list", ()),
        ("x", "a JSON Schema is a map or a boolean, not text", ()),
        (None, "a JSON Schema is a map or a boolean, not null", ()),
        (
            {"properties": {"a": {"minimum": "x"}}},
            "'minimum' must be a number, not text",
            ("properties", "a", "minimum"),
        ),
        ({"pattern": "("}, "'pattern' is '(', which is not a regular expression", ("pattern",)),
        ({"items": {"format": "emial"}}, "unknown format 'emial'", ("items", "format")),
        ({"required": ["a", "a"]}, "'required' has the same item twice", ("required",)),
    ],
)
def test_what_is_no_schema_says_where(schema: Json, message: str, path: tuple[str, ...]) -> None:
    assert schema_error(schema) == (message, path, None)


def test_an_unknown_type_is_told_where_it_stands() -> None:
    assert schema_error({"properties": {"a": {"type": "strin"}}})[1] == ("properties", "a", "type")


def test_half_of_a_surrogate_pair_in_a_value_is_a_fault() -> None:
    wanted = [Fault("unicode", (), "the text has half of a surrogate pair: it is not valid Unicode")]
    assert faults({"type": "string"}, "\ud800") == wanted
    assert faults({"type": "integer"}, {"a": ["\ud800"]}) == wanted


def test_half_of_a_surrogate_pair_in_a_schema_is_told_without_python_s_words() -> None:
    assert schema_error({"const": "\ud800"}) == ("it contains text that is not valid Unicode", (), None)


def test_an_expression_that_backtracks_is_answered_at_once() -> None:
    assert [fault.keyword for fault in faults({"pattern": "^(a+)+$"}, "a" * 5000 + "!")] == ["pattern"]


def test_faults_become_problems_at_their_places() -> None:
    content = "order:\n  ids: [1, x]\n  colour: red\nuser: u\n"
    root = read_text(content, "f.yaml").root
    assert root is not None
    schema: Json = {
        "properties": {
            "order": {
                "properties": {"ids": {"items": {"type": "integer"}}},
                "additionalProperties": False,
                "required": ["total"],
            },
        },
    }
    found = list(problems(faults(schema, root.plain()), root))
    assert sorted(found, key=lambda problem: problem.message) == [
        Problem("missing-key", "missing key 'total'", Position("f.yaml", 1, 1, 6, "order:"), "order.total"),
        Problem(
            "wrong-type", "the value must be a whole number, not text",
            Position("f.yaml", 2, 12, 13, "  ids: [1, x]"), "order.ids[1]",
        ),
        Problem(
            "unknown-key", "unknown key 'colour'",
            Position("f.yaml", 3, 3, 9, "  colour: red"), "order.colour", "known here: ids",
        ),
    ]  # fmt: skip


def test_a_key_that_the_whole_document_misses_is_told_at_its_beginning() -> None:
    root = read_text("a: 1\n", "f.yaml").root
    assert root is not None
    assert list(problems(faults({"required": ["b"]}, root.plain()), root)) == [
        Problem("missing-key", "missing key 'b'", Position("f.yaml", 1, 1, 2, "a: 1"), "b")
    ]


def test_a_fault_of_the_whole_document_has_no_way_to_it() -> None:
    root = read_text("5\n", "f.yaml").root
    assert root is not None
    assert list(problems(faults({"type": "object"}, root.plain()), root)) == [
        Problem("wrong-type", "the value must be a map, not a number", Position("f.yaml", 1, 1, 2, "5"))
    ]


def test_the_reference_that_is_broken_is_named_and_not_one_that_begins_alike() -> None:
    schema: Json = {"properties": {"a": {"$ref": "#/$defs/xy"}, "b": {"$ref": "#/$defs/x"}}, "$defs": {"xy": {}}}
    assert schema_error(schema) == ("'#/$defs/x' does not exist in the schema", ("properties", "b", "$ref"), None)


def test_a_reference_below_an_id_is_told_where_it_stands() -> None:
    message, path, _ = schema_error({"$id": "https://example.com/a.json", "items": {"$ref": "b.json"}})
    assert (message, path) == ("'b.json' is outside the schema", ("items", "$ref"))


@pytest.mark.parametrize(
    ("const", "value", "message"),
    [
        (1, 1.5, "the value must be 1, not 1.5"),
        (None, "null", "the value must be null, not text"),
        (1, "1", "the value must be 1, a number, not text"),
        ({"a": 1}, {"b": 2}, 'the value must be {"a": 1}, not {"b": 2}'),
    ],
)
def test_a_constant_is_told_by_its_value_or_its_kind(const: Json, value: Json, message: str) -> None:
    assert [fault.message for fault in faults({"const": const}, value)] == [message]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"minProperties": 2}, {"a": 1}, "the value has fewer than 2 keys"),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, "the value has more than 1 key"),
        ({"minProperties": 1}, {}, "the value is empty"),
        ({"contains": {"type": "string"}}, [1, 2], "the value has no item that matches `contains`"),
        ({"not": {"type": "string"}}, "x", "the value matches the schema that `not` forbids"),
        (
            {"oneOf": [{"type": "string"}, {"minLength": 1}]},
            "x",
            "the value matches more than one schema in `oneOf`",
        ),
    ],
)
def test_a_rule_is_told_without_quoting_all_of_the_value(schema: Json, value: Json, message: str) -> None:
    assert [fault.message for fault in faults(schema, value)] == [message]


@pytest.mark.parametrize(
    "dialect",
    ["https://example.com/my-dialect", "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema", ""],
)  # fmt: skip
def test_another_dialect_is_refused(dialect: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Schema({"$schema": dialect, "type": "object"})
    assert (caught.value.path, caught.value.code) == (("$schema",), "bad-schema")


@pytest.mark.parametrize("end", ["", "#"])
def test_its_own_dialect_may_be_named(end: str) -> None:
    schema = Schema({"$schema": f"https://json-schema.org/draft/2020-12/schema{end}", "type": "string"})
    assert (schema.accepts("x"), schema.accepts(1)) == (True, False)
