"""Variables: what is declared, what is used, and declarations in other tools' forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import InvalidInput
from runner.eventspec import Occurrence, render
from tests.eventspec.reader.conftest import HEAD, unrendered
from tests.projects import Templates

if TYPE_CHECKING:
    from tests.projects import Project


def test_a_name_that_is_not_declared_is_an_error_and_one_that_is_not_used_a_warning(project: Project) -> None:
    content = (
        HEAD + "vars:\n  order_id: {}\n  spare: {}\nproperties:\n  a: 'Order #{{ oder_id }}'\n  b: '{{ order_id }}'\n"
    )
    assert project.problems(content) == [
        "spec.yaml:6:3-8 warning[unused-variable] no template uses the variable 'spare' @vars.spare",
        "spec.yaml:8:17-24 error[template-undefined] variable 'oder_id' is not defined (did you mean 'order_id'?)",
    ]


def test_a_variable_that_is_misspelt_where_it_is_used_is_not_called_unused(project: Project) -> None:
    content = HEAD + "vars: {order_id: {}, user: {}}\nproperties: {a: '{{ oder_id }}', b: '{{ zzz }}'}\n"
    assert project.problems(content) == [
        "spec.yaml:4:22-26 warning[unused-variable] no template uses the variable 'user' @vars.user",
        "spec.yaml:5:21-28 error[template-undefined] variable 'oder_id' is not defined (did you mean 'order_id'?)",
        "spec.yaml:5:41-44 error[template-undefined] variable 'zzz' is not defined (known here: order_id, user)",
    ]


def test_an_empty_vars_declares_that_there_are_none(project: Project) -> None:
    assert project.problems(HEAD + "vars: {}\nproperties: {a: '{{ x }}'}\n") == [
        "spec.yaml:5:21-22 error[template-undefined] variable 'x' is not defined"
    ]


def test_without_vars_every_used_name_is_a_required_text(project: Project) -> None:
    content = (
        "version: 1\nevent: '{{ e }}_x'\ndistinct_id: '{{ user }}'\nproperties: {a: ['{{ user }}', {b: '{{ c.d }}'}]}\n"
    )
    spec = project.spec(content)
    assert [(v.name, v.required, v.schema_source) for v in spec.variables] == [
        (name, True, {"type": "string"}) for name in ("e", "user", "c")
    ]


def test_without_vars_a_guarded_name_is_optional(project: Project) -> None:
    content = HEAD + (
        "properties:\n"
        "  a: \"{{ one|default('x') }}\"\n"
        "  b: '{{ two is defined }}'\n"
        "  c: '{{ three if three is defined else 0 }}'\n"
        "  d: '{% if four is defined %}{{ four }}{% endif %}'\n"
        "  e: \"{{ five|default('x') }} {{ five }}\"\n"
    )
    assert [(v.name, v.required) for v in project.spec(content).variables] == [
        ("one", False), ("two", False), ("three", False), ("four", False), ("five", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("declaration", "told"),
    [
        ("{typ: string}", "12-15 error[unknown-key] unknown key 'typ' (did you mean 'type'?) @vars.a.typ"),
        ("{type: integer, default: x}",
         "36-37 error[var-schema] the default of 'a' breaks its own declaration: the value must be a whole number, not text @vars.a.default"),
        ("{type: string, default: 5}",
         "35-36 error[var-schema] the default of 'a' breaks its own declaration: the value must be text, not a number (quote it: \"5\") @vars.a.default"),
        ("{minimum: x}", "21-22 error[wrong-type] 'minimum' must be a number, not text @vars.a.minimum"),
        ("{items: {minimum: x}}", "29-30 error[bad-schema] 'minimum' must be a number, not text @vars.a"),
        ("{pattern: '('}", "21-24 error[bad-schema] 'pattern' is '(', which is not a regular expression @vars.a"),
        ("{$ref: '#/nowhere'}", "18-29 error[bad-schema] '#/nowhere' does not exist in the schema @vars.a"),
        ("{secret: 1}", "20-21 error[wrong-type] 'secret' must be true or false, not a number @vars.a.secret"),
        ("5", "11-12 error[wrong-type] 'a' must be a map, not a number (such as a: {type: string, env: PDF_TOKEN, secret: true}) @vars.a"),
    ],
)  # fmt: skip
def test_a_declaration_is_checked(project: Project, declaration: str, told: str) -> None:
    content = f"{HEAD}vars: {{a: {declaration}}}\nproperties: {{b: '{{{{ a }}}}'}}\n"
    assert project.problems(content) == [f"spec.yaml:4:{told}"]


def test_a_secret_default_is_in_no_message(project: Project) -> None:
    content = (
        HEAD + "vars: {a: {type: string, secret: true, pattern: '^x', default: hunter2}}\nproperties: {b: '{{ a }}'}\n"
    )
    (told,) = project.problems(content)
    assert "hunter2" not in told


def test_a_variable_whose_declaration_is_no_map_is_declared_all_the_same(project: Project) -> None:
    content = HEAD + "vars: {a: 5}\nproperties: {b: '{{ a }}'}\ntests: [{name: one, vars: {a: 5}}]\n"
    assert project.problems(content) == [
        "spec.yaml:4:11-12 error[wrong-type] 'a' must be a map, not a number (such as a: {type: string, env: PDF_TOKEN, secret: true}) @vars.a"
    ]


@pytest.mark.parametrize(
    "name", ["none", "None", "true", "True", "false", "False", "not", "now", "range", "uuid4", "uuid5", "self", "loop"]
)
def test_a_variable_may_not_have_a_name_that_means_something_else(project: Project, name: str) -> None:
    spec = f"version: 1\nvars: {{{name}: {{default: x}}}}\nevent: order_placed\ndistinct_id: u1\n"
    [told] = [each for each in project.load(spec.replace(name, f'"{name}"')).problems if each.severity == "error"]
    assert (told.code, told.at) == ("reserved-name", f"vars.{name}")
    assert told.message == f"'{name}' can't be the name of a variable: it has another meaning in templates"


@pytest.mark.parametrize("name", ["NONE", "nil", "null", "if", "items", "looped", "event"])
def test_any_other_name_is_a_variable_s(project: Project, name: str) -> None:
    spec = f"version: 1\nvars: {{\"{name}\": {{type: string}}}}\nevent: order_placed\ndistinct_id: '{{{{ {name} }}}}'\n"
    event = render(project.spec(spec), {name: "u1"}, Occurrence(Templates.seed, 0, Templates.now))
    assert event.distinct_id == "u1"


@pytest.mark.parametrize("written", ["1.10", "1E2", "-1e+02", "1.0", "100000000000000000000.0"])
@pytest.mark.parametrize(
    "place",
    [
        "vars: {{v: {{type: string, default: {}}}}}\n", "name: {}\n", "labels: [{}]\n", "properties: {{v: {}}}\nschema: {{properties: {{v: {{type: string}}}}}}\n",
        "vars: {{v: {{enum: ['{0}'], default: {0}}}}}\n", "vars: {{v: {{type: string}}}}\ntests: [{{name: a, vars: {{v: {}}}}}]\n",
    ],
)  # fmt: skip
def test_a_hint_quotes_a_number_as_it_is_written(project: Project, place: str, written: str) -> None:
    content = "version: 1\nevent: order_placed\ndistinct_id: u1\n" + place.format(written)
    loaded = project.load(content)
    problems = [*loaded.problems]
    if loaded.spec is not None:
        with pytest.raises(InvalidInput) as caught:
            render(loaded.spec, {}, Occurrence(Templates.seed, 0, Templates.now))
        problems = [*caught.value.problems]
    assert [each.hint for each in problems if each.severity == "error"] == [f'quote it: "{written}"']


@pytest.mark.parametrize(
    ("declaration", "hint"),
    [
        ("string", "write {type: string}"), ("integer", "write {type: integer}"),
        ("u1", "a variable is declared by a map, such as {type: string, default: …}"),
        ("{type: string, required: true}", "omit it: a variable without a default is required"),
        ("{type: string, required: false}", "omit it, and add a default to make the variable optional"),
        ("{type: string, optional: true}", "omit it: a variable with a default is optional"),
        ("{type: integer, min: 1}", "did you mean 'minimum'?"), ("{type: number, max: 1}", "did you mean 'maximum'?"),
        ("{type: string, min: 1}", "did you mean 'minLength'?"), ("{type: array, max: 1}", "did you mean 'maxItems'?"),
        ("{min: 1}", "did you mean 'minimum'?"), ("{type: string, minLenght: 1}", "did you mean 'minLength'?"),
        ("{type: string, regex: a}", "did you mean 'pattern'?"), ("{choices: [a]}", "did you mean 'enum'?"),
        ("{type: float}", "did you mean 'number'?"), ("{type: str}", "did you mean 'string'?"),
        ("{type: dict}", "did you mean 'object'?"), ("{type: date}", "write {type: string, format: date}"),
    ],
)  # fmt: skip
def test_a_declaration_of_another_format_comes_with_what_to_write(
    project: Project, declaration: str, hint: str
) -> None:
    content = f"version: 1\nvars: {{user: {declaration}}}\nevent: order_placed\ndistinct_id: '{{{{ user }}}}'\n"
    assert [each.hint for each in project.load(content).problems] == [hint]


def test_variables_as_a_list_come_with_what_to_write(project: Project) -> None:
    [told] = project.load("version: 1\nvars: [user]\nevent: order_placed\ndistinct_id: u1\n").problems
    assert told.hint == "write a map of names to declarations, such as user: {type: string}"


def test_a_default_beyond_a_double_is_told_once(project: Project) -> None:
    for default in ("1e400", "[1, -1e400]"):
        content = f"version: 1\nvars: {{n: {{type: number, default: {default}}}}}\nevent: order_placed\ndistinct_id: '{{{{ n }}}}'\n"
        found = [each for each in project.load(content).problems if each.at != "vars.n.default" or "[" not in default]
        assert [each.code for each in found] == ["number-too-large"]


@pytest.mark.parametrize(
    ("declaration", "good", "bad"),
    [
        ("$comment: why", 1, None), ("$id: 'urn:x', type: integer", 1, "x"), ("$anchor: a, items: {$ref: '#a'}", [[]], None),
        ("dependentSchemas: {a: {required: [b]}}", {"a": 1, "b": 1}, {"a": 1}),
        ("properties: {a: true}, unevaluatedProperties: false", {"a": 1}, {"b": 1}),
        ("prefixItems: [true], unevaluatedItems: false", [1], [1, 2]),
        ("contains: {const: 1}, minContains: 2", [1, 1], [1]), ("contains: {const: 1}, maxContains: 1", [1], [1, 1]),
        ("contentEncoding: base64, contentMediaType: text/plain, contentSchema: {type: string}", "x", None),
        ("readOnly: true, writeOnly: false", 1, None),
    ],
)  # fmt: skip
def test_a_declaration_takes_every_keyword_of_json_schema(
    project: Project, declaration: str, good: object, bad: object
) -> None:
    content = f"version: 1\nvars: {{v: {{{declaration}}}}}\nevent: order_placed\ndistinct_id: u1\nproperties: {{v: '{{{{ v }}}}'}}\n"
    [variable] = project.spec(content).variables
    assert variable.schema.accepts(good)  # type: ignore[arg-type]
    assert bad is None or not variable.schema.accepts(bad)  # type: ignore[arg-type]


def test_a_default_that_another_tool_would_replace_is_told_and_no_part_of_one(project: Project) -> None:
    assert unrendered(project, default=", default: '${TOKEN}'") == [
        "warning '${TOKEN}' is not a template: it is sent as it is"
    ]
    assert unrendered(project, default=", secret: true, default: 'hunter$PART{word}'") == []
