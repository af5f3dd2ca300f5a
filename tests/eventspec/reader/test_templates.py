"""Templates: where they may stand, and texts of other template languages."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.eventspec.reader.conftest import HEAD, unrendered

if TYPE_CHECKING:
    from tests.projects import Project


@pytest.mark.parametrize("entry", ['"{{ color }}_shirt": 1', 'deep: [{"a{% if color %}b{% endif %}": 1}]'])
def test_a_template_in_a_key_is_an_error(project: Project, entry: str) -> None:
    assert unrendered(project, entry) == ["error keys are not rendered: this one would be sent with its braces"]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("description: 'To {{ user }}'\n", "a description"),
        ("name: 'to {{ user }}'\n", "this text"),
        ("schema: {properties: {c: {const: '{{ color }}'}}}\n", "text in a schema"),
        ("tests: [{name: a, vars: {user: u, color: '{{ user }}'}}]\n", "text in a case"),
        ("tests: [{name: a, vars: {user: u, color: c}, expect: {event: {event: '{{ color }}_placed'}}}]\n", "text in a case"),
    ],
)  # fmt: skip
def test_a_template_where_nothing_is_rendered_is_told(project: Project, more: str, what: str) -> None:
    assert unrendered(project, more=more) == [f"warning {what} is not rendered: the braces stay as they are"]


def test_a_template_in_a_default_is_told(project: Project) -> None:
    told = ["warning a default is not rendered: the braces stay as they are"]
    assert unrendered(project, default=", default: '{{ now() }}'") == told
    assert unrendered(project, default=", description: 'like {{ x }}'") == [told[0].replace("default", "description")]


@pytest.mark.parametrize("name", ["user", "USER", "nobody"])
@pytest.mark.parametrize(
    "form", ["${{{}}}", "${}", "%{}%", "{{ {} }}", "{{ {{ {} }} }}", "{{{}}}", "{{\u201c{}\u201d}}", "<%= {} %>"]
)
def test_a_template_of_another_tool_is_told(project: Project, form: str, name: str) -> None:
    text = form.format(name)
    told = [f"warning '{text}' is not a template: it is sent as it is"] * (text != "$nobody")
    for whole in (f"Dear {text},", text, f"{{{{ user }}}} {text}", f"{text}{{% if user %}}x{{% endif %}}"):
        assert unrendered(project, f"b: {json.dumps(whole, ensure_ascii=False)}") == told
    assert unrendered(project, f"{json.dumps(f'a {text}', ensure_ascii=False)}: 1") == told


@pytest.mark.parametrize(
    "text",
    ["${{ user }}", "$10", "5 $", "100% of a, 50% of b", "https://x.example/%C3%A9%20", "{{ '${USER}' }}", "{}", '{"a": 1}',
     "{% raw %}${USER}{% endraw %}", "{{ {'user': user} | tojson }}", "{{ now().strftime('%Y%m%d') }}", "a{1,3}", "{# $USER #}x"],
)  # fmt: skip
def test_other_texts_are_no_templates_of_other_tools(project: Project, text: str) -> None:
    assert unrendered(project, f"b: {json.dumps(text)}") == []


def test_a_name_in_braces_without_quotes_is_a_map(project: Project) -> None:
    assert unrendered(project, "b: { user }") == ["warning this is a map with an empty key, not a template"]
    assert unrendered(project, "b: { user: null }") == []
    assert unrendered(project, "b: {user: }") == []


def lost(project: Project, template: str) -> list[str]:
    spec = f"version: 1\nevent: order_placed\ndistinct_id: u1\nproperties: {{a: {json.dumps(template)}}}\n"
    found = project.load(spec).problems
    return [each.message.split("'")[1] for each in found if each.code == "template-set-lost"]


@pytest.mark.parametrize(
    "template",
    [
        "{% set t = 0 %}{% for i in v %}{% set t = t + i %}{% endfor %}{{ t }}",
        "{% set t = 0 %}{% for i in v %}{% if i %}{% set t = i %}{% endif %}{% endfor %}{{ t }}",
        "{% set t = 0 %}{% for i in v %}{{ t }}{% set t = i %}{% endfor %}",
        "{% for i in v %}{% set t = i %}{% endfor %}{{ t }}",
        "{% for i in v %}{% set t %}{{ t }}{{ i }}{% endset %}{% endfor %}",
        "{% set t = 0 %}{% for i in v %}{% for j in i %}{% set t = t + j %}{% endfor %}{% endfor %}{{ t }}",
        "{% for i in v %}{% set t = 0 %}{% for j in i %}{% set t = t + j %}{% endfor %}{{ t }}{% endfor %}",
        "{% set t = 0 %}{% with %}{% set t = 1 %}{% endwith %}{{ t }}",
        "{% set t = 0 %}{% filter upper %}{% set t = 1 %}{% endfilter %}{{ t }}",
        "{% for i in v %}{% else %}{% set t = 1 %}{% endfor %}{{ t }}",
        "{% set u, t = 0, 0 %}{% for i in v %}{% set u, t = 1, i %}{% endfor %}{{ t }}",
        "{% set t = true %}{% for i in v %}{% if not t %}, {% endif %}{{ i }}{% set t = false %}{% endfor %}",
    ],
)
def test_a_set_whose_value_is_lost_at_the_end_of_its_block_is_told(project: Project, template: str) -> None:
    assert lost(project, template) == ["t"]


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in v %}{% set t = i %}{{ t }}{% endfor %}",
        "{% set t = 0 %}{% for i in v %}{% set t = i %}{{ t }}{% endfor %}",
        "{% for i in v %}{% set t = i %}{{ t }}{% endfor %}{% set t = 0 %}{{ t }}",
        "{% if v %}{% set t = 1 %}{% endif %}{{ t }}",
        "{% for i in v %}{% if i %}{% set t = 1 %}{% else %}{% set t = 2 %}{% endif %}{{ t }}{% endfor %}",
        "{% for i in v %}{% set t = i %}{{ t }}{% endfor %}{% for t in v %}{{ t }}{% endfor %}",
        "{% set ns = namespace(t=0) %}{% for i in v %}{% set ns.t = ns.t + i %}{% endfor %}{{ ns.t }}",
        "{% with t = 1 %}{% set t = 2 %}{{ t }}{% endwith %}",
        "{% set t %}{% set u = 1 %}{{ u }}{% endset %}{{ t }}",
    ],
)
def test_a_set_whose_value_is_used_in_its_block_is_fine(project: Project, template: str) -> None:
    assert lost(project, template) == []


@pytest.mark.parametrize(
    "template",
    [
        "{% if v %}{% set x = 1 %}{% endif %}{{ x }}", "{% if v %}{% set x = 1 %}{% elif not v %}{% set x = 1 %}{% endif %}{{ x }}",
        "{% if v %}{% set x = 1 %}{% elif v %}{% else %}{% set x = 1 %}{% endif %}{{ x }}", "{% if v %}{{ x }}{% else %}{% set x = 1 %}{% endif %}",
    ],
)  # fmt: skip
def test_what_one_branch_does_not_set_is_not_defined_behind_them(project: Project, template: str) -> None:
    problems = project.load(f"{HEAD}vars: {{v: {{}}}}\nproperties: {{a: '{template}'}}\n").problems
    assert [(each.code, each.message) for each in problems] == [("template-undefined", "variable 'x' is not defined")]


HANDLEBARS = ["{{#if x}}yes{{/if}}", "{{> footer}}", "{{{raw}}}", "{{^x}}no{{/x}}", "{{#each v}}{{this}}{{/each}}"]
GO = ["{{ .Values.x | quote }}", '{{ include "x" . }}', "{{ $x := 1 }}", "{{.a}}{{end}}", "{{- .a -}}"]


@pytest.mark.parametrize(("texts", "engine"), [(HANDLEBARS, "Handlebars"), (GO, "a Go template")])
def test_templates_of_another_engine_are_told_once(project: Project, texts: list[str], engine: str) -> None:
    for some in (texts, *([text] for text in texts)):
        content = "version: 1\nevent: order_placed\ndistinct_id: '{{ nobody }}'\nvars: {}\n"
        content += json.dumps({"properties": dict(zip("abcde", some, strict=False))})[1:-1]
        found = [each for each in project.load(content).problems if each.code == "template-syntax"]
        more = "; 4 more texts are not Jinja either" if len(some) > 1 else ""
        assert [each.message for each in found] == [f"this is {engine}, not Jinja{more}"]


def test_very_many_texts_that_are_no_jinja_are_told_once(project: Project) -> None:
    texts = json.dumps({"properties": {f"p{number}": "{{ a b }}" for number in range(37)}})[1:-1]
    problems = project.load(f"version: 1\nevent: order_placed\ndistinct_id: u1\n{texts}").problems
    assert [each.message for each in problems] == [
        "this is not Jinja (the expression should end here, before 'b'); 36 more texts are not Jinja either"
    ]


def test_a_few_slips_are_told_each(project: Project) -> None:
    texts = json.dumps({"properties": {f"p{number}": "{{ a b }}" for number in range(10)}})[1:-1]
    assert len(project.load(f"version: 1\nevent: order_placed\ndistinct_id: u1\n{texts}").problems) == 10


@pytest.mark.parametrize("text", ["{{", "<%", "{ ", "${", "$", "%a", "{a", "<% a ", "{ {"])
def test_a_long_text_of_openings_is_read_at_once(project: Project, text: str) -> None:
    whole = json.dumps(text * (400_000 // len(text)))
    start = time.process_time()
    project.load(
        f"version: 1\nevent: order_placed\ndistinct_id: u1\ndescription: {whole}\nproperties: {{a: {whole}}}\n"
    )
    assert time.process_time() - start < 5
