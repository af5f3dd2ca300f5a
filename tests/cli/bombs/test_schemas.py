"""Schemas whose texts are made to use a machine up: refused within 3 seconds and 300 MB, each in a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.bombs.costs import cost, is_bounded

if TYPE_CHECKING:
    from pathlib import Path

LONG_URI = f"http://x/{'a/' * 100_000}"
STRINGS = [{"type": "string"}] * 3_000
SCHEMAS = {
    "identifiers below a long one": {"$id": LONG_URI, "allOf": [{"$id": f"b{number}"} for number in range(2_000)]},
    "references below a long one": {"$id": LONG_URI, "$defs": {"a": {}}, "allOf": [{"$ref": "#/$defs/a"}] * 20_000},
    "rules below a long key": {"properties": {"k" * 300_000: {"allOf": STRINGS}}},
    "wide escapes": {"patternProperties": {rf"\W{{900}}b{number}": True for number in range(500)}},
    "white space": {"patternProperties": {f"(?x)((a{{90}}) {{90}}) {{9}}b{number}": True for number in range(300)}},
    "small patterns": {"patternProperties": {f"a.{number}": True for number in range(40_000)}},
    "open brackets": {"pattern": "[" * 900_000},
    "open names": {"pattern": "(?<" * 300_000},
    "open properties": {"pattern": r"\p{" * 200_000},
}
SPEC = """version: 1
event: order_placed
distinct_id: u1
properties: {a: b}
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_of_long_texts_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "bomb.json").write_text(json.dumps(SCHEMAS[name]))
    (tmp_path / "spec.yaml").write_text(f"{SPEC}schema: bomb.json\n")
    took = cost(tmp_path, "validate", "spec.yaml")
    assert (took.code, is_bounded(took)) == (2, True), took._replace(told=took.told[:500])
    assert "schema-too-large" in took.told or "bad-schema" in took.told


@pytest.mark.slow
def test_declarations_of_large_patterns_are_bounded_together(tmp_path: Path) -> None:
    declarations = {
        f"v{each}": {"patternProperties": {f"(?i)[a-z]{{900}}{each}_{number}": True for number in range(100)}}
        for each in range(12)
    }
    (tmp_path / "spec.yaml").write_text(f"{SPEC}vars: {json.dumps(declarations)}\n")
    took = cost(tmp_path, "validate", "spec.yaml")
    assert (took.code, is_bounded(took)) == (2, True), took._replace(told=took.told[:500])
    assert "the schemas of this file take too long together" in took.told


@pytest.mark.slow
def test_a_case_does_not_seek_a_pattern_for_long(tmp_path: Path) -> None:
    expected = json.dumps({"$unordered": [{"$re": r"^(?:(a)|(a)|\1)*$"}] * 40})
    texts = json.dumps([f"{'a' * 30}!{number}" for number in range(40)])
    (tmp_path / "spec.yaml").write_text(
        SPEC.replace("{a: b}", f"{{a: {texts}}}")
        + f"tests: [{{name: a case, expect: {{event: {{properties: {{a: {expected}}}}}}}}}]\n"
    )
    took = cost(tmp_path, "test", "spec.yaml")
    assert (took.code, is_bounded(took)) == (1, True), took._replace(told=took.told[:500])


@pytest.mark.slow
@pytest.mark.parametrize("broken", [900, 4_000])
def test_errors_below_a_long_key_are_bounded(tmp_path: Path, broken: int) -> None:
    declaration = "{additionalProperties: {additionalProperties: {type: string}}}"
    spec = SPEC.replace("{a: b}", "{a: '{{ x }}'}")
    (tmp_path / "spec.yaml").write_text(f"{spec}vars: {{x: {declaration}}}\n")
    values = {"x": {"k" * 300_000: {f"a{number}": 1 for number in range(broken)}}}
    (tmp_path / "values.json").write_text(json.dumps(values))
    (tmp_path / "rows.jsonl").write_text(json.dumps(values))
    for given in (["--vars-file", "values.json"], ["--rows", "rows.jsonl"]):
        took = cost(tmp_path, "render", "spec.yaml", *given)
        assert (took.code, is_bounded(took), "var-schema" in took.told) == (2, True, True), took._replace(told="")


@pytest.mark.slow
def test_errors_below_a_long_pattern_are_bounded(tmp_path: Path) -> None:
    items = {"items": {"type": "string"}}
    (tmp_path / "bomb.json").write_text(json.dumps({"patternProperties": {f"a|{'k' * 90_000}": items}}))
    (tmp_path / "spec.yaml").write_text(SPEC.replace("b}", f"{[1] * 4_000}}}") + "schema: bomb.json\n")
    took = cost(tmp_path, "render", "spec.yaml")
    assert (took.code, is_bounded(took), "schema-violation" in took.told) == (2, True, True), took._replace(told="")
