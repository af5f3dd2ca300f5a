"""What templates give: types, texts, ids, every filter and test; and what they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.template.conftest import VARIABLES

if TYPE_CHECKING:
    from tests.projects import Templates


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ n }}", 10),
        ("{# why #}{{ n }}", 10),
        ("{{ x }}", 1.5),
        ("{{ flag }}", True),
        ("{{ nil }}", None),
        ("{{ s }}", "Zoë"),
        ("{{ lst }}", ["b", "a"]),
        ("{{ mp }}", {"color": 1}),
        ("{{ n > 1000 }}", False),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ '1e5' }}", "1e5"),
        ("{{ '[1]' }}", "[1]"),
        ("{{ 'None' }}", "None"),
        ("{{ s if n > 5 else nil }}", "Zoë"),
    ],
)
def test_a_lone_expression_keeps_its_type(templates: Templates, source: str, value: object) -> None:
    found = templates.evaluate(source, **VARIABLES)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ n }}{{ n }}", "1010"),
        ("a{{ n }}", "a10"),
        ("{{ x }} x", "1.5 x"),
        ("is {{ flag }}, not {{ not flag }}", "is true, not false"),
        ("{{ 'a' ~ flag ~ n }}", "atrue10"),
        ("Hello {{ s }}", "Hello Zoë"),
        ("{# why #}", ""),
        ("{% raw %}{{ n }}{% endraw %}", "{{ n }}"),
        ("{{ '{{' }} n }}", "{{ n }}"),
        ("line\n{{ n }}\n", "line\n10\n"),
        ("{% if n > 5 %}big{% elif n %}small{% else %}none{% endif %}", "big"),
        ("{% for i in lst %}{{ loop.index }}/{{ loop.length }}:{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}",
         "1/2:b, 2/2:a"),
        ("{% for k, v in mp.items() %}{{ k }}={{ v }}{% else %}empty{% endfor %}", "color=1"),
        ("{% for i in [] %}x{% else %}empty{% endfor %}", "empty"),
        ("  {{ n }} \n", "  10 \n"),
        ("{% set q = 5 %}{{ q }}", "5"),
        ("{% with q = n %}{{ q + 1 }}{% endwith %}", "11"),
        ("{% filter upper %}a{{ s }}{% endfilter %}", "AZOË"),
        ("{% set q %}<{{ s }}>{% endset %}{{ q }}{{ q }}", "<Zoë><Zoë>"),
        ("{% if flag %}{{ flag }}{% endif %}", "true"),
    ],
)  # fmt: skip
def test_anything_else_is_text(templates: Templates, source: str, value: str) -> None:
    assert templates.evaluate(source, **VARIABLES) == value


NULL = "error[template-null] null inside text (replace it with default('…', true), or use it alone as the whole value)"


NOT_TEXT = "inside text (use |join(', ') or |tojson, or use it alone as the whole value)"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("Hello {{ nil }}", f"14-17 {NULL}"),
        ("Hello {{  nil  }}!", f"15-18 {NULL}"),
        ("{{ 'Hello ' ~ nil }}", f"8-22 {NULL}"),
        ("x {{ lst }}", f"10-13 error[template-not-text] a list {NOT_TEXT}"),
        ("x {{ mp }}", f"10-12 error[template-not-text] a map {NOT_TEXT}"),
        ("x {{ lst|map('upper') }}", "10-26 error[template-not-text] a list inside text (use |join(', '))"),
        ("x {{ now() }}", "10-15 error[template-datetime] a date inside text (write {{ … | isoformat }})"),
        ("{{ now() }}", "8-13 error[template-datetime] a date is not a JSON value (write {{ … | isoformat }})"),
        ("{{ [now()] }}", "8-15 error[template-datetime] a date is not a JSON value (write {{ … | isoformat }})"),
        ("{{ lst|map('upper') }}",
         "8-24 error[template-type] a sequence that is not a list yet (write {{ … | list }})"),
        ("{{ mp.items() }}", "8-18 error[template-type] a sequence that is not a list yet (write {{ … | list }})"),
        ("{{ {1: 2} }}", "8-14 error[template-type] the key 1 of a map is not text"),
        ("{{ s.upper }}", "10-15 error[template-undefined] text has no 'upper' (to use the method, call it: upper())"),
        ("{{ mp.items }}",
         "11-16 error[template-undefined] there is no key 'items' here (to use the method, call it: items())"),
        ("{{ 1 / 0 }}", "8-13 error[template-failed] division by zero"),
        ("ok {{ n }}, {{ s + n }}", ("20-25 error[template-failed] text + a number is not supported"
         " (join texts with ~; convert text to a number with | int or | float)")),
    ],
)  # fmt: skip
def test_what_can_not_be_sent_is_told_at_its_expression(templates: Templates, source: str, told: str) -> None:
    assert templates.failure(source, **VARIABLES) == [f"t.yaml:1:{told}"]


@pytest.mark.parametrize("source", ["{{ nil|string }}", "{{ nil|trim }}", "{{ nil|upper }}", "{{ '%s'|format(nil) }}"])
def test_null_becomes_no_text_by_way_of_a_filter(templates: Templates, source: str) -> None:
    assert templates.failure(f"Hello {source}", nil=None)[0].split("] ")[0].endswith("error[template-null")


@pytest.mark.parametrize(
    "source", ["{{ flag|string }}", "{{ '%s'|format(flag) }}", "{{ [flag]|join }}", "{{ flag|trim }}"]
)
def test_a_boolean_is_written_alike_everywhere(templates: Templates, source: str) -> None:
    assert templates.evaluate(source, flag=True) == "true"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ nam }}", "8-11 error[template-undefined] variable 'nam' is not defined"),
        ("hi {{ nam }}", "11-14 error[template-undefined] variable 'nam' is not defined"),
        ("{{ nam|upper }}", "8-11 error[template-undefined] variable 'nam' is not defined"),
        ("{{ [1, nam] }}", "12-15 error[template-undefined] variable 'nam' is not defined"),
        ("{{ {'a': [nam]} }}", "15-18 error[template-undefined] variable 'nam' is not defined"),
        ("{{ n == nam }}", "13-16 error[template-undefined] variable 'nam' is not defined"),
        ("{% if nam %}x{% endif %}", "11-14 error[template-undefined] variable 'nam' is not defined"),
        ("{% for i in nam %}x{% endfor %}", "17-20 error[template-undefined] variable 'nam' is not defined"),
        ("{{ mp.colr }}", "11-15 error[template-undefined] there is no key 'colr' here (did you mean 'color'?)"),
        ("{{ mp['colr'] }}", "11-17 error[template-undefined] there is no key 'colr' here (did you mean 'color'?)"),
        ("{{ [mp.colr] }}", "12-16 error[template-undefined] there is no key 'colr' here (did you mean 'color'?)"),
        ("{{ mp.size }}", "11-15 error[template-undefined] there is no key 'size' here (known here: color)"),
        ("{{ mp.colr.deep }}", "11-15 error[template-undefined] there is no key 'colr' here (did you mean 'color'?)"),
        ("{{ lst[7] }}", "8-14 error[template-undefined] there is no item 7 in a list of 2"),
        ("{{ nil.x }}", "12-13 error[template-undefined] null has no 'x'"),
        ("{{ n.x }}", "10-11 error[template-undefined] a number has no 'x'"),
        ("{{ s.foo }}", "10-13 error[template-undefined] text has no 'foo'"),
        ("{{ users|map(attribute='nme')|list }}",
         "28-33 error[template-undefined] there is no key 'nme' here (did you mean 'name'?)"),
        ("{{ users|join(',', attribute='nme') }}",
         "34-39 error[template-undefined] there is no key 'nme' here (did you mean 'name'?)"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_at_its_name(templates: Templates, source: str, told: str) -> None:
    assert templates.failure(source, **VARIABLES) == [f"t.yaml:1:{told}"]


@pytest.mark.parametrize(
    "source",
    ["{{ s if n > 50 }}", "x{{ s if n > 50 }}", "{{ [s if n > 50] }}", "{{ (s if n > 50)|upper }}", "{{ (s if n > 50) ~ 1 }}"],
)  # fmt: skip
def test_a_condition_without_else_that_does_not_hold_gives_nothing_to_send(templates: Templates, source: str) -> None:
    (told,) = templates.failure(source, **VARIABLES)
    assert "error[template-undefined]" in told


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ nam|default('d') }}", "d"),
        ("{{ nam|d('d') }}!", "d!"),
        ("{{ mp.colr|default(0) }}", 0),
        ("{{ nil|default('d') }}", None),
        ("{{ nil|default('d', true) }}", "d"),
        ("{{ nam is defined }}", False),
        ("{{ nam is undefined }}", True),
        ("{{ mp.get('nope') }}", None),
        ("{{ mp.get('nope', 'd') }}", "d"),
    ],
)
def test_what_may_be_missing_can_be_asked_for(templates: Templates, source: str, value: object) -> None:
    assert templates.evaluate(source, **VARIABLES) == value


@pytest.mark.parametrize(
    "text", ["{{7*7}}", "{% if 1 %}x{% endif %}", "{# x #}", "}}", "{{ nam }}", "${x}", "a\n- b: c"]
)
def test_a_rendered_value_is_never_rendered_again(templates: Templates, text: str) -> None:
    assert templates.evaluate("{{ evil }}", evil=text) == text
    assert templates.evaluate("<{{ evil }}>", evil=text) == f"<{text}>"
    assert templates.evaluate("{% if 1 %}{{ evil }}{% endif %}", evil=text) == text
    assert templates.evaluate("{{ evil ~ '' }}", evil=text) == text


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ order.items }}", [1, 2]),
        ("{{ order.keys }}", "k"),
        ("{{ order['items'] }}", [1, 2]),
        ("{{ mp.items()|list }}", [["color", 1]]),
        ("{{ {'_id': 5}['_id'] }}", 5),
    ],
)
def test_a_key_of_a_map_comes_before_a_method(templates: Templates, source: str, value: object) -> None:
    assert templates.evaluate(source, **VARIABLES) == value


@pytest.mark.parametrize(
    "source",
    [
        "{{ s['__cl' ~ 'ass__'] }}",
        "{{ s['format'] }}",
        "{{ lst|map(attribute='__class__')|list }}",
        "{{ lst|groupby('__class__')|list }}",
        "{{ lst|sort(attribute='__class__') }}",
        "{{ lst|join(',', attribute='__class__') }}",
        "{{ lst|selectattr('__class__')|list }}",
        "{{ lst|sum(attribute='__len__') }}",
        "{{ lst|map('at' ~ 'tr', '__class__')|list }}",
        "{{ s['upper']['__se' ~ 'lf__'] }}",
    ],
)
def test_python_is_not_reachable_by_way_of_a_text(templates: Templates, source: str) -> None:
    assert len(templates.failure(source, **VARIABLES)) == 1


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ lst|map('attr', '__class__')|list }}", "16-22 error[template-unknown-filter] there is no filter 'attr'"),
        ("{{ lst|map('uper')|list }}", "16-22 error[template-unknown-filter] there is no filter 'uper'"),
        ("{{ lst|select('callable')|list }}", "19-29 error[template-unknown-test] there is no test 'callable'"),
        ("{{ lst|selectattr('a', 'evn')|list }}", "28-33 error[template-unknown-test] there is no test 'evn'"),
    ],
)
def test_what_a_filter_names_by_a_text_is_looked_up_when_the_spec_is_read(
    templates: Templates, source: str, told: str
) -> None:
    [line] = templates.faults(source)
    assert line.partition(" (")[0] == f"t.yaml:1:{told}"


def test_uuid5_names_a_text_the_same_everywhere(templates: Templates) -> None:
    assert templates.evaluate("{{ uuid5('a') }}") == "e1407479-3136-56c0-9908-bb02fb0339e2"
    assert templates.evaluate("{{ uuid5(1) == uuid5('1') }}") is True


def test_range_is_a_list(templates: Templates) -> None:
    assert templates.evaluate("{{ range(3) }}") == [0, 1, 2]
    assert templates.evaluate("{{ range(5, 0, -2) }}") == [5, 3, 1]


def test_a_number_written_beyond_a_double_is_told(templates: Templates) -> None:
    assert templates.faults("{{ 1e400 }}") or templates.failure("{{ 1e400 }}")


def test_an_argument_that_a_filter_of_jinja_asserts_on_is_told(templates: Templates) -> None:
    assert templates.failure("{{ 'a'|truncate(-1) }}") == [
        "t.yaml:1:8-24 error[template-failed] expected length >= 3, got -1"
    ]


MAP = {"id": 1}


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "count", "index", "title", "day"])
@pytest.mark.parametrize("owner", [MAP, "text", [1, 2]], ids=["map", "text", "list"])
@pytest.mark.parametrize("way", ["v.{}", "v['{}']", "v|map(attribute='{}')|first", "[v]|map(attribute='{}')|first"])
def test_an_attribute_that_is_missing_is_undefined_also_if_maps_have_such_a_method(
    templates: Templates, way: str, owner: object, name: str
) -> None:
    part = way.format(name)
    if "v|map" in way:
        owner = [owner]
    assert templates.evaluate(f"{{{{ {part} | default('none') }}}}", v=owner) == "none"
    assert templates.evaluate(f"{{{{ ({part}) is defined }}}}", v=owner) is False
    [told] = templates.failure(f"{{{{ 'full' if {part} else 'empty' }}}}", v=owner)
    assert "error[template-undefined]" in told


def test_a_method_needs_its_call_and_a_call_is_of_the_method(templates: Templates) -> None:
    assert templates.evaluate("{{ v.items() | list }}", v={"items": [7]}) == [["items", [7]]]
    assert templates.evaluate("{{ v.items ~ v.get('items') }}", v={"items": 7}) == "77"
    assert templates.evaluate("{{ now().year }}") == 2026
    assert templates.failure("{{ now().year() }}") == [
        "t.yaml:1:8-20 error[template-type] a date has no method 'year' (write it without (): year)"
    ]
    assert templates.failure("{{ v.title() }}", v=MAP) == [
        "t.yaml:1:8-17 error[template-type] a map has no method 'title'"
    ]


ITEMS = [{"price": 1}, {"price": 2}]


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("{% if v %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}", ("1", "2")),
        ("{% if not v %}{% set x = 1 %}{% elif v %}{% set x, y = 2, 3 %}{% else %}{% set x = 4 %}{% endif %}{{ x }}", ("2", "1")),
        ("{% if v %}{% if v %}{% set x = 1 %}{% else %}{% set x = 3 %}{% endif %}{% else %}{% set x %}b{% endset %}{% endif %}{{ x }}", ("1", "b")),
        ("{% for i in [1] %}{% if v %}{% set x = i %}{% else %}{% set x = 2 %}{% endif %}{{ x }}{% endfor %}", ("1", "2")),
    ],
)  # fmt: skip
def test_what_every_branch_sets_is_known_behind_them(
    templates: Templates, source: str, values: tuple[str, str]
) -> None:
    assert (templates.evaluate(source, v=True), templates.evaluate(source, v=False)) == values


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{% set ns = namespace(t=0) %}{% for i in v %}{% set ns.t = ns.t + i.price %}{% endfor %}{{ ns.t }}", "3"),
        ("{% set ns = namespace({'t': 0}) %}{% for i in v %}{% set ns.t %}{{ ns.t }}x{% endset %}{% endfor %}{{ ns.t }}", "0xx"),
        ("{% set ns = namespace() %}{{ ns.items is defined }}", "false"),
        ("{% set ns = namespace(t=0) %}{% set ns.t, ns.u = 1, 2 %}{{ ns.t ~ ns.u }}", "12"),
    ],
)  # fmt: skip
def test_a_namespace_keeps_what_a_loop_sets(templates: Templates, source: str, value: str) -> None:
    assert templates.evaluate(source, v=ITEMS) == value


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ namespace(a=1) }}", "error[template-type] a namespace is not a JSON value"),
        ("{% set ns = namespace() %}{{ ns }}", "error[template-type] a namespace is not a JSON value"),
        ("{% set ns = namespace() %}{{ ns['_Namespace__attrs'] }}", "a namespace has no '_Namespace__attrs'"),
        ("{{ namespace([1]) }}", "error[template-type] namespace() takes names with values"),
        ("{% set ns = namespace() %}{{ '%s' | format([ns]) }}", "error[template-not-text] a list inside text"),
    ],
)
def test_a_namespace_is_no_value(templates: Templates, source: str, told: str) -> None:
    assert told in templates.failure(source)[0]


@pytest.mark.parametrize("source", ["{% set v.a = 1 %}", "{% set v.a, b = 1, 2 %}"])
def test_only_a_namespace_has_attributes_that_can_be_set(templates: Templates, source: str) -> None:
    assert "'v' is not a namespace: only namespaces have attributes that can be set" in templates.faults(source)[0]
    assert "error[" in templates.failure("{% set w = v %}{% set w.a = 1 %}x", v={})[0]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("[1, none] | sort", "a number"), ("v | sort", "null < a number is not supported (remove nulls with | reject('none'),"),
        ("v | max", "null > a number is not supported (remove nulls"), ("v | sum", "a number + null is not supported (remove nulls"),
        ("3 is divisibleby(0)", "division by zero"), ("3 is divisibleby", "an argument is missing: 'num'"),
        ("3 is divisibleby('x')", "a number % text is not supported"), ("3 % 0", "division by zero"),
        ("3 | length", "a number has no length (only lists, maps and texts have items)"), ("none | first", "null has no items"),
        ("3 | dictsort", "only a map has pairs of keys and values"), ("3 | items | list", "only a map has pairs of keys and values"), ("-'a'", "'-' needs a number, not text"),
        ("'a' * 'b'", "a text or a list can be repeated a whole number of times, not by text"), ("{[1]: 2}", "a list can't be a key"),
        ("'a' | center(1, 2, 3)", "there are too many arguments"), ("'a' | center(foo=1)", "there is no argument 'foo'"),
        ("'a'.split(1)", "a text is needed as the argument"), ("'a'.count()", "an argument is missing"), ("{}.get()", "an argument is missing"),
        ("'%d' | format('x')", "%d writes a number, not text"), ("'%q' | format(1)", "unknown conversion '%q'"),
        ("now() > 3", "a date > a number is not supported"), ("'x' in 3", "a number has no items"), ("[1] | slice(0)", "division by zero"),
        ("'a' | upper(1)", "there are too many arguments"), ("now(1)", "there are too many arguments"), ("uuid5()", "an argument is missing"),
        ("'a' | int('x', 99)", "the text is not a number"), ("range('x')", "a whole number is needed here"), ("'a'.index('b')", "the text does not contain"),
    ],
)  # fmt: skip
def test_what_python_complains_of_is_told_in_an_authors_words(templates: Templates, source: str, told: str) -> None:
    [found] = templates.failure(f"{{{{ {source} }}}}", v=[1, None, 2])
    assert told in found
    assert not any(word in found for word in ("NoneType", "'int'", "'str'", "_replace", "positional", "object"))
