"""Errors of the validator → faults, in words for the author of a spec."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import jsonschema_rs

from runner.errors import MAX_HINTS, did_you_mean, nearest
from runner.source.fault import TOO_LARGE, Fault
from runner.source.node import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.errors import Step
    from runner.source.node import Json
    from runner.source.validator import Broken


def short_faults(broken: Broken, value: Json) -> Iterator[Fault]:
    """Yield faults that name the rules and places, but no value: each value may be large."""
    for keyword, pointer in broken.first:
        path: list[Step] = []
        for step in pointer.split("/")[1:]:
            is_index = isinstance(_follow(value, path), list)
            path.append(int(step) if is_index else step.replace("~1", "/").replace("~0", "~"))
        name = f"'{path[-1]}'" if path and isinstance(path[-1], str) else "the value"
        yield Fault(keyword, tuple(path), f"{name} breaks the rule '{keyword}' of its schema")
    yield Fault("", (), f"{broken.total - len(broken.first):,} more rules are broken")


_TYPES = {
    "array": "a list", "boolean": "true or false", "integer": "a whole number", "null": "null", "number": "a number",
    "object": "a map", "string": "text",
}  # fmt: skip
_MAX_OPTIONS = 100
_MAX_KEYS = 1_000


class FaultReader:
    """Converts the validator's errors about one value to faults."""

    def __init__(self, schema: Json, root: Json) -> None:
        self.schema = schema
        self.root = root
        self.hints = 0

    def faults(self, error: jsonschema_rs.ValidationError) -> Iterator[Fault]:
        """Yield the faults that an error stands for: one for each unknown key, else one in all."""
        path: tuple[Step, ...] = tuple(error.instance_path)
        kind = error.kind
        kinds = jsonschema_rs.ValidationErrorKind
        name = f"'{path[-1]}'" if path and isinstance(path[-1], str) else "the value"
        value = _follow(self.root, path)
        match kind:
            case kinds.AdditionalProperties() | kinds.UnevaluatedProperties():
                for key in kind.unexpected[:_MAX_KEYS]:
                    self.hints += 1
                    hint = did_you_mean(key, self._known_keys(error)) if self.hints <= MAX_HINTS else None
                    yield Fault("additionalProperties", path, f"unknown key '{key}'", hint, key)
                if len(kind.unexpected) > _MAX_KEYS:
                    yield Fault("additionalProperties", path, f"{len(kind.unexpected) - _MAX_KEYS:,} more unknown keys")
            case kinds.Required():
                yield Fault("required", path, f"missing key '{kind.property}'", key=kind.property)
            case kinds.Type():
                wanted = _either(_TYPES[kind_name] for kind_name in kind.types)
                is_bare = "string" in kind.types and _is_bare(value)
                hint = f'quote it: "{_scalar(value)}"' if is_bare else _as_list(kind.types, value)
                is_near = "integer" in kind.types and isinstance(value, float)
                found = value if is_near else describe(value)
                message = f"{name} must be {wanted}, not {found}"
                yield Fault("type", path, message, hint, is_bare_number=is_bare)
            case kinds.Enum():
                yield _not_among(kind.options, path, name, value)
            case kinds.Constant():
                expected = kind.expected_value
                must, hint = f"{name} must be {_scalar(expected)}", None
                if describe(value) == describe(expected):
                    message = f"{must}, not {_scalar(value)}"
                else:
                    kind_of = "" if expected is None else f", {describe(expected)}"
                    message = f"{must}{kind_of}, not {describe(value)}"
                    hint = "remove the quotes" if value == str(_scalar(expected)) else None
                yield Fault("const", path, message, hint)
            case kinds.AnyOf() | kinds.OneOfNotValid():
                yield from self._nearest_branch(kind.context, path, name, value)
            case kinds.PropertyNames():
                key = str(kind.error.instance)
                match kind.error.kind:
                    case kinds.Pattern(pattern=pattern):
                        reason = f"it does not match {pattern}"
                    case _:
                        reason = kind.error.message
                yield Fault("propertyNames", path, f"'{key}' can't be a name here: {reason}", key=key)
            case kinds.FalseSchema():
                yield Fault("false", path, f"{name} is not allowed here")
            case _:
                yield _fault_of_a_limit(kind, path, name, value, error.message)

    def _nearest_branch(
        self,
        branches: Sequence[Sequence[jsonschema_rs.ValidationError]],
        path: tuple[Step, ...],
        name: str,
        value: Json,
    ) -> Iterator[Fault]:
        """Yield the faults against the alternative that has the value's type; if no alternative has it, name the types."""
        fitting = [branch for branch in branches if not any(_types_of(error, path) for error in branch)]
        if fitting:
            for error in min(fitting, key=len):
                yield from self.faults(error)
            return
        wanted = _either(_TYPES[name] for branch in branches for error in branch for name in _types_of(error, path))
        yield Fault("type", path, f"{name} must be {wanted}, not {describe(value)}")

    def _known_keys(self, error: jsonschema_rs.ValidationError) -> list[str]:
        parent = _follow(self.schema, error.schema_path[:-1])
        properties = parent.get("properties") if isinstance(parent, dict) else None
        return list(properties) if isinstance(properties, dict) else []


