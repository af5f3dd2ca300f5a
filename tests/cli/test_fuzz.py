"""Whatever a file says, a command ends with a result or a problem: no bug, no hang, no crash of the process.

CI runs a fixed ten seconds of it; `FUZZ=20 pytest tests/cli/test_fuzz.py` runs twenty times as many examples, and never the same twice.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.template.conditions import TESTS
from runner.template.filters import FILTERS
from runner.template.methods import METHODS

if TYPE_CHECKING:
    from tests.conftest import CommandLine

TIMES = int(os.environ.get("FUZZ", "1"))


def fuzzed(examples: int) -> settings:
    """Give settings for so many examples. A command that takes longer than the deadline hangs: its own limits are shorter."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        database=None,
        deadline=timedelta(seconds=8),
        suppress_health_check=list(HealthCheck),
    )


SPECS = [path.read_text("utf-8") for path in sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))]
KEYS = (
    "version: 1", "event: order_placed", "distinct_id: u1", "tenant_id: x", "brand_id: x", "idempotency_key: null",
    "extends: a.yaml", "extends: .", "schema: a.yaml", "schema: {$ref: '#'}", "schema:", "properties:", "attachments:",
    "vars:", "tests:", "x-y:", "labels: [a]", "user: {type: string, secret: true, default: abcd}", "a: {type: []}",
    "- name: a", "expect: {event: {properties: {a: {$re: '('}}}}", "now: 2026-01-02", "name: n", "description: d",
)  # fmt: skip
PIECES = (
    "{{", "}}", "{%", "%}", "{#", "#}", "|", "|-", ">", ">2", '"', "'", ":", ": ", " ", "  ", "\n", "\n  ", "\t", "- ",
    "-", "? ", "[", "]", "{", "}", ",", "#", " #", "&a ", "*a", "!!str ", "!x ", "%YAML 1.2\n", "---\n", "...\n", "<<: ",
    "null", "~", "no", "1e999", "-0", "0x1F", ".nan", "\\u0000", "\\ud800", "\\", "\x00", "\x1b", "\x7f", "\x85",
    "\u2028", "\u202e", "\ufeff", "é", "\U0001f600", "\U0010ffff", "\r", "\r\n", *KEYS,
)  # fmt: skip
NAMES = ("user", "items", "amount", "shop", "shop.name", "nobody", "loop.index", "now()", "uuid4()", "'a'", "7", "none")
BINARY = ("+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "and", "or")

yaml_text = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=60).map("".join)
expressions = st.recursive(
    st.sampled_from(NAMES) | st.integers(-3, 10**6).map(str) | st.text("ab'\\{}%", max_size=4).map(repr),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(sorted(FILTERS))).map(" | ".join),
        st.tuples(inner, st.sampled_from(sorted(FILTERS)), inner).map(lambda it: f"{it[0]} | {it[1]}({it[2]})"),
        st.tuples(inner, st.sampled_from(sorted(TESTS)), inner).map(lambda it: f"({it[0]} is {it[1]} {it[2]})"),
        st.tuples(inner, st.sampled_from(sorted(METHODS)), inner).map(lambda it: f"({it[0]}).{it[1]}({it[2]})"),
        st.tuples(inner, st.sampled_from(BINARY), inner).map(lambda it: f"({' '.join(it)})"),
        st.tuples(inner, inner).map(lambda it: f"{it[0]}[{it[1]}]"),
        st.tuples(inner, inner, inner).map(lambda it: f"({it[0]} if {it[1]} else {it[2]})"),
        st.tuples(inner, inner).map(lambda it: f"[{it[0]}, {{'k': {it[1]}}}]"),
    ),
    max_leaves=8,
)
templates = st.one_of(
    expressions.map(lambda inner: f"{{{{ {inner} }}}}"),
    expressions.map(lambda inner: f"x {{{{ {inner} }}}} y {{{{ user }}}}"),
    st.tuples(expressions, expressions).map(
        lambda it: f"{{% for i in {it[0]} %}}{{% for j in {it[1]} %}}{{{{ i ~ j }}}}{{% endfor %}}{{% endfor %}}"
    ),
    st.tuples(expressions, expressions).map(lambda it: f"{{% if {it[0]} %}}{{% set user = {it[1]} %}}{{% endif %}}"),
    yaml_text,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "items", "properties", "pattern", "format", "enum", "$ref", "anyOf", "not", "minimum", "if"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Break a spec that is right: put a piece in, cut some out, or repeat a line."""
    text = draw(st.sampled_from(SPECS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:at] + draw(st.sampled_from(PIECES)) + text[at:]
            case 1:
                text = text[:at] + text[at + draw(st.integers(1, 30)) :]
            case 2:
                end = text.find("\n", at)
                text = text[: end + 1] + text[at : end + 1] + text[end + 1 :]
            case _:
                lines = text.split("\n")
                line = draw(st.integers(0, len(lines) - 1))
                lines[line] = f'{lines[line].split(":")[0]}: "{draw(templates)}"'
                text = "\n".join(lines)
    return text


class Commands:
    """Runs commands over one file, and holds each to an end that is no bug."""

    def __init__(self, cli: CommandLine, path: Path) -> None:
        self._cli = cli
        self._path = path

    def check(self, content: bytes, *more: str) -> None:
        self._path.write_bytes(content)
        path = str(self._path)
        for args in (["validate", path, "-o", "json"], ["render", path, "--var", "user=u1", *more]):
            ended = self._cli(*args)
            assert ended.code in (0, 2, 4), f"{args[0]}: {ended.err}\n{content!r}"


@pytest.fixture
def commands(cli: CommandLine, in_tmp: Path) -> Commands:
    return Commands(cli, in_tmp / "a.yaml")


@pytest.mark.slow
@fuzzed(80)
@given(content=st.binary(max_size=300))
def test_random_bytes_end_in_no_bug(commands: Commands, content: bytes) -> None:
    commands.check(content)


@pytest.mark.slow
@fuzzed(160)
@given(text=yaml_text)
def test_random_yaml_ends_in_no_bug(commands: Commands, text: str) -> None:
    commands.check(text.encode("utf-8", "surrogatepass"))


@pytest.mark.slow
@fuzzed(160)
@given(text=mutated())
def test_broken_specs_end_in_no_bug(commands: Commands, text: str) -> None:
    commands.check(text.encode("utf-8", "surrogatepass"))


@pytest.mark.slow
@fuzzed(120)
@given(template=templates, amount=st.sampled_from(["1", "-1", "1e308", "0"]))
def test_random_templates_end_in_no_bug(commands: Commands, template: str, amount: str) -> None:
    indented = "\n".join(f"    {line}" for line in template.split("\n"))
    spec = (
        "version: 1\nvars:\n  user: {type: string}\n  items: {type: array, default: [kettle, 2, null]}\n"
        "  amount: {type: number, default: 10}\n  shop: {default: {name: main}}\n"
        f"event: order_placed\ndistinct_id: u1\nproperties:\n  a: |\n{indented}\n"
    )
    commands.check(spec.encode("utf-8", "surrogatepass"), "--var", f"amount={amount}")


@pytest.mark.slow
@fuzzed(90)
@given(schema=json_values, value=json_values)
def test_random_schemas_end_in_no_bug(commands: Commands, schema: object, value: object) -> None:
    spec = (
        f"version: 1\nvars: {{user: {schema!r}, a: {{default: {value!r}}}}}\nevent: order_placed\ndistinct_id: u1\n"
        f"properties: {{a: '{{{{ a }}}}', b: {value!r}}}\nschema: {schema!r}\n"
    )
    commands.check(
        spec.replace("None", "null").replace("True", "true").replace("False", "false").encode("utf-8", "replace")
    )


@pytest.mark.slow
@fuzzed(60)
@given(name=st.text(max_size=6), value=st.text(max_size=20), spec=st.sampled_from(SPECS))
def test_random_variables_end_in_no_bug(cli: CommandLine, in_tmp: Path, name: str, value: str, spec: str) -> None:
    (in_tmp / "a.yaml").write_text(spec)
    for flag in ("--var", "--var-json"):
        for variable in ("user", "amount", name):
            assert cli("render", "a.yaml", "--var", "user=u1", flag, f"{variable}={value}").code in (0, 2, 4, 64)
