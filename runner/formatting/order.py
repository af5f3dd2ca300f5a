"""The entries of a tree → in the order in which the format of the file declares their keys.

Only maps whose keys the format lists are ordered: those of properties, rows and schemas are data, and keep their order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner.source.yaml_tree import Alias, Collection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.source.yaml_tree import Entry, Value


def ordered(value: Value, schema: Any, document: Any) -> Value:
    """Return a value with its maps, at all levels, in the order of a JSON Schema, which is a part of `document`."""
    if not isinstance(value, Collection):
        return value
    forms = list(_forms(schema, document))
    entries = [replace(entry, value=ordered(entry.value, _below(entry, forms), document)) for entry in value.entries]
    names = [name for form in forms if form.get("additionalProperties") is False for name in form["properties"]]
    if value.is_map and names and not _share_anchors(entries):
        places = {name: place for place, name in reversed(list(enumerate(names)))}
        entries.sort(key=lambda entry: places.get(entry.key.value if entry.key else "", len(names)))
    return replace(value, entries=entries)


def _forms(schema: Any, document: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and those that it is made of, of which a value may have any."""
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        _, *way = schema["$ref"].split("/")
        target = document
        for step in way:
            target = target[step]
        yield from _forms(target, document)
    yield schema
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(keyword, ()):
            yield from _forms(part, document)


def _below(entry: Entry, forms: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a schema of an entry's value, made of what the forms of its map or list say of it."""
    if entry.key is None:
        return {"anyOf": [form["items"] for form in forms if "items" in form]}
    name = entry.key.value
    found = [form["properties"][name] for form in forms if name in form.get("properties", ())]
    return {"anyOf": found or [form["additionalProperties"] for form in forms if "additionalProperties" in form]}


def _share_anchors(entries: list[Entry]) -> bool:
    """Return whether an entry has an alias, or another anchor, of a name that is an anchor of another entry."""
    seen: set[str] = set()
    for anchors, aliases in (_names(entry) for entry in reversed(entries)):
        if anchors & seen:
            return True
        seen |= anchors | aliases
    seen = set()
    for anchors, aliases in map(_names, entries):
        if aliases & seen:
            return True
        seen |= anchors
    return False


def _names(entry: Entry) -> tuple[set[str], set[str]]:
    """Return the names of the anchors, and those of the aliases, of an entry."""
    anchors: set[str] = set()
    aliases: set[str] = set()
    values: list[Value] = [entry.value, *([entry.key] if entry.key else [])]
    for value in values:  # it grows
        if isinstance(value, Alias):
            aliases.add(value.name)
            continue
        if value.anchor is not None:
            anchors.add(value.anchor)
        if isinstance(value, Collection):
            values += [part for each in value.entries for part in (each.value, each.key) if part is not None]
    return anchors, aliases
