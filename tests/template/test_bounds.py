"""What operations of templates cost: whatever they are composed of, an event takes little time and memory.

The bombs that tests/cli/bombs/test_templates.py runs as processes are a few of these. `FUZZ=20 pytest
tests/template/test_bounds.py` tries twenty times as many random templates, and never the same twice.
"""

from __future__ import annotations

import json
import os
import time
from resource import RUSAGE_SELF, getrusage
from typing import TYPE_CHECKING, NamedTuple

import pytest

from runner.template.plan import Plan, RenderingError
from tests.projects import lines
from tests.template.hostile import VARIABLES, hostile

if TYPE_CHECKING:
    from tests.projects import Project, Templates

TIMES = int(os.environ.get("FUZZ", "1"))


class Rendered(NamedTuple):
    """What a template took: CPU seconds, MB by which the process grew, and its first problem, if it has one."""

    seconds: float
    grown_mb: float
    told: str | None

    @property
    def is_bounded(self) -> bool:
        return self.seconds < 2.5 and self.grown_mb < 200


def render(templates: Templates, source: str, **variables: object) -> Rendered:
    """Render a template. The peak of a process never falls: what grows it less than a template before is no bomb."""
    peak, start = getrusage(RUSAGE_SELF).ru_maxrss, time.process_time()
    told = None
    template = templates.parse(source)
    if template.findings:
        told = lines(template.problems())[0]
    else:
        try:
            Plan(template).evaluate(variables, templates.state())
        except RenderingError as error:
            told = lines(error.problems)[0]
    grown = getrusage(RUSAGE_SELF).ru_maxrss - peak
    return Rendered(time.process_time() - start, grown / 1024, told)


def repeated(expression: str, times: int = 60) -> str:
    return f"{{{{ [{', '.join([expression] * times)}] | length }}}}"


def doubled(name: str, seed: str, pair: str) -> str:
    """Give a name a value that is small, and has 2**60 items when written out."""
    return f"{{% set {name} = {seed} %}}" + f"{{% set {name} = {pair.replace('_', name)} %}}" * 60


def in_pairs(seed: str, pair: str) -> str:
    return doubled("a", seed, pair) + doubled("b", seed, pair)


