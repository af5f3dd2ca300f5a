"""A JSON Schema and a value → an upper bound on the work of the check, before it begins.

The validator follows references without a bound: a schema of 2 KB can ask for 2^28 checks of one value, and each error
takes 5 KB. So the work is estimated first, in units of about 100 ns. The estimate is rather too high than too low: it
counts every alternative as tried, and every rule as broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.source.pattern_work import CHARS_A_UNIT, Pattern, TooMuchError
from runner.source.schema_part import Part
from runner.source.schema_price import MAX_DEPTH, Price, Pricing
from runner.source.schema_references import References, SchemaMap
from runner.source.size import longest_path, measured, operand_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.source.node import Json


MAX_RULES = 100_000
"""Maximum number of rules of a schema for one value, with each reference expanded."""
MAX_STATES = 300_000
"""Maximum number of states of all regular expressions of a schema: about 25 MB, compiled in a tenth of a second."""
_ENTRIES = ("additionalProperties", "patternProperties", "unevaluatedProperties")
_ITEMS = ("items", "additionalItems", "unevaluatedItems", "contains")
_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies")
_SCHEMAS = frozenset({*_ENTRIES, *_ITEMS, *_IN_PLACE, "properties", "prefixItems", "propertyNames"})
_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
_NO_RULES = frozenset({
    "$id", "$schema", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$comment", "$vocabulary", "$defs", "definitions",
    "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "contentSchema",
})  # fmt: skip
_LONG_WAY = 1_000
"""An error holds copies of the paths of its rule and its value: each this many characters count as one more error."""
_EACH = 50
"""States that take as much memory as a pattern takes beside its own states."""
_UNIQUE = 64
_REGEX = 20_000
"""Work of the format `regex`, which compiles the text."""
_METASCHEMA = "https://json-schema.org/draft/"
_METASCHEMA_RULES = 200


class Work:
    """The work of checking values against a schema. Raises TooMuchError if it is too much for any value.

    `strangers` are references that can't be followed, so that their cost is unknown.
    """

    def __init__(self, schema: Json) -> None:
        self.strangers: list[str] = []
        self.states = 0
        self._has_references = False
        self._references = References(schema)
        self._parts: dict[int, Part] = {}
        self._schemas: list[Json] = []
        self._root = self._part(schema)
        self._read_all()
        patterns = [pattern for part in self._parts.values() for pattern in (*part.patterns, *part.key_patterns)]
        self._looking = {pattern for pattern in patterns if pattern.looks_around}
        self._is_tree = not patterns and self._is_single()
        self._order = _in_order(self._parts.values())
        self._depth = max(depth for _, depth in self._order)
        self._levels: list[dict[Part, int]] = []
        if max(self._level(0).values()) > MAX_RULES:
            raise TooMuchError(f"with its references expanded, it has more than {MAX_RULES:,} rules for one value")

    def is_light(self, units: int) -> bool:
        """Return whether each rule applies to at most one value, and all rules together cost at most `units`."""
        return self._is_tree and sum(part.own for part in self._parts.values()) <= units

    def chars_within(self, units: int) -> int:
        """Return a length of text that can be checked within `units`; -1 if no text can."""
        rules = self._level(0)[self._root]
        chars = CHARS_A_UNIT * (units // rules - 1)
        while chars > 0 and rules * self._times(chars) > units:
            chars //= 2
        return chars

    def bound(self, value: Json) -> int | None:
        """Return a quick upper bound on the units of a check; None if only `price` can find one."""
        size, depth = measured(value)
        if self._depth * depth > MAX_DEPTH:
            return None
        return self._level(depth - 1)[self._root] * size * self._times(size * CHARS_A_UNIT)

    def _times(self, chars: int) -> int:
        """Return the maximum cost of a state in a text of this length: 1, unless a pattern has look-around."""
        return max((1 + pattern.units(chars) // pattern.states for pattern in self._looking), default=1)

    def price(self, value: Json) -> Price:
        """Return the cost of a check, found by visiting each part of the value. Raises TooMuchError."""
        try:
            units, errors, nested = Pricing().price(self._root, value)
        except RecursionError:
            raise TooMuchError(f"it is nested more than {MAX_DEPTH} schemas deep") from None
        copies = 1 + (self._references.longest + longest_path(value)) // _LONG_WAY
        return Price(units, errors * copies, nested * copies)

    def _is_single(self) -> bool:
        """Return whether no subschema applies to several values, and none is referred to."""
        parts = self._parts.values()
        return not self._has_references and not any(
            part.entries or part.items or part.keys or part.marks for part in parts
        )

    def _part(self, schema: Json) -> Part:
        key = id(schema)
        if key not in self._parts:
            self._parts[key] = Part(schema)
            self._schemas.append(schema)
        return self._parts[key]

    def _read_all(self) -> None:
        """Read all schemas that the root leads to. Reading a schema may append others to the list."""
        for schema in self._schemas:
            if isinstance(schema, dict):
                self._read(schema, self._part(schema))

    def _read(self, schema: SchemaMap, part: Part) -> None:
        for keyword, operand in schema.items():
            if keyword in _REFERENCES and isinstance(operand, str):
                self._has_references = True
                part.in_place += self._targets(schema, keyword, operand)
            elif keyword in _SCHEMAS:
                self._read_schemas(keyword, operand, part)
            elif keyword not in _NO_RULES:
                part.own += operand_size(operand)
                part.errors += 1
                if keyword == "required" and isinstance(operand, list):
                    part.required = len(operand)
                elif keyword == "pattern" and isinstance(operand, str):
                    part.patterns.append(self._pattern(operand))
                elif keyword == "uniqueItems":
                    part.own += _UNIQUE
                elif keyword == "format" and operand == "regex":
                    part.own += _REGEX

    def _pattern(self, text: str) -> Pattern:
        pattern = Pattern.of(text)
        self.states += _EACH + pattern.states
        if self.states > MAX_STATES:
            raise TooMuchError("its regular expressions are too large")
        return pattern

    def _read_schemas(self, keyword: str, operand: Json, part: Part) -> None:
        entries = operand if isinstance(operand, dict) else {}
        if keyword in ("properties", "patternProperties", "dependentSchemas", "dependencies"):
            schemas = {name: self._part(item) for name, item in entries.items() if isinstance(item, dict | bool)}
            part.own += len(entries) + sum(operand_size(item) for item in entries.values() if isinstance(item, list))
        else:
            listed = operand if isinstance(operand, list) else [operand]
            schemas = {str(at): self._part(item) for at, item in enumerate(listed) if isinstance(item, dict | bool)}
            part.errors += keyword in ("anyOf", "oneOf", "not", "contains")
        if keyword == "patternProperties":
            part.key_patterns += map(self._pattern, entries)
        if keyword == "properties":
            part.properties = schemas
        elif keyword == "prefixItems":
            part.prefix += schemas.values()
        elif keyword == "propertyNames":
            part.keys += schemas.values()
        elif keyword in _ENTRIES:
            part.entries += schemas.values()
        elif keyword in _ITEMS:
            part.items += schemas.values()
        else:
            part.in_place += schemas.values()

    def _targets(self, schema: SchemaMap, keyword: str, reference: str) -> list[Part]:
        if reference.startswith(_METASCHEMA):
            return [_metaschema()]
        targets = self._references.targets(schema, reference, is_dynamic=keyword != "$ref")
        if not targets:
            self.strangers.append(reference)
        return [self._part(target) for target in targets]

    def _level(self, depth: int) -> dict[Part, int]:
        """Return the number of rules of each schema for a value that is `depth` levels deep."""
        while len(self._levels) <= depth:
            above = self._levels[-1] if self._levels else None
            rules: dict[Part, int] = {}
            marks: dict[Part, int] = {}
            for part, _ in self._order:
                here = part.own + sum(pattern.states for pattern in (*part.patterns, *part.key_patterns))
                if above is not None:
                    here += sum(above[inner] for inner in part.below())
                    here += sum(self._levels[0][inner] for inner in part.keys)
                marks[part] = here + sum(rules[inner] + marks[inner] for inner in part.in_place)
                rules[part] = here + sum(rules[inner] for inner in part.in_place)
                if part.marks:
                    rules[part] += marks[part]
            self._levels.append(rules)
        return self._levels[depth]


def _metaschema() -> Part:
    """Return a part that stands for the metaschema, which is built into the validator."""
    part = Part(None)
    part.own = part.errors = _METASCHEMA_RULES
    part.entries = part.items = [part]
    return part


def _in_order(parts: Iterable[Part]) -> list[tuple[Part, int]]:
    """Return the schemas with their depths, each one after those that apply in place, such as those in its `allOf`.

    Raises TooMuchError if a schema applies in place of itself, or if they are nested too deep.
    """
    depths: dict[Part, int] = {}
    open_parts: dict[Part, Iterator[Part]] = {}
    found = []
    for start in parts:
        path = [start] if start not in depths else []
        while path:
            part = path[-1]
            inner = next(open_parts.setdefault(part, iter(part.in_place)), None)
            if inner is None:
                depths[part] = 1 + max((depths[each] for each in part.in_place), default=0)
                found.append((part, depths[part]))
                path.pop()
            elif inner in open_parts and inner not in depths:
                raise TooMuchError("a reference in it leads back to itself")
            elif inner not in depths:
                path.append(inner)
            if len(path) > MAX_DEPTH:
                raise TooMuchError(f"it is nested more than {MAX_DEPTH} schemas deep")
    return found
