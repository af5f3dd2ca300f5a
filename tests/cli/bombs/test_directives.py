"""Lets, directives, dates and patterns that ask for much by way of little: refused or done within 3 seconds and 300 MB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.bombs.costs import cost, is_bounded

if TYPE_CHECKING:
    from pathlib import Path


def nested_loops(levels: int, width: int) -> str:
    inner = "1"
    for level in range(levels):
        inner = f'{{$for: "i{level} in range({width})", $do: {inner}}}'
    return f"properties: {{x: {inner}}}\n"


def doubling(levels: int) -> str:
    lets = "".join(f'  l{n}: ["{{{{ l{n - 1} }}}}", "{{{{ l{n - 1} }}}}"]\n' for n in range(1, levels))
    return f"let:\n  l0: [1]\n{lets}properties: {{x: '{{{{ l{levels - 1} }}}}'}}\n"


def wide_maps(value: str, around: str = "properties: {{x: {}}}\n") -> str:
    entries = ", ".join(f"k{n}: {value}" for n in range(900))
    return around.format(f"{{$for: 'i in range(90000)', $do: {{{entries}}}}}")


REFUSED = {
    "loops in loops": nested_loops(6, 100),
    "deep loops": nested_loops(60, 2),
    "a loop over a large range": 'properties: {x: {$for: "i in range(100000)", $do: {a: "{{ i }}", b: [1, 2, "{{ i }}"]}}}\n',
    "a loop that makes long texts": "properties: {x: {$for: 'i in range(90000)', $do: \"{{ 'abcdefghij' * 100 }}\"}}\n",
    "a loop over a product": "properties: {x: {$for: \"i in [1] * 99999\", $do: {$for: 'j in range(1000)', $do: 1}}}\n",
    "lets that double": doubling(30),
    "a chain of lets that grow": 'let: {a: "{{ \'x\' * 900000 }}", b: "{{ a ~ a }}"}\nproperties: {x: "{{ b }}"}\n',
    "merges in a loop": "properties: {x: {$for: 'i in range(90000)', $do: {$merge: [{a: 1}, {b: 2}, \"{{ {'c': i} }}\"]}}}\n",
    "a loop that makes wide maps": wide_maps("1"),
    "a loop that makes maps in maps": "let: {a: {$for: 'i in range(99000)', $do: "
    + "{a: " * 40
    + "1"
    + "}" * 40
    + "}}\nproperties: {x: '{{ a | length }}'}\n",
    "a let that makes wide maps": wide_maps(
        "'{{ i * 1000 }}'", "let: {{a: {}}}\nproperties: {{x: '{{{{ a | length }}}}'}}\n"
    ),
    "a condition that is never true": "properties: {x: {$for: 'i in range(100000)', $if: '(range(1000) | sum) < 0', $do: 1}}\n",
    "patterns in a loop": "properties: {x: {$for: 'i in range(90000)', $do: \"{{ ('a' * 900) | regex_replace('(a?){200}', 'b') }}\"}}\n",
    "a large pattern": "properties: {x: \"{{ 'a' | regex_search('((a{100}){100}){100}') }}\"}\n",
    "a replacement that grows": "properties: {x: \"{{ ('a' * 99999) | regex_replace('a', 'b' * 999) }}\"}\n",
    "zones in a loop": "properties: {x: {$for: 'i in range(90000)', $do: \"{{ now() | in_timezone('Asia/Kolkata') | start_of('week') | isoformat }}\"}}\n",
    "dates beyond the calendar": "properties: {x: {$for: 'i in range(90000)', $do: '{{ (now() + timedelta(days=i * 1000)).year }}'}}\n",
    "long numbers as money": "properties: {x: \"{{ (10 ** 1200) | currency('EUR') * 900000 }}\"}\n",
}
DONE = {
    "many lets": "let:\n"
    + "".join(f'  l{n}: "{{{{ l{n + 1} if false else 1 }}}}"\n' for n in range(500))
    + '  l500: 1\nproperties: {x: "{{ l0 }}"}\n',
    "a wide merge": "properties: {x: {$merge: [" + ", ".join(f"{{k{n}: {n}}}" for n in range(3000)) + "]}}\n",
    "a large literal": "properties: {x: {$literal: [" + ", ".join(["'{{ x }}'"] * 5000) + "]}}\n",
}
HEAD = "version: 1\nevent: order_placed\ndistinct_id: u1\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_a_bomb_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "bomb.yaml").write_text(HEAD + REFUSED[name], "utf-8")
    rendered = cost(tmp_path, "render", "bomb.yaml")
    assert (rendered.code, rendered.told.startswith("error[")) == (2, True), rendered
    assert "error[bug]" not in rendered.told
    assert is_bounded(rendered), rendered


@pytest.mark.slow
@pytest.mark.parametrize("name", DONE)
def test_what_is_merely_large_is_rendered(tmp_path: Path, name: str) -> None:
    (tmp_path / "large.yaml").write_text(HEAD + DONE[name], "utf-8")
    rendered = cost(tmp_path, "render", "large.yaml")
    assert rendered.code == 0, rendered
    assert is_bounded(rendered), rendered


@pytest.mark.slow
@pytest.mark.parametrize(
    "rest",
    [
        "let:\n" + "".join(f'  l{n}: "{{{{ l{(n + 1) % 900} }}}}"\n' for n in range(900)),
        "let:\n"
        + "".join(f'  l{n}: "{{{{ {" ~ ".join(f"l{m}" for m in range(60) if m != n)} }}}}"\n' for n in range(60)),
        "properties: {x: " + "{$merge: [" * 60 + "{}" + "]}" * 60 + "}\n",
        "properties: {x: " + "{$literal: " * 60 + "1" + "}" * 60 + "}\n",
        "properties: {" + ", ".join(f"k{n}: {{$nope: 1}}" for n in range(5000)) + "}\n",
    ],
    ids=["a long circle", "many circles", "deep merges", "deep literals", "many directives that do not exist"],
)
def test_a_spec_with_many_faults_is_read_in_bounds(tmp_path: Path, rest: str) -> None:
    (tmp_path / "bomb.yaml").write_text(HEAD + rest, "utf-8")
    validated = cost(tmp_path, "validate", "bomb.yaml")
    assert validated.code in (0, 2), validated
    assert "error[bug]" not in validated.told
    assert is_bounded(validated), validated
