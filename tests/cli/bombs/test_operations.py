"""Hostile templates, each in a process of its own: refused within 3 seconds and 300 MB, and checked within a second.

Time is the process's own (user and system), so that a busy machine does not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.bombs.costs import cost, is_bounded

if TYPE_CHECKING:
    from pathlib import Path

BIG = "{% set big = 'a' * 500000 %}"
BOMBS = {
    "repetition": "{{ 'a' * 10**9 }}",
    "repetition of repetition": "{% set x = 'a' * 1000 %}{% set x = x * 1000 %}{% set x = x * 1000 %}{{ x }}",
    "padding": "{{ 'a' | center(10**9) }}",
    "indentation": "{{ ('\\n' * 100000) | indent(1000) }}",
    "power": "{{ 7**4000 }}",
    "power of a power": "{{ (7**1000)**1000 }}",
    "constant folding": "{{ (7**4000)**4000 }}",
    "constant folding of text": "{{ 'a' * 1000000000 ~ 'b' * 1000000000 }}",
    "nested loops": "{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}",
    "thirty loops": "{% for i in range(99) %}" * 30 + "{% endfor %}" * 30,
    "recursive loop": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "recursive macro": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "self": "{{ self.__init__() }}",
    "deep expression": "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    "long expression": "{{ " + " + ".join(["1"] * 20000) + " }}",
    "lipsum": "{{ lipsum(n=1000000) }}",
    "format width": "{{ '%1000000000d' | format(1) }}",
    "format width by argument": "{{ '%*d' | format(1000000000, 1) }}",
    "percent width": "{{ '%1000000000d' % 1 }}",
    "percent by order": "{{ (('%s' * 2000) % (('x' * 1000000,) * 2000)) | length }}",
    "replace": BIG + "{{ big | replace('a', 'bbbbbbbbbb') }}",
    "replace nothing": BIG + "{{ big | replace('', 'bbbbbbbbbb') }}",
    "join": BIG + "{{ range(100000) | join(big) }}",
    "range": "{{ range(10**30) }}",
    "shared lists": "{{ [[['a' * 99999] * 99] * 99] * 99 }}",
    "shared lists as JSON": BIG + "{{ ([[big] * 20] * 20) | tojson | length }}",
    "sorting": "{{ ([range(100000)] * 1000) | map('sort') | map('length') | list }}",
    "escapes": "{{ (['日' * 1000000] * 300) | map('urlencode') | list | length }}",
    "wrapping": "{% set t = 'a b ' * 200000 %}{% for i in range(16) %}{% set x = t | wordwrap %}{% endfor %}",
    "slow steps": "{% for i in range(99000) %}{% if " + " == ".join(["uuid5(i)"] * 20) + " %}{% endif %}{% endfor %}",
    "attribute escape": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "attribute escape by filter": "{{ '' | attr('__class__') }}",
    "attribute escape by item": "{{ ''['__class__'] }}",
    "attribute escape by format": "{{ '{0.__class__}'.format(1) }}",
    "attribute escape by map": "{{ [''] | map(attribute='__class__') | list }}",
    "globals": "{{ now.__globals__ }}",
    "include": "{% include '/etc/passwd' %}",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_time_and_memory(tmp_path: Path, name: str) -> None:
    spec = f"version: 1\nevent: order_placed\ndistinct_id: u1\nproperties:\n  bomb: |-\n    {BOMBS[name]}\n"
    (tmp_path / "bomb.yaml").write_text(spec)
    checked = cost(tmp_path, "validate", "bomb.yaml")
    assert checked.seconds < 1, checked
    rendered = cost(tmp_path, "render", "bomb.yaml")
    assert (rendered.code, rendered.told.startswith("error[template-")) == (2, True), rendered
    assert is_bounded(rendered), rendered
