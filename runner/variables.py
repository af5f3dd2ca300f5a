"""Variables: what a spec declares, what a run is given → typed values.

Precedence, high to low: flags, row, case, vars file, `RUNNER_VAR_name`, the declaration's `env:`, profile, default.
Text becomes the declared type by JSON's grammar, never by Python's.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from runner.errors import MAX_HINTS, Problem, did_you_mean
from runner.source import NUMBER, Schema, UnclearError, is_integer, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from runner.codes import Code
    from runner.errors import Position
    from runner.source import Json, Node

ENV_PREFIX = "RUNNER_VAR_"


@dataclass(frozen=True, slots=True)
class Given:
    """A value from outside the spec. `is_text` tells a text that must still become the declared type from JSON.

    `is_hidden` tells what nothing may print although the variable is no secret: what comes from the environment.
    """

    value: Json
    origin: str
    is_text: bool = False
    position: Position | None = None
    is_hidden: bool = False
    sources: tuple[str, ...] = ()
    """Its keys, texts and numbers as they are written in a file: a report that shows the line shows them so."""

    @classmethod
    def written(cls, node: Node, origin: str) -> Given:
        """Take a value that stands in a file."""
        return cls(node.plain(), origin, position=node.position(), sources=tuple(node.sources()))

    @classmethod
    def unshown(cls, node: Node, origin: str) -> Given:
        """Take a value from a file that may hold secrets: a report tells its place, and shows no line."""
        given = cls.written(node, origin)
        return replace(given, position=replace(node.position(), text=""))


class Variable:
    """One variable. `table` is the `vars:` that declares it; None for one that a spec without `vars:` merely uses.

    `keys_in_templates` are keys of maps that the spec's templates name: these are no secrets.
    """

    def __init__(
        self,
        name: str,
        declaration: Mapping[str, Json],
        table: Node | None = None,
        *,
        required: bool = True,
        keys_in_templates: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.table = table
        self._keys_in_templates = keys_in_templates
        self.has_default = "default" in declaration
        self.default = declaration.get("default")
        self.required = required and not self.has_default
        self.env = env if isinstance(env := declaration.get("env"), str) else None
        # Whoever writes `secret: yes` means it; that this is no boolean is told apart.
        self.is_secret = declaration.get("secret", False) is not False
        self.hides_env = declaration.get("secret", True) is not False
        """Whether what comes from its environment variable is a secret, which only `secret: false` denies."""
        self.schema_source: dict[str, Json] = {
            key: value for key, value in declaration.items() if key not in _OUR_KEYS and not key.startswith("x-")
        }

    @cached_property
    def schema(self) -> Schema:
        """The declaration as a JSON Schema. Raises SchemaError."""
        return Schema(self.schema_source)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The JSON types that the declaration allows; none means any."""
        declared = self.schema_source.get("type", ())
        return tuple(str(name) for name in declared) if isinstance(declared, list | tuple) else (str(declared),)

    def typed(self, given: Given) -> Json:
        """Turn a given value into the declared type. Raises ValueError that says what was expected."""
        if given.is_text:
            return _from_text(str(given.value), self.types)
        return whole(given.value) if self.takes_whole else given.value

    def takes_nothing(self, *, is_text: bool, has_other: bool) -> bool:
        """Return whether an empty cell of a table of texts, or else a null, is a value: the manual's page bulk says when.

        `has_other` tells that the variable has a value without it.
        """
        if not is_text:
            return self.schema.accepts(None)
        if "string" in self.types:
            return self.schema.accepts("")
        # An empty cell is the null of a table of texts, but no text says that it was meant: another value goes before it.
        return "null" in self.types and not has_other

    @property
    def takes_whole(self) -> bool:
        """Return whether its numbers are integers: `1.0` is one, and goes out as 1."""
        return "integer" in self.types and "number" not in self.types

    @property
    def may_be_empty(self) -> bool:
        """Return whether an empty environment variable is a value: CI gives one for a secret that nobody set."""
        return "string" in self.types and self.schema_source.get("minLength") == 0

    @property
    def may_be_secret(self) -> bool:
        """Return whether a value of it may be a secret: declared so, or from the environment."""
        return self.is_secret or (self.env is not None and self.hides_env)

    @cached_property
    def _public_keys(self) -> frozenset[str]:
        """The keys that the spec itself names, in the declaration or in a template."""
        return self._keys_in_templates.union(_declared_keys(self.schema_source))

    def secrets_of(self, given: Given) -> list[str]:
        """List the texts that nothing may print, if the variable is secret and this is its value."""
        sources = [source for source in given.sources if source not in self._public_keys]
        return list(dict.fromkeys([*self.secret_texts(given.value), *sources]))

    def secret_texts(self, value: object) -> list[str]:
        """List the texts, numbers and keys inside a secret value."""
        match value:
            case dict():
                keys = [key for key in value if key not in self._public_keys]
                return [*keys, *(text for item in value.values() for text in self.secret_texts(item))]
            case list():
                return [text for item in value for text in self.secret_texts(item)]
            case None | bool():
                return []
            case int() | float():
                return _forms(value)
            case _:
                return [str(value)]

    @property
    def is_only_typed(self) -> bool:
        """Tell whether the declaration asks for nothing but a type."""
        return self.schema_source.keys() <= _TELLS_NOTHING

    def problems(self, given: Given) -> Iterator[Problem]:
        """Report each rule of the declaration that a given value breaks. Of a secret, only that it breaks some."""
        is_hidden = self.is_secret or given.is_hidden
        try:
            value = self.typed(given)
        except ValueError as error:
            shown = "a value that" if is_hidden else f"'{given.value}'"
            hint = _type_hint(self, str(given.value))
            yield _problem("var-type", f"variable '{self.name}': {shown} is not {error}", self, given, hint)
            return
        for fault in self.schema.faults(value):
            code = fault.code or "var-schema"
            if is_hidden and fault.code is None:
                yield _problem(code, f"variable '{self.name}' breaks its declaration", self, given, None)
                return
            way = f" at {fault.at()}" if fault.path else ""
            yield _problem(
                code, f"variable '{self.name}'{way}: {fault.message}", self, given, fault.hint_at(given.position)
            )


