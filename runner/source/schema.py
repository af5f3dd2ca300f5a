"""A JSON Schema (2020-12) over plain values → faults, and over nodes → problems.

Formats are asserted and no reference is ever fetched: a schema that points outside itself is an error. Schemas are
anybody's: what a check costs is estimated before it begins, and too much is a fault like any other.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import jsonschema_rs

from runner.errors import MAX_HINTS, Problem, did_you_mean, dotted, nearest
from runner.source.json_reader import NUMBER
from runner.source.node import describe
from runner.source.pattern_work import TooMuchError
from runner.source.validator import Broken, Unlisted, validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from runner.codes import Code
    from runner.errors import Position, Step
    from runner.source.node import Json, Node


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule that a value breaks.

    `path` leads to the value, `key` names the key in it that is at fault, if one is; `rule` leads to the rule in the schema.
    `code` is that of the problem, where no rule is broken.
    """

    keyword: str
    path: tuple[Step, ...]
    message: str
    hint: str | None = None
    key: str | None = None
    rule: tuple[Step, ...] = field(default=(), compare=False)
    code: Code | None = None
    is_bare_number: bool = field(default=False, compare=False)
    """Whether a text is wanted and a number is there, which quotes around it would make a text."""

    def at(self) -> str:
        """Give the way to the fault as text: `tests[0].vars.user`."""
        return dotted((*self.path, self.key) if self.key is not None else self.path)

    def hint_at(self, place: Position | None) -> str | None:
        """Return the hint for a value that stands at `place`: a number is quoted as it is written there, `1.10` or `1E2`."""
        if not self.is_bare_number or self.hint is None:
            return self.hint
        written = place.text[place.column - 1 : place.end_column - 1] if place is not None else ""
        return f'quote it: "{written}"' if NUMBER.fullmatch(written) else "put it in quotes"

    def position(self, root: Node) -> Position:
        """Place of the fault in the file that `root` was read from."""
        node = root.nearest(self.path)
        if self.key is not None and self.key in node.keys:
            return node.key_position(self.key)
        if self.keyword == "required" and self.path:
            above = root.get(*self.path[:-1])
            if above is not None and isinstance(self.path[-1], str):
                return above.key_position(self.path[-1])
        return node.position()


TOO_LARGE: Code = "schema-too-large"
_DIALECT = re.compile(r"https?://json-schema\.org/draft/2020-12/schema#?")


