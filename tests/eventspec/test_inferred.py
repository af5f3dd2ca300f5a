"""What `runner validate` infers: types that never fit, keys that do not exist, comparisons and conditions that are mistakes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from runner.eventspec import check
from tests.bench.sample_specs import write_valid
from tests.projects import lines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

HEAD = """\
version: 1
vars:
  user: {type: string}
  n: {type: number}
  flag: {type: boolean}
  may: {type: [string, "null"]}
  currency: {enum: [EUR, USD]}
  ids: {type: array, items: {type: string}}
  order:
    {type: object, additionalProperties: false, required: [total], properties: {total: {type: number}, note: {type: string}}}
  address: {type: object, properties: {street: {type: string}}}
  any: {}
  pin: {enum: [s3cr3t, hidden], secret: true, minLength: 4}
event: order_placed
distinct_id: u1
"""


def inferred(project: Project, properties: str, more: str = "") -> list[str]:
    """Check a spec of these properties, and return its problems, without the file and unused variables."""
    content = f"{HEAD}{more}properties:\n{properties}\n"
    found = lines(check(project.write("spec.yaml", content), project.root).problems)
    return [line.removeprefix("spec.yaml:") for line in found if "[unused-variable]" not in line]


def of_expression(project: Project, expression: str, more: str = "") -> list[str]:
    """Return the problems of one lone expression; columns count from its first character."""
    lead = len("  a: '{{ ")
    found = inferred(project, f"  a: '{{{{ {expression} }}}}'", more)
    return [_from(lead, line) for line in found]


def _from(lead: int, line: str) -> str:
    place, _, rest = line.partition(" ")
    start, end = place.rpartition(":")[2].split("-")
    return f"{int(start) - lead}-{int(end) - lead} {rest}"


ELSE = "error[template-no-else] there is no value where the condition does not hold (add else and a value; else omit leaves it out)"
JOIN = "(join texts with ~; convert text to a number with | int or | float)"
MAKE = "(convert text to a number with | int or | float)"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("n if flag", ["1-10 " + ELSE]),
        ("(n if flag)", ["2-11 " + ELSE]),
        ("n if flag else (user if may)", ["17-28 " + ELSE]),
        ("(n if flag) | default(1)", []),
        ("(n if flag) is defined", []),
        ("n if flag else omit", []),
    ],
)
def test_a_value_that_depends_on_a_condition_needs_an_else(
    project: Project, expression: str, expected: list[str]
) -> None:
    assert of_expression(project, expression) == expected


def test_a_condition_in_text_needs_no_else(project: Project) -> None:
    assert inferred(project, "  a: 'to {{ user if flag }}'") == []


def test_a_value_without_else_is_reported_in_directives_and_lets(project: Project) -> None:
    let = "let: {x: '{{ n if flag }}', y: ['{{ x }}']}\n"
    properties = "  a: {$for: 'i in (ids if flag)', $if: 'i if flag', $do: {b: '{{ i if flag }}'}}\n  c: '{{ y }}'"
    places = [line.split(" ")[0] for line in inferred(project, properties, let)]
    assert places == ["16:14-23", "18:20-31", "18:41-50", "18:66-75"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("order.totl", ["7-11 error[template-undefined] there is no key 'totl' here (did you mean 'total'?)"]),
        ('order["totl"]', ["8-12 error[template-undefined] there is no key 'totl' here (did you mean 'total'?)"]),
        ("order.items", ["7-12 error[template-undefined] there is no key 'items' here (to use the method, call it: items())"]),
        ("order.totl | default(0)", ["7-11 warning[template-undefined] there is no key 'totl' here (did you mean 'total'?)"]),
        ("address.stret", ["9-14 warning[template-undefined] the declaration lists no key 'stret' (did you mean 'street'?)"]),
        ("address.city", []),
        ("address.stret | default(0)", []),
        ("address.stret if address.stret is defined else 0", []),
        ('address.stret if "stret" in address else 0', []),
        ("user.name", ["6-10 error[template-undefined] text has no 'name'"]),
        ("user.name | default(0)", []),
        ("any.name", []),
        ("ids[0].x", ["8-9 error[template-undefined] text has no 'x'"]),
        ('ids | map(attribute="x") | list', ["22-23 error[template-undefined] text has no 'x'"]),
        ("now().yeer", ["7-11 error[template-undefined] a date has no 'yeer'"]),
        ("order.total.real if flag else 1", ["13-17 error[template-undefined] a number has no 'real'"]),
    ],
)  # fmt: skip
def test_a_key_that_is_not_declared_is_reported(project: Project, expression: str, expected: list[str]) -> None:
    assert of_expression(project, expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("user < n", [f"1-9 error[template-comparison] text < a number is not supported {MAKE}"]),
        ("(user or 1) < 2", []),
        ("user == 5", [f"1-10 warning[template-comparison] text and a number are never equal, so == is never true {MAKE}"]),
        ('flag == "true"', ["1-15 warning[template-comparison] a boolean and text are never equal, so == is never true (true and false stand without quotes)"]),
        ("n is eq(user)", [f"1-14 warning[template-comparison] a number and text are never equal, so == is never true {MAKE}"]),
        ("n in ids", [f"1-9 warning[template-comparison] a number and text are never equal, so in is never true {MAKE}"]),
        ('currency == "EURO"', ["1-19 warning[template-comparison] 'EURO' is not one of the declared values, so == is never true (declared: 'EUR', 'USD')"]),
        ('currency != "EURO"', ["1-19 warning[template-comparison] 'EURO' is not one of the declared values, so != is always true (declared: 'EUR', 'USD')"]),
        ("n in 5", ["1-7 error[template-type] a number has no items"]),
        ("n in user", ["1-10 error[template-type] a number can't be sought in text (make a text of it with | string)"]),
        ("1 < n < user", [f"5-13 error[template-comparison] a number < text is not supported {MAKE}"]),
        ('pin == "other"', []),
        ("user == none", []),
        ("flag == 1", []),
        ("may == 5", [f"1-9 warning[template-comparison] text or null and a number are never equal, so == is never true {MAKE}"]),
        ('currency == "EUR"', []),
        ("now() < now().date()", ["1-21 error[template-comparison] a date with a time < a date is not supported"]),
        ("any < 5", []),
    ],
)  # fmt: skip
def test_a_comparison_that_is_a_mistake_is_reported(project: Project, expression: str, expected: list[str]) -> None:
    assert [line for line in of_expression(project, expression) if "secret" not in line] == expected


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("true", "true"), ("0", "false"), ('"a"', "true"), ("[]", "false"), ("1 < 2", "true"), ('"a" == "b"', "false"),
        ("not 1", "false"), ('user == "a" or "b"', "true"), ("flag and 0", "false"),
        ("user", None), ("n", None), ('user == "a"', None), ("ids", None), ("user is defined", None), ("n > 1 or n < 0", None),
    ],
)  # fmt: skip
def test_a_condition_that_is_always_the_same_is_reported(project: Project, test: str, expected: str | None) -> None:
    for text in (
        f"{{{{ 1 if {test} else 2 }}}}",
        f"{{% if {test} %}}x{{% endif %}}",
        f"{{% if flag %}}{{% elif {test} %}}x{{% endif %}}",
    ):
        found = [line.split(" (")[0].partition(" ")[2] for line in inferred(project, f"  a: '{text}'")]
        assert found == ([f"warning[template-condition] the condition is always {expected}"] if expected else [])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("n + user", [f"1-9 error[template-type] a number + text is not supported {JOIN}"]),
        ("(n + user) * 2", [f"2-10 error[template-type] a number + text is not supported {JOIN}"]),
        ("2 * (n - user)", [f"6-14 error[template-type] a number - text is not supported {JOIN}"]),
        ("- user", [f"1-7 error[template-type] '-' needs a number, not text {JOIN}"] ),
        ("now() - 5", ["1-10 error[template-type] a date - a number is not supported"]),
        ("ids | sum", ["7-10 error[template-type] sum adds numbers, and the items are text (texts are put together with | join)"]),
        ('[order] | map(attribute="note") | sum', ["35-38 error[template-type] sum adds numbers, and the items are text (texts are put together with | join)"]),
        ('[order] | map(attribute="total") | sum', []),
        ('user | in_timezone("UTC")', ["8-19 error[template-type] in_timezone expects a date with a time, and this is text (make a date of it: {{ … | to_datetime }})"]),
        ('user | to_datetime | in_timezone("UTC") | isoformat', []),
        ("user | round", ["8-13 error[template-type] round expects a number, and this is text (make a number of it: {{ … | float }})"]),
        ("user | float | round", []),
        ("n | upper", []),
        ("ids | upper", ["7-12 error[template-type] upper expects text, and this is a list"]),
        ("n | length", ["5-11 error[template-type] length expects text or a list or a map or a sequence, and this is a number"]),
        ("n.upper()", ["3-8 error[template-type] a number has no method 'upper'"]),
        ('user.replace("a", "b")', ["6-13 error[template-type] text has no method 'replace' (write {{ … | replace('old', 'new') }})"]),
        ("may + 1", [f"1-8 error[template-type] text or null + a number is not supported {JOIN}"]),
        ("n + any", []),
        ("n + 1 if n is string else n", []),
        ("user | round if user is number else user", []),
        ("n + user if false else n", ["13-18 warning[template-condition] the condition is always false"]),
    ],
)  # fmt: skip
def test_what_always_fails_is_reported(project: Project, expression: str, expected: list[str]) -> None:
    assert of_expression(project, expression) == expected


def test_a_loop_and_a_merge_need_lists_and_maps(project: Project) -> None:
    properties = """\
  a: {$for: "i in user", $do: "{{ i }}"}
  b: {$for: "i in ids", $do: "{{ i + 1 }}"}
  c: {$merge: ["{{ ids }}", {x: 1}]}
  d: "{% for i in n %}{{ i }}{% endfor %}"
  e: {$for: "i in any", $do: "{{ i + 1 }}"}"""
    assert inferred(project, properties) == [
        "17:19-23 error[template-type] $for goes through a list, and this is text",
        f"18:34-39 error[template-type] text + a number is not supported {JOIN}",
        "19:20-23 error[template-type] a map is expected here, and this is a list",
        "20:19-20 error[template-type] a loop goes through a list, and this is a number",
    ]


def test_lets_have_the_types_of_what_they_are_made_of(project: Project) -> None:
    let = """\
