"""Hostile schemas, matchers, rows and cassettes, each in a process of its own: done with in 3 seconds and 300 MB."""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from tests.cli.bombs.costs import cost, is_bounded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def doubled(rule: Any, levels: int = 28) -> dict[str, Any]:
    """Make a schema of definitions of which each refers to the next one as `rule` says."""
    chain = {f"a{level}": rule({"$ref": f"#/$defs/a{level + 1}"}) for level in range(levels)}
    return {"$ref": "#/$defs/a0", "$defs": {**chain, f"a{levels}": {"type": "string"}}}


def deep(levels: int = 28) -> Any:
    return {"x": deep(levels - 1)} if levels else 1


def spec(**more: Any) -> str:
    return json.dumps({"version": 1, "event": "order_placed", "distinct_id": "u1", **more})


def declared(declaration: Any) -> str:
    return spec(vars={"x": declaration}, properties={"a": "{{ x }}"})


def checked(schema: Any, value: Any) -> str:
    return spec(properties={"a": value}, schema=schema)


def expecting(expected: Any, value: Any, **more: Any) -> str:
    case = {"name": "t", "expect": {"event": {"properties": {"a": expected}}}, **more}
    return spec(properties={"a": value}, tests=[case])


def nested(matcher: str, levels: int) -> Any:
    return {matcher: [nested(matcher, levels - 1)] * 19} if levels else {"k": 2}


def lists(levels: int) -> Any:
    return [lists(levels - 1)] * 19 if levels else {"k": 1}


