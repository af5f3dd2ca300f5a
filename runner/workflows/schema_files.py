"""Schema files → the JSON Schemas that properties of events are held to.

The newer layout has a schema in `payload_schema.json`, beside a `schema.json` that describes it; the older one has it as
`json_schema` in one file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.source import Schema, SchemaError, describe
from runner.workflows.assets import PulledSchema

if TYPE_CHECKING:
    from runner.workflows.asset_folder import AssetFolder

_ITSELF = "payload_schema.json"


def read_schemas(folder: AssetFolder) -> dict[str, PulledSchema]:
    """Return the schemas by their slugs."""
    found: dict[str, PulledSchema] = {}
    for slug, path in folder.files("schema", "schemas", _ITSELF, "schema.json"):
        root = folder.map(path)
        if root is None:
            continue
        node = root if path.name == _ITSELF else root.get("json_schema")
        if node is not None and isinstance(node.value, dict):
            found[slug] = PulledSchema(slug, node.plain(), path, node)
            _check(folder, found[slug])
        elif node is not None:
            folder.report(f"'json_schema' of a schema must be a map, not {describe(node.value)}", node.position())
        else:
            beside = f", and there is no {_ITSELF} beside it" if path.name == "schema.json" else ""
            folder.report(f"a schema has no 'json_schema'{beside}", root.position())
    return found


def _check(folder: AssetFolder, schema: PulledSchema) -> None:
    """Report a schema that can't be used. It matters only for events that are linked to it."""
    try:
        Schema(schema.document)
    except SchemaError as error:
        folder.problems.append(replace(error.problem(schema.source), severity="warning"))
