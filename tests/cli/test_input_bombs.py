"""Schemas and files of rows that are made to use a machine up: refused within 3 seconds and 300 MB, each in a process of its own."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.costs import cost, is_bounded

if TYPE_CHECKING:
    from pathlib import Path

DOUBLING = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(28)} | {"a28": {"type": "string"}}
NAMES = [f"n{n}" for n in range(90_000)]
SCHEMAS = {
    "references that double": {"$ref": "#/$defs/a0", "$defs": DOUBLING},
    "the same by anyOf": json.loads(json.dumps({"$ref": "#/$defs/a0", "$defs": DOUBLING}).replace("allOf", "anyOf")),
    "30,000 patternProperties": {"type": "object", "patternProperties": {f"^{name}$": {} for name in NAMES[:30_000]}},
}
SPEC = """version: 1
vars: {user: {type: string}, x: {default: 1}}
event: order_placed
distinct_id: "{{ user }}"
properties: {x: "{{ x }}"}
schema: bomb.json
"""
PLAIN = SPEC.replace("schema: bomb.json\n", "")


def run(folder: Path, *args: str) -> str:
    """Run a command that must be refused in bounds; return what it printed."""
    took = cost(folder, *args)
    assert (took.code, is_bounded(took)) == (2, True), took._replace(told=took.told[:500])
    return took.told


@pytest.mark.slow
@pytest.mark.parametrize("command", ["validate", "render"])
@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_that_explodes_is_refused(tmp_path: Path, name: str, command: str) -> None:
    (tmp_path / "bomb.json").write_text(json.dumps(SCHEMAS[name]))
    (tmp_path / "spec.yaml").write_text(SPEC)
    more = ("--var", "user=u1") if command == "render" else ()
    assert "schema-too-large" in run(tmp_path, command, "spec.yaml", *more)


@pytest.mark.slow
def test_a_declaration_that_explodes_is_refused(tmp_path: Path) -> None:
    declaration = json.dumps({"default": 1} | SCHEMAS["references that double"])
    (tmp_path / "spec.yaml").write_text(PLAIN.replace("{default: 1}", declaration))
    assert "schema-too-large" in run(tmp_path, "validate", "spec.yaml")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("rows.jsonl", json.dumps({"user": "u1"} | dict.fromkeys(NAMES, 1) | {f"m{n}": 1 for n in range(300_000)}).encode(), "row-too-large"),
        ("rows.csv.gz", gzip.compress(b"a," * 5_000_000 + b"user\n", 9, mtime=0), "rows-"),
        ("rows.parquet", b"", "row-too-large"),
        ("rows.json", json.dumps([{f"m{n}": 1 for n in range(400_000)}]).encode(), "rows-too-large"),
    ],
    ids=["keys", "columns", "parquet", "array"],
)  # fmt: skip
def test_rows_that_explode_are_refused(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / "spec.yaml").write_text(PLAIN)
    if name.endswith(".parquet"):
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        cells = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 8000, pyarrow.int32()), ["x" * 1_000_000])
        table = pyarrow.table({"user": cells})
        parquet.write_table(table, tmp_path / name, compression="zstd")
    else:
        (tmp_path / name).write_bytes(content)
    assert code in run(tmp_path, "render", "spec.yaml", "--rows", name, "--limit", "1")
