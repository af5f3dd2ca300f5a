"""A subschema of a JSON Schema, with the cost of its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.source.node import Json
    from runner.source.pattern_work import Pattern


class Part:
    """A subschema: the cost of its own rules, and the subschemas in it by the values that they apply to."""

    def __init__(self, schema: Json) -> None:
        self.own = 1
        self.errors = 0
        self.required = 0
        self.patterns: list[Pattern] = []
        self.key_patterns: list[Pattern] = []
        self.in_place: list[Part] = []
        self.properties: dict[str, Part] = {}
        self.entries: list[Part] = []
        self.prefix: list[Part] = []
        self.items: list[Part] = []
        self.keys: list[Part] = []
        self.marks = isinstance(schema, dict) and not schema.keys().isdisjoint(_MARKS)
        """Whether all schemas in place are checked once more, to find what is not evaluated."""
        self.has_alternatives = isinstance(schema, dict) and not schema.keys().isdisjoint(("anyOf", "oneOf"))
        if schema is False:
            self.errors = 1

    def below(self) -> Iterator[Part]:
        """Yield the schemas that apply to the values inside a value."""
        yield from self.properties.values()
        yield from self.entries
        yield from self.prefix
        yield from self.items


_MARKS = frozenset({"unevaluatedProperties", "unevaluatedItems"})
