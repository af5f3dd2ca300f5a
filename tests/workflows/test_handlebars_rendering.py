"""What templates render to, what is refused by name, and the limits of work. See also the comparison with handlebars.js."""

from __future__ import annotations

import resource
import time
from typing import Any

import pytest

from runner.source import read_text
from runner.workflows.definition import Expression
from runner.workflows.expressions import Engine, data_of
from runner.workflows.handlebars import ExpressionError, UnsupportedError, render
from runner.workflows.handlebars.values import text_of

DATA: dict[str, Any] = {
    "name": "Zoë",
    "price": 9.5,
    "tags": ["a", "b"],
    "order": {"id": 7},
    "$recipient": {"name": "R"},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hi {{name}}, {{$recipient.name}}!", "Hi Zoë, R!"),
        ("{{default nick 'you'}} {{default name 'you'}}", "you Zoë"),
        ("{{uppercase name}} {{lowercase name}} {{capitalize 'abc'}}", "ZOË zoë Abc"),
        ("{{add price 1}} {{subtract 5 2}} {{multiply 2 3}} {{divide 1 4}} {{mod 7 4}} {{round 2.5}} {{round -2.5}}",
         "10.5 3 6 0.25 3 3 -2"),
        ("{{join tags ', '}} {{itemAt tags 1}} {{length tags}} {{length name}}", "a, b b 2 3"),
        ("{{{jsonStringify order}}} {{join (unique tags) '+'}}", '{"id":7} a+b'),
        ('{{#compare price ">" 9}}much{{else}}little{{/compare}}', "much"),
        ("{{#compare name '==' 'Zoë'}}yes{{/compare}}{{#compare order.note '!=' 'x'}}!{{/compare}}", "yes!"),
        ("{{lookup order 'id'}}{{lookup order 'nothing'}}{{log name}}", "7"),
    ],
)  # fmt: skip
def test_documented_helpers(template: str, text: str) -> None:
    assert render(template, DATA) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{missing}}", "'missing' is not defined"),
        ("{{order.missing}}", "'order.missing' is not defined"),
        ("{{a.b.c}}", "'a.b.c' is not defined: 'b' is read of a value that is missing"),
        ("{{#if a.b}}{{/if}}", "'a.b' is not defined: 'b' is read of a value that is missing"),
        ("{{#each tags}}{{../missing}}{{/each}}", "'../missing' is not defined"),
        ("{{@index}}", "'@index' is not defined"),
        ("{{#if}}{{/if}}", "#if expects 1 argument, got 0"),
        ("{{name", "the tag has no end"),
    ],
)
def test_what_is_missing_makes_rendering_fail(template: str, message: str) -> None:
    with pytest.raises(ExpressionError) as error:
        render(template, DATA)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{datetime-format name 'LL'}}", "the helper 'datetime-format' is not supported here"),
        ("{{formatDate name}}", "the helper 'formatDate' is not supported here"),
        ("{{t 'greeting'}}", "the helper 't' is not supported here"),
        ("{{t 'greeting' name=name}}", "the helper 't' is not supported with named arguments"),
        ("{{uppercase (formatDate name)}}", "the helper 'formatDate' is not supported here"),
        ("{{uppercase price}}", "the helper 'uppercase' is not supported with a number"),
        ("{{uppercase nick}}", "the helper 'uppercase' is not supported with undefined"),
        ("{{capitalize 'aB'}}", "the helper 'capitalize' is not supported with text"),
        ("{{divide 1 0}}", "the helper 'divide' is not supported with a number, a number"),
        ("{{itemAt tags 9}}", "the helper 'itemAt' is not supported with a list, a number"),
        ("{{#compare name '~' 'x'}}{{/compare}}", "the operator '~' of the helper 'compare' is not supported"),
        ("{{#compare price '==' '9.5'}}{{/compare}}", "the helper 'compare' is not supported with a number and text"),
        ("{{#formatDate name}}{{/formatDate}}", "the helper 'formatDate' is not supported as a block"),
        ("{{if name 'a' 'b'}}", "the helper 'if' is supported as a block only"),
        ("{{> footer}}", "a partial of Handlebars is not supported here"),
        ("{{{{raw}}}}{{x}}{{{{/raw}}}}", "a raw block of Handlebars is not supported here"),
        ("{{big}}", "a whole number beyond 9,007,199,254,740,992 may be rounded"),
    ],
)
def test_what_is_not_modelled_is_refused_by_name(template: str, message: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        render(template, {**DATA, "big": 2**60})
    assert str(error.value) == message


def test_a_part_that_is_not_rendered_may_use_anything() -> None:
    assert render("{{#if nick}}{{formatDate nick}}{{> x}}{{else}}ok{{/if}}", DATA) == "ok"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"), (-0.0, "0"), (0.1, "0.1"), (123.456, "123.456"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
        (1.5e-6, "0.0000015"), (1.5e-7, "1.5e-7"), (-2e-10, "-2e-10"), (1.7976931348623157e308, "1.7976931348623157e+308"),
        (float("nan"), "NaN"), (float("-inf"), "-Infinity"), (True, "true"), ([1.0, None, [2]], "1,,2"),
        ({}, "[object Object]"),
    ],
)  # fmt: skip
def test_values_are_written_as_by_javascript(number: Any, text: str) -> None:
    assert text_of(number) == text


