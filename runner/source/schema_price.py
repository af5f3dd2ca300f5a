"""The cost of checking one value against a schema, found by visiting each part of the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.source.pattern_work import CHARS_A_UNIT, TooMuchError
from runner.source.size import measured

if TYPE_CHECKING:
    from runner.source.node import Json
    from runner.source.schema_part import Part


MAX_DEPTH = 400
"""Maximum depth of nested schemas, references followed. The validator recurses into each, and crashes beyond 1,000."""
_MAX_STEPS = 300_000
"""Maximum number of steps to price a value: half a second."""
_COPIES = 50
"""An error holds copies of its value and its rule: each this many values in them count as one more error."""


class Price(NamedTuple):
    """The maximum cost of a check: `units` of time, and the number of `errors`, a large one counted as several.

    `nested` is the number of errors that one error may hold, if the value matches no alternative of an `anyOf` or `oneOf`.
    """

    units: int
    errors: int
    nested: int = 0


class Pricing:
    """Prices one check: it visits each pair of a subschema and a value inside the value once."""

    def __init__(self) -> None:
        self._prices: dict[tuple[Part, int], Price] = {}
        self._marks: dict[tuple[Part, int], int] = {}
        self._sizes: dict[int, int] = {}
        self._steps = 0

    def price(self, part: Part, value: Json, depth: int = 0) -> Price:
        """Return the cost of checking a value against a subschema. Raises TooMuchError."""
        key = (part, id(value))
        if key in self._prices:
            return self._prices[key]
        if depth > MAX_DEPTH:
            raise TooMuchError(f"it is nested more than {MAX_DEPTH} schemas deep")
        units, errors, nested = self._here(part, value, depth)
        for inner in part.in_place:
            more = self.price(inner, value, depth + 1)
            units += more.units
            errors += more.errors
            nested = max(nested, more.nested)
        if part.marks:
            units += self._marked(part, value, depth)
        self._count(1)
        self._prices[key] = Price(units, errors, errors if part.has_alternatives else nested)
        return self._prices[key]

    def _here(self, part: Part, value: Json, depth: int) -> Price:
        """Return the cost of the rules of one subschema, for a value and the values inside it."""
        units = part.own
        errors = part.errors
        prices: list[Price] = []
        if isinstance(value, str):
            units += len(value) // CHARS_A_UNIT + sum(pattern.units(len(value)) for pattern in part.patterns)
        elif isinstance(value, dict):
            errors += part.required
            if part.entries or part.keys:
                self._count(len(value) * (1 + len(part.key_patterns)))
                for name, item in value.items():
                    units += 1 + sum(pattern.units(len(name)) for pattern in part.key_patterns)
                    prices += [self.price(inner, item, depth + 1) for inner in part.entries]
                    prices += [self.price(inner, name, depth + 1) for inner in part.keys]
            for name in value if len(value) < len(part.properties) else part.properties:
                if name in value and name in part.properties:
                    prices.append(self.price(part.properties[name], value[name], depth + 1))
        elif isinstance(value, list):
            units += len(value)
            prices += [self.price(inner, item, depth + 1) for inner, item in zip(part.prefix, value, strict=False)]
            if part.items:
                prices += [self.price(inner, item, depth + 1) for item in value for inner in part.items]
        if errors:
            errors += errors * (self._size(value) + part.own) // _COPIES
        units += sum(price.units for price in prices)
        errors += sum(price.errors for price in prices)
        return Price(units, errors, max((price.nested for price in prices), default=0))

    def _marked(self, part: Part, value: Json, depth: int) -> int:
        """Return the units that it takes to find the evaluated parts of a value."""
        key = (part, id(value))
        if key not in self._marks:
            units = self._here(part, value, depth).units
            for inner in part.in_place:
                units += self.price(inner, value, depth + 1).units + self._marked(inner, value, depth + 1)
            self._marks[key] = units
        return self._marks[key]

    def _size(self, value: Json) -> int:
        key = id(value)
        if key not in self._sizes:
            self._sizes[key] = measured(value)[0]
        return self._sizes[key]

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MAX_STEPS:
            raise TooMuchError("it has too many rules for a value of this size")
