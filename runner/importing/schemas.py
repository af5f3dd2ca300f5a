"""What the platform's command line pulls → events without values: an `event.json`, and the JSON Schema of a payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.importing.payloads import event_named
from runner.importing.sample import ABSENT, Found, Hole, Sample
from runner.project.format import document
from runner.workflows.asset_folder import AssetFolder
from runner.workflows.event_files import read_events
from runner.workflows.schema_files import read_schemas

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.importing.sample import Value
    from runner.source import Json

_EVENT_FOLDERS = ("events", "event")
_KEPT = {
    "type", "default", "enum", "const", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "items", "minItems", "maxItems", "uniqueItems", "properties", "required",
    "additionalProperties", "description", "examples", "title", "anyOf", "oneOf", "allOf", "not",
}  # fmt: skip
"""Keywords that a declaration of a variable takes over."""


def is_event_file(value: Json) -> bool:
    """Return whether a JSON value is the file of an event."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return False
    return "payload_schema" in value or "/event/v1/" in str(value.get("$schema", ""))


def is_schema(value: Json) -> bool:
    """Return whether a JSON value is the JSON Schema of a payload, or a file that holds one as `json_schema`."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("json_schema"), dict):
        return True
    has_properties = isinstance(properties := value.get("properties"), dict) and all(
        isinstance(each, dict | bool) for each in properties.values()
    )
    return has_properties and (value.get("type") == "object" or "json-schema.org" in str(value.get("$schema", "")))


def is_assets_folder(path: Path) -> bool:
    """Return whether a folder is one that the platform's command line pulls into."""
    return any((path / name).is_dir() for name in (*_EVENT_FOLDERS, "workflows", "schemas"))


def asset_events(path: Path, name: str) -> Found:
    """Return the events of an assets folder, each with the schema that it is linked to."""
    folder = AssetFolder(path)
    events, unread = read_events(folder)
    schemas = read_schemas(folder)
    notes = [f"{each.path}: can't be read" for each in unread]
    samples = []
    for event in (events or {}).values():
        described = event.source.get("description")
        linked = schemas.get(event.schema or "")
        samples.append(
            _sample(
                event.name,
                f"{name}, event {event.name}",
                linked.document if linked else {},
                described.plain() if described else None,
            )
        )
    return Found(tuple(samples), tuple(notes))


def event_file_events(value: Json, path: Path | None, name: str) -> Found:
    """Return the event of an `event.json`, with its schema if that is in the same assets folder."""
    entries = value if isinstance(value, dict) else {}
    event, link, description = str(entries.get("name")), entries.get("payload_schema"), entries.get("description")
    slug_of = link.get("schema") if isinstance(link, dict) else None
    document: Json = {}
    if path is not None and isinstance(slug_of, str):
        folder = path.resolve().parent.parent.parent
        found = read_schemas(AssetFolder(folder)).get(slug_of) if is_assets_folder(folder) else None
        document = found.document if found is not None else {}
    sample = _sample(event, name, document, description, None if document or slug_of is None else str(slug_of))
    return Found((sample,))


def schema_events(value: Json, name: str, stem: str) -> Found:
    """Return the event of a payload's schema, named like its file."""
    entries = value if isinstance(value, dict) else {}
    inner = entries.get("json_schema", value)
    named = entries.get("slug", entries.get("title", stem))
    sample = _sample(event_named(str(named)), name, inner, entries.get("description"), is_named=False)
    return Found((sample,))


def _sample(
    event: str, origin: str, document: Json, description: Json, missing: str | None = None, *, is_named: bool = True
) -> Sample:
    schema = document if isinstance(document, dict) else {}
    table = schema.get("properties")
    properties: Mapping[str, Json] = table if isinstance(table, dict) else {}
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    questions = [("distinct_id", "Who is notified? The schema does not say.")]
    if not is_named:
        questions.append(("event", "Which event has this payload? The schema does not say."))
    if missing is not None:
        questions.append(
            ("properties", f"The schema {missing[:100]} was not found beside the event. What does the event have?")
        )
    elif not properties:
        questions.append(("properties", "No schema is linked to the event. What does it have?"))
    return Sample(
        origin,
        event,
        Hole("user", {"type": "string"}),
        {key: _hole(key, declared) for key, declared in properties.items()},
        ABSENT,
        description=description if isinstance(description, str) and description.strip() else None,
        schema=schema if schema and is_named is False else None,
        optional=frozenset(key for key in properties if key not in needed),
        questions=tuple(questions),
        constants="written",
    )


def _hole(key: str, declared: Json) -> Value:
    known = declared if isinstance(declared, dict) else {}
    if "const" in known:
        return Hole(key, {"const": known["const"]}, known["const"], is_declared=True)
    examples = known.get("examples")
    seen = (
        examples[0] if isinstance(examples, list) and examples else known.get("default", known.get("example", ABSENT))
    )
    question = None if known.get("type") or known.get("enum") else f"Which values has {key}? Its schema has no type."
    order = document()["$defs"]["variable"]["properties"]
    declaration = {name: known[name] for name in order if name in known and name in _KEPT and not _refers(known[name])}
    return Hole(key, declaration, seen, question, is_declared=True)


def _refers(value: Json) -> bool:
    """Return whether a part of a schema refers to another part, which the variable would not have."""
    if isinstance(value, dict):
        return "$ref" in value or any(map(_refers, value.values()))
    return isinstance(value, list) and any(map(_refers, value))
