"""`runner schema`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import CommandLine


def test_it_prints_a_json_schema(cli: CommandLine) -> None:
    ended = cli("schema")
    assert (ended.code, ended.err) == (0, "")
    jsonschema_rs.meta.validate(ended.json)


def keys(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key that the schema declares, with its own schema."""
    for name, below in schema.get("properties", {}).items():
        yield f"{path}.{name}", below
        yield from keys(below, f"{path}.{name}")
    for name, below in schema.get("$defs", {}).items():
        yield from keys(below, f"{path}.{name}")
    for below in schema.get("anyOf", []):
        yield from keys(below, path)


def test_every_key_is_described_for_editors(cli: CommandLine) -> None:
    found = dict(keys(cli("schema").json))
    assert {".event", ".variable.secret", ".attachment.url", ".case.expect.error.code"} <= set(found)
    assert [path for path, below in found.items() if not below.get("description")] == []


def test_every_key_has_an_example_that_is_one(cli: CommandLine) -> None:
    schema = cli("schema").json
    for path, below in keys(schema):
        if "const" not in below and "$ref" not in below:
            judge = jsonschema_rs.Draft202012Validator({**below, "$defs": schema["$defs"]})
            assert below.get("examples"), path
            assert [example for example in below["examples"] if not judge.is_valid(example)] == [], path


@pytest.mark.parametrize(
    ("spec", "is_valid"),
    [
        ({"version": 1, "event": "paid", "distinct_id": "{{ user }}"}, True),
        ({"version": 1, "event": "paid"}, False),
        ({"extends": "_base.yaml", "event": "paid"}, True),
        ({"version": 2, "event": "paid", "distinct_id": "u1"}, False),
        ({"version": 1, "event": "paid", "distinct_id": "u1", "x-owner": "shop"}, True),
        ({"version": 1, "event": "paid", "distinct_id": "u1", "owner": "shop"}, False),
        ({"version": 1, "event": "paid", "distinct_id": 7}, False),
    ],
)
def test_an_editor_judges_a_spec_as_the_loader_does(cli: CommandLine, spec: dict[str, object], is_valid: bool) -> None:
    assert jsonschema_rs.is_valid(cli("schema").json, spec) is is_valid
