"""All templates of one event in one pass: what they share, and what they keep apart."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from runner.template.plan import Plan, RenderingError
from runner.template.shape import templates_of

if TYPE_CHECKING:
    from runner.template.shape import Shape
    from tests.projects import Templates


def test_a_shape_keeps_its_form_and_its_constants(templates: Templates) -> None:
    shape: Shape = {
        "a": templates.parse("{{ n }}"),
        "b": [templates.parse("x{{ n }}"), 1, 1.5, None, True, "text"],
        "c": {"d": templates.parse("plain {text}"), "e": {}},
    }
    state = templates.state()
    assert Plan(shape).evaluate({"n": 5}, state) == {
        "a": 5,
        "b": ["x5", 1, 1.5, None, True, "text"],
        "c": {"d": "plain {text}", "e": {}},
    }
    assert [template.text for template in templates_of(shape)] == ["{{ n }}", "x{{ n }}", "plain {text}"]


def test_a_plan_can_be_evaluated_again(templates: Templates) -> None:
    plan = Plan(templates.parse("<{{ n }}>"))
    state = templates.state()
    assert [plan.evaluate({"n": n}, state) for n in (1, 2)] == ["<1>", "<2>"]


def test_what_a_value_sets_does_not_leak_into_another(templates: Templates) -> None:
    shape = {
        "a": "{% set q = 5 %}{{ q }}",
        "b": "{{ q|default('unset') }}",
        "c": "{% if true %}{{ q is defined }}{% endif %}",
    }
    assert templates.evaluate_all(shape) == {"a": "5", "b": "unset", "c": "false"}


def test_what_a_value_sets_does_not_hide_a_variable_from_another(templates: Templates) -> None:
    shape = {
        "a": "{% set n = 5 %}{{ n }}",
        "b": "{{ n }}",
        "c": "{% for n in [7] %}{{ n }}{% endfor %}",
        "d": "{{ n }}",
    }
    assert templates.evaluate_all(shape, n=1) == {"a": "5", "b": 1, "c": "7", "d": 1}


def test_a_change_of_a_loop_s_variable_ends_with_the_loop(templates: Templates) -> None:
    assert templates.evaluate("{% set q = 1 %}{% for i in [2, 3] %}{% set q = i %}{% endfor %}{{ q }}") == "1"


def test_the_variables_given_are_not_changed(templates: Templates) -> None:
    variables = {"lst": [1], "mp": {"a": 1}}
    templates.evaluate("{% set lst = [2] %}{{ lst[0] }}", **variables)
    assert templates.evaluate("{{ lst }}", **variables) == [1]
    assert variables == {"lst": [1], "mp": {"a": 1}}


def test_now_is_the_run_s_instant(templates: Templates) -> None:
    shape = {"a": "{{ now()|isoformat }}", "b": "{{ now() == now() }}"}
    assert templates.evaluate_all(shape) == {"a": "2026-01-02T03:04:05+00:00", "b": True}


def test_uuid4_depends_on_run_row_place_and_call_alone(templates: Templates) -> None:
    shape = {
        "a": "{{ uuid4() }} {{ uuid4() }}",
        "b": "{{ uuid4() }}",
        "c": "{% for i in [1, 2] %}{{ uuid4() }} {% endfor %}",
    }
    first, again, other = (templates.evaluate_all(shape, row=row) for row in (0, 0, 1))
    assert first == again
    ids = [text for found in (first, other) for value in found.values() for text in value.split()]
    assert len(ids) == len(set(ids)) == 10
    assert [str(UUID(text)) for text in ids] == ids


def test_uuid4_is_the_same_whatever_stands_around_its_place(templates: Templates) -> None:
    alone = templates.evaluate_all({"b": "{{ uuid4() }}"})["b"]
    assert templates.evaluate_all({"a": "{{ uuid4() }}{{ uuid4() }}", "b": "{{ uuid4() }}"})["b"] == alone


def test_every_failing_template_is_told(templates: Templates) -> None:
    with pytest.raises(RenderingError) as caught:
        templates.evaluate_all({"a": "{{ x }}", "b": "fine", "c": "{{ y }} and {{ z }}"})
    assert [problem.message for problem in caught.value.problems] == [
        f"variable '{name}' is not defined" for name in "xyz"
    ]


def test_texts_that_are_too_much_only_together_are_told_once(templates: Templates) -> None:
    big = "a" * 400_000
    with pytest.raises(RenderingError) as caught:
        templates.evaluate_all(dict.fromkeys("abc", "x{{ big }}"), big=big)
    assert [(problem.code, problem.message) for problem in caught.value.problems] == [
        ("template-too-large", "the texts of one event have more than 1,000,000 characters")
    ]


def test_loops_that_are_too_much_only_together_are_told(templates: Templates) -> None:
    loop = "{% for i in range(60000) %}{% endfor %}"
    with pytest.raises(RenderingError) as caught:
        templates.evaluate_all({"a": loop, "b": loop})
    assert {problem.message for problem in caught.value.problems} == {
        "the loops of one event take more than 100,000 steps"
    }


@pytest.mark.parametrize(
    "deep", ["{{ " + "not " * 190 + "a }}", "{{ " + "1 + " * 190 + "1 }}", "x{{ a" + "[0]" * 190 + " }}"]
)
def test_a_template_that_is_nested_too_deep_to_be_compiled_is_told_beside_another_one(
    templates: Templates, deep: str
) -> None:
    def evaluate(frames: int) -> None:
        if frames:
            evaluate(frames - 1)
        else:
            templates.evaluate_all({"a": "{{ x }} {{ y }}", "b": deep}, a="a")

    with pytest.raises(RenderingError) as caught:
        evaluate(450)
    assert {problem.code for problem in caught.value.problems} == {"template-undefined", "template-too-large"}
    assert "the expression is nested too deep" in {problem.message for problem in caught.value.problems}


@pytest.mark.parametrize("start", ["lst", "[]", "mp.a"])
@pytest.mark.parametrize("values", ["[mp]", "[mp.keys()]", "[range(3)|map('string')]"])
def test_a_sum_does_not_change_a_list(templates: Templates, start: str, values: str) -> None:
    variables: dict[str, object] = {"lst": [1], "mp": {"a": [1]}}
    with pytest.raises(RenderingError, match="the start of sum must be a number"):
        templates.evaluate(f"{{{{ {values}|sum(start={start}) }}}}", **variables)
    assert variables == {"lst": [1], "mp": {"a": [1]}}
    assert templates.evaluate("{{ [1, 2.5]|sum(start=4) }}") == 7.5
