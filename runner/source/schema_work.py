"""A JSON Schema and a value → a bound on the work of checking one against the other, before any of it is done.

The validator follows references without a bound: a schema of 2 KB can ask for 2^28 checks of one value, and a list of
all that fails takes 5 KB an entry. So its work is estimated first, in units of about 100 ns, rather too high than too
low: every alternative counts as if it were tried, and every rule as if it were broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urljoin

from runner.source.pattern_work import CHARS_A_UNIT, Pattern, TooMuchError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.source.node import Json

MAX_RULES = 100_000
"""Of a schema for one value, with each reference written out."""
MAX_STATES = 300_000
"""Of all regular expressions of a schema: some 25 MB, and a tenth of a second to compile them."""
MAX_DEPTH = 400
"""Of schemas inside one another, references followed. The validator takes stack for each, and crashes beyond 1,000."""
_MAX_STEPS = 300_000
"""Of a close look at a value: half a second."""

_ENTRIES = ("additionalProperties", "patternProperties", "unevaluatedProperties")
_ITEMS = ("items", "additionalItems", "unevaluatedItems", "contains")
_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies")
_SCHEMAS = frozenset({*_ENTRIES, *_ITEMS, *_IN_PLACE, "properties", "prefixItems", "propertyNames"})
_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
_NO_RULES = frozenset({
    "$id", "$schema", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$comment", "$vocabulary", "$defs", "definitions",
    "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "contentSchema",
})  # fmt: skip
MAX_PLACES = 20_000_000
"""Characters of the places of all rules: the engine stores each rule's own."""
_URIS = 4
"""How much more a character of a URI costs, which is taken apart and put together."""
_COPIES = 50
"""Values and options of which an error has copies that make it count twice."""
_LONG_WAY = 1_000
"""Characters of the ways to a rule and to a value, which an error has copies of, that make it count twice."""
_EACH = 50
"""States that a pattern of its own takes as much memory as."""
_UNIQUE = 64
_REGEX = 20_000
"""A text of the format `regex` is compiled."""
_METASCHEMA = "https://json-schema.org/draft/"
_METASCHEMA_RULES = 200

_Object = dict[str, "Json"]


class Price(NamedTuple):
    """What a check costs at most: `units` of time, and `errors` that it may find, large ones counted as several.

    `nested` are those that one error may have inside, of alternatives of which none fits.
    """

    units: int
    errors: int
    nested: int = 0


class _Part:
    """A schema inside a schema: what its rules cost, and the schemas in it by what they are for."""

    def __init__(self, schema: Json) -> None:
        self.own = 1
        self.errors = 0
        self.required = 0
        self.patterns: list[Pattern] = []
        self.key_patterns: list[Pattern] = []
        self.in_place: list[_Part] = []
        self.properties: dict[str, _Part] = {}
        self.entries: list[_Part] = []
        self.prefix: list[_Part] = []
        self.items: list[_Part] = []
        self.keys: list[_Part] = []
        self.marks = isinstance(schema, dict) and not schema.keys().isdisjoint(_MARKS)
        """Whether all in place is checked once more, to find what is not evaluated."""
        self.has_alternatives = isinstance(schema, dict) and not schema.keys().isdisjoint(("anyOf", "oneOf"))
        if schema is False:
            self.errors = 1

    def below(self) -> Iterator[_Part]:
        """Return the schemas of the values inside."""
        yield from self.properties.values()
        yield from self.entries
        yield from self.prefix
        yield from self.items


_MARKS = frozenset({"unevaluatedProperties", "unevaluatedItems"})


