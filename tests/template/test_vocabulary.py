"""Every filter, test and method of templates returns its documented value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.template.conditions import TESTS
from runner.template.filters import FILTERS
from runner.template.functions import GLOBALS
from runner.template.methods import METHODS
from tests.template.conftest import VARIABLES

if TYPE_CHECKING:
    from tests.projects import Templates


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