def packed(block: bytes, times: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """Pack many copies of a block, of which only the first is compressed: a flushed block may be repeated."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    start, middle = (packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH) for part in (before, block))
    end = packer.compress(after) + packer.flush()
    check = zlib.crc32(before)
    for _ in range(times):
        check = zlib.crc32(block, check)
    check = zlib.crc32(after, check)
    size = len(before) + len(block) * times + len(after)
    return gzip.compress(b"")[:10] + start + middle * times + end + struct.pack("<II", check, size % 2**32)


def parquet(column: pa.Array, **options: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"x": column}), file, compression="zstd", store_schema=False, **options)
    return file.getvalue()


def stored_once(size: int, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["a" * size]))


def binary() -> str:
    return base64.b64encode(packed(b"a" * 160_000, 100)).decode()


def cassette(bodies: list[str]) -> str:
    form = (
        "- {request: {method: POST, uri: 'http://x/', body: ''}, response: {status: {code: 202}, body: {string: %s}}}\n"
    )
    return "version: 1\ninteractions:\n" + "".join(form % body for body in bodies)


VALIDATE = ("validate", "bomb.yaml")
RENDER = ("render", "bomb.yaml")
TEST = ("test", "bomb.yaml")
ROWS = ("send", "bomb.yaml", "--dry-run", "--rows")
TAKES_X = declared({"type": "string"})
TOO_LARGE = "error[schema-too-large]"

Case = tuple[dict[str, str | bytes], tuple[str, ...], int, str]

INPUTS: dict[str, Callable[[], Case]] = {
    "allOf": lambda: ({"bomb.yaml": declared({"default": 1, **doubled(lambda r: {"allOf": [r, r]})})}, VALIDATE, 2, TOO_LARGE),
    "anyOf": lambda: ({"bomb.yaml": declared({"default": 1, **doubled(lambda r: {"anyOf": [r, r]})})}, VALIDATE, 2, TOO_LARGE),
    "if": lambda: ({"bomb.yaml": checked(doubled(lambda r: {"if": r, "then": r, "else": r}), 1)}, RENDER, 2, TOO_LARGE),
    "unevaluated": lambda: (
        {"bomb.yaml": checked(doubled(lambda r: {"allOf": [r], "unevaluatedProperties": False}), 1)}, VALIDATE, 2, TOO_LARGE,
    ),
    "levels of properties": lambda: (
        {"bomb.yaml": declared({"default": deep(), **doubled(lambda r: {"properties": {"x": r}, "additionalProperties": r, "patternProperties": {"x": r}})})},
        VALIDATE, 2, TOO_LARGE,
    ),
    "schema file": lambda: (
        {"s.json": json.dumps(doubled(lambda r: {"oneOf": [r, r]})), "bomb.yaml": spec(schema="s.json")}, ("send", "bomb.yaml", "--sandbox"), 2, TOO_LARGE,
    ),
    "sandbox.schemas": lambda: (
        {"runner.yaml": json.dumps({"sandbox": {"schemas": {"order_placed": doubled(lambda r: {"allOf": [r, r]})}}}), "bomb.yaml": spec()},
        ("send", "bomb.yaml", "--sandbox"), 2, TOO_LARGE,
    ),
    "$schema": lambda: ({"bomb.yaml": expecting({"$schema": doubled(lambda r: {"allOf": [r, r]})}, 1)}, TEST, 2, "schema-too-large"),
    "many $schema": lambda: (
        {"bomb.yaml": expecting([{"$schema": {**doubled(lambda r: {"anyOf": [r, r]}, 12), "title": str(n)}} for n in range(300)], [1] * 300)},
        TEST, 1, "case-mismatch",
    ),
    "many errors": lambda: (
        {"bomb.yaml": declared({"default": [1] * 20_000, "items": {"allOf": [{"type": "string"}] * 2_000}})}, VALIDATE, 2, TOO_LARGE,
    ),
    "patternProperties": lambda: (
        {"bomb.yaml": declared({"default": {}, "patternProperties": {f"^k{n}.*z": {} for n in range(30_000)}})}, VALIDATE, 2, TOO_LARGE,
    ),
    "required": lambda: ({"bomb.yaml": declared({"default": {}, "required": [f"k{n}" for n in range(90_000)]})}, VALIDATE, 2, TOO_LARGE),
    "enum": lambda: ({"bomb.yaml": declared({"default": [-1] * 5_000, "items": {"enum": list(range(20_000))}})}, VALIDATE, 2, "error["),
    "large patterns": lambda: (
        {"bomb.yaml": spec(vars={f"v{n}": {"pattern": rf"^\p{{L}}{{1,100}}{n}$"} for n in range(300)})}, VALIDATE, 2, TOO_LARGE,
    ),
    "large pattern": lambda: ({"bomb.yaml": expecting({"$re": "((a{100}){100}){100}"}, "a")}, VALIDATE, 2, TOO_LARGE),
    "slow pattern": lambda: ({"bomb.yaml": declared({"default": "a" * 100_000, "pattern": "(?<!b)(a|a)*$c"})}, VALIDATE, 2, TOO_LARGE),
    "long chain": lambda: ({"bomb.yaml": declared({"default": 1, **doubled(lambda r: {"anyOf": [r, False]}, 9_000)})}, VALIDATE, 2, TOO_LARGE),
    "format": lambda: ({"bomb.yaml": declared({"default": ["(a{900})"] * 9_000, "items": {"format": "regex"}})}, VALIDATE, 2, TOO_LARGE),
    "labels": lambda: ({"bomb.yaml": spec(labels=[1] * 90_000)}, VALIDATE, 2, "error[wrong-type]"),
    "attachments": lambda: ({"bomb.yaml": spec(attachments=["x"] * 90_000)}, VALIDATE, 2, "error[attachment-url]"),
    "unordered": lambda: ({"bomb.yaml": expecting(nested("$unordered", 3), lists(3))}, TEST, 1, "too many to compare"),
    "contains": lambda: ({"bomb.yaml": expecting(nested("$contains", 3), lists(3))}, TEST, 1, "case-mismatch"),
    "duplicate keys": lambda: (
        {"v.json": "{" + '"x": 1, ' * 110_000 + '"x": 1}', "bomb.yaml": TAKES_X}, (*RENDER, "--vars-file", "v.json"), 2, "error[duplicate-key]",
    ),
    "header": lambda: ({"bomb.yaml": TAKES_X, "r.csv.gz": packed(b"x," * 50_000, 100)}, (*ROWS, "r.csv.gz"), 2, "error[rows-header]"),
    "long header": lambda: ({"bomb.yaml": TAKES_X, "r.csv.gz": packed((b"n" * 400 + b",") * 90, 100)}, (*ROWS, "r.csv.gz"), 2, "error[rows-header]"),
    "empty lines": lambda: ({"bomb.yaml": TAKES_X, "r.csv.gz": packed(b"\n" * 100_000, 3_000, before=b"x\n")}, (*ROWS, "r.csv.gz"), 2, "error[rows-syntax]"),
    "long line": lambda: ({"bomb.yaml": TAKES_X, "r.jsonl.gz": packed(b"a" * 100_000, 3_000)}, (*ROWS, "r.jsonl.gz"), 2, "error[rows-syntax]"),
    "wide row": lambda: ({"bomb.yaml": TAKES_X, "r.jsonl.gz": packed(b"[]," * 40_000, 100, before=b'{"x": [', after=b"1]}")}, (*ROWS, "r.jsonl.gz"), 2, "row-too-large"),
    "array": lambda: ({"bomb.yaml": TAKES_X, "r.json.gz": packed(b"[]," * 40_000, 100, before=b'[{"x": [')}, (*ROWS, "r.json.gz"), 2, "rows-too-large"),
    "white space": lambda: ({"bomb.yaml": TAKES_X, "r.json.gz": packed(b" " * 100_000, 3_000)}, (*ROWS, "r.json.gz"), 2, "error[rows-syntax]"),
    "stored once": lambda: ({"bomb.yaml": TAKES_X, "r.parquet": parquet(stored_once(1_000_000, 4_000))}, (*ROWS, "r.parquet"), 2, "row-too-large"),
    "stored once, one row": lambda: (
        {"bomb.yaml": TAKES_X, "r.parquet": parquet(stored_once(1_000_000, 8_000))}, (*ROWS, "r.parquet", "--limit", "1"), 2, "row-too-large",
    ),
    "list": lambda: (
        {"bomb.yaml": TAKES_X, "r.parquet": parquet(pa.ListArray.from_arrays(pa.array([0, 8_000], pa.int32()), stored_once(1_000_000, 8_000)))},
        (*ROWS, "r.parquet"), 2, "row-too-large",
    ),
    "page": lambda: ({"bomb.yaml": TAKES_X, "r.parquet": parquet(pa.array(["a" * 100_000_000]), use_dictionary=False)}, (*ROWS, "r.parquet"), 2, "rows-too-large"),
    "parametrize": lambda: (
        {"r.csv.gz": packed(b"a" * 60_000 + b"\n", 9_000, before=b"x\n"), "bomb.yaml": expecting(1, 1, parametrize="r.csv.gz")}, TEST, 2, "error[",
    ),
    "binary": lambda: ({"c.yaml": cassette(["&a !!binary " + binary(), *["*a"] * 300])}, ("cassette", "check", "c.yaml"), 0, "1 cassette checked"),
    "binaries": lambda: ({"c.yaml": cassette([f'!!binary "{binary()}"'] * 60)}, ("cassette", "check", "c.yaml"), 6, "error[cassette-leak]"),
    "bodies": lambda: ({"c.yaml": cassette(["&a " + "a" * 4_000_000, *["*a"] * 5_000])}, ("cassette", "check", "c.yaml"), 0, "1 cassette checked"),
}  # fmt: skip
"""Files, a command, the exit code, and what is told of them; made by the test that needs them, since some take seconds."""


@pytest.mark.slow
@pytest.mark.parametrize("name", INPUTS)
def test_a_hostile_input_is_done_with_in_time_and_memory(tmp_path: Path, name: str) -> None:
    files, command, code, told = INPUTS[name]()
    (tmp_path / ".git").mkdir()
    for path, content in files.items():
        (tmp_path / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    taken = cost(tmp_path, *command)
    assert (taken.code, told in taken.told) == (code, True), taken.told[:2000]
    assert (is_bounded(taken), len(taken.told) < 100_000) == (True, True), taken[:3]