class Work:
    """The work that a schema asks for. Raises TooMuchError for one that asks for too much, whatever the value is.

    `strangers` are references that it can't follow: what they cost is unknown.
    """

    def __init__(self, schema: Json) -> None:
        self.strangers: list[str] = []
        self.states = 0
        self._has_references = False
        self._index = _Index(schema)
        self._parts: dict[int, _Part] = {}
        self._alive: list[Json] = []
        self._root = self._part(schema)
        self._read_all()
        patterns = [pattern for part in self._parts.values() for pattern in (*part.patterns, *part.key_patterns)]
        self._looking = {pattern for pattern in patterns if pattern.looks_around}
        self._is_tree = not patterns and self._is_single()
        self._order = _in_order(self._parts.values())
        self._depth = max(depth for _, depth in self._order)
        self._levels: list[dict[_Part, int]] = []
        if max(self._level(0).values()) > MAX_RULES:
            raise TooMuchError(f"with its references written out, it has more than {MAX_RULES:,} rules for one value")

    def is_light(self, units: int) -> bool:
        """Return whether each rule applies to one value at most, and all of them cost no more than these units."""
        return self._is_tree and sum(part.own for part in self._parts.values()) <= units

    def chars_within(self, units: int) -> int:
        """Return a length of text that can be checked within these units; -1 if no text can."""
        rules = self._level(0)[self._root]
        chars = CHARS_A_UNIT * (units // rules - 1)
        while chars > 0 and rules * self._times(chars) > units:
            chars //= 2
        return chars

    def bound(self, value: Json) -> int | None:
        """Return what a check does not exceed, at first sight. None asks for a close look."""
        size, depth = _measured(value)
        if self._depth * depth > MAX_DEPTH:
            return None
        return self._level(depth - 1)[self._root] * size * self._times(size * CHARS_A_UNIT)

    def _times(self, chars: int) -> int:
        """Return what each state of a pattern that looks around costs in a text, at most; of other patterns it is 1."""
        return max((1 + pattern.units(chars) // pattern.states for pattern in self._looking), default=1)

    def price(self, value: Json) -> Price:
        """Return what a check costs, by a close look. Raises TooMuchError."""
        try:
            units, errors, nested = _Look().price(self._root, value)
        except RecursionError:
            raise TooMuchError(f"it goes more than {MAX_DEPTH} schemas deep") from None
        copies = 1 + (self._index.longest + _longest_way(value)) // _LONG_WAY
        return Price(units, errors * copies, nested * copies)

    def _is_single(self) -> bool:
        """Return whether no schema in it applies to several values, and none stands for itself elsewhere."""
        parts = self._parts.values()
        return not self._has_references and not any(
            part.entries or part.items or part.keys or part.marks for part in parts
        )

    def _part(self, schema: Json) -> _Part:
        key = id(schema)
        if key not in self._parts:
            self._parts[key] = _Part(schema)
            self._alive.append(schema)
        return self._parts[key]

    def _read_all(self) -> None:
        """Read all schemas that the root leads to; reading one may add others behind it."""
        for schema in self._alive:
            if isinstance(schema, dict):
                self._read(schema, self._part(schema))

    def _read(self, schema: _Object, part: _Part) -> None:
        for keyword, operand in schema.items():
            if keyword in _REFERENCES and isinstance(operand, str):
                self._has_references = True
                part.in_place += self._targets(schema, keyword, operand)
            elif keyword in _SCHEMAS:
                self._read_schemas(keyword, operand, part)
            elif keyword not in _NO_RULES:
                part.own += _count(operand)
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

    def _read_schemas(self, keyword: str, operand: Json, part: _Part) -> None:
        entries = operand if isinstance(operand, dict) else {}
        if keyword in ("properties", "patternProperties", "dependentSchemas", "dependencies"):
            schemas = {name: self._part(item) for name, item in entries.items() if isinstance(item, dict | bool)}
            part.own += len(entries) + sum(_count(item) for item in entries.values() if isinstance(item, list))
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

    def _targets(self, schema: _Object, keyword: str, reference: str) -> list[_Part]:
        if reference.startswith(_METASCHEMA):
            return [_metaschema()]
        targets = self._index.targets(schema, reference, is_dynamic=keyword != "$ref")
        if not targets:
            self.strangers.append(reference)
        return [self._part(target) for target in targets]

    def _level(self, depth: int) -> dict[_Part, int]:
        """Count the rules of each schema for a value of so many levels below it."""
        while len(self._levels) <= depth:
            above = self._levels[-1] if self._levels else None
            rules: dict[_Part, int] = {}
            marks: dict[_Part, int] = {}
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


def _metaschema() -> _Part:
    """Stand for a schema of schemas, which the validator knows by itself."""
    part = _Part(None)
    part.own = part.errors = _METASCHEMA_RULES
    part.entries = part.items = [part]
    return part


def _in_order(parts: Iterable[_Part]) -> list[tuple[_Part, int]]:
    """Sort schemas so that those in place of one come before it, each with how many are in place of one another.

    Raises TooMuchError for one that is in place of itself, or goes too deep.
    """
    depths: dict[_Part, int] = {}
    open_parts: dict[_Part, Iterator[_Part]] = {}
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
                raise TooMuchError(f"it goes more than {MAX_DEPTH} schemas deep")
    return found


class _Index:
    """Where references lead: by the rules of JSON Schema, but to everything that they may mean."""

    def __init__(self, schema: Json) -> None:
        self._bases: dict[int, str] = {}
        self._named: dict[str, list[Json]] = {"": [schema]}
        self._anchors: dict[str, list[Json]] = {}
        self._places = 0
        self.longest = 0
        """Characters of the longest way to a schema."""
        self._add(schema, "", 0)

    def _add(self, value: Json, base: str, way: int) -> None:
        """Take a value in; `way` are the characters of the way to it."""
        if isinstance(value, dict):
            self._spend(way * len(value))
            self.longest = max(self.longest, way)
            if isinstance(name := value.get("$id"), str):
                self._spend((len(base) + len(name)) * _URIS)
                base = urljoin(base, name).partition("#")[0]
                self._named.setdefault(base, []).append(value)
            self._bases[id(value)] = base
            for keyword in ("$anchor", "$dynamicAnchor"):
                if isinstance(anchor := value.get(keyword), str):
                    self._named.setdefault(f"{base}#{anchor}", []).append(value)
                    self._anchors.setdefault(anchor, []).append(value)
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for step, item in entries:
            if isinstance(item, dict | list):
                self._add(item, base, way + (len(step) if isinstance(step, str) else 1) + 1)

    def _spend(self, chars: int) -> None:
        self._places += chars
        if self._places > MAX_PLACES:
            raise TooMuchError("its keys and names are too long for the number of its rules")

    def targets(self, schema: _Object, reference: str, *, is_dynamic: bool) -> list[Json]:
        """Return what a reference in a schema may lead to."""
        base = self._bases[id(schema)]
        self._spend((len(base) + len(reference)) * _URIS)
        whole = base + reference if reference.startswith("#") else urljoin(base, reference)
        name, _, fragment = whole.partition("#")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(fragment, []) if is_dynamic else self._named.get(f"{name}#{fragment}", [])
        steps = [step.replace("~1", "/").replace("~0", "~") for step in fragment.split("/")[1:]]
        found = [_at(resource, steps) for resource in self._named.get(name, [])]
        return [target for target in found if isinstance(target, dict | bool)]


_FEW_DIGITS = 9


def _at(value: Json, steps: list[str]) -> Json:
    for step in steps:
        if isinstance(value, list):
            is_index = step.isdecimal() and len(step) <= _FEW_DIGITS
            value = value[int(step)] if is_index and int(step) < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


class _Look:
    """A close look at what a check of one value costs: each schema that may apply to each value in it, once."""

    def __init__(self) -> None:
        self._prices: dict[tuple[_Part, int], Price] = {}
        self._marks: dict[tuple[_Part, int], int] = {}
        self._sizes: dict[int, int] = {}
        self._steps = 0

    def price(self, part: _Part, value: Json, depth: int = 0) -> Price:
        key = (part, id(value))
        if key in self._prices:
            return self._prices[key]
        if depth > MAX_DEPTH:
            raise TooMuchError(f"it goes more than {MAX_DEPTH} schemas deep")
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

    def _here(self, part: _Part, value: Json, depth: int) -> Price:
        """Count the rules of one schema for a value and for what is in it."""
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

    def _marked(self, part: _Part, value: Json, depth: int) -> int:
        """Count what it takes to find what of a value was evaluated."""
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
            self._sizes[key] = _measured(value)[0]
        return self._sizes[key]

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MAX_STEPS:
            raise TooMuchError("it has too many rules for so large a value")


def _measured(value: Json) -> tuple[int, int]:
    """Count the values in a value, and its levels; of texts each stretch of some characters counts."""
    if isinstance(value, str):
        return 1 + len(value) // CHARS_A_UNIT, 1
    if isinstance(value, dict):
        size, depth = 1 + sum(1 + len(key) // CHARS_A_UNIT for key in value), 0
        items: Iterable[Json] = value.values()
    elif isinstance(value, list):
        size, depth = 1 + len(value), 0
        items = value
    else:
        return 1, 1
    for item in items:
        inner, levels = _measured(item)
        size += inner
        depth = max(depth, levels)
    return size, depth + 1


def _longest_way(value: Json) -> int:
    """Count the characters of the keys that lead to a value, for the longest such way."""
    if isinstance(value, dict):
        return max((len(key) + _longest_way(item) for key, item in value.items()), default=0)
    return max(map(_longest_way, value), default=0) if isinstance(value, list) else 0


def _count(value: Json) -> int:
    """Count the values in an operand."""
    return 1 + _measured(value)[0]
