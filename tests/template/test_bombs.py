"""A template that would grow without bound is refused before it takes time or memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Templates


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
