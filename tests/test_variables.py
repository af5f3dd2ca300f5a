"""Where a variable's value comes from, and how text becomes its type."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from runner.errors import Position, Problem
from runner.source import Json, read_text
from runner.variables import Given, Values, Variable, resolve, unknown


def typed(declaration: dict[str, Json], text: str) -> Json:
    return Variable("v", declaration).typed(Given(text, "--var", is_text=True))


def resolved(declaration: dict[str, Json], value: Json, *, is_text: bool = True) -> Values:
    layers = [{"v": Given(value, "--var", is_text=is_text)}]
    return resolve([Variable("v", declaration)], layers, {}, {})


LAYERS = ["flags", "row", "case", "vars file", "RUNNER_VAR_v", "env", "profile", "default"]


@pytest.mark.parametrize("highest", range(8), ids=LAYERS)
def test_the_highest_source_wins(highest: int) -> None:
    layers = [{"v": Given(name, name)} if index >= highest else {} for index, name in enumerate(LAYERS[:4])]
    environ = {
        name: origin
        for name, origin, rank in (("RUNNER_VAR_v", "RUNNER_VAR_v", 4), ("V_ENV", "env", 5))
        if rank >= highest
    }
    profile = {"v": Given("profile", "profile")} if highest <= 6 else {}
    variable = Variable("v", {"type": "string", "env": "V_ENV", "secret": False, "default": "default"})
    assert resolve([variable], layers, environ, profile) == Values({"v": LAYERS[highest]}, (), ())


def test_what_comes_from_the_environment_by_env_is_secret_unless_the_declaration_denies_it() -> None:
    environ = {"V_ENV": "from env", "RUNNER_VAR_w": "the user's own"}
    plain: dict[str, Json] = {"type": "string", "env": "V_ENV"}
    open_: dict[str, Json] = {"type": "string", "env": "V_ENV", "secret": False}
    assert set(resolve([Variable("v", plain)], [], environ, {}).secrets) == {"from env"}
    assert resolve([Variable("v", open_)], [], environ, {}).secrets == ()
    assert resolve([Variable("w", plain)], [], environ, {}).secrets == ()
    assert resolve([Variable("v", plain)], [{"v": Given("given", "--var v")}], environ, {}).secrets == ()
    [problem] = resolve([Variable("v", plain | {"type": "integer"})], [], environ, {}).problems
    assert problem.message == "variable 'v': a value that is not a whole number"


def test_a_null_that_was_given_wins_over_what_is_below() -> None:
    variable = Variable("v", {"type": ["string", "null"], "default": "d"})
    assert resolve([variable], [{"v": Given(None, "row")}], {}, {}) == Values({"v": None}, (), ())


@pytest.mark.parametrize("name", ["RUNNER_VAR_v", "V_ENV"])
def test_an_empty_environment_variable_is_a_value_only_for_text_that_says_so(name: str) -> None:
    def resolved(**declaration: Json) -> Values:
        return resolve([Variable("v", {"env": "V_ENV", **declaration})], [], {name: ""}, {})

    assert resolved(type="string", minLength=0).values == {"v": ""}
    assert resolved(type=["string", "null"], minLength=0).values == {"v": ""}
    others: list[dict[str, Json]] = [
        {},
        {"type": "string"},
        {"type": "string", "minLength": 1},
        {"type": ["integer", "null"]},
        {"minLength": 0},
        {"type": "array"},
    ]
    for declaration in others:
        [problem] = resolved(**declaration).problems
        assert problem.code == "var-missing"
        assert (problem.hint or "").endswith(f"; {name} is set, but empty")
    assert resolved(type="string", default="d").values == {"v": "d"}


def test_a_variable_without_a_value_is_told_in_the_environment_of_a_process_too() -> None:
    assert [problem.code for problem in resolve([Variable("v", {})], [], os.environ, {}).problems] == ["var-missing"]


def test_what_comes_after_an_empty_environment_variable_counts() -> None:
    variable = Variable("v", {"type": "string", "env": "V_ENV", "secret": False})
    assert resolve([variable], [], {"RUNNER_VAR_v": "", "V_ENV": "x"}, {}).values == {"v": "x"}
    assert resolve([variable], [], {"V_ENV": ""}, {"v": Given("p", "profile 'p'")}).values == {"v": "p"}
    [problem] = resolve([variable], [], {"RUNNER_VAR_v": "", "V_ENV": ""}, {}).problems
    assert (problem.hint or "").endswith("; RUNNER_VAR_v and V_ENV are set, but empty")


def test_the_environment_variable_of_one_declaration_is_no_other_s() -> None:
    variables = [Variable("a", {"type": "string", "env": "X"}), Variable("b", {"type": "string", "default": "d"})]
    assert resolve(variables, [], {"X": "x", "b": "no", "RUNNER_VAR_B": "no"}, {}).values == {"a": "x", "b": "d"}


def test_a_missing_value_is_told_with_the_ways_to_give_it() -> None:
    root = read_text("user: {type: string, env: APP_USER}\n", "f.yaml").root
    assert root is not None
    variable = Variable("user", {"type": "string", "env": "APP_USER"}, root)
    assert resolve([variable], [], {}, {}) == Values(
        {},
        (),
        (
            Problem(
                "var-missing",
                "variable 'user' has no value",
                Position("f.yaml", 1, 1, 5, "user: {type: string, env: APP_USER}"),
                "vars.user",
                "set it with --var user=… or RUNNER_VAR_user or the environment variable APP_USER",
            ),
        ),
    )


def test_a_variable_that_need_not_be_there_may_be_missing() -> None:
    assert resolve([Variable("v", {"type": "string"}, required=False)], [], {}, {}) == Values({}, (), ())


@pytest.mark.parametrize("text", ["", " x ", "5", "true", "null", '{"a": 1}', "{{ x }}", "٣", "\n"])
def test_text_for_a_string_stays_as_it_is(text: str) -> None:
    assert typed({"type": "string"}, text) == text
    assert typed({"type": ["integer", "string"]}, text) == text


@pytest.mark.parametrize(
    ("type_name", "text", "value"),
    [
        ("integer", "5", 5),
        ("integer", "-12", -12),
        ("integer", " 5 ", 5),
        ("integer", "123456789012345678901234567890", 123456789012345678901234567890),
        ("number", "5", 5),
        ("number", "1.50", 1.5),
        ("number", "1e3", 1000.0),
        ("number", "-0.5E-1", -0.05),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("null", "null", None),
        ("array", '[1, "a"]', [1, "a"]),
        ("object", '{"a": {"b": null}}', {"a": {"b": None}}),
    ],
)
def test_text_becomes_the_declared_type(type_name: str, text: str, value: Json) -> None:
    found = typed({"type": type_name}, text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("true", True), ('"x"', "x"), ("[1]", [1]), ("null", None), ("1e3", 1000.0)]
)
def test_text_for_an_untyped_variable_is_json(text: str, value: Json) -> None:
    found = typed({}, text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("types", "text", "value"),
    [
        (["integer", "null"], "5", 5),
        (["integer", "null"], "null", None),
        (["integer", "boolean"], "true", True),
        (["number", "array"], "[1]", [1]),
        (["number", "integer"], "7", 7),
    ],
)
def test_text_for_several_types_becomes_the_one_that_it_fits(types: list[Json], text: str, value: Json) -> None:
    found = typed({"type": types}, text)
    assert (type(found), found) == (type(value), value)


NOT_NUMBERS = [
    "1_000",
    "٣",
    "\uff13",
    "0x10",
    "+5",
    "05",
    ".5",
    "5.",
    "1,5",
    "true",
    "",
    "Infinity",
    "NaN",
    "1e",
    "five",
    "--5",
    "1 2",
]


@pytest.mark.parametrize("text", [*NOT_NUMBERS, "1.5", "1e-3", "1e999"])
def test_what_json_does_not_call_an_integer_is_refused(text: str) -> None:
    assert resolved({"type": "integer"}, text).problems == (
        Problem(
            "var-type",
            f"variable 'v': '{text}' is not a whole number",
            at="vars.v",
            context="the value comes from --var",
        ),
    )


@pytest.mark.parametrize("text", [*NOT_NUMBERS, "1e400", "-1e999"])
def test_what_json_does_not_call_a_number_is_refused(text: str) -> None:
    assert resolved({"type": "number"}, text).problems == (
        Problem(
            "var-type", f"variable 'v': '{text}' is not a number", at="vars.v", context="the value comes from --var"
        ),
    )


@pytest.mark.parametrize("text", ["True", "TRUE", "yes", "1", "0", "on", ""])
def test_only_two_words_are_booleans(text: str) -> None:
    assert resolved({"type": "boolean"}, text).problems == (
        Problem(
            "var-type",
            f"variable 'v': '{text}' is not true or false",
            at="vars.v",
            hint="write true or false in lower case: spreadsheets use capitals" if text == "TRUE" else None,
            context="the value comes from --var",
        ),
    )


@pytest.mark.parametrize("text", ["x", "[1,]", "{'a': 1}", "NaN", "[Infinity]", "", "[" * 100_000])
def test_what_is_no_json_is_refused_for_a_list(text: str) -> None:
    assert resolved({"type": "array"}, text).problems == (
        Problem(
            "var-type", f"variable 'v': '{text}' is not JSON",
            at="vars.v", hint='for example \'["a", "b"]\' or \'{"key": 1}\'', context="the value comes from --var",
        ),
    )  # fmt: skip


def test_text_that_is_no_json_for_an_untyped_variable_comes_with_the_remedy() -> None:
    assert resolved({}, "u1").problems == (
        Problem(
            "var-type", "variable 'v': 'u1' is not JSON",
            at="vars.v", hint="declare `type: string` to take text as it is", context="the value comes from --var",
        ),
    )  # fmt: skip


@pytest.mark.parametrize("declaration", [{"type": "integer"}, {"type": "number"}])
def test_an_integer_of_more_digits_than_python_converts_is_told_in_plain_words(declaration: dict[str, Json]) -> None:
    (problem,) = resolved(declaration, "1" * 5000).problems
    assert problem.code == "var-type"
    assert "limit" not in problem.message
    assert "set_int_max_str_digits" not in problem.message


@pytest.mark.parametrize("text", ["1e400", "[1e400]", '{"a": -1e999}'])
def test_a_number_beyond_a_double_is_no_json(text: str) -> None:
    assert [problem.code for problem in resolved({}, text).problems] == ["var-type"]


@seed(20260102)
@settings(max_examples=200, deadline=None, database=None)
@given(value=st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_of_json_is_read_back(value: float) -> None:
    found = typed({"type": "number"}, json.dumps(value))
    assert (type(found), found) == (type(value), value)


def test_a_value_with_a_type_of_its_own_is_not_converted() -> None:
    assert resolved({"type": "integer"}, "5", is_text=False).problems == (
        Problem(
            "var-schema",
            "variable 'v': the value must be a whole number, not text",
            at="vars.v",
            context="the value comes from --var",
        ),
    )
    assert resolved({"type": "integer"}, 5, is_text=False) == Values({"v": 5}, (), ())


def test_a_value_that_breaks_its_declaration_is_told_with_every_rule() -> None:
    declaration: dict[str, Json] = {"type": "string", "pattern": "^[0-9]+$", "minLength": 4}
    found = resolved(declaration, "abc")
    assert sorted(problem.message for problem in found.problems) == [
        "variable 'v': the value has fewer than 4 characters",
        "variable 'v': the value is 'abc', which does not match ^[0-9]+$",
    ]
    assert {(problem.code, problem.at) for problem in found.problems} == {("var-schema", "vars.v")}


def test_a_fault_inside_a_value_says_where() -> None:
    declaration: dict[str, Json] = {"type": "array", "items": {"type": "integer"}}
    assert resolved(declaration, '[1, "x"]').problems == (
        Problem(
            "var-schema",
            "variable 'v' at [1]: the value must be a whole number, not text",
            at="vars.v",
            context="the value comes from --var",
        ),
    )


def test_a_value_from_a_file_is_told_at_its_place() -> None:
    place = Position("vars.yaml", 1, 4, 5, "v: x")
    layers = [{"v": Given("x", "vars.yaml", position=place)}]
    assert resolve([Variable("v", {"type": "integer"})], layers, {}, {}).problems == (
        Problem("var-schema", "variable 'v': the value must be a whole number, not text", place, "vars.v"),
    )


def test_every_variable_s_problem_is_told() -> None:
    variables = [
        Variable("a", {"type": "integer"}),
        Variable("b", {"type": "string"}),
        Variable("c", {"type": "boolean"}),
    ]
    layers = [{"a": Given("x", "--var", is_text=True), "c": Given("yes", "--var", is_text=True)}]
    assert [problem.code for problem in resolve(variables, layers, {}, {}).problems] == [
        "var-type", "var-missing", "var-type",
    ]  # fmt: skip


SECRET = "hunter2-s3cr3t"


@pytest.mark.parametrize(
    ("declaration", "code", "message"),
    [
        ({"type": "integer"}, "var-type", "variable 'v': a value that is not a whole number"),
        ({"type": "array"}, "var-type", "variable 'v': a value that is not JSON"),
        ({"type": "string", "pattern": "^[0-9]$", "maxLength": 3}, "var-schema", "variable 'v' breaks its declaration"),
        ({"type": "string", "enum": ["a"]}, "var-schema", "variable 'v' breaks its declaration"),
        ({"type": "string", "format": "email"}, "var-schema", "variable 'v' breaks its declaration"),
    ],
)
def test_a_secret_is_in_no_message(declaration: dict[str, Json], code: str, message: str) -> None:
    found = resolved({**declaration, "secret": True}, SECRET)
    assert [(problem.code, problem.message) for problem in found.problems] == [(code, message)]
    assert SECRET not in repr(found.problems)
    assert SECRET in found.secrets


def test_the_texts_inside_a_secret_value_are_secrets() -> None:
    found = resolved({"type": "object", "secret": True}, '{"user": "u-1", "pins": [1234, true, null]}')
    assert set(found.secrets) == {'{"user": "u-1", "pins": [1234, true, null]}', "user", "pins", "u-1", "1234"}


def test_the_keys_of_a_secret_that_its_declaration_names_are_none() -> None:
    declaration: dict[str, Json] = {
        "type": "object", "secret": True, "properties": {"user": {"properties": {"name": {}}}},
    }  # fmt: skip
    found = resolved(declaration, '{"user": {"name": "u-1"}, "token-42": 1}')
    assert {"user", "name"}.isdisjoint(found.secrets)
    assert {"token-42", "u-1"} <= set(found.secrets)


def test_a_default_that_is_secret_is_known_as_one() -> None:
    variable = Variable("v", {"type": "string", "secret": True, "default": "d3fault"})
    assert set(resolve([variable], [], {}, {}).secrets) == {"d3fault"}


def test_what_is_no_secret_is_in_no_list_of_secrets() -> None:
    assert resolved({"type": "string"}, "x").secrets == ()


def test_an_unknown_name_comes_with_the_nearest_known_one() -> None:
    place = Position("vars.yaml", 1, 1, 8, "oder_id: 1")
    given = {"oder_id": Given(1, "vars.yaml", position=place), "user": Given("u", "--var")}
    assert list(unknown(given, ["order_id", "user"])) == [
        Problem(
            "unknown-variable",
            "no spec here declares a variable 'oder_id' (vars.yaml)",
            place,
            "vars.oder_id",
            "did you mean 'order_id'?",
        )
    ]


def test_an_unknown_name_where_nothing_is_declared_says_so() -> None:
    assert list(unknown({"x": Given("1", "--var")}, [])) == [
        Problem(
            "unknown-variable", "no spec here declares a variable 'x' (--var)",
            at="vars.x", hint="no spec here has variables",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"qty":1,"qty":2}', "a key occurs twice in an object"),
        ('[{"a":{"b":1,"\\u0062":1}}]', "a key occurs twice in an object"),
        ("[1e400]", "a number too large for a double"),
        (f"[{'9' * 5000}]", "a number of 5000 digits"),
    ],
)
@pytest.mark.parametrize("declaration", [{}, {"type": ["object", "array"]}])
def test_json_of_which_readers_differ_is_refused(declaration: dict[str, Json], text: str, why: str) -> None:
    [told] = resolved(declaration, text).problems
    assert (told.code, told.message) == ("var-type", f"variable 'v': '{text}' is not JSON that can be used: {why}")