class SchemaError(Exception):
    """This is not a JSON Schema, or not one that can be used. `path` leads to the part of it that is wrong."""

    def __init__(
        self, message: str, path: tuple[Step, ...], hint: str | None = None, *, code: Code = "bad-schema"
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.hint = hint
        self.code = code

    @property
    def is_too_large(self) -> bool:
        """Whether the schema may be valid, but is too large to be used."""
        return self.code == TOO_LARGE

    def problem(self, source: Node, at: str | None = None) -> Problem:
        """Return the problem of a schema that was read from `source`. Of a file that doesn't mean to be one, no value is quoted."""
        place = source.nearest(self.path).position()
        if self.is_too_large:
            return Problem(self.code, self.message, place, at=at, hint=self.hint)
        is_quoted = source.text.shows_lines or not isinstance(source.value, dict)
        message = "this is not a JSON Schema" + (f": {self.message}" if is_quoted else "")
        return Problem(self.code, message, place, at=at, hint=self.hint if is_quoted else None)


class Schema:
    """A compiled schema.

    >>> [fault.message for fault in Schema({"type": "integer", "minimum": 0}).faults(-1)]
    ['-1 is less than the minimum of 0']
    """

    def __init__(self, schema: Json) -> None:
        if not isinstance(schema, dict | bool):
            raise SchemaError(f"a JSON Schema is a map or a boolean, not {describe(schema)}", ())
        dialect = schema.get("$schema") if isinstance(schema, dict) else None
        if isinstance(dialect, str) and _DIALECT.fullmatch(dialect) is None:
            hint = "write https://json-schema.org/draft/2020-12/schema, or leave $schema out"
            raise SchemaError("schemas of another dialect than 2020-12 are not read here", ("$schema",), hint)
        try:
            self._validator = validator(json.dumps(schema))
        except TooMuchError as error:
            raise SchemaError(f"the schema is too large: {error}", (), code=TOO_LARGE) from None
        except jsonschema_rs.ValidationError as error:
            if error.kind.name == "$ref":
                raise _broken_reference(schema, error.message) from None
            reason = next(_Reading({}, schema).faults(error))
            raise SchemaError(reason.message, tuple(error.instance_path), reason.hint) from None
        except (jsonschema_rs.ReferencingError, ValueError) as error:
            unicode = "UnicodeEncodeError" in str(error)
            raise SchemaError("a text in it is not valid Unicode" if unicode else str(error), ()) from None
        if self._validator.work.strangers:
            raise _broken_reference(schema, f"'{self._validator.work.strangers[0]}'")
        self._schema = schema

    def accepts(self, value: Json) -> bool:
        """Return whether `value` breaks no rule; False too for one that takes too long to check."""
        try:
            return self._is_valid(value)
        except (UnicodeEncodeError, TooMuchError):
            return False

    def check_up_to(self, largest: Json) -> Callable[[Json], bool]:
        """Return `accepts` for values that are no larger than `largest`: if none of them can take long, none is measured.

        That is those with as many levels, values and keys, and characters in each, or fewer. Text that is not Unicode may
        be a ValueError.
        """
        return self._validator.check_up_to(largest) or self.accepts

    def faults(self, value: Json) -> list[Fault]:
        """List every rule that `value` breaks, each once; of thousands the first, in few words."""
        try:
            return [] if self._is_valid(value) else self._broken(value)
        except UnicodeEncodeError:
            return [Fault("unicode", (), "the text has half of a surrogate pair: it is not valid Unicode")]
        except TooMuchError as error:
            return [Fault("", (), f"the schema is too large to be checked: {error}", code=TOO_LARGE)]

    def _is_valid(self, value: Json) -> bool:
        return self._validator.accepts(value)

    def _broken(self, value: Json) -> list[Fault]:
        errors = self._validator.errors(value)
        if isinstance(errors, Broken):
            return list(_in_few_words(errors, value))
        rest = [Fault("", (), _UNLISTED)] if isinstance(errors, Unlisted) else []
        if isinstance(errors, Unlisted):
            errors = [errors.first] if errors.first is not None else []
        reading = _Reading(self._schema, value)
        found = [replace(fault, rule=tuple(error.schema_path)) for error in errors for fault in reading.faults(error)]
        return [*_without_echoes(list(dict.fromkeys(found))), *rest]


class OwnSchema(Schema):
    """A schema of ours: harmless, and checked too often to measure each value first."""

    def _is_valid(self, value: Json) -> bool:
        return self._validator.accepts_unbounded(value)


_UNLISTED = "this is too large for a list of all that breaks its schema"


def _in_few_words(broken: Broken, value: Json) -> Iterator[Fault]:
    """Name the rules and places, and no value: each might be large."""
    for keyword, pointer in broken.first:
        path: list[Step] = []
        for step in pointer.split("/")[1:]:
            is_index = isinstance(_follow(value, path), list)
            path.append(int(step) if is_index else step.replace("~1", "/").replace("~0", "~"))
        name = f"'{path[-1]}'" if path and isinstance(path[-1], str) else "the value"
        yield Fault(keyword, tuple(path), f"{name} breaks the rule '{keyword}' of its schema")
    yield Fault("", (), f"{broken.total - len(broken.first):,} more rules are broken")


def _without_echoes(faults: list[Fault]) -> list[Fault]:
    """Leave out the missing key that an unknown key was probably meant to be: one slip, one fault."""
    missing = [fault for fault in faults if fault.keyword == "required"][:MAX_HINTS]
    meant = {
        (fault.path, nearest(fault.key, [key.key for key in missing if key.key and key.path == fault.path]))
        for fault in faults[: 2 * MAX_HINTS]
        if fault.keyword == "additionalProperties" and fault.key is not None
    }
    return [fault for fault in faults if fault.keyword != "required" or (fault.path, fault.key) not in meant]


def _broken_reference(schema: Json, message: str) -> SchemaError:
    """Say which reference of a schema leads nowhere, or out of it. The validator names its target in quotes."""
    found = re.search(r"'([^']+)'", message)
    target = found[1] if found else ""
    references = sorted(_references(schema), key=lambda found: found[1].removeprefix("#") != target)
    path, reference = next(((path, text) for path, text in references if _means(text, target)), ((), target))
    if "does not exist" in message:
        return SchemaError(f"nothing stands at '{reference}'", path)
    hint = "put what it refers to under $defs: references out of the schema are never followed"
    return SchemaError(f"'{reference}' lies outside the schema", path, hint)


def _means(reference: str, target: str) -> bool:
    """Tell whether a reference may be the one to a target that the validator made absolute."""
    return reference in (target, f"#{target}") or target.endswith(reference) or reference.endswith(target)


def _references(schema: Json, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], str]]:
    entries: Iterable[tuple[Step, Json]] = ()
    if isinstance(schema, dict):
        entries = schema.items()
    elif isinstance(schema, list):
        entries = enumerate(schema)
    for step, item in entries:
        if step in ("$ref", "$dynamicRef", "$schema") and isinstance(item, str):
            yield (*path, step), item
        else:
            yield from _references(item, (*path, step))