_OUR_KEYS = frozenset({"env", "secret", "default"})
_TELLS_NOTHING = frozenset({"type", "description", "title", "examples", "$comment"})
"""Keywords that refuse no value of the type."""


class Values(NamedTuple):
    """The variables of one event. `secrets` are the texts that nothing may print."""

    values: Mapping[str, object]
    secrets: tuple[str, ...]
    problems: tuple[Problem, ...]


def resolve(
    variables: Sequence[Variable],
    layers: Sequence[Mapping[str, Given]],
    environ: Mapping[str, str],
    profile: Mapping[str, Given],
) -> Values:
    """Find each variable's value, in the order of precedence, and check it against its declaration.

    `layers` are flags, row, case and vars file, the highest first.
    """
    values: dict[str, object] = {}
    secrets: list[str] = []
    problems: list[Problem] = []
    for variable in variables:
        given = _find(variable, layers, environ, profile)
        if given is None:
            if variable.has_default:
                given = Given(variable.default, "default", position=_default_position(variable))
            elif variable.required:
                problems.append(_missing(variable, environ))
                continue
            else:
                continue
        is_hidden = variable.is_secret or given.is_hidden
        if is_hidden:
            secrets += variable.secrets_of(given)
        found = list(variable.problems(given))
        problems += found
        if not found:
            values[variable.name] = value = variable.typed(given)
            if is_hidden:
                secrets += variable.secret_texts(value)
    return Values(values, tuple(secrets), tuple(problems))


def resolve_fixed(
    variables: Sequence[Variable],
    layers: Sequence[Mapping[str, Given]],
    environ: Mapping[str, str],
    profile: Mapping[str, Given],
    from_rows: Collection[str],
) -> Values:
    """Resolve once what all rows share. A variable that rows give, `from_rows`, need not have a value here."""
    needed = [variable for variable in variables if variable.name not in from_rows]
    spare = [
        variable
        for variable in variables
        if variable.name in from_rows and (variable.has_default or _find(variable, layers, environ, profile))
    ]
    return resolve([*needed, *spare], layers, environ, profile)


