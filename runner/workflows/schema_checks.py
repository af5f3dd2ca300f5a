"""What a spec sends, and the schema that the assets folder links to its event → what surely breaks it, and copies that differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.errors import Problem, did_you_mean, dotted
from runner.eventspec.inferred import clash_with
from runner.source import Schema, SchemaError
from runner.template.shape import ForEach, Merge
from runner.template.template import Template
from runner.template.types import JSON, LIST, MAP, OMITTED, UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.errors import Step
    from runner.eventspec import Spec
    from runner.source import Json
    from runner.template.shape import Shape
    from runner.template.types import Type
    from runner.workflows.assets import Assets, PulledSchema

_MAX_SHOWN = 20
_MAX_LEVELS = 20
_SAID_NOTHING = ("$schema", "$id", "$comment", "title", "description", "examples")
"""Keywords at the root of a schema that do not change which values are valid."""
_DEFINITIONS = ("$schema", "$defs", "definitions")


def linked_schema(event: str, assets: Assets) -> PulledSchema | None:
    """Return the schema that the properties of an event are held to."""
    declared = (assets.events or {}).get(event)
    return assets.schemas.get(declared.schema) if declared is not None and declared.schema is not None else None


def schema_problems(spec: Spec, sent: Type, pulled: PulledSchema) -> Iterator[Problem]:
    """Yield what surely breaks the schema, each property once."""
    if not isinstance(pulled.document, dict):
        return
    reported: set[str] = set()
    for path, reason, hint in (*_of_constants(spec, pulled.document), *_Walk(pulled.document).problems(sent)):
        at = dotted(("properties", *path))
        if at not in reported and len(reported) < _MAX_SHOWN:
            reported.add(at)
            yield Problem("event-schema", f"the schema '{pulled.slug}' of the event {reason}", at=at, hint=hint)


def stale_copy(spec: Spec, pulled: PulledSchema) -> Problem | None:
    """Return the problem of a spec that names another file as its schema, with other content."""
    node = spec.root.get("schema")
    if node is None or not isinstance(node.value, str) or spec.schema_root is None:
        return None
    own, event = _meaningful(spec.schema_root.plain()), _meaningful(pulled.document)
    if own == event:
        return None
    message = f"this copy of the schema differs from that of the event at '{_difference(own, event)}': {pulled.path}"
    return Problem("stale-schema", message, node.position(), at="schema", hint="copy it again, or name that file")


class _Break(NamedTuple):
    """Why a schema is surely broken. `path` leads from the properties to what breaks it."""

    path: tuple[Step, ...]
    reason: str
    hint: str | None = None


class _Walk:
    """Goes through a schema and the type of what is sent."""

    def __init__(self, document: Mapping[str, Json]) -> None:
        self._document = document

    def problems(self, sent: Type) -> Iterator[_Break]:
        yield from self._of(sent, dict(self._document), (), 0)

    def _of(self, sent: Type, schema: Json, path: tuple[Step, ...], level: int) -> Iterator[_Break]:
        if not isinstance(schema, dict) or level > _MAX_LEVELS:
            return
        for other in self._all(schema):
            yield from self._of(sent, other, path, level + 1)
        kinds = sent.kinds & ~(UNDEFINED | OMITTED)
        clash = clash_with(sent._replace(keys=None, item=None), schema)  # what is inside comes below
        if clash is not None:
            yield _Break(path, f"is broken: {dotted(path) or 'properties'}: {clash}")
            return
        if kinds == MAP and sent.keys is not None:
            yield from self._of_map(sent, schema, path, level)
        elif kinds == LIST and sent.item is not None and "prefixItems" not in schema:
            yield from self._of(sent.item, schema.get("items"), (*path, 0), level + 1)

    def _of_map(self, sent: Type, schema: Mapping[str, Json], path: tuple[Step, ...], level: int) -> Iterator[_Break]:
        keys, parts, needed = sent.keys or {}, schema.get("properties"), schema.get("required")
        parts = parts if isinstance(parts, dict) else {}
        whole = dotted(path)
        for key in needed if isinstance(needed, list) and sent.is_closed else ():
            if isinstance(key, str) and (key not in keys or not keys[key].kinds):
                of = f" of '{whole}'" if whole else ""
                yield _Break((*path, key), f"requires '{key}'{of}, which is never sent", did_you_mean(key, keys))
        if schema.get("additionalProperties") is False and not schema.get("patternProperties"):
            for key in sorted(sent.required - parts.keys()):
                yield _Break((*path, key), f"does not allow '{dotted((*path, key))}'", did_you_mean(key, parts))
        for key, part in parts.items():
            if key in keys and keys[key].kinds and not keys[key].kinds & ~(JSON | UNDEFINED | OMITTED):
                yield from self._of(keys[key], part, (*path, key), level + 1)

    def _all(self, schema: Mapping[str, Json]) -> Iterator[Json]:
        """Yield the schemas that hold as well: those of `allOf`, and what `$ref` names in the document."""
        others = schema.get("allOf")
        yield from others if isinstance(others, list) else ()
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            found: Json = dict(self._document)
            for step in reference[2:].split("/"):
                found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
            yield found


def _of_constants(spec: Spec, document: Mapping[str, Json]) -> Iterator[_Break]:
    """Yield what breaks the schema in properties that are the same in every event."""
    shape, parts = spec.shape.get("properties"), document.get("properties")
    if not isinstance(shape, dict) or not isinstance(parts, dict):
        return
    constants: dict[str, Json] = {}
    for key, part in shape.items():
        if key in parts and (constant := _constant(part)):
            constants[key] = constant[0]
    if not constants:
        return
    partial: dict[str, Json] = {key: document[key] for key in _DEFINITIONS if key in document}
    partial["properties"] = {key: parts[key] for key in constants}
    try:
        faults = Schema(partial).faults(constants)
    except SchemaError:  # it is reported as a file of the assets folder
        return
    for fault in faults:
        if fault.keyword != "format" and fault.code is None and fault.path:
            where = (
                f"{dotted(fault.path)}: " if len(fault.path) > 1 or f"'{fault.path[0]}'" not in fault.message else ""
            )
            yield _Break(fault.path, f"is broken: {where}{fault.message}", fault.hint)


def _constant(shape: Shape) -> tuple[Json] | None:
    """Return a value without templates in it, as a tuple since it may be null; None for any other."""
    match shape:
        case Template():
            return (shape.constant,) if shape.constant is not None else None
        case ForEach() | Merge():
            return None
        case dict():
            found = {key: _constant(item) for key, item in shape.items()}
            return ({key: item[0] for key, item in found.items() if item},) if all(found.values()) else None
        case list():
            items = [_constant(item) for item in shape]
            return ([item[0] for item in items if item],) if all(items) else None
        case _:
            return (shape,)


def _meaningful(document: Json) -> Json:
    if not isinstance(document, dict):
        return document
    return {key: value for key, value in document.items() if key not in _SAID_NOTHING}


def _difference(one: Json, other: Json) -> str:
    """Return the path of the first difference."""
    path: list[Step] = []
    while True:
        match one, other:
            case dict(), dict():
                keys = sorted({*one, *other})
                key = next((key for key in keys if key not in one or key not in other or one[key] != other[key]), None)
                if key is None:
                    break
                path.append(key)
                if key not in one or key not in other:
                    break
                one, other = one[key], other[key]
            case list(), list() if len(one) == len(other):
                index = next(
                    (index for index, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]), None
                )
                if index is None:
                    break
                path.append(index)
                one, other = one[index], other[index]
            case _:
                break
    return dotted(path) if path else "/"