_CODES: dict[str, Code] = {"additionalProperties": "unknown-key", "required": "missing-key", "type": "wrong-type"}


def problems(faults: Iterable[Fault], root: Node) -> Iterator[Problem]:
    """Turn faults in a document's form into problems at their places."""
    for fault in faults:
        code, place = fault.code or _CODES.get(fault.keyword, "bad-value"), fault.position(root)
        yield Problem(code, fault.message, place, at=fault.at() or None, hint=fault.hint_at(place))


_TYPES = {
    "array": "a list", "boolean": "true or false", "integer": "a whole number", "null": "null", "number": "a number",
    "object": "a map", "string": "text",
}  # fmt: skip


_MAX_OPTIONS = 100
_MAX_KEYS = 1_000


class _Reading:
    """Reads the validator's errors about one value as faults."""

    def __init__(self, schema: Json, root: Json) -> None:
        self.schema = schema
        self.root = root
        self.hints = 0

    def faults(self, error: jsonschema_rs.ValidationError) -> Iterator[Fault]:
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
        """Of several shapes that a value may have, report on the one whose type it has; else name the types."""
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
"""What other languages call the types of JSON Schema."""


def _fault_of_a_limit(
    kind: jsonschema_rs.ValidationErrorKind, path: tuple[Step, ...], name: str, value: Json, message: str
) -> Fault:
    kinds = jsonschema_rs.ValidationErrorKind
    hint = "for example 2026-01-02T03:04:05Z" if getattr(kind, "format", None) == "date-time" else None
    code = TOO_LARGE if isinstance(kind, kinds.BacktrackLimitExceeded) else None
    return Fault(kind.name, path, _of_a_limit(kind, name, value) or message, hint, code=code)


def _of_a_limit(kind: jsonschema_rs.ValidationErrorKind, name: str, value: Json) -> str | None:
    """Say that a value is outside what its schema allows, in the words of its author; None where the validator's do."""
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
            return f"{name} has no item of the kind that it must contain"
        case kinds.Not():
            return f"{name} is of the kind that `not` forbids"
        case kinds.OneOfMultipleValid():
            return f"{name} fits more than one of the schemas in oneOf"
        case kinds.UniqueItems():
            return f"{name} has the same item twice"
        case kinds.BacktrackLimitExceeded():
            return f"{name} takes too long to be held against its pattern"
        case kinds.Custom():  # a format that the validator does not know; see ignore_unknown_formats
            return f"there is no format '{_scalar(value)}'"
        case _:
            return None


_LIMITS = {
    "minLength": ("fewer", "character"), "maxLength": ("more", "character"),
    "minItems": ("fewer", "item"), "maxItems": ("more", "item"),
    "minProperties": ("fewer", "key"), "maxProperties": ("more", "key"),
}  # fmt: skip
_FORMATS = {
    "date": "a date", "date-time": "an instant", "duration": "a duration", "email": "an e-mail address",
    "hostname": "a host's name", "ipv4": "an IPv4 address", "ipv6": "an IPv6 address", "regex": "a regular expression",
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
    """Suggest the list of one that somebody meant who wrote its item alone."""
    is_word = isinstance(value, str) and re.fullmatch(r"[\w./:-]{1,40}", value) is not None
    return f'write a list: ["{value}"]' if is_word and list(types) == ["array"] else None


def _is_bare(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: object) -> object:
    """Write a value so that it is seen, also where it is nothing but blanks."""
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
