"""What templates give: types, texts, ids, every filter and test; and what they are refused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from runner.template.conditions import TESTS
from runner.template.filters import FILTERS
from runner.template.functions import GLOBALS
from runner.template.methods import METHODS

if TYPE_CHECKING:
    from tests.projects import Templates

VARIABLES: dict[str, Any] = {
    "n": 10, "x": 1.5, "flag": True, "nil": None, "s": "Zoë", "lst": ["b", "a"], "mp": {"color": 1},
    "order": {"items": [1, 2], "keys": "k"}, "users": [{"name": "Ann", "age": 3}, {"name": "Bob", "age": 2}],
}  # fmt: skip


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


FILTER_EXAMPLES: list[tuple[str, str, object]] = [
    ("abs", "{{ (-3)|abs }}", 3),
    ("b64encode", "{{ 'ab'|b64encode }}", "YWI="),
    ("batch", "{{ [1, 2, 3]|batch(2, 0)|list }}", [[1, 2], [3, 0]]),
    ("capitalize", "{{ 'hELLO you'|capitalize }}", "Hello you"),
    ("center", "{{ 'ab'|center(6) }}", "  ab  "),
    ("count", "{{ [1, 2]|count }}", 2),
    ("currency", "{{ 5|currency('EUR', 'en_US') }}", "€5.00"),
    ("d", "{{ nam|d(1) }}", 1),
    ("date", "{{ now()|date('de_DE', 'short') }}", "02.01.26"),
    ("datetime", "{{ now()|datetime('de_DE', 'short') }}", "02.01.26, 03:04"),
    ("decimal", "{{ 1234.5|decimal('de_DE') }}", "1.234,5"),
    ("default", "{{ nam|default(1) }}", 1),
    ("dictsort", "{{ {'b': 1, 'a': 2}|dictsort }}", [["a", 2], ["b", 1]]),
    ("e", "{{ '<&>'|e }}", "&lt;&amp;&gt;"),
    ("escape", "{{ '\"'|escape }}", "&#34;"),
    ("filesizeformat", "{{ 1500|filesizeformat }}", "1.5 kB"),
    ("first", "{{ lst|first }}", "b"),
    ("float", "{{ '1.5'|float }}", 1.5),
    ("forceescape", "{{ '<'|e|forceescape }}", "&amp;lt;"),
    ("format", "{{ '%05.1f %s'|format(3.14159, 'x') }}", "003.1 x"),
    ("groupby", "{{ users|groupby('age')|map('first')|list }}", [2, 3]),
    ("hmac_sha256", "{{ 'a'|hmac_sha256('k')|length }}", 64),
    ("in_timezone", "{{ (now()|in_timezone('Asia/Kolkata')).hour }}", 8),
    ("indent", "{{ 'a\nb'|indent(2) }}", "a\n  b"),
    ("int", "{{ '12'|int }}", 12),
    ("isoformat", "{{ now()|isoformat }}", "2026-01-02T03:04:05+00:00"),
    ("items", "{{ mp|items|list }}", [["color", 1]]),
    ("join", "{{ users|join(', ', attribute='name') }}", "Ann, Bob"),
    ("last", "{{ lst|last }}", "a"),
    ("length", "{{ s|length }}", 3),
    ("list", "{{ 'ab'|list }}", ["a", "b"]),
    ("lower", "{{ 'AÉ'|lower }}", "aé"),
    ("map", "{{ users|map(attribute='name')|list }}", ["Ann", "Bob"]),
    ("max", "{{ [1, 3, 2]|max }}", 3),
    ("min", "{{ [1, 3, 2]|min }}", 1),
    ("regex_replace", "{{ 'a1'|regex_replace('[0-9]', '#') }}", "a#"),
    ("regex_search", "{{ 'a1'|regex_search('[0-9]') }}", "1"),
    ("reject", "{{ [1, 2, 3]|reject('odd')|list }}", [2]),
    ("rejectattr", "{{ users|rejectattr('age', 'eq', 3)|map(attribute='name')|list }}", ["Bob"]),
    ("replace", "{{ 'aXbX'|replace('X', '-', 1) }}", "a-bX"),
    ("reverse", "{{ [1, 2]|reverse|list }}", [2, 1]),
    ("round", "{{ 2.567|round(2) }}", 2.57),
    ("select", "{{ [1, 2, 3]|select('odd')|list }}", [1, 3]),
    ("selectattr", "{{ users|selectattr('age', 'gt', 2)|map(attribute='name')|list }}", ["Ann"]),
    ("sha256", "{{ 'abc'|sha256 }}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("slice", "{{ [1, 2, 3]|slice(2)|list }}", [[1, 2], [3]]),
    ("slugify", "{{ 'A b'|slugify }}", "a-b"),
    ("sort", "{{ lst|sort }}", ["a", "b"]),
    ("start_of", "{{ (now()|start_of('month')).day }}", 1),
    ("string", "{{ 5|string }}", "5"),
    ("striptags", "{{ '<b>x</b> y'|striptags }}", "x y"),
    ("sum", "{{ users|sum(attribute='age') }}", 5),
    ("time", "{{ now()|time('de_DE') }}", "03:04"),
    ("title", "{{ 'one two'|title }}", "One Two"),
    ("to_datetime", "{{ (0|to_datetime).year }}", 1970),
    ("tojson", "{{ {'a': ['é<', none, true]}|tojson }}", '{"a": ["é<", null, true]}'),
    ("trim", "{{ '  x '|trim }}", "x"),
    ("truncate", "{{ 'one two three'|truncate(9, true, '…', 0) }}", "one two …"),
    ("unique", "{{ [1, 2, 1]|unique|list }}", [1, 2]),
    ("upper", "{{ s|upper }}", "ZOË"),
    ("urlencode", "{{ 'a b/é&'|urlencode }}", "a%20b/%C3%A9%26"),
    ("wordcount", "{{ 'one two'|wordcount }}", 2),
    ("wordwrap", "{{ 'one two'|wordwrap(4) }}", "one\ntwo"),
]
TEST_EXAMPLES: list[tuple[str, str, bool]] = [
    ("!=", "{{ [1]|select('!=', 1)|list == [] }}", True),
    ("<", "{{ [1]|select('<', 2)|list == [1] }}", True),
    ("<=", "{{ [1]|select('<=', 1)|list == [1] }}", True),
    ("==", "{{ [1]|select('==', 1)|list == [1] }}", True),
    (">", "{{ [1]|select('>', 1)|list == [] }}", True),
    (">=", "{{ [1]|select('>=', 1)|list == [1] }}", True),
    ("boolean", "{{ flag is boolean }}", True),
    ("defined", "{{ n is defined }}", True),
    ("divisibleby", "{{ n is divisibleby 3 }}", False),
    ("eq", "{{ n is eq 10 }}", True),
    ("equalto", "{{ n is equalto 9 }}", False),
    ("even", "{{ n is even }}", True),
    ("false", "{{ flag is false }}", False),
    ("float", "{{ x is float }}", True),
    ("ge", "{{ n is ge 10 }}", True),
    ("greaterthan", "{{ n is greaterthan 10 }}", False),
    ("gt", "{{ n is gt 9 }}", True),
    ("in", "{{ 'a' is in lst }}", True),
    ("integer", "{{ x is integer }}", False),
    ("iterable", "{{ n is iterable }}", False),
    ("le", "{{ n is le 10 }}", True),
    ("lessthan", "{{ n is lessthan 10 }}", False),
    ("lower", "{{ 'a' is lower }}", True),
    ("lt", "{{ n is lt 11 }}", True),
    ("mapping", "{{ mp is mapping }}", True),
    ("ne", "{{ n is ne 10 }}", False),
    ("none", "{{ nil is none }}", True),
    ("number", "{{ s is number }}", False),
    ("odd", "{{ n is odd }}", False),
    ("sequence", "{{ lst is sequence }}", True),
    ("string", "{{ s is string }}", True),
    ("true", "{{ flag is true }}", True),
    ("undefined", "{{ n is undefined }}", False),
    ("upper", "{{ 'a' is upper }}", False),
]
METHOD_EXAMPLES: list[tuple[str, str, object]] = [
    ("capitalize", "{{ 'ab'.capitalize() }}", "Ab"),
    ("casefold", "{{ 'ß'.casefold() }}", "ss"),
    ("count", "{{ 'aab'.count('a') }}", 2),
    ("date", "{{ now().date()|isoformat }}", "2026-01-02"),
    ("day", "{{ now().day }}", 2),
    ("endswith", "{{ 'ab'.endswith('b') }}", True),
    ("find", "{{ 'ab'.find('b') }}", 1),
    ("get", "{{ mp.get('color') }}", 1),
    ("hour", "{{ now().hour }}", 3),
    ("index", "{{ 'ab'.index('b') }}", 1),
    ("isalnum", "{{ 'a1'.isalnum() }}", True),
    ("isalpha", "{{ 'a1'.isalpha() }}", False),
    ("isdecimal", "{{ '1'.isdecimal() }}", True),
    ("isdigit", "{{ '1'.isdigit() }}", True),
    ("islower", "{{ 'a'.islower() }}", True),
    ("isoformat", "{{ now().isoformat() }}", "2026-01-02T03:04:05+00:00"),
    ("isspace", "{{ ' '.isspace() }}", True),
    ("istitle", "{{ 'Ab'.istitle() }}", True),
    ("isupper", "{{ 'a'.isupper() }}", False),
    ("items", "{{ mp.items()|list }}", [["color", 1]]),
    ("keys", "{{ mp.keys()|list }}", ["color"]),
    ("lower", "{{ 'A'.lower() }}", "a"),
    ("lstrip", "{{ ' a '.lstrip() }}", "a "),
    ("minute", "{{ now().minute }}", 4),
    ("month", "{{ now().month }}", 1),
    ("partition", "{{ 'a-b'.partition('-') }}", ["a", "-", "b"]),
    ("removeprefix", "{{ 'ab'.removeprefix('a') }}", "b"),
    ("removesuffix", "{{ 'ab'.removesuffix('b') }}", "a"),
    ("replace", "{{ now().replace(year=2027).year }}", 2027),
    ("rpartition", "{{ 'a-b-c'.rpartition('-') }}", ["a-b", "-", "c"]),
    ("rstrip", "{{ ' a '.rstrip() }}", " a"),
    ("second", "{{ now().second }}", 5),
    ("split", "{{ 'a,b'.split(',') }}", ["a", "b"]),
    ("splitlines", "{{ 'a\nb'.splitlines() }}", ["a", "b"]),
    ("startswith", "{{ 'ab'.startswith('a') }}", True),
    ("strftime", "{{ now().strftime('%d.%m.%Y %H:%M') }}", "02.01.2026 03:04"),
    ("strip", "{{ ' a '.strip() }}", "a"),
    ("swapcase", "{{ 'aB'.swapcase() }}", "Ab"),
    ("time", "{{ now().time().isoformat() }}", "03:04:05"),
    ("timestamp", "{{ now().timestamp() }}", 1767323045.0),
    ("title", "{{ 'ab cd'.title() }}", "Ab Cd"),
    ("total_seconds", "{{ timedelta(minutes=1).total_seconds() }}", 60.0),
    ("upper", "{{ 'a'.upper() }}", "A"),
    ("values", "{{ mp.values()|list }}", [1]),
    ("weekday", "{{ now().weekday() }}", 4),
    ("year", "{{ now().year }}", 2026),
]


@pytest.mark.parametrize(("name", "source", "value"), FILTER_EXAMPLES, ids=[row[0] for row in FILTER_EXAMPLES])
def test_each_filter_gives_its_value(templates: Templates, name: str, source: str, value: object) -> None:
    found = templates.evaluate(source, **VARIABLES)
    assert (name in source, type(found), found) == (True, type(value), value)


@pytest.mark.parametrize(("name", "source", "value"), TEST_EXAMPLES, ids=[row[0] for row in TEST_EXAMPLES])
def test_each_test_gives_its_answer(templates: Templates, name: str, source: str, value: bool) -> None:
    assert (name in source, templates.evaluate(source, **VARIABLES)) == (True, value)


@pytest.mark.parametrize(("name", "source", "value"), METHOD_EXAMPLES, ids=[row[0] for row in METHOD_EXAMPLES])
def test_each_method_gives_its_value(templates: Templates, name: str, source: str, value: object) -> None:
    assert (name in source, templates.evaluate(source, **VARIABLES)) == (True, value)


def test_the_closed_lists_hold_what_is_exercised_here_and_nothing_else() -> None:
    assert sorted(FILTERS) == [row[0] for row in FILTER_EXAMPLES]
    assert sorted(TESTS) == [row[0] for row in TEST_EXAMPLES]
    assert sorted(METHODS) == [row[0] for row in METHOD_EXAMPLES]
    assert sorted(GLOBALS) == ["namespace", "now", "omit", "range", "timedelta", "uuid4", "uuid5"]


def test_uuid5_names_a_text_the_same_everywhere(templates: Templates) -> None:
    assert templates.evaluate("{{ uuid5('a') }}") == "e1407479-3136-56c0-9908-bb02fb0339e2"
    assert templates.evaluate("{{ uuid5(1) == uuid5('1') }}") is True


def test_range_is_a_list(templates: Templates) -> None:
    assert templates.evaluate("{{ range(3) }}") == [0, 1, 2]
    assert templates.evaluate("{{ range(5, 0, -2) }}") == [5, 3, 1]


def test_a_number_written_beyond_a_double_is_told(templates: Templates) -> None:
    assert templates.faults("{{ 1e400 }}") or templates.failure("{{ 1e400 }}")


TEXT_OR_LIST = "error[template-too-large] a text or list has more than 1,000,000 items"
BIG = "a" * 500_000

BOMBS = {
    "power": "{{ 7**4000 }}",
    "power of a power": "{{ (7**1000)**1000 }}",
    "negative power": "{{ 10**(-10**9) }}",
    "float power": "{{ 2.0**99999 }}",
    "product": "{{ 10**1000 * 10**1000 * 10**1000 }}",
    "text times number": "{{ 'a' * 10**9 }}",
    "number times text": "{{ 10**9 * 'a' }}",
    "list times number": "{{ [1] * 10**9 }}",
    "text doubled and doubled": "{% set x = 'a' * 1000 %}{% set x = x * 1000 %}{% set x = x * 1000 %}{{ x }}",
    "sum of texts": "{{ big + big + big }}",
    "joined texts": "{{ big ~ big ~ big }}",
    "many pieces": "{{ big }}{{ big }}{{ big }}",
    "nested loops": "{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
    "text in a loop": "{% for i in range(9) %}{{ big }}{% endfor %}",
    "slow steps": "{% for i in range(99999) %}{% if big in big %}{% endif %}{{ (big ~ i)[0] }}{% endfor %}",
    "range": "{{ range(10**9) }}",
    "huge range": "{{ range(10**30) }}",
    "format width": "{{ '%1000000000d'|format(1) }}",
    "format precision": "{{ '%.1000000000f'|format(1) }}",
    "format width by name": "{{ '%(a)1000000000d'|format(a=1) }}",
    "format width by argument": "{{ '%*d'|format(1000000000, 1) }}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "format of big values": "{{ ('%s' * 10)|format(*([big] * 10)) }}",
    "replace": "{{ big|replace('a', 'bbbbbbbbbb') }}",
    "replace nothing": "{{ big|replace('', 'bbbbbbbbbb') }}",
    "join": "{{ range(100000)|join(big) }}",
    "center": "{{ 'a'|center(10**9) }}",
    "indent": "{{ 'a\nb'|indent(10**9) }}",
    "indent by text": "{{ ('\n' * 1000)|indent(big) }}",
    "batch": "{{ [1]|batch(10**9, 0)|list }}",
    "slice": "{{ [1]|slice(10**9)|list }}",
    "round": "{{ 1.5|round(10**9) }}",
    "big texts by map": "{{ range(200)|map('center', 99999)|list|length }}",
    "big texts by map and join": "{{ range(200)|map('center', 99999)|join|length }}",
    "wide lists": "{{ ([range(9999)|list] * 200)|sum(start=[])|length }}",
    "json of shared lists": "{{ ([[big] * 20] * 20)|tojson|length }}",
    "shared lists": "{{ [[['a' * 99999] * 99] * 99] * 99 }}",
    "shared lists in mixed text": "x{{ ([[big] * 20] * 20)|tojson }}",
    "integer of a text": "{{ ('f' * 900000)|int(0, 16) }}",
    "escapes of escapes": "{{ ('&' * 900000)|e|forceescape|forceescape|length }}",
    "wrapped words": "{{ ('a' * 510000)|wordwrap(1) }}",
    "large lists by map": "{{ ([range(100000)] * 100000)|map('max')|sum }}",
    "words of large texts": "{{ (['x' * 1000000] * 100000)|map('wordcount')|list|length }}",
    "sorting of large lists": "{{ ([range(100000)] * 1000)|map('sort')|map('length')|list }}",
    "large texts as lists": "{{ (['x' * 1000000] * 1000)|map('list')|list|length }}",
    "escapes of a wide alphabet": "{{ (['日' * 1000000] * 300)|map('urlencode')|list|length }}",
    "percent by name": "{{ (('%(a)s' * 2000) % {'a': 'x' * 1000000})|length }}",
    "percent by order": "{{ (('%s' * 2000) % (('x' * 1000000,) * 2000))|length }}",
    "format by name": "{{ ('%(a)s' * 2000)|format(a='x' * 1000000)|length }}",
    "many large pieces": "{{'x'*1000000}}" * 2000,
    "loops in loops in loops": "{% for i in [1] %}" * 30 + "{% endfor %}" * 30,
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_at_once(templates: Templates, source: str) -> None:
    start = time.process_time()
    told = templates.failure(source, big=BIG)
    assert time.process_time() - start < 5
    assert len(told) == 1


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ 7**4000 }}", "8-15 error[template-too-large] a power has more than 4,096 bits"),
        ("{{ 'a' * 10**9 }}", f"8-19 {TEXT_OR_LIST}"),
        ("{{ range(10**9) }}", "8-20 error[template-too-large] a range has more than 100,000 numbers"),
        ("{{ '%9999d' % 1 }}", "8-20 error[template-too-large] format %9999 is wider than 1000"),
        ("{{ 'a'|center(10**9) }}", f"8-25 {TEXT_OR_LIST}"),
        ("{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
         "5-81 error[template-too-large] the loops of one event take more than 100,000 steps"),
        ("ok {{ big }}{{ big }}{{ big }}",
         "29-32 error[template-too-large] the texts of one event have more than 1,000,000 characters"),
    ],
)  # fmt: skip
def test_a_bomb_is_told_with_its_limit(templates: Templates, source: str, told: str) -> None:
    assert templates.failure(source, big=BIG) == [f"t.yaml:1:{told}"]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ 2**64 }}", 2**64),
        ("{{ 'ab' * 3 }}", "ababab"),
        ("{{ [1] * 3 }}", [1, 1, 1]),
        ("{{ 7 % 4 }}", 3),
        ("{{ '%5d|%-5s|' % (3, 'a') }}", "    3|a    |"),
        ("{{ '100%' ~ '' }}", "100%"),
        ("{{ 2**-1 }}", 0.5),
    ],
)
def test_what_stays_small_is_computed(templates: Templates, source: str, value: object) -> None:
    assert templates.evaluate(source) == value


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


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ [1, true, '1', 1.0, none, false, 0, '', 'a', 'A'] | unique | list }}", [1, True, "1", None, False, 0, "", "a"]),
        ("{{ ['a', 'A', 'a'] | unique(true) | list }}", ["a", "A"]),
        ("{{ [[1], [true], [1], {'a': 1}, {'a': true}, {'a': 1}] | unique | list }}", [[1], [True], {"a": 1}, {"a": True}]),
        ("{{ [{'a': {'b': 1}}, {'a': {'b': true}}] | unique(attribute='a.b') | list | length }}", 2),
    ],
)  # fmt: skip
def test_true_is_not_one_among_unique_items(templates: Templates, source: str, value: object) -> None:
    assert repr(templates.evaluate(source)) == repr(value)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y-%m-%dT%H:%M:%S.%f%z %Z", "2026-01-02T03:04:05.000000+0000 UTC"),
        ("%a %A %b %B %p %I %y %j", "Fri Friday Jan January AM 03 26 002"),
        ("%u %w %U %V %W %G %%", "5 5 00 01 00 2026 %"),
        ("%-d %-m %-H %-M %-S %-I %-j %-y", "2 1 3 4 5 3 2 26"),
        ("no directive, Zo\u00eb", "no directive, Zo\u00eb"),
    ],
)
def test_a_date_is_written_alike_on_every_machine(templates: Templates, form: str, text: str) -> None:
    assert templates.evaluate(f"{{{{ now().strftime('{form}') }}}}") == text
    assert templates.evaluate("{{ now().strftime(form) }}", form=form) == text


@pytest.mark.parametrize(
    ("directive", "hint"),
    [
        ("%s", "write timestamp() | int"), ("%c", "write it out, as in %Y-%m-%d %H:%M:%S"), ("%e", "write %-d"),
        ("%D", "write %m/%d/%y"), ("%Ey", None), ("%:z", None), ("%_d", None), ("%#d", None), ("%P", None), ("%n", None),
        ("%+", None), ("%Q", None), ("%-A", None), ("%", "for the sign itself write %%"),
    ],
)  # fmt: skip
def test_a_directive_that_depends_on_the_machine_is_refused(
    templates: Templates, directive: str, hint: str | None
) -> None:
    [told] = templates.faults(f"{{{{ now().strftime('%Y {directive}') }}}}")
    assert "error[template-type] " in told
    assert hint is None or told.endswith(f"({hint})")
    assert "error[template-type] " in templates.failure("{{ now().strftime(form) }}", form=directive)[0]


def test_a_time_and_a_date_alone_are_written_too(templates: Templates) -> None:
    assert (
        templates.evaluate("{{ now().time().strftime('%H:%M %p') ~ now().date().strftime(' %d %b') }}")
        == "03:04 AM 02 Jan"
    )
    assert "a time has no '%A'" in templates.failure("{{ now().time().strftime('%A') }}")[0]


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


@pytest.mark.parametrize(
    ("source", "value"),
    [("'zoo' | replace('o', 42)", "z4242"), ("'a1' | replace(1, true)", "atrue"), ("[1, 2] | join(0)", "102")],
)
def test_filters_of_texts_take_numbers_as_jinja_does(templates: Templates, source: str, value: str) -> None:
    assert templates.evaluate(f"{{{{ {source} }}}}") == value


def test_a_list_replaces_nothing(templates: Templates) -> None:
    assert "error[template-not-text] a list inside text" in templates.failure("{{ 'a' | replace('a', [1]) }}")[0]
    assert (
        "the number of replacements must be a whole number"
        in templates.failure("{{ 'a' | replace('a', 'b', 'c') }}")[0]
    )
