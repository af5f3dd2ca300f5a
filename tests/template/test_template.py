"""What `validate` tells of a template: it is parsed and inspected, never compiled, never run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from runner.template.inspector import Use
from runner.template.template import RESERVED

if TYPE_CHECKING:
    from tests.projects import Templates


def test_a_fault_at_the_beginning_of_a_long_template_is_told_as_what_it_is(templates: Templates) -> None:
    assert templates.faults("{# never closed " + "x " * 20_000) == [
        "t.yaml:1:7-8 error[template-syntax] missing end of comment tag"
    ]


def test_text_without_markers_is_a_constant(templates: Templates) -> None:
    template = templates.parse("no { template } %}")
    assert (template.constant, template.tree, template.uses) == ("no { template } %}", None, ())


@pytest.mark.parametrize(
    ("source", "lone"),
    [
        ("{{ n }}", True),
        ("  {{ n }}\n", False),
        ("{# why #}{{ n }}", True),
        ("{{ n }}.", False),
        ("{{ n }}{{ n }}", False),
        ("{% if n %}{{ n }}{% endif %}", False),
        ("{# only a comment #}", False),
        ("{% raw %}{{ n }}{% endraw %}", False),
    ],
)
def test_one_expression_and_nothing_else_is_a_lone_expression(templates: Templates, source: str, lone: bool) -> None:
    assert (templates.parse(source).lone is not None) is lone


@pytest.mark.parametrize(
    ("source", "word", "column"),
    [
        ("{% include 'x' %}", "include", 8),
        ("{% import 'x' as y %}", "import", 8),
        ("{% from 'x' import y %}", "import", 8),
        ("{% extends 'x' %}", "extends", 8),
        ("{% macro f() %}{% endmacro %}", "macro", 8),
        ("{% call f() %}{% endcall %}", "call", 8),
        ("x {% block b %}{% endblock %}", "block", 10),
        ("{% if a %}{% include 'x' %}{% endif %}", "include", 18),
        ("{% autoescape true %}x{% endautoescape %}", "autoescape", 8),
    ],
)
def test_a_forbidden_statement_is_refused_at_its_place(
    templates: Templates, source: str, word: str, column: int
) -> None:
    assert templates.faults(source) == [
        f"t.yaml:1:{column}-{column + len(word)} error[template-forbidden] '{word}' is not allowed in a spec's template"
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ s.__class__ }}", "10-19 error[template-forbidden] '__class__' is not reachable from a template"),
        ("{{ s._x }}", "10-12 error[template-forbidden] '_x' is not reachable from a template"),
        ("{{ _x }}", "8-10 error[template-forbidden] names that begin with _ are not reachable"),
        ("{% set _x = 1 %}", "12-14 error[template-forbidden] '_x' can't be set"),
        ("{% set now = 1 %}", "12-15 error[template-forbidden] 'now' can't be set"),
        ("{{ [1][0]() }}", "14-15 error[template-forbidden] only functions and methods can be called"),
        ("{{ now }}", "8-11 error[template-type] 'now' is a function (call it: now())"),
        ("{{ s|uper }}", "10-14 error[template-unknown-filter] there is no filter 'uper' (did you mean 'upper'?)"),
        ("{{ s|attr('x') }}",
         "10-14 error[template-unknown-filter] there is no filter 'attr' (`runner help templates` lists them all)"),
        ("{{ s|safe }}",
         "10-14 error[template-unknown-filter] there is no filter 'safe' (`runner help templates` lists them all)"),
        ("{{ s is evn }}", "10-13 error[template-unknown-test] there is no test 'evn' (did you mean 'even'?)"),
        ("{{ s.uper() }}", "10-14 error[template-unknown-method] there is no method 'uper' (did you mean 'upper'?)"),
        ("{{ s.zzzz() }}",
         "10-14 error[template-unknown-method] there is no method 'zzzz' (`runner help templates` lists them all)"),
        ("{{ uuid44() }}", "8-14 error[template-unknown-function] there is no function 'uuid44' (did you mean 'uuid4'?)"),
        ("{{ s['__class__'] }}", "10-21 error[template-forbidden] '__class__' is not reachable from a template"),
        ("{{ lipsum() }}",
         "8-14 error[template-unknown-function] there is no function 'lipsum' (known here: now, uuid4, uuid5, range, namespace, timedelta, omit)"),
    ],
)  # fmt: skip
def test_what_the_closed_lists_lack_is_refused_by_parsing_alone(templates: Templates, source: str, told: str) -> None:
    assert templates.faults(source) == [f"t.yaml:1:{told}"]


@pytest.mark.parametrize(
    "method", ["append", "pop", "update", "clear", "format", "format_map", "encode", "ljust", "zfill"]
)
def test_methods_that_change_or_blow_up_are_not_in_the_list(templates: Templates, method: str) -> None:
    told = templates.faults(f"{{{{ s.{method}() }}}}")
    assert [line.split(" (")[0] for line in told] == [
        f"t.yaml:1:10-{10 + len(method)} error[template-unknown-method] there is no method '{method}'"
    ]


def test_self_is_jinja_s_and_no_variable(templates: Templates) -> None:
    assert len(templates.faults("{{ self }}")) == 1


@pytest.mark.parametrize("name", ["caller", "super", "varargs", "kwargs", "context", "environment"])
def test_names_that_jinja_uses_elsewhere_are_variables_like_any_other(templates: Templates, name: str) -> None:
    assert templates.parse(f"{{{{ {name} }}}}").uses == (Use(name, 3, optional=False),)
    assert templates.evaluate(f"{{{{ {name} }}}}", **{name: "x"}) == "x"


def test_loop_is_a_name_only_inside_a_loop(templates: Templates) -> None:
    assert templates.parse("{% for i in [1] %}{{ loop.index }}{% endfor %}").uses == ()
    outside = templates.parse("{{ loop.index }}")
    assert outside.findings or outside.uses


def test_every_fault_of_a_template_is_told(templates: Templates) -> None:
    assert templates.faults("{{ a|uper }} and {{ b|lowr }}") == [
        "t.yaml:1:10-14 error[template-unknown-filter] there is no filter 'uper' (did you mean 'upper'?)",
        "t.yaml:1:27-31 error[template-unknown-filter] there is no filter 'lowr' (did you mean 'lower'?)",
    ]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ x", "error[template-syntax] the template ends in the middle of an expression (close it with }})"),
        ("{% if x", "error[template-syntax] the template ends in the middle of an expression (close it with %})"),
        ("{{ x }", "error[template-syntax] a single } is not valid here (an expression ends with }})"),
        ("{{ 'a }}", 'error[template-syntax] unexpected char "\'"'),
        ("{% do x %}", "error[template-syntax] unknown tag 'do' (these exist: if, for, set, with, filter)"),
        ("{# x", "error[template-syntax] missing end of comment tag"),
    ],
)
def test_what_is_no_template_is_told(templates: Templates, source: str, told: str) -> None:
    assert [line.split(" ", 1)[1] for line in templates.faults(source)] == [told]


@pytest.mark.parametrize("source", ["{{ a b }}", "{{ a + }}", "{{ }}", "{{ f(1 }}", "{% if %}{% endif %}"])
def test_a_closed_expression_is_never_told_to_be_closed(templates: Templates, source: str) -> None:
    (told,) = templates.faults(source)
    assert "error[template-syntax]" in told
    assert "close it with" not in told


@pytest.mark.parametrize(("source", "tag"), [("{% if x %}y", "endif"), ("{% for i in x %}y", "endfor")])
def test_a_statement_without_its_end_is_told_which_end(templates: Templates, source: str, tag: str) -> None:
    (told,) = templates.faults(source)
    assert tag in told


def test_a_syntax_fault_behind_an_escape_points_at_its_character(templates: Templates) -> None:
    assert templates.faults("one\ntwo {{ a ? }}") == ["t.yaml:1:19-20 error[template-syntax] unexpected char '?'"]


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("{{ a }} {{ b.c }} {{ d[e] }}", [("a", 3, False), ("b", 11, False), ("d", 21, False), ("e", 23, False)]),
        ("{{ a|default('x') }}", [("a", 3, True)]),
        ("{{ a|d('x') }}", [("a", 3, True)]),
        ("{{ a.b.c|default('x') }}", [("a", 3, True)]),
        ("{{ a|upper|default('x') }}", [("a", 3, False)]),
        ("{{ a|default(b) }}", [("a", 3, True), ("b", 13, False)]),
        ("{{ a is defined }}", [("a", 3, True)]),
        ("{{ a if a is defined else 1 }}", [("a", 8, True), ("a", 3, True)]),
        ("{{ a if a is defined and b is defined }}", [("a", 8, True), ("b", 25, True), ("a", 3, True)]),
        ("{% if a is defined %}{{ a }}{% else %}{{ a }}{% endif %}", [("a", 6, True), ("a", 24, True), ("a", 41, False)]),
        ("{% set a = b %}{{ a }}", [("b", 11, False)]),
        ("{{ a }}{% set a = 1 %}", [("a", 3, False)]),
        ("{% for a in b %}{{ a }}{{ c }}{% endfor %}{{ a }}", [("b", 12, False), ("c", 26, False), ("a", 45, False)]),
        ("{% for a, c in b.items() if a %}{{ c }}{% endfor %}", [("b", 15, False)]),
        ("{% with a = b %}{{ a }}{% endwith %}{{ a }}", [("b", 12, False), ("a", 39, False)]),
        ("{% filter upper %}{{ a }}{% endfilter %}", [("a", 21, False)]),
        ("{% set a %}{{ b }}{% endset %}{{ a }}", [("b", 14, False)]),
    ],
)  # fmt: skip
def test_the_variables_of_a_template_are_known_without_running_it(
    templates: Templates, source: str, uses: list[tuple[str, int, bool]]
) -> None:
    assert templates.faults(source) == []
    assert list(templates.parse(source).uses) == [Use(*use) for use in uses]


def test_a_name_that_no_declaration_has_is_told_with_the_nearest(templates: Templates) -> None:
    found = templates.parse("Order #{{ oder_id }}").undefined(dict.fromkeys(["order_id", "user"]))
    assert [(p.code, p.message, p.hint, p.position and p.position.column) for p in found] == [
        ("template-undefined", "variable 'oder_id' is not defined", "did you mean 'order_id'?", 15)
    ]


@pytest.mark.parametrize(
    "source",
    ["{{ (7**4000)**4000 }}", "{{ 'a' * 10**12 }}", "{% for i in range(10**12) %}{% endfor %}", "{{ range(10**12)|list }}"],
)  # fmt: skip
def test_parsing_computes_nothing(templates: Templates, source: str) -> None:
    start = time.process_time()
    assert templates.faults(source) == []
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{{ " + "[" * 3000 + "]" * 3000 + " }}",
        "{{ " + "-" * 3000 + "1 }}",
        "{{ " + "-" * 250 + "1 }}",
        "{{ " + "1+" * 250 + "1 }}",
        "{{ " + "not " * 3000 + "1 }}",
        "{{ " + "1+" * 3000 + "1 }}",
        "{{ " + "a." * 3000 + "b }}",
        "{{ 1" + "|abs" * 3000 + " }}",
        "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    ],
    ids=["parentheses", "lists", "minus", "few minus", "short sum", "not", "sum", "attributes", "filters", "if"],
)
def test_deep_nesting_is_refused_at_once(templates: Templates, source: str) -> None:
    start = time.process_time()
    assert templates.faults(source) == ["t.yaml:1:5-6 error[template-syntax] the expression is nested too deep"]
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "source", ["{{ " + "-" * 190 + "1 }}", "{{ " + "1+" * 190 + "1 }}", "{{ " + "a or " * 190 + "a }}", "{{ " + "1~" * 900 + "1 }}"]
)  # fmt: skip
def test_what_is_accepted_can_be_rendered(templates: Templates, source: str) -> None:
    assert templates.faults(source) == []
    templates.evaluate(source, a=1)


@pytest.mark.parametrize("source", ["{{ “user” }}", "{{ user | default(“x”) }}", "{% if user == “x” %}y{% endif %}"])
def test_curly_quotes_are_named_as_what_they_are(templates: Templates, source: str) -> None:
    [told] = templates.faults(source)
    assert told.endswith(
        """error[template-syntax] a curly quote “ is not valid in a template (write straight quotes: ' or ")"""
    )


WORDS = """
and as autoescape block break call caller continue context cycler defined dict do elif else endfor endif endset extends false
False filter for from if ignore import in include is joiner lipsum loop macro missing namespace none None not now null or print
range raw recursive scoped self set super true True trans undefined uuid4 uuid5 varargs kwargs with without
""".split()  # noqa: SIM905 - reads best as words


@pytest.mark.parametrize("word", WORDS)
def test_a_name_that_a_template_does_not_read_is_reserved(templates: Templates, word: str) -> None:
    template = templates.parse(f"{{{{ {word} }}}}")
    is_read = [use.name for use in template.uses] == [word] and not template.findings
    assert is_read is (word not in RESERVED or word == "loop")