class RowResolver:
    """Variables for many rows of one run. What no row changes is resolved once; `fixed` holds it, typed and checked.

    `columns` names the variable that each column of a row gives. With a `header` a row is the list of its cells, all of
    them text. Without one it is a map of JSON values. What a row gives stands above `fixed`.

    An empty cell, and a null, are a value where the declaration allows it, and else as if the row did not have them.
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        fixed: Mapping[str, object],
        columns: Mapping[str, str],
        header: Sequence[str] | None,
    ) -> None:
        named = {variable.name: variable for variable in variables}
        self.fixed = fixed
        self.is_text = header is not None
        self.columns = [
            _Column.of(column, named[name], header, is_fixed=name in fixed) for column, name in columns.items()
        ]
        self._needed = [variable for variable in variables if variable.required and variable.name not in fixed]

    @property
    def is_plain(self) -> bool:
        """Tell whether a row that has a value in each column has all that is needed, and no secret."""
        given = {column.variable.name for column in self.columns}
        has_secrets = any(column.variable.is_secret for column in self.columns)
        return not has_secrets and all(variable.name in given for variable in self._needed)

    def resolve(self, row: Cells) -> Values:
        """Find each variable's value for one row, and check what the row gives against its declaration."""
        values = dict(self.fixed)
        secrets: list[str] = []
        problems: list[Problem] = []
        for key, column, absent, read, accepts, variable in self.columns:
            try:
                cell: Any = row[key]  # type: ignore[index]
            except KeyError:
                continue
            if cell == absent:
                continue
            if variable.is_secret:
                secrets += variable.secret_texts(cell)
            try:
                value = read(cell) if read is not None else cell
                is_good = accepts is None or accepts(value)
            except ValueError:
                is_good = False
            if is_good:
                values[variable.name] = value
                if variable.is_secret and value is not cell:
                    secrets += variable.secret_texts(value)
            else:
                problems += variable.problems(Given(cell, f"column '{column}'", is_text=self.is_text))
        for variable in self._needed:
            if variable.name not in values and not problems:
                problems.append(_missing_in_row(variable))
        return Values(values, tuple(secrets), tuple(problems))


Cells: TypeAlias = "Sequence[str] | Mapping[str, Json]"
"""What a row gives: the texts of its cells, or values by their names."""


class _Column(NamedTuple):
    """How to take a variable from a row. None to `read` it is to take it as it stands, none that `accepts` takes all.

    A cell that equals `absent` gives no value.
    """

    key: str | int
    column: str
    absent: object
    read: Callable[[Any], Json] | None
    accepts: Callable[[Json], bool] | None
    variable: Variable

    @classmethod
    def of(cls, column: str, variable: Variable, header: Sequence[str] | None, *, is_fixed: bool) -> _Column:
        accepts = variable.schema.accepts
        takes_nothing = variable.takes_nothing(is_text=header is not None, has_other=is_fixed)
        if header is None:
            absent = _NOTHING if takes_nothing else None
            return cls(column, column, absent, whole if variable.takes_whole else None, accepts, variable)
        at, absent = header.index(column), _NOTHING if takes_nothing else ""
        if "string" in variable.types:
            is_any_text = variable.types == ("string",) and variable.is_only_typed
            return cls(at, column, absent, None, None if is_any_text else accepts, variable)
        return cls(at, column, absent, partial(_from_text, types=variable.types), accepts, variable)


_NOTHING = object()
"""No cell equals it."""


def without_names(root: Node) -> Problem:
    """Report a vars file whose root is not a map."""
    hint = "such as `user: u1`; a list of maps is given as rows, with --rows"
    return Problem("wrong-type", "a vars file is a map of names to values", root.position(), hint=hint)


def unknown(given: Mapping[str, Given], known: Collection[str]) -> Iterator[Problem]:
    """Report each given name that no spec declares."""
    strangers = ((name, value) for name, value in given.items() if name not in known)
    for number, (name, value) in enumerate(strangers):
        otherwise = "no spec here has variables" if not known else None
        hint = did_you_mean(name, known, otherwise) if number < MAX_HINTS else None
        message = f"no spec here declares a variable '{name}' ({value.origin})"
        yield Problem("unknown-variable", message, value.position, at=f"vars.{name}", hint=hint)


def _forms(number: float) -> list[str]:
    """List how templates may write a number: as it is, and as the other type if that says the same without having it in it."""
    whole = str(number)
    with suppress(OverflowError):
        if isinstance(number, int):
            return [whole] if whole in (other := str(float(number))) else [whole, other]
        if number.is_integer():
            return [whole, str(int(number))]
    return [whole]


def _declared_keys(schema: Json) -> Iterator[str]:
    """List the keys that a JSON Schema names, at any depth."""
    if isinstance(schema, list):
        for item in schema:
            yield from _declared_keys(item)
    elif isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for item in schema.values():
            yield from _declared_keys(item)


