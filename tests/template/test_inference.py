"""Types are inferred as values turn out: each table against what really fails, and random expressions against their values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from runner.template import types
from runner.template.filters import FILTERS
from runner.template.functions import GLOBALS
from runner.template.inference import Inference
from runner.template.language import DATE_PARTS
from runner.template.methods import METHODS
from runner.template.plan import _FAULTS
from runner.template.program import compiled_let
from runner.template.signatures import FILTERS as SIGNATURES
from runner.template.signatures import FUNCTIONS, computed, may_be_equal, may_be_ordered
from runner.template.signatures import METHODS as METHOD_TYPES
from runner.template.types import Type, kind_of, of_schema
from tests.projects import Templates

if TYPE_CHECKING:
    from runner.template.lookups import Mistake

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SAMPLES: dict[int, list[object]] = {
    types.NULL: [None],
    types.BOOLEAN: [True, False],
    types.INTEGER: [7, 2],
    types.FRACTION: [1.5, 0.25],
    types.TEXT: ["Zoë", "12", "2026-01-02T03:04:05Z"],
    types.LIST: [["b", "a"], [1, 2], [{"a": 1}], [["a", 1]]],
    types.MAP: [{"a": 1, "b": 2}, {}],
    types.DATETIME: [MOMENT],
    types.DATE: [MOMENT.date()],
    types.TIME: [MOMENT.time()],
    types.DURATION: [timedelta(days=1)],
}
"""Values of each kind; if an operation fails on all of them, it is one that always fails."""
SIGNS = ("+", "-", "*", "/", "//", "%", "**")
ARGUMENTS = {
    "batch": "(2)", "currency": "('EUR')", "groupby": "(0)", "hmac_sha256": "('key')", "in_timezone": "('UTC')",
    "map": "('string')", "regex_replace": "('a', 'b')", "regex_search": "('a')", "rejectattr": "('a')",
    "replace": "('a', 'b')", "select": "('string')", "selectattr": "('a')", "slice": "(2)", "start_of": "('day')",
}  # fmt: skip


def value_of(source: str, **variables: object) -> object:
    """Return the value that a lone expression has in a let."""
    templates = Templates()
    return compiled_let("v", templates.parse(source), frozenset()).run(variables, templates.state(), {})


def fails(source: str, **variables: object) -> bool:
    try:
        value_of(source, **variables)
    except _FAULTS:
        return True
    return False


def inferred(source: str, **declared: Type) -> tuple[Type, list[Mistake]]:
    template, inference = Templates().parse(source), Inference()
    assert template.lone is not None
    found = types.union_of(each for _, each in inference.branches(template.lone, declared))
    return found, inference.mistakes


def test_every_filter_function_and_method_has_a_signature() -> None:
    assert SIGNATURES.keys() == FILTERS.keys()
    assert {*FUNCTIONS, "omit"} == GLOBALS.keys()
    assert {name for table in METHOD_TYPES.values() for name in table} == METHODS - (DATE_PARTS - {"days"})


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_filter_fails_on_what_its_signature_does_not_take(name: str) -> None:
    source = f"{{{{ v | {name}{ARGUMENTS.get(name, '')} }}}}"
    for kind, values in SAMPLES.items():
        ways = [fails(source, v=value) for value in values]
        if not kind & SIGNATURES[name].accepts:
            assert all(ways), types.words(kind)
        elif SIGNATURES[name].accepts != types.ANYTHING:
            assert not all(ways), types.words(kind)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_filter_gives_what_its_signature_says(name: str) -> None:
    source = f"{{{{ v | {name}{ARGUMENTS.get(name, '')} }}}}"
    for value in (value for values in SAMPLES.values() for value in values):
        found, _ = inferred(source, v=Type(kind_of(value)))
        if not fails(source, v=value):
            assert holds(found, value_of(source, v=value)), value


@pytest.mark.parametrize("sign", SIGNS)
def test_an_operator_fails_on_the_kinds_that_its_table_lacks(sign: str) -> None:
    for one, other in product(SAMPLES, repeat=2):
        pairs = list(product(SAMPLES[one], SAMPLES[other]))
        source = f"{{{{ a {sign} b }}}}"
        made = [value_of(source, a=a, b=b) for a, b in pairs if not fails(source, a=a, b=b)]
        result = computed(sign, one, other)
        assert bool(result) == bool(made) or (sign == "%" and one == types.TEXT), (types.words(one), types.words(other))
        assert all(kind_of(value) & result for value in made), (types.words(one), types.words(other))


def test_an_order_fails_and_an_equality_never_holds_where_the_tables_say_so() -> None:
    for one, other in product(SAMPLES, repeat=2):
        pairs = [*product(SAMPLES[one], SAMPLES[other])]
        assert may_be_ordered(one, other) == any(not fails("{{ a < b }}", a=a, b=b) for a, b in pairs)
        if not may_be_equal(one, other):
            assert not any(value_of("{{ a == b }}", a=a, b=b) for a, b in pairs)


@pytest.mark.parametrize("kind", METHOD_TYPES, ids=types.words)
def test_a_method_is_one_of_the_kinds_that_have_it(kind: int) -> None:
    calls = ["()", "('a')", "('Z')", "(2)", "('%Y')", "(hour=1)", "(day=1)"]
    works = {
        name
        for name in METHODS - DATE_PARTS
        if not all(fails(f"{{{{ v.{name}{call} }}}}", v=value) for call in calls for value in SAMPLES[kind])
    }
    assert works == METHOD_TYPES[kind].keys()


SCHEMAS: dict[str, dict[str, Any]] = {
    "t": {"type": "string"},
    "n": {"type": "number"},
    "i": {"type": "integer"},
    "b": {"type": "boolean"},
    "z": {"type": ["string", "null"]},
    "e": {"enum": ["EUR", "USD", 5]},
    "l": {"type": "array", "items": {"type": "number"}},
    "w": {"type": "array", "items": {"type": "string"}},
    "m": {"type": "object", "properties": {"a": {"type": "number"}, "s": {"type": "string"}}, "required": ["a"], "additionalProperties": False},
    "o": {"type": "object", "properties": {"q": {"type": "integer"}, "items": {"type": "array", "items": {"type": "integer"}}}},
}  # fmt: skip
NUMBERS = st.integers(-50, 50) | st.floats(-50, 50).map(lambda number: round(number, 2))
TEXTS = st.text("ab Z9%.", min_size=1, max_size=6)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "t": TEXTS,
    "n": NUMBERS,
    "i": st.integers(-50, 50),
    "b": st.booleans(),
    "z": TEXTS | st.none(),
    "e": st.sampled_from(["EUR", "USD", 5]),
    "l": st.lists(NUMBERS, min_size=1, max_size=3),
    "w": st.lists(TEXTS, min_size=1, max_size=3),
    "m": st.fixed_dictionaries({"a": NUMBERS}, optional={"s": TEXTS}),
    "o": st.fixed_dictionaries(
        {}, optional={"q": st.integers(0, 5), "items": st.lists(st.integers(0, 5), max_size=2), "more": TEXTS}
    ),
}
LEAVES = st.sampled_from([
    *SCHEMAS, "m.a", "m.s", "m.x", "o.q", "o.items", "o['q']", "l[0]", "w[1]", "t[0]", "o.items[0]", "1", "2.5", "0", "'a'", "''",
    "'1'", "true", "none", "[]", "{}", "now()", "timedelta(days=1)", "uuid4()", "range(3)", "now().date()", "now().time()",
])  # fmt: skip
OF_LISTS = frozenset({"sum", "join"})
"""Filters that fail on each item, and so not on a list without any."""
LATE = frozenset({"items", "map", "reject", "rejectattr", "select", "selectattr", "unique"})
"""Filters that do nothing until an item is asked for."""


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from([*SIGNS, "~", "==", "!=", "<", ">=", "in", "not in"])
    filters = st.sampled_from(sorted(FILTERS.keys() - LATE - {"hmac_sha256"})).map(
        lambda name: name + ARGUMENTS.get(name, "")
    )
    tests = st.sampled_from(["none", "string", "number", "mapping", "even", "boolean", "not none"])
    calls = st.sampled_from(["upper()", "split()", "strip()", "count('a')", "keys()", "values()", "isoformat()", "weekday()", "total_seconds()", "get('a')"])  # fmt: skip
    return st.one_of(
        st.tuples(inner, signs, inner).map(lambda parts: f"({' '.join(parts)})"),
        st.tuples(inner, filters).map(lambda parts: f"({' | '.join(parts)})"),
        st.tuples(inner, tests).map(lambda parts: f"({' is '.join(parts)})"),
        st.tuples(inner, calls).map(lambda parts: f"({parts[0]}).{parts[1]}"),
        st.tuples(inner, st.sampled_from(["default(1)", "default('x')", "default('x', true)"])).map(lambda parts: f"({' | '.join(parts)})"),
        st.tuples(inner, inner).map(lambda parts: f"[{', '.join(parts)}]"),
        inner.map(lambda part: f"{{'k': {part}}}"),
        inner.map(lambda part: f"(- {part})"),
        inner.map(lambda part: f"(not {part})"),
        st.tuples(inner, st.sampled_from(["[0]", "[:1]", "['a']", ".a", ".year", ".x"])).map(lambda parts: f"({parts[0]}){parts[1]}"),
    )  # fmt: skip


EAGER = st.recursive(LEAVES, _grown, max_leaves=5)
"""Expressions of which every part is evaluated."""
LAZY = st.one_of(
    st.tuples(EAGER, EAGER, EAGER).map(lambda parts: f"{parts[0]} if {parts[1]} else {parts[2]}"),
    st.tuples(EAGER, st.sampled_from(["and", "or"]), EAGER).map(" ".join),
    st.tuples(st.sampled_from(["l", "w", "o.items", "[m]", "[t, n]"]), st.sampled_from(["map('string')", "select('number')", "map(attribute='a')", "unique", "reverse", "sort"]), st.sampled_from(["list", "first", "join", "sum", "length", "last", "max"])).map(" | ".join),
)  # fmt: skip


def holds(declared: Type, value: object) -> bool:
    """Return whether a type holds a value; a sequence has become a list in a let."""
    kinds = declared.kinds | (types.LIST if declared.kinds & types.SEQUENCE else 0)
    if not kind_of(value) & kinds:
        return False
    if declared.values is not None and not any(value == each for each in declared.values):
        return False
    if isinstance(value, list) and declared.item is not None:
        item = declared.item
        return all(holds(item, each) for each in value)
    if isinstance(value, dict) and declared.keys is not None:
        known = declared.keys
        if not declared.required <= value.keys() or (declared.is_closed and not value.keys() <= known.keys()):
            return False
        return all(holds(known[key], each) for key, each in value.items() if key in known)
    return True


DECLARED = {name: of_schema(schema) for name, schema in SCHEMAS.items()}


def _value(source: str, values: dict[str, object]) -> tuple[bool, object]:
    """Return whether an expression has a value, without anything undefined in it, and the value."""
    try:
        value = value_of(f"{{{{ {source} }}}}", **values)
    except _FAULTS:
        return False, None
    return not _is_open(value), value


def _is_open(value: object) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return kind_of(value) in (types.UNDEFINED, types.SEQUENCE) or any(map(_is_open, inside))


@seed(20261128)
@settings(max_examples=350, deadline=None, database=None)
@given(source=EAGER, values=st.fixed_dictionaries(VALUES))
def test_what_renders_has_the_inferred_type_and_was_no_error(source: str, values: dict[str, object]) -> None:
    found, mistakes = inferred(f"{{{{ {source} }}}}", **DECLARED)
    is_rendered, value = _value(source, values)
    if is_rendered:
        assert holds(found, value), (found, value)
        errors = [each for each in mistakes if each.severity == "error" and each.name not in OF_LISTS]
        is_kept = ", " in source or "{'k'" in source  # a literal may hold what is undefined, if nothing reads it
        assert [each for each in errors if not (is_kept and each.code == "template-undefined")] == []


@seed(20261128)
@settings(max_examples=120, deadline=None, database=None)
@given(source=LAZY, values=st.fixed_dictionaries(VALUES))
def test_what_branches_give_has_the_inferred_type(source: str, values: dict[str, object]) -> None:
    found, _ = inferred(f"{{{{ {source} }}}}", **DECLARED)
    is_rendered, value = _value(source, values)
    assert not is_rendered or holds(found, value), (found, value)
