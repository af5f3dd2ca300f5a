"""Templates that ask for much by way of little: each in a process of its own, refused within 3 seconds and 300 MB.

What test_operations.py has are single operations of a size; here an operation is repeated, one that looks small is not, or
the template itself is what is too much. tests/template/test_bounds.py has many more of the first two kinds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.bombs.costs import cost, is_bounded

if TYPE_CHECKING:
    from pathlib import Path


def repeated(expression: str, times: int) -> str:
    return f"{{{{ [{', '.join([expression] * times)}] | length }}}}"


TEXT = "{% set x = 'ab ' * 300000 %}"
RENDERED = {
    "ranges": repeated("range(100000)", 1500),
    "calls": TEXT + repeated("x.split() == ''", 1200),
    "slices": TEXT + repeated("x[1:]", 1500),
    "membership": "{% set x = range(100000) %}{% set y = -1 %}" + repeated("y in x", 1500),
    "wrapping": "{{ ('a' * 490000) | wordwrap(1) }}",
    "a list in itself": "{% set a = [1] %}" + "{% set a = [a, a] %}" * 60 + "{{ [1].index(a) }}",
    "long numbers": f"{{{{ [{'9' * 3690}] * 90000 }}}}",
    "long numbers as JSON": f"{{{{ ([{'9' * 3690}] * 90000) | tojson | length }}}}",
    "maps added to a list": "{{ ([{"
    + ", ".join(f"'k{n}': 1" for n in range(1000))
    + "}] * 90000) | sum(start=[]) | length }}",
    "a format in a test": "{{ '%900000000d' is odd }}",
    "names in loops": "{% for i in a %}" * 15 + "".join(f"{{{{ b{n} }}}}" for n in range(3000)) + "{% endfor %}" * 15,
}
FIELDS = {
    "distinct_id": "distinct_id: {bomb}\n",
    "event": "event: {bomb}\n",
    "key": "idempotency_key: {bomb}\n",
    "property": "properties: {{list: [{{a: {bomb}}}]}}\n",
    "url": "attachments: [{{url: {bomb}}}]\n",
    "filename": "attachments: [{{url: 'https://x.example/', filename: {bomb}}}]\n",
    "ignored": "attachments: [{{url: 'https://x.example/', ignore_if_error: {bomb}}}]\n",
}


def write(folder: Path, template: str, field: str = "property", rest: str = "") -> None:
    fields = {"event": "event: order_placed\n", "distinct_id": "distinct_id: u1\n"}
    fields[field] = FIELDS[field].format(bomb=json.dumps(template))
    (folder / "bomb.yaml").write_text(f"version: 1\n{rest}{''.join(fields.values())}", "utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("name", RENDERED)
def test_an_operation_that_is_repeated_or_hidden_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, RENDERED[name])
    rendered = cost(tmp_path, "render", "bomb.yaml")
    assert (rendered.code, rendered.told.startswith("error[template-")) == (2, True), rendered
    assert is_bounded(rendered), rendered


@pytest.mark.slow
@pytest.mark.parametrize("field", FIELDS)
def test_a_bomb_is_refused_in_each_field(tmp_path: Path, field: str) -> None:
    write(tmp_path, repeated("range(100000)", 300), field)
    sent = cost(tmp_path, "send", "bomb.yaml", "--dry-run")
    assert (sent.code, "error[template-too-" in sent.told) == (2, True), sent
    assert is_bounded(sent), sent


@pytest.mark.slow
def test_a_bomb_is_refused_for_each_row(tmp_path: Path) -> None:
    write(tmp_path, "{{ n }}" + repeated("range(100000)", 300), rest="vars: {n: {type: string}}\n")
    (tmp_path / "rows.csv").write_text("n\n1\n2\n3\n")
    rendered = cost(tmp_path, "render", "bomb.yaml", "--rows", "rows.csv")
    assert (rendered.code, rendered.told.count("error[template-too-")) == (2, 3), rendered
    assert is_bounded(rendered), rendered


@pytest.mark.slow
@pytest.mark.parametrize("template", ["{{a}}" * 180_000, "{{ a" + " | d" * 200_000 + " }}"], ids=["names", "filters"])
def test_a_template_of_a_megabyte_is_checked_and_refused_in_time(tmp_path: Path, template: str) -> None:
    write(tmp_path, template)
    for command in (["validate", "bomb.yaml"], ["send", "bomb.yaml", "--dry-run"]):
        checked = cost(tmp_path, *command)
        assert (checked.code, checked.told.count("error[template-")) == (2, 1), checked.told[:1000]
        assert is_bounded(checked), checked._replace(told=checked.told[:1000])


@pytest.mark.slow
@pytest.mark.parametrize("text", ["{{user}}" * 1000, "x" * 900_000], ids=["templates", "texts"])
def test_what_aliases_repeat_is_counted_each_time(tmp_path: Path, text: str) -> None:
    aliases = ", ".join(["*a"] * 20_000)
    head = "version: 1\nevent: order_placed\ndistinct_id: u1\n"
    (tmp_path / "bomb.yaml").write_text(f"{head}properties:\n  a: &a '{text}'\n  b: [{aliases}]\n", "utf-8")
    for command in (["validate", "bomb.yaml"], ["render", "bomb.yaml"]):
        checked = cost(tmp_path, *command)
        assert (checked.code, checked.told.count("error[yaml-size]")) == (2, 1), checked
        assert is_bounded(checked), checked


def test_a_number_of_too_many_digits_hides_no_other_file_s_problems(tmp_path: Path) -> None:
    head = "version: 1\nevent: order_placed\ndistinct_id: u1\n"
    (tmp_path / "a.yaml").write_text(f"{head}properties: {{a: '{{{{ {'9' * 5000} }}}}'}}\n", "utf-8")
    (tmp_path / "b.yaml").write_text(f"{head}properties: {{a: '{{{{ x'}}\n", "utf-8")
    checked = cost(tmp_path, "validate", ".")
    assert checked.code == 2
    assert [line for line in checked.told.splitlines() if line.startswith("error")] == [
        "error[number-too-large]: a number of 5000 digits",
        "error[template-syntax]: the template ends in the middle of an expression",
    ]


BUG = """
import sys
from runner.cli.main import run
from runner.commands.world import World
run(["validate", "b.yaml"], World.real())
sys.setrecursionlimit(100)
sys.exit(run(["validate", "."], World.real()))
"""
"""A Python that can't go as deep as a spec may be: a bug that no spec meets else."""


def test_a_bug_in_one_file_hides_no_other_file_s_problems(tmp_path: Path) -> None:
    head = "version: 1\nevent: order_placed\ndistinct_id: u1\n"
    (tmp_path / "a.yaml").write_text(f"{head}properties: {{a: {'[' * 55}{']' * 55}}}\n", "utf-8")
    (tmp_path / "b.yaml").write_text(f"{head}properties: {{a: '{{{{ x'}}\n", "utf-8")
    ended = subprocess.run([sys.executable, "-c", BUG], cwd=tmp_path, capture_output=True, text=True, check=False)
    told = [line for line in (ended.stdout + ended.stderr).splitlines() if line.startswith("error")]
    assert ended.returncode == 70
    assert "error[bug]: RecursionError: maximum recursion depth exceeded" in told
    assert told.count("error[template-syntax]: the template ends in the middle of an expression") == 2
    assert "reading a.yaml" in ended.stdout + ended.stderr