def _find(
    variable: Variable, layers: Sequence[Mapping[str, Given]], environ: Mapping[str, str], profile: Mapping[str, Given]
) -> Given | None:
    for layer in layers:
        if (given := layer.get(variable.name)) is not None:
            return given
    for name, is_hidden in ((ENV_PREFIX + variable.name, False), (variable.env, variable.hides_env)):
        if name is not None and (environ.get(name) or (name in environ and variable.may_be_empty)):
            return Given(environ[name], f"environment variable {name}", is_text=True, is_hidden=is_hidden)
    return profile.get(variable.name)


def whole(value: Json) -> Json:
    """Write a whole number as an integer; what is larger than a double has exactly stays as it is."""
    if type(value) is float and value.is_integer() and abs(value) <= _MAX_EXACT:
        return int(value)
    return value


_MAX_EXACT = 2**53


def _from_text(text: str, types: tuple[str, ...]) -> Json:
    if "string" in types:
        return text
    stripped = text.strip()
    if plain := PLAIN_NUMBER.fullmatch(stripped):  # what most cells of numbers are
        if plain[1] is None and ("integer" in types or "number" in types):
            return int(stripped)
        if plain[1] and "number" in types:
            return float(stripped)
    number = NUMBER.fullmatch(stripped)
    for name in types:
        match name:
            case "integer" | "number" if number and is_integer(number):
                return _int(stripped)
            case "number" if number and isfinite(float(stripped)):
                return float(stripped)
            case "integer" if number and float(stripped).is_integer():
                return whole(float(stripped))
            case "boolean" if stripped in ("true", "false"):
                return stripped == "true"
            case "null" if stripped in ("null", ""):
                return None
    if types and not {"array", "object"} & set(types):
        raise ValueError(" or ".join(_WORDS.get(name, name) for name in types))
    try:
        return parse_json(stripped)
    except UnclearError as error:
        raise ValueError(f"JSON that can be taken: {error}") from None
    except ValueError:
        raise ValueError("JSON") from None


PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?")
_WORDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "null": "null"}


def _int(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:
        raise ValueError("a number of a length that can be sent") from None


def _type_hint(variable: Variable, text: str) -> str | None:
    if "boolean" in variable.types and text.strip() in ("TRUE", "FALSE"):
        return "write true or false in small letters: spreadsheets write capitals"
    if not variable.types:
        return "declare `type: string` to take text as it is"
    if {"array", "object"} & set(variable.types):
        return 'for example \'["a", "b"]\' or \'{"key": 1}\''
    return None


def _missing(variable: Variable, environ: Mapping[str, str]) -> Problem:
    sources = [f"--var {variable.name}=…", f"{ENV_PREFIX}{variable.name}"]
    if variable.env:
        sources.append(f"the environment variable {variable.env}")
    position = _declaration(variable)
    hint = f"give it with {' or '.join(sources)}"
    names = [ENV_PREFIX + variable.name, *([variable.env] if variable.env else [])]
    if empty := [name for name in names if name in environ]:
        hint += f"; {' and '.join(empty)} {'is' if len(empty) == 1 else 'are'} set, but empty"
    return Problem(
        "var-missing", f"variable '{variable.name}' has no value", position, at=f"vars.{variable.name}", hint=hint
    )


def _missing_in_row(variable: Variable) -> Problem:
    message = f"variable '{variable.name}' has no value"
    hint = f"give the column '{variable.name}' a value, or --var {variable.name}=… for all rows"
    return Problem("var-missing", message, _declaration(variable), at=f"vars.{variable.name}", hint=hint)


def _declaration(variable: Variable) -> Position | None:
    return variable.table.key_position(variable.name) if variable.table is not None else None


def _default_position(variable: Variable) -> Position | None:
    default = variable.table.get(variable.name, "default") if variable.table is not None else None
    return default.position() if default is not None else None


def _problem(code: Code, message: str, variable: Variable, given: Given, hint: str | None) -> Problem:
    if given.position is not None:
        return Problem(code, message, given.position, at=f"vars.{variable.name}", hint=hint)
    # A flag or the environment has no place in a file; the declaration that it breaks has one.
    context = f"the value comes from {given.origin}"
    return Problem(code, message, _declaration(variable), at=f"vars.{variable.name}", hint=hint, context=context)