TEXT = "{% set x = 'ab ' * 300000 %}"
LISTS = doubled("a", "[1, 'x']", "[_, _]")
TUPLES = doubled("a", "(1, 'x')", "(_, _)")
BOMBS = {
    "ranges": repeated("range(100000)"),
    "calls": TEXT + repeated("x.split() == ''"),
    "calls with results": TEXT + repeated("x.upper()"),
    "calls by another name": TEXT + "{% set f = x.upper %}" + repeated("f()"),
    "calls for parts": TEXT + repeated("x.partition('b')"),
    "words wrapped at each letter": "{{ ('a' * 490000) | wordwrap(1) }}",
    "letters wrapped at each letter": "{{ ('a ' * 400000) | wordwrap(1) }}",
    "blanks wrapped": repeated("(' ' * 900000) | wordwrap"),
    "slices of a text": TEXT + repeated("x[1:]"),
    "slices of a list": "{% set x = range(100000) %}" + repeated("x[::-1]"),
    "in a text": "{% set x = 'ab' * 400000 %}{% set y = 'cd' %}" + repeated("y in x"),
    "in a list": "{% set x = range(100000) %}{% set y = -1 %}" + repeated("y in x"),
    "not in a list": "{% set x = range(100000) %}" + repeated("[] not in x"),
    "in a chain": "{% set x = range(100000) %}{% set y = -1 %}" + repeated("y in x in [x]"),
    "in by a test": "{% set x = range(100000) %}" + repeated("-1 is in x"),
    "in by a filter": "{% set x = range(10000) %}{{ x | select('in', range(10000, 20000)) | list | length }}",
    "equal texts": TEXT + "{% set y = 'ab ' * 300000 %}" + repeated("x == y", 60),
    "ordered texts": TEXT + "{% set y = 'ab ' * 300000 %}" + repeated("x < y < x", 60),
    "equal lists in lists": in_pairs("[1]", "[_, _]") + "{{ a == b }}",
    "ordered lists in lists": in_pairs("[1]", "[_, _]") + "{{ a < b < a }}",
    "unequal maps in maps": in_pairs("{'k': 1}", "{'k': _, 'l': _}") + "{{ a != b }}",
    "lists in lists as text": LISTS + "{{ ('%s' % [a]) | length }}",
    "lists in lists as JSON": LISTS + "{{ a | tojson | length }}",
    "lists in lists as words": LISTS + "{{ a | wordcount }}",
    "lists in lists in a URL": LISTS + "{{ {'q': a} | urlencode | length }}",
    "lists in lists in lower case": LISTS + "{{ a is lower }}",
    "lists in lists not found": LISTS + "{{ [1].index(a) }}",
    "lists in lists counted": in_pairs("[1]", "[_, _]") + "{{ [a].count(b) }}",
    "lists in lists as a name": LISTS + "{{ {'x': 1}[a] }}",
    "lists in lists sorted": in_pairs("[1]", "[_, _]") + "{{ [a, b] | sort | length }}",
    "least of lists in lists": in_pairs("[1]", "[_, _]") + "{{ [a, b] | min | length }}",
    "lists in lists grouped": in_pairs("[1]", "[_, _]") + "{{ [{'k': a}, {'k': b}] | groupby('k') | length }}",
    "tuples in tuples as a key": TUPLES + "{{ {a: 1} | length }}",
    "tuples in tuples looked up": TUPLES + "{{ {'x': 1}[a] }}",
    "tuples in tuples asked for": TUPLES + "{{ {'x': 1}.get(a) }}",
    "tuples in tuples in a map": TUPLES + "{{ a in {'x': 1}.keys() }}",
    "tuples in tuples made unique": TUPLES + "{{ [a] | unique | list | length }}",
    "tuples in tuples taken off keys": TUPLES + "{{ ({'x': 1}.keys() - [a]) | list | length }}",
    "tuples in tuples as a filter": TUPLES + "{{ [1] | map(a) | list }}",
    "tuples in tuples as a test": TUPLES + "{{ [1] | select(a) | list }}",
    "tuples in tuples as an attribute": TUPLES + "{{ [{'x': 1}] | map(attribute=a) | list }}",
    "tuples in tuples as a place": TUPLES + "{{ uuid4(a) }}",
    "a format in a test": "{{ '%900000000d' is odd }}",
    "a format in a division": "{{ '%900000000d' is divisibleby 3 }}",
    "a format in a filter": "{{ ['%900000000d'] | select('even') | list }}",
    "a text rounded": "{{ ('a' * 100000) | round(4, 'ceil') }}",
    "columns of a list": "{{ [1] | slice(range(100000) * 10) }}",
    "an indent of a list": "{{ ('\\n' * 1000) | indent(range(100000)) }}",
    "a width behind a key": "{{ ('%((a))900000000d' % {'(a)': 1}) | length }}",
    "many widths": "{{ (('%999d' * 9000) % ((1,) * 9000)) | length }}",
    "keys of a format that never end": "{{ ('%(' * 9000 ~ '(' * 900000) | format(1) }}",
    "a line's ends of other kinds": "{{ ('\\u2028' * 90000) | indent(1000, true, true) | length }}",
    "indented JSON": "{% set a = range(90000) %}" + "{% set a = [a] %}" * 200 + "{{ a | tojson(16) | length }}",
    "characters taken off": "{{ ('a' * 900000).strip('b' * 900000 ~ 'a') }}",
    "characters trimmed": "{{ ('a' * 900000) | trim('b' * 900000 ~ 'a') }}",
    "a part from the right": "{{ ('a' * 900000).rpartition('b' ~ 'a' * 400000) }}",
    "many prefixes": "{{ ('a' * 900000).startswith(('a' * 800000 ~ 'b',) * 100000) }}",
    "tags": repeated("('<a>' * 300000) | striptags"),
    "comments": "{{ ('<!---->' * 120000) | striptags }}",
    "titles": repeated("('a-' * 400000) | title"),
    "a text as a list": repeated("('日' * 900000) | list"),
    "a text sorted": repeated("('日' * 900000) | sort"),
    "a text spread out": repeated("'%s' | format(*('日' * 900000))"),
    "a long attribute": "{{ range(100000) | map(attribute='" + "a." * 40000 + "a', default=1) | list }}",
    "attributes of many": "{{ range(100000) | map(attribute='" + "a." * 200 + "a', default=1) | list | length }}",
    "attributes added": "{{ range(100000) | sum(attribute='" + "a." * 200 + "a') }}",
    "items of many": repeated("([{'a': 1}] * 100000) | map('items') | map('list') | list"),
    "iterators of many": repeated("([[1]] * 100000) | map('map', 'string') | list"),
    "lines of many": repeated("range(100000) | batch(1)"),
    "empty pieces": "{% for i in range(100000) %}" + "{{ '' }}" * 900 + "{% endfor %}",
    "dates": "{{ now().strftime('%999d' * 200000) | length }}",
    "ids of texts": TEXT + repeated("uuid5(x)"),
    "names that are not there": "{% set x = 'ab' * 400000 %}" + repeated("{'a': 1}[x] is defined", 60) + "{{ x.a.b }}",
    "keys taken off": "{% set k = {" + ", ".join(f"'{n}': 1" for n in range(1500)) + "}.keys() %}"
    + "{% for i in range(1000) %}{% set x = [" + ", ".join(["k - [1]"] * 20) + "] %}{% endfor %}",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_of_small_operations_is_refused(templates: Templates, name: str) -> None:
    rendered = render(templates, BOMBS[name])
    assert rendered.told is not None
    assert rendered.is_bounded, rendered


@pytest.mark.slow
def test_random_hostile_templates_take_little_time_and_memory(templates: Templates) -> None:
    first = 0 if TIMES == 1 else int(time.time()) * 1000
    for seed in range(first, first + 20 * TIMES):
        rendered = render(templates, hostile(seed), **VARIABLES)
        assert rendered.is_bounded, (seed, rendered)


LONG = {
    "names": "{{a}}" * 180_000,
    "a list": "{{ [" + "a," * 400_000 + "] }}",
    "conditions": "{% if a %}{% endif %}" * 45_000,
    "branches": "{% if a %}" + "{% elif a %}" * 75_000 + "{% endif %}",
    "names and conditions": "".join(f"{{{{ a{n} }}}}" for n in range(3000)) + "{% if a %}{% endif %}" * 2800,
    "filters": "{{ a" + " | d" * 200_000 + " }}",
    "a sum": "{{ " + "+".join("a" * 400_000) + " }}",
    "brackets": "{{ " + "(" * 450_000 + ")" * 450_000 + " }}",
    "comments": "{##}" * 240_000,
    "digits": "{{ " + "9" * 900_000 + " }}",
    "digits with underscores": "{{ " + "1_" * 450_000 + "1 }}",
    "a fraction": "{{ 0." + "9" * 900_000 + " }}",
    "a name": "{{ " + "a" * 900_000 + " }}",
    "a filter's name": "{{ a | " + "b" * 900_000 + " }}",
    "backslashes": "{{ '" + "\\\\" * 400_000 + " }}",
}


@pytest.mark.parametrize("name", LONG)
def test_a_template_of_a_megabyte_is_checked_in_time(project: Project, name: str) -> None:
    start = time.process_time()
    loaded = project.load(f"version: 1\nevent: seen\ndistinct_id: u1\nproperties: {{a: {json.dumps(LONG[name])}}}\n")
    assert time.process_time() - start < 2
    assert loaded.spec is None or name in ("a fraction", "a name")


DENSE = {
    "names": "".join(f"{{{{a{n}}}}}" for n in range(3300)),
    "names and conditions": "".join(f"{{{{a{n}}}}}" for n in range(1600)) + "{% if a %}{% endif %}" * 700,
    "names in loops": "{% for i in a %}" * 15 + "".join(f"{{{{b{n}}}}}" for n in range(1100)) + "{% endfor %}" * 15,
    "a list": "{{ [" + "a," * 4900 + "] }}",
    "comparisons": "{{ " + "==".join("a" * 4900) + " }}",
}


@pytest.mark.parametrize("name", DENSE)
def test_what_is_not_refused_is_compiled_in_time(templates: Templates, name: str) -> None:
    rendered = render(templates, DENSE[name])
    assert rendered.told is not None
    assert rendered.is_bounded, rendered


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ %s }}" % ("9" * 5000), "8-5008 error[number-too-large] a number of 5000 digits (write it as text)"),
        ("{{ 0x%s }}" % ("f" * 4000), "8-4010 error[number-too-large] a number of 4002 digits (write it as text)"),
        ("{{ \u0661.\u0665 }}", "8-11 error[template-syntax] a number is written with the digits 0 to 9"),
        ("{{ 'abc'[1:2, 3] }}", "13-14 error[template-syntax] a slice must be alone between [ and ]"),
        ("{{ 'a'.split(sep='a', sep='b') }}", "27-30 error[template-syntax] argument 'sep' is given twice"),
        ("{{ 'a'.split(__debug__=1) }}",
         "18-27 error[template-forbidden] names that begin with _ are not reachable"),
        ("{% set \ufb01 = 1 %}{{ fi }}", "12-13 error[template-syntax] '\ufb01' and 'fi' are one name (write fi)"),
        ("{{ \ufb01 }}", "8-9 error[template-syntax] '\ufb01' and 'fi' are one name (write fi)"),
    ],
    ids=["digits", "hexadecimal digits", "other digits", "two slices", "twice", "__debug__", "a ligature set", "a ligature"],
)  # fmt: skip
def test_what_python_can_not_compile_is_told_at_its_place(templates: Templates, source: str, told: str) -> None:
    assert templates.faults(source) == [f"t.yaml:1:{told}"]