def _not_among(listed: Sequence[object], path: tuple[Step, ...], name: str, value: Json) -> Fault:
    options = [str(_scalar(option)) for option in listed[:_MAX_OPTIONS]]
    more = f" and {len(listed) - _MAX_OPTIONS:,} more" if len(listed) > _MAX_OPTIONS else ""
    is_bare = _is_bare(value) and all(isinstance(option, str) for option in listed)
    found, hint = _shown(value), _nearest(str(value), options)
    if is_bare:
        found, hint = describe(value), "put it in quotes"
    elif isinstance(value, str) and value in options and value not in listed:
        found, hint = describe(value), "remove the quotes"
    elif path[-1:] == ("type",) and isinstance(value, str) and _TYPES.keys() == set(options):
        hint = _HINTS_OF_TYPES.get(value.lower(), hint)
    message = f"{name} is {found}, not one of {', '.join(options)}{more}"
    return Fault("enum", path, message, hint, is_bare_number=is_bare)


_HINTS_OF_TYPES = {
    **dict.fromkeys(("double", "float", "decimal"), "did you mean 'number'?"),
    **dict.fromkeys(("list", "tuple"), "did you mean 'array'?"),
    **dict.fromkeys(("dict", "map"), "did you mean 'object'?"),
    "text": "did you mean 'string'?",
    "date": "write {type: string, format: date}",
    **dict.fromkeys(("datetime", "date-time", "timestamp"), "write {type: string, format: date-time}"),
    **dict.fromkeys(("email", "uuid", "uri", "time"), "that is a format: write {type: string, format: …}"),
}
"""Names of types in other languages, and the hint for each."""


def _fault_of_a_limit(
    kind: jsonschema_rs.ValidationErrorKind, path: tuple[Step, ...], name: str, value: Json, message: str
) -> Fault:
    kinds = jsonschema_rs.ValidationErrorKind
    hint = "for example 2026-01-02T03:04:05Z" if getattr(kind, "format", None) == "date-time" else None
    code = TOO_LARGE if isinstance(kind, kinds.BacktrackLimitExceeded) else None
    return Fault(kind.name, path, _of_a_limit(kind, name, value) or message, hint, code=code)


def _of_a_limit(kind: jsonschema_rs.ValidationErrorKind, name: str, value: Json) -> str | None:
    """Return the message for a value outside the limits of its schema; None if the validator's own is good enough."""
    kinds = jsonschema_rs.ValidationErrorKind
    match kind:
        case kinds.Pattern():
            return f"{name} is '{_scalar(value)}', which does not match {kind.pattern}"
        case kinds.Format():
            wanted = _FORMATS.get(kind.format, f"of the format {kind.format}")
            return f"{name} is '{_scalar(value)}', which is not {wanted}"
        case _ if kind.name in _LIMITS:
            direction, item = _LIMITS[kind.name]
            limit = getattr(kind, "limit", None)  # the kinds of limits have one, their common type does not
            if (direction, limit) == ("fewer", 1):
                return f"{name} is empty"
            return f"{name} has {direction} than {limit} {item}{'' if limit == 1 else 's'}"
        case kinds.Contains():
            return f"{name} has no item that matches `contains`"
        case kinds.Not():
            return f"{name} matches the schema that `not` forbids"
        case kinds.OneOfMultipleValid():
            return f"{name} matches more than one schema in `oneOf`"
        case kinds.UniqueItems():
            return f"{name} has the same item twice"
        case kinds.BacktrackLimitExceeded():
            return f"{name} takes too long to match against its pattern"
        case kinds.Custom():  # a format that the validator does not know; see ignore_unknown_formats
            return f"unknown format '{_scalar(value)}'"
        case _:
            return None


_LIMITS = {
    "minLength": ("fewer", "character"), "maxLength": ("more", "character"),
    "minItems": ("fewer", "item"), "maxItems": ("more", "item"),
    "minProperties": ("fewer", "key"), "maxProperties": ("more", "key"),
}  # fmt: skip
_FORMATS = {
    "date": "a date", "date-time": "a date and time", "duration": "a duration", "email": "an e-mail address",
    "hostname": "a host name", "ipv4": "an IPv4 address", "ipv6": "an IPv6 address", "regex": "a regular expression",
    "time": "a time", "uri": "a URI", "uuid": "a UUID",
}  # fmt: skip


def _nearest(word: str, options: Sequence[str]) -> str | None:
    near = nearest(word, options)
    return f"did you mean '{near}'?" if near else None  # the message lists them already


def _types_of(error: jsonschema_rs.ValidationError, path: tuple[Step, ...]) -> Sequence[str]:
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Type) and tuple(error.instance_path) == path:
        return error.kind.types
    return ()


def _follow(value: Json, path: Sequence[Step]) -> Json:
    for step in path:
        if isinstance(step, int) and isinstance(value, list):
            value = value[step]
        elif isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
    return value


def _either(names: Iterable[str]) -> str:
    *head, last = list(dict.fromkeys(names)) or ["something else"]
    return f"{', '.join(head)} or {last}" if head else last


def _as_list(types: Sequence[str], value: Json) -> str | None:
    """Return the hint to write a list of one item, if a single word stands where a list is required."""
    is_word = isinstance(value, str) and re.fullmatch(r"[\w./:-]{1,40}", value) is not None
    return f'write a list: ["{value}"]' if is_word and list(types) == ["array"] else None


def _is_bare(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> object:
    """Return a value as a message shows it. Blanks at its ends are made visible by quotes."""
    if value == "":
        return "empty"
    return f"'{value}'" if isinstance(value, str) and value != value.strip() else _scalar(value)


def _scalar(value: object) -> object:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return value
