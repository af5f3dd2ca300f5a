"""A variable that a spec declares, and the checks of a value against its declaration."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.source import Schema
from runner.variables.text import from_text, whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.codes import Code
    from runner.errors import Position
    from runner.source import Json, Node
    from runner.variables.given import Given


class Variable:
    """One variable. `table` is the `vars:` that declares it; None if the spec has no `vars:` and only uses it.

    `keys_in_templates` are the keys of maps that the spec's templates name: these are not secrets.
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
        # `secret: yes` is not a boolean, which is reported elsewhere, but its author means a secret.
        self.is_secret = declaration.get("secret", False) is not False
        self.hides_env = declaration.get("secret", True) is not False
        """Whether a value from its environment variable is a secret: it is, unless the spec says `secret: false`."""
        self.schema_source: dict[str, Json] = {
            key: value for key, value in declaration.items() if key not in _OUR_KEYS and not key.startswith("x-")
        }

    @cached_property
    def schema(self) -> Schema:
        """The declaration as a JSON Schema. Raises SchemaError."""
        return Schema(self.schema_source)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The JSON types that the declaration allows; empty if it allows all."""
        declared = self.schema_source.get("type", ())
        return tuple(str(name) for name in declared) if isinstance(declared, list | tuple) else (str(declared),)

    def typed(self, given: Given) -> Json:
        """Return a given value as the declared type. Raises ValueError with the name of what was expected."""
        if given.is_text:
            return from_text(str(given.value), self.types)
        return whole(given.value) if self.takes_whole else given.value

    def takes_nothing(self, *, is_text: bool, has_other: bool) -> bool:
        """Return whether an empty cell of a table of texts, or otherwise a null, is a value. The manual's page bulk lists the rules.

        `has_other` says whether the variable has a value from another source.
        """
        if not is_text:
            return self.schema.accepts(None)
        if "string" in self.types:
            return self.schema.accepts("")
        # An empty cell of a table of texts may stand for null, or for nothing: another value takes precedence over it.
        return "null" in self.types and not has_other

    @property
    def declaration(self) -> Position | None:
        """Return the position of the declaration, if there is one."""
        return self.table.key_position(self.name) if self.table is not None else None

    @property
    def default_position(self) -> Position | None:
        """Return the position of the default, if there is one."""
        default = self.table.get(self.name, "default") if self.table is not None else None
        return default.position() if default is not None else None

    @property
    def takes_whole(self) -> bool:
        """Return whether its numbers are integers: `1.0` is one, and is sent as 1."""
        return "integer" in self.types and "number" not in self.types

    @property
    def may_be_empty(self) -> bool:
        """Return whether an empty environment variable is a value. By default it is not: CI sets one for a missing secret."""
        return "string" in self.types and self.schema_source.get("minLength") == 0

    @property
    def may_be_secret(self) -> bool:
        """Return whether its value may be a secret: by declaration, or because it comes from the environment."""
        return self.is_secret or (self.env is not None and self.hides_env)

    @cached_property
    def _public_keys(self) -> frozenset[str]:
        """The keys that the spec itself names, in the declaration or in a template."""
        return self._keys_in_templates.union(_declared_keys(self.schema_source))

    def secrets_of(self, given: Given) -> list[str]:
        """Return the texts that must never be printed if this value is a secret."""
        sources = [source for source in given.sources if source not in self._public_keys]
        return list(dict.fromkeys([*self.secret_texts(given.value), *sources]))

    def secret_texts(self, value: object) -> list[str]:
        """Return the texts, numbers and keys inside a secret value."""
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
        """Return whether the declaration requires only a type."""
        return self.schema_source.keys() <= _ANNOTATIONS

    def problems(self, given: Given) -> Iterator[Problem]:
        """Yield a problem for each rule of the declaration that a given value breaks. For a secret, yield only one."""
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
_ANNOTATIONS = frozenset({"type", "description", "title", "examples", "$comment"})
"""Keywords that refuse no value of the type."""


def _forms(number: float) -> list[str]:
    """Return the texts that templates may write for a number: its own, and its text as the other type of number."""
    whole = str(number)
    with suppress(OverflowError):
        if isinstance(number, int):
            return [whole] if whole in (other := str(float(number))) else [whole, other]
        if number.is_integer():
            return [whole, str(int(number))]
    return [whole]


def _declared_keys(schema: Json) -> Iterator[str]:
    """Yield the keys that a JSON Schema names, at any depth."""
    if isinstance(schema, list):
        for item in schema:
            yield from _declared_keys(item)
    elif isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for item in schema.values():
            yield from _declared_keys(item)


def _type_hint(variable: Variable, text: str) -> str | None:
    if "boolean" in variable.types and text.strip() in ("TRUE", "FALSE"):
        return "write true or false in lower case: spreadsheets use capitals"
    if not variable.types:
        return "declare `type: string` to take text as it is"
    if {"array", "object"} & set(variable.types):
        return 'for example \'["a", "b"]\' or \'{"key": 1}\''
    return None


def _problem(code: Code, message: str, variable: Variable, given: Given, hint: str | None) -> Problem:
    if given.position is not None:
        return Problem(code, message, given.position, at=f"vars.{variable.name}", hint=hint)
    # A flag or the environment has no place in a file; the declaration that it breaks has one.
    context = f"the value comes from {given.origin}"
    return Problem(code, message, variable.declaration, at=f"vars.{variable.name}", hint=hint, context=context)