LISTS: list[Any] = [[[[[[[[0] * 10] * 10] * 10] * 10] * 10] * 10] * 10] * 10
NESTED = "{{#each l}}" + "{{#each this}}" * 7 + "x" + "{{/each}}" * 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("template", "data"),
    [
        (NESTED, {"l": LISTS}),
        ("{{#each l}}" + "{{#each @root.l}}" * 7 + "{{/each}}" * 8, {"l": list(range(100))}),
        ("{{#each l}}{{{jsonStringify @root}}}{{/each}}", {"l": ["x" * 1000] * 1000}),
        ("{{#each l}}{{{@root.text}}}{{/each}}", {"l": [1] * 100_000, "text": "x" * 100_000}),
        ("{{#each l}}{{@root.l}}{{/each}}", {"l": [1] * 100_000}),
        ("{{#each l}}{{uppercase @root.text}}{{/each}}", {"l": [1] * 100_000, "text": "x" * 1_000_000}),
        ("{{#each l}}{{#if (join @root.l ',')}}{{/if}}{{/each}}", {"l": [1] * 100_000}),
        ("{{#each l}}{{#compare @root.text '==' (lowercase @root.text)}}{{/compare}}{{/each}}",
         {"l": [1] * 100_000, "text": "x" * 1_000_000}),
        ("{{name}}" * 20_001, {"name": "x"}),
        ("x" * (2**20 + 1), {}),
        ("{{" * 500_000, {}),
        ("{{#if " + "(" * 100_000, {}),
        ("\n" * 500_000 + "{{#if a}}" + " \n" * 250_000 + "{{/if", {"a": 1}),
        ("{{!" + "} " * 500_000, {}),
        ("{{!--" + "--} " * 250_000, {}),
        ("\\{{" * 300_000, {}),
        ('{{a "' + '\\"' * 500_000, {}),
        ("{{a.[" + "\\]" * 500_000, {}),
        ("{{{{a}}}}" * 100_000, {}),
    ],
)  # fmt: skip
def test_a_bomb_ends_in_time_and_memory(template: str, data: dict[str, Any]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.thread_time()
    with pytest.raises((UnsupportedError, ExpressionError)):
        render(template, data)
    assert time.thread_time() - start < 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_deep_data_is_refused() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnsupportedError, match="nested too deeply"):
        render("{{deep}}", {"deep": deep})


def test_the_deepest_template_renders() -> None:
    assert render("{{#if a}}" * 64 + "x" + "{{/if}}" * 64, {"a": 1}) == "x"
    assert render("{{#if b}}" + "{{else if b}}" * 62 + "{{else}}x{{/if}}", {"b": 0}) == "x"


def test_an_engine_renders_handlebars() -> None:
    template = "{{name}} {{$recipient.name}} {{$brand.brand_name}}"
    source = read_text(f'"{template}"', "workflow.json", as_json=True).root
    assert source is not None
    data = data_of({"name": "A"}, {"name": "R"}, {}, {"brand_name": "B"})
    with Engine() as engine:
        assert engine.evaluate(Expression("handlebars", template, source), data) == ["A R B"]
