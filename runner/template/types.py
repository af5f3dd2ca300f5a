"""Types of the values in templates, as far as they are known without running anything.

A type is a set of kinds, and of lists, maps and constants what else is known. It holds at least all values that an
expression can have: `UNKNOWN` holds everything.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from runner.template.omit import Omit
from runner.template.strict_name import StrictName
from runner.template.values import is_sequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NULL, BOOLEAN, INTEGER, FRACTION, TEXT, LIST, MAP = (1 << bit for bit in range(7))
"""Kinds of JSON values. A whole number is an `INTEGER` however it is written: `2.0` too."""
DATETIME, DATE, TIME, DURATION, OMITTED, SEQUENCE, OTHER, UNDEFINED = (1 << bit for bit in range(7, 15))
"""Kinds of values that only templates have. A `SEQUENCE` is no list yet; a name or key that does not exist is `UNDEFINED`."""
NUMBER = INTEGER | FRACTION
SCALAR = BOOLEAN | NUMBER | TEXT
JSON = NULL | SCALAR | LIST | MAP
ANYTHING = (1 << 15) - 1


class Type(NamedTuple):
    """What is known of a value."""

    kinds: int
    item: Type | None = None
    """Of a list or a sequence; None if unknown."""
    keys: Mapping[str, Type] | None = None
    """The known keys of a map; None if unknown."""
    required: frozenset[str] = frozenset()
    """Those that every such map has."""
    is_closed: bool = False
    """Whether a map has no other keys."""
    is_listed: bool = False
    """Whether the keys are declared, so that a similar one is probably a typing mistake."""
    values: tuple[object, ...] | None = None
    """All values that it can have, if these are few texts, numbers and the like."""
    size: int = 1
    """The number of types in it."""


UNKNOWN = Type(ANYTHING)
SOME_TEXT, SOME_NUMBER, SOME_INTEGER, SOME_BOOLEAN = Type(TEXT), Type(NUMBER), Type(INTEGER), Type(BOOLEAN)
_MAX_SIZE = 1000
"""A larger type is forgotten: aliases and lets could make one of any size."""
_MAX_UNITED = 200
_MAX_VALUES = 100
_MAX_LEVELS = 32


def list_of(item: Type | None, kinds: int = LIST) -> Type:
    """Return the type of a list of such items."""
    if item is None or item.size >= _MAX_SIZE:
        return Type(kinds)
    return Type(kinds, item, size=item.size + 1)


def map_of(
    keys: Mapping[str, Type],
    required: Iterable[str],
    kinds: int = MAP,
    *,
    is_closed: bool = True,
    is_listed: bool = True,
) -> Type:
    """Return the type of a map with such keys."""
    size = 1 + sum(each.size for each in keys.values())
    if size > _MAX_SIZE:
        return Type(kinds)
    return Type(kinds, None, keys, frozenset(required), is_closed, is_listed, size=size)


def union(one: Type, other: Type) -> Type:
    """Return the type of a value that has one type or the other."""
    if one is other or other.kinds == 0:
        return one
    if one.kinds == 0:
        return other
    kinds = one.kinds | other.kinds
    if kinds == ANYTHING:
        return UNKNOWN
    if one.size == other.size == 1 and one.values is None:  # as most are
        return Type(kinds)
    values = one.values + other.values if one.values is not None and other.values is not None else None
    if values is not None and len(values) > _MAX_VALUES:
        values = None
    item = _united_items(one, other)
    keyed = _united_keys(one, other)
    return keyed._replace(kinds=kinds, item=item, values=values, size=keyed.size + (item.size if item else 0))


def _united_items(one: Type, other: Type) -> Type | None:
    with_items = [each for each in (one, other) if each.kinds & (LIST | SEQUENCE)]
    if any(each.item is None or each.size > _MAX_UNITED for each in with_items):
        return None
    return union_of(each.item for each in with_items if each.item is not None) if with_items else None


def _united_keys(one: Type, other: Type) -> Type:
    maps = [each for each in (one, other) if each.kinds & MAP]
    if len(maps) == 1:
        return maps[0]
    if not maps or any(each.keys is None or each.size > _MAX_UNITED for each in maps):
        return Type(0)
    left, right = one.keys or {}, other.keys or {}
    keys = {name: union(left.get(name, _rest(one)), right.get(name, _rest(other))) for name in {**left, **right}}
    return map_of(
        keys,
        one.required & other.required,
        is_closed=one.is_closed and other.is_closed,
        is_listed=one.is_listed and other.is_listed,
    )


def _rest(whole: Type) -> Type:
    return _NEVER if whole.is_closed else UNKNOWN


_NEVER = Type(0)


def maybe(whole: Type) -> Type:
    """Return the type of a value that may also be undefined."""
    return whole if whole.kinds & UNDEFINED else whole._replace(kinds=whole.kinds | UNDEFINED)


def union_of(types: Iterable[Type]) -> Type:
    """Return the type of a value that has one of several types; without types, the empty type."""
    whole = _NEVER
    for each in types:
        whole = union(whole, each)
    return whole


def without(whole: Type, kinds: int) -> Type:
    """Return a type without some of its kinds."""
    return whole._replace(kinds=whole.kinds & ~kinds) if whole.kinds & kinds else whole


def each_kind(kinds: int) -> Iterator[int]:
    """Walk the single kinds of a set."""
    while kinds:
        kind = kinds & -kinds
        yield kind
        kinds ^= kind


def kind_of(value: object) -> int:
    """Return the kind of a value."""
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case int():
            return INTEGER
        case float():
            return INTEGER if value.is_integer() else FRACTION
        case _:
            found = next((kind for type_, kind in _PYTHON if isinstance(value, type_)), None)
            return found or (SEQUENCE if is_sequence(value) else OTHER)


_PYTHON: tuple[tuple[type, int], ...] = (
    (str, TEXT), (list, LIST), (tuple, LIST), (dict, MAP), (datetime, DATETIME), (date, DATE), (time, TIME),
    (timedelta, DURATION), (Omit, OMITTED), (StrictName, UNDEFINED),
)  # fmt: skip


def of_value(value: object) -> Type:
    """Return the type of a constant."""
    match value:
        case list() | tuple():
            return list_of(union_of(map(of_value, value)))
        case dict():
            return map_of({str(key): of_value(item) for key, item in value.items()}, map(str, value))
        case _:
            return Type(kind_of(value), values=(value,))


_KINDS = {
    "null": NULL, "boolean": BOOLEAN, "integer": INTEGER, "number": NUMBER, "string": TEXT, "array": LIST, "object": MAP,
}  # fmt: skip
_SIMPLE = {name: Type(kind) for name, kind in _KINDS.items() if kind not in (LIST, MAP)}
_LOOSE = frozenset({
    "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties",
    "unevaluatedProperties",
})  # fmt: skip
"""Keywords that may name further keys of a map."""


def of_schema(schema: object, level: int = 0) -> Type:
    """Return the type of all that a JSON Schema accepts, and perhaps of more."""
    if not isinstance(schema, dict) or level > _MAX_LEVELS:
        return UNKNOWN
    declared = schema.get("type")
    if isinstance(declared, str) and declared in _SIMPLE and "enum" not in schema and "const" not in schema:
        return _SIMPLE[declared]
    kinds = _KINDS.get(declared, JSON) if isinstance(declared, str) else _any_of(declared)
    values: tuple[object, ...] | None = None
    for options in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
        if isinstance(options, list):
            kinds &= _kinds_of(options)
            values = tuple(options) if len(options) <= _MAX_VALUES and not kinds & (LIST | MAP) else None
    if kinds == 0:
        return UNKNOWN  # the schema accepts nothing, which is another problem
    if not kinds & (LIST | MAP):
        return Type(kinds, values=values)
    item = None
    if kinds & LIST and "items" in schema and "prefixItems" not in schema:
        item = of_schema(schema["items"], level + 1)
    keyed = _of_properties(schema, kinds, level) if kinds & MAP else Type(kinds)
    if kinds == JSON and item is None and keyed.keys is None:
        return UNKNOWN
    if item is None or keyed.size + item.size > _MAX_SIZE:
        return keyed
    return keyed._replace(item=item, size=keyed.size + item.size)


def _any_of(names: object) -> int:
    if not isinstance(names, list):
        return JSON
    return _bits(_KINDS.get(name, JSON) if isinstance(name, str) else JSON for name in names) or JSON


def _kinds_of(values: list[object]) -> int:
    return _bits(map(kind_of, values))


def _bits(kinds: Iterable[int]) -> int:
    whole = 0
    for each in kinds:
        whole |= each
    return whole


def _of_properties(schema: dict[str, object], kinds: int, level: int) -> Type:
    parts, required = schema.get("properties"), schema.get("required")
    is_closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    if not isinstance(parts, dict):
        return map_of({}, (), kinds) if is_closed else Type(kinds)
    return map_of(
        {str(name): of_schema(part, level + 1) for name, part in parts.items()},
        (name for name in required if isinstance(name, str) and name in parts) if isinstance(required, list) else (),
        kinds,
        is_closed=is_closed,
        is_listed=not (_LOOSE & schema.keys()),
    )


_WORDS = (
    (NUMBER, "a number"), (INTEGER, "a whole number"), (FRACTION, "a number with a fraction"), (TEXT, "text"),
    (BOOLEAN, "a boolean"), (LIST, "a list"), (MAP, "a map"), (DATETIME | DATE, "a date"), (DATETIME, "a date with a time"),
    (DATE, "a date"), (TIME, "a time"), (DURATION, "a duration"), (SEQUENCE, "a sequence"), (OTHER, "something else"),
    (NULL, "null"), (OMITTED, "omit"),
)  # fmt: skip


def exact_words(kinds: int) -> str:
    """Return kinds as messages name what is expected: `a whole number or null`."""
    found = []
    left = kinds & ~UNDEFINED
    for bits, word in _WORDS:
        if bits & left == bits:
            found.append(word)
            left &= ~bits
    return " or ".join(found)


def words(kinds: int) -> str:
    """Return kinds as messages name what a value is: `text or null`."""
    return exact_words(kinds | (NUMBER if kinds & NUMBER else 0) | (DATE if kinds & DATETIME else 0))


def two_words(one: int, other: int) -> tuple[str, str]:
    """Return the kinds of two values as messages name them, with more words where they would be the same."""
    names = words(one), words(other)
    return names if names[0] != names[1] else (exact_words(one), exact_words(other))


def shown_values(values: Sequence[object]) -> str:
    """Return the first of some values as messages show them."""
    shown = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in values[:_FEW])
    return shown if len(values) <= _FEW else f"{shown}, …"


_FEW = 8