def test_a_print_statement_that_fails_is_told(templates: Templates) -> None:
    assert templates.failure("{% print nam %}") == [
        "t.yaml:1:14-17 error[template-undefined] variable 'nam' is not defined"
    ]


def test_a_slice_of_a_number_writes_no_warning(templates: Templates, recwarn: pytest.WarningsRecorder) -> None:
    assert "error[template-failed]" in templates.failure("{{ 5[1:2] }}")[0]
    assert list(recwarn) == []


ORDINARY = {
    "a table of a thousand lines": "{% for i in range(1000) %}{{ loop.index }}. {{ 'item %d' | format(i) | upper }}: "
    "{{ '%.2f' | format(i * 1.5) }}{% if i in [1, 2] or i == loop.length %}!{% endif %}\n{% endfor %}",
    "five thousand records": "{{ records | selectattr('name', 'eq', 'n3') | map(attribute='age') | sum }} of "
    "{{ records | sort(attribute='age,name') | length }}: {{ records | groupby('name') | length }}",
    "a look-up for each record": "{% for r in records %}{% if r.name in names %}{{ names[r.name] }}{% endif %}{% endfor %}",
    "a long letter": "{{ letter | wordwrap(79) | replace('a', 'b') | title | length }} {{ letter.split() | length }}",
    "a page": "{{ page | striptags | truncate(100) }}{{ page | escape | length }}",
    "JSON of all": "{{ records | tojson | length }}",
}


@pytest.mark.parametrize("name", ORDINARY)
def test_what_large_events_ordinarily_do_is_within_the_bounds(templates: Templates, name: str) -> None:
    letter = "Lorem ipsum dolor sit amet, " * 3500
    page = "<p>Lorem <b>ipsum</b></p>\n" * 2000
    names = {f"n{number}": number for number in range(1000)}
    records = VARIABLES["records"]
    rendered = render(templates, ORDINARY[name], letter=letter, page=page, names=names, records=records)
    assert rendered.told is None
