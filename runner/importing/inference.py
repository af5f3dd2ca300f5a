"""Values that were seen → the declaration of a variable: its type, format, and the few values of an enumeration."""

from __future__ import annotations

import re
from json import dumps
from typing import TYPE_CHECKING, NamedTuple

from runner.importing.derivation import is_special_key
from runner.source import Schema, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.source import Json

_FORMATS = {
    "uuid": re.compile("[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"),
    "date-time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"),
    "date": re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "uri": re.compile(r"https?://\S+"),
}  # fmt: skip
_DIGITS = re.compile("[0-9]+")
_FRACTIONAL = re.compile(
    r"(?i)amount|price|total|cost|sum$|fee|tax|balance|rate|percent|score|weight|distance|discount|latitude|longitude|^lat$|^lng$|^lon$"
)
"""Names of quantities that may have fractions, though only whole numbers were seen."""
_ENUM_WORD = re.compile("[A-Za-z][A-Za-z _-]{0,31}")
_MAX_ENUM = 6
_SEEN_EACH = 4
"""Few different texts are an enumeration if each was seen this many times on average."""
_MAX_KEYS = 24
_MAX_DEPTH = 3


class Inferred(NamedTuple):
    """A declaration, and the question that it leaves open."""

    declaration: dict[str, Json]
    question: str | None = None


def inferred(name: str, values: Sequence[Json]) -> Inferred:
    """Return the declaration that fits all values of a variable of this name. It is {} without values."""
    declaration = _declaration(name, values, 0)
    if values and not _fits(declaration, values):
        declaration = {key: item for key, item in declaration.items() if key == "type"}
    if declaration.get("type") == "string" and declaration.keys() == {"type"}:
        words = sorted({value for value in values if isinstance(value, str)})
        is_enum = len(words) <= _MAX_ENUM and len(values) >= _SEEN_EACH * len(words) and len(words) > 1
        if is_enum and all(map(_ENUM_WORD.fullmatch, words)):
            return Inferred(
                {"type": "string", "enum": list(words)}, f"Only these values of {name} were seen. Are there others?"
            )
    return Inferred(declaration)


def _fits(declaration: dict[str, Json], values: Sequence[Json]) -> bool:
    schema = Schema(declaration)
    return all(map(schema.accepts, values))


def _declaration(name: str, values: Sequence[Json], depth: int) -> dict[str, Json]:
    types = list(dict.fromkeys(map(type_name, values)))
    if "number" in types and "integer" in types:
        types.remove("integer")
    elif types and set(types) <= {"integer", "null"} and _FRACTIONAL.search(name):
        types = ["number" if each == "integer" else each for each in types]
    if not types or types == ["null"]:
        return {}
    nullable = sorted(types, key=lambda each: each == "null")
    declaration: dict[str, Json] = {"type": types[0] if len(types) == 1 else list(nullable)}
    texts = [value for value in values if isinstance(value, str)]
    if types == ["string"]:
        declaration |= _of_texts(texts)
    elif depth < _MAX_DEPTH and types == ["array"]:
        items = [item for value in values if isinstance(value, list) for item in value]
        if items and (inner := _declaration(name, items, depth + 1)):
            declaration["items"] = inner
    elif depth < _MAX_DEPTH and types == ["object"]:
        declaration |= _of_maps([value for value in values if isinstance(value, dict)], depth)
    return declaration


def _of_texts(texts: Sequence[str]) -> dict[str, Json]:
    for name, pattern in _FORMATS.items():
        if all(map(pattern.fullmatch, texts)) and _fits({"format": name}, texts):
            return {"format": name}
    is_number = len(texts) > 1 and all(map(_DIGITS.fullmatch, texts))  # one text of digits may be any text
    return {"pattern": "^[0-9]+$"} if is_number else {}


def _of_maps(maps: Sequence[dict[str, Json]], depth: int) -> dict[str, Json]:
    keys = list(dict.fromkeys(key for each in maps for key in each))
    required = [key for key in keys if all(key in each for each in maps)]
    if not keys or any(map(is_special_key, keys)) or len(keys) > _MAX_KEYS or 2 * len(required) < len(keys):
        return {}
    properties: dict[str, Json] = {
        key: dict(_declaration(key, [each[key] for each in maps if key in each], depth + 1)) for key in keys
    }
    return {"required": list(required), "properties": properties} if required else {"properties": properties}


def exact(value: object) -> str:
    """Return a text that is the same for the same JSON value only: 1, 1.0, true and "1" differ, as does the order of keys."""
    return dumps(value, ensure_ascii=False, separators=(",", ":"))