let:
  total: "{{ n * 2 }}"
  text: "{{ n }} EUR"
  line: {total: "{{ total }}", note: "{{ may if flag else omit }}"}
  all: {$for: "i in ids", $do: {id: "{{ i }}"}}
  later: "{{ ids | map('upper') }}"
"""
    properties = """\
  a: "{{ total + text }}"
  b: "{{ line.totl }}"
  c: "{{ all[0].nr }}"
  d: "{{ (later | first) + 1 }}"
  e: "{{ line.note | default('') }}" """
    assert inferred(project, properties, let) == [
        f"23:10-22 error[template-type] a number + text is not supported {JOIN}",
        "24:15-19 error[template-undefined] there is no key 'totl' here (did you mean 'total'?)",
        "25:17-19 error[template-undefined] there is no key 'nr' here (known here: id)",
        f"26:10-29 error[template-type] text + a number is not supported {JOIN}",
    ]


SCHEMA = """\
schema:
  properties:
    a: {type: integer}
    b: {properties: {c: {type: string}}}
    d: {type: array, items: {properties: {e: {enum: [x, z]}}}}
    f: {type: string}
    g: {anyOf: [{type: string}]}
"""


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("  a: '{{ user }}'", ["24:10-14 error[schema-violation] the schema expects a whole number, and this is text (make a number of it: {{ … | int }}) @properties.a"]),
        ("  a: 'x{{ n }}'", ["24:7-15 error[schema-violation] the schema expects a whole number, and this is text (make a number of it: {{ … | int }}) @properties.a"]),
        ("  a: '{{ 1.5 }}'", ["24:10-13 error[schema-violation] the schema expects a whole number, and this is a number with a fraction @properties.a"]),
        ("  a: '{{ n if flag else user }}'", ["24:25-29 error[schema-violation] the schema expects a whole number, and this is text (make a number of it: {{ … | int }}) @properties.a"]),
        ("  a: '{{ n if flag else omit }}'", []),
        ("  a: '{{ n | round }}'", []),
        ("  a: '{{ any }}'", []),
        ("  b: {c: '{{ n }}'}", ["24:14-15 error[schema-violation] the schema expects text, and this is a number (make text of it: {{ … | string }}) @properties.b.c"]),
        ("  b: '{{ {\"c\": n} }}'", ["24:10-18 error[schema-violation] c: the schema expects text, and this is a number (make text of it: {{ … | string }}) @properties.b.c"]),
        ("  d: [{e: '{{ currency }}'}]", ["24:15-23 error[schema-violation] the schema does not allow this value (it allows 'x', 'z') @properties.d[0].e"]),
        ("  d: {$for: 'i in ids', $do: {e: '{{ n }}'}}", ["24:38-39 error[schema-violation] the schema expects text, and this is a number (make text of it: {{ … | string }}) @properties.d.$do.e"]),
        ("  f: '{{ may }}'", ["24:10-13 warning[schema-violation] this may be null, and the schema expects text (give it a value with default(…, true), or leave it out with omit) @properties.f"]),
        ("  f: '{{ may if may else omit }}'", []),
        ("  g: '{{ n }}'", []),
        ("  $merge: [{a: '{{ user }}'}, {a: '{{ n }}'}]", []),
        ("  $merge: [{a: '{{ user }}'}, {b: {}}]", ["24:20-24 error[schema-violation] the schema expects a whole number, and this is text (make a number of it: {{ … | int }}) @properties.$merge[0].a"]),
    ],
)  # fmt: skip
def test_what_the_schema_never_accepts_is_reported(project: Project, properties: str, expected: list[str]) -> None:
    assert inferred(project, properties, SCHEMA) == expected


def test_a_schema_in_a_file_is_read_as_well(project: Project) -> None:
    project.write("s.json", json.dumps({"properties": {"a": {"type": "number"}}}))
    (expected,) = inferred(project, "  a: '{{ user }}'", "schema: s.json\n")
    assert expected.startswith("18:10-14 error[schema-violation] the schema expects a number, and this is text")


def test_values_of_a_secret_are_not_shown(project: Project) -> None:
    found = inferred(project, "  a: '{{ pin + 1 }}'\n  b: '{{ pin == 5 }}'", "schema: {properties: {a: {enum: [x]}}}\n")
    assert found != []
    assert not any("s3cr3t" in line or "hidden" in line for line in found)


def test_other_problems_are_reported_beside_those_of_types(project: Project) -> None:
    found = inferred(project, "  a: '{{ n + user }}'\n  b: '{{ usr }}'")
    assert [line.split(" ")[1] for line in found] == ["error[template-type]", "error[template-undefined]"]


def test_without_vars_every_name_is_text(project: Project) -> None:
    content = "version: 1\nevent: order_placed\ndistinct_id: u1\nproperties: {a: '{{ x + 1 }}', b: '{{ y | default(1) + 1 }}'}\n"
    (expected,) = lines(check(project.write("spec.yaml", content), project.root).problems)
    assert expected.startswith("spec.yaml:4:21-26 error[template-type] text + a number is not supported")


@pytest.mark.parametrize(
    "lets",
    [
        "\n".join(f"  l{n}: {{a: '{{{{ l{n - 1} }}}}', b: '{{{{ l{n - 1} }}}}'}}" for n in range(1, 200)),
        "  x: '{{ " + "(" * 90 + "n" + " is defined and n) is defined" * 90 + " }}'",
        "  x: '{{ " + "n if flag else " * 150 + "n }}'",
        "  x: {$merge: [" + ", ".join(f"{{a{number}: 1}}" for number in range(20_000)) + "]}",
        "\n".join(f"  x{n}: '{{{{ order.total{n} }}}}'" for n in range(1500)),
    ],
    ids=["doubling lets", "nested tests", "branches", "merges", "unknown keys"],
)
def test_a_hostile_spec_takes_no_longer(project: Project, lets: str) -> None:
    path = project.write("spec.yaml", f"{HEAD}let:\n  l0: 1\n{lets}\nproperties: {{a: '{{{{ l0 }}}}'}}\n")
    before = time.process_time()
    check(path, project.root)
    assert time.process_time() - before < 3


def test_no_alarm_is_false_on_specs_that_are_right(tmp_path: Path, in_repository: Path) -> None:
    names = write_valid(tmp_path / "specs", 100)
    specs = [*(tmp_path / "specs" / name for name in names), *in_repository.glob("specs/*.yaml")]
    for path in specs:
        if not path.name.startswith("_") and path.name != "runner.yaml":
            assert [each for each in check(path, path.parent.parent).problems if each.code != "not-a-spec"] == [], path
