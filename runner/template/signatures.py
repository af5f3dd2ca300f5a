"""What filters, methods, functions, tests and operators accept and return.

`accepts` are the kinds of values that do not always fail. `returns` is the type of the result.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from runner.template.types import (
    ANYTHING,
    BOOLEAN,
    DATE,
    DATETIME,
    DURATION,
    FRACTION,
    INTEGER,
    JSON,
    LIST,
    MAP,
    NULL,
    NUMBER,
    OTHER,
    SCALAR,
    SEQUENCE,
    SOME_BOOLEAN,
    SOME_INTEGER,
    SOME_NUMBER,
    SOME_TEXT,
    TEXT,
    TIME,
    UNDEFINED,
    UNKNOWN,
    Type,
    each_kind,
    list_of,
    maybe,
    union,
    without,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Result: TypeAlias = "Type | Callable[[Type], Type]"


class Signature(NamedTuple):
    """What one filter or function accepts, and what it returns."""

    accepts: int
    returns: Result

    def result(self, value: Type) -> Type:
        """Return the type of the result for a value."""
        return self.returns if isinstance(self.returns, Type) else self.returns(value)


ITERABLE = TEXT | LIST | MAP | SEQUENCE | OTHER
"""What has items to go through."""
_SOME_DATETIME, _SOME_DATE, _SOME_DURATION = Type(DATETIME), Type(DATE), Type(DURATION)
_TEXT_OR_NULL = Type(TEXT | NULL)
_LIST_OF_TEXT, _LISTS = list_of(SOME_TEXT), list_of(list_of(None))


def item_of(values: Type) -> Type:
    """Return the type of an item, where a loop goes through a value."""
    if values.kinds & ~(TEXT | LIST | SEQUENCE | UNDEFINED):
        return UNKNOWN
    if values.kinds & (LIST | SEQUENCE) and values.item is None:
        return UNKNOWN
    return union(SOME_TEXT if values.kinds & TEXT else _NOTHING, values.item or _NOTHING)


_NOTHING = Type(0)


def _listed(values: Type) -> Type:
    return list_of(item_of(values))


def _sequenced(values: Type) -> Type:
    return list_of(item_of(values), SEQUENCE)


def _one_of(values: Type) -> Type:
    return maybe(item_of(values))


def _reversed(values: Type) -> Type:
    text = SOME_TEXT if values.kinds & TEXT else _NOTHING
    if values.kinds & ~(TEXT | UNDEFINED) == 0:
        return text
    return union(text, list_of(item_of(without(values, TEXT)), SEQUENCE | LIST))


def _size(value: Type) -> Type:
    match value.kinds & ~UNDEFINED:
        case kinds if kinds & ~(INTEGER | BOOLEAN) == 0:
            return SOME_INTEGER
        case kinds if kinds & ~(NUMBER | BOOLEAN) == 0:
            return SOME_NUMBER
        case kinds if kinds == DURATION:
            return _SOME_DURATION
        case _:
            return UNKNOWN


def _added(values: Type) -> Type:
    item = item_of(values)
    return SOME_INTEGER if item.kinds & ~(INTEGER | BOOLEAN) == 0 else SOME_NUMBER


def _same(value: Type) -> Type:
    return value


_OF_TEXT = Signature(SCALAR | OTHER, SOME_TEXT)
_ITEMS = Signature(ITERABLE, _listed)
_LATER = Signature(ANYTHING, _sequenced)
"""Nothing fails before an item is asked for."""
FILTERS: Mapping[str, Signature] = {
    "abs": Signature(BOOLEAN | NUMBER | DURATION | OTHER, _size),
    "b64encode": _OF_TEXT,
    "batch": Signature(ITERABLE, _LISTS),
    "capitalize": _OF_TEXT,
    "center": _OF_TEXT,
    "count": Signature(ITERABLE, SOME_INTEGER),
    "currency": Signature(NUMBER, SOME_TEXT),
    "d": Signature(ANYTHING, _same),
    "date": Signature(DATETIME | DATE, SOME_TEXT),
    "datetime": Signature(DATETIME, SOME_TEXT),
    "decimal": Signature(NUMBER, SOME_TEXT),
    "default": Signature(ANYTHING, _same),
    "dictsort": Signature(MAP | OTHER, _LISTS),
    "e": _OF_TEXT,
    "escape": _OF_TEXT,
    "filesizeformat": Signature(SCALAR | OTHER, SOME_TEXT),
    "first": Signature(ITERABLE, _one_of),
    "float": Signature(ANYTHING, UNKNOWN),
    "forceescape": _OF_TEXT,
    "format": _OF_TEXT,
    "groupby": Signature(ITERABLE, _LISTS),
    "hmac_sha256": _OF_TEXT,
    "in_timezone": Signature(DATETIME, _SOME_DATETIME),
    "indent": _OF_TEXT,
    "int": Signature(ANYTHING, SOME_INTEGER),
    "isoformat": Signature(DATETIME | DATE, SOME_TEXT),
    "items": Signature(ANYTHING, list_of(list_of(None), SEQUENCE)),
    "join": Signature(ITERABLE, SOME_TEXT),
    "last": Signature(ITERABLE, _one_of),
    "length": Signature(ITERABLE, SOME_INTEGER),
    "list": _ITEMS,
    "lower": _OF_TEXT,
    "map": Signature(ANYTHING, list_of(None, SEQUENCE)),
    "max": Signature(ITERABLE, _one_of),
    "min": Signature(ITERABLE, _one_of),
    "regex_replace": _OF_TEXT,
    "regex_search": Signature(SCALAR | OTHER, _TEXT_OR_NULL),
    "reject": _LATER,
    "rejectattr": _LATER,
    "replace": _OF_TEXT,
    "reverse": Signature(ITERABLE, _reversed),
    "round": Signature(BOOLEAN | NUMBER, SOME_NUMBER),
    "select": _LATER,
    "selectattr": _LATER,
    "sha256": _OF_TEXT,
    "slice": Signature(ITERABLE, _LISTS),
    "slugify": _OF_TEXT,
    "sort": _ITEMS,
    "start_of": Signature(DATETIME, _SOME_DATETIME),
    "string": _OF_TEXT,
    "striptags": _OF_TEXT,
    "sum": Signature(ITERABLE & ~TEXT, _added),
    "time": Signature(DATETIME, SOME_TEXT),
    "title": _OF_TEXT,
    "to_datetime": Signature(TEXT | NUMBER | DATETIME, _SOME_DATETIME),
    "tojson": Signature(JSON, SOME_TEXT),
    "trim": _OF_TEXT,
    "truncate": _OF_TEXT,
    "unique": _LATER,
    "upper": _OF_TEXT,
    "urlencode": Signature(ANYTHING, SOME_TEXT),
    "wordcount": Signature(ANYTHING, SOME_INTEGER),
    "wordwrap": _OF_TEXT,
}

FUNCTIONS: Mapping[str, Type] = {
    "namespace": UNKNOWN, "now": _SOME_DATETIME, "range": list_of(SOME_INTEGER), "timedelta": _SOME_DURATION,
    "uuid4": SOME_TEXT, "uuid5": SOME_TEXT,
}  # fmt: skip

_TEXT_METHODS: Mapping[str, Type] = {
    **dict.fromkeys(
        ("capitalize", "casefold", "lower", "lstrip", "removeprefix", "removesuffix", "rstrip", "strip", "swapcase", "title", "upper"),
        SOME_TEXT,
    ),
    **dict.fromkeys(
        ("endswith", "isalnum", "isalpha", "isdecimal", "isdigit", "islower", "isspace", "istitle", "isupper", "startswith"),
        SOME_BOOLEAN,
    ),
    **dict.fromkeys(("count", "find", "index"), SOME_INTEGER),
    **dict.fromkeys(("partition", "rpartition", "split", "splitlines"), _LIST_OF_TEXT),
}  # fmt: skip
_OF_DATES: Mapping[str, Type] = {
    "isoformat": SOME_TEXT, "strftime": SOME_TEXT, "weekday": SOME_INTEGER,
}  # fmt: skip
METHODS: Mapping[int, Mapping[str, Type]] = {
    TEXT: _TEXT_METHODS,
    LIST: {"count": SOME_INTEGER, "index": SOME_INTEGER},
    MAP: {
        "get": UNKNOWN, "items": list_of(list_of(None), SEQUENCE), "keys": list_of(SOME_TEXT, SEQUENCE),
        "values": list_of(None, SEQUENCE),
    },
    DATETIME: {
        **_OF_DATES, "date": _SOME_DATE, "replace": _SOME_DATETIME, "time": Type(TIME), "timestamp": SOME_NUMBER,
    },
    DATE: {**_OF_DATES, "replace": _SOME_DATE},
    TIME: {"isoformat": SOME_TEXT, "strftime": SOME_TEXT},
    DURATION: {"total_seconds": SOME_NUMBER},
}  # fmt: skip
"""The methods of each kind of value that has any."""
_YEAR = dict.fromkeys(("year", "month", "day"), SOME_INTEGER)
_HOUR = dict.fromkeys(("hour", "minute", "second"), SOME_INTEGER)
PARTS: Mapping[int, Mapping[str, Type]] = {
    DATETIME: {**_YEAR, **_HOUR}, DATE: _YEAR, TIME: _HOUR, DURATION: {"days": SOME_INTEGER},
}  # fmt: skip
"""The attributes of dates."""
LOOP: Mapping[str, Type] = {
    **dict.fromkeys(("index", "index0", "revindex", "revindex0", "length"), SOME_INTEGER),
    **dict.fromkeys(("first", "last"), SOME_BOOLEAN), "previtem": UNKNOWN, "nextitem": UNKNOWN,
}  # fmt: skip
"""The attributes of `loop`."""

TESTED: Mapping[str, int] = {
    "divisibleby": BOOLEAN | NUMBER | OTHER, "even": BOOLEAN | NUMBER | OTHER, "odd": BOOLEAN | NUMBER | OTHER,
}  # fmt: skip
"""The kinds that some tests accept; all others accept anything."""
HOLDS: Mapping[str, int] = {
    "boolean": BOOLEAN, "mapping": MAP | OTHER, "none": NULL, "number": BOOLEAN | NUMBER | OTHER, "string": TEXT,
}  # fmt: skip
"""The kinds of values for which a test of the kind can hold; for all others it never does."""

_NUMERIC = (INTEGER, FRACTION, BOOLEAN)
_DATES = (DATETIME, DATE)
_Table: TypeAlias = "dict[tuple[int, int], int]"


def _numbers(whole: int) -> _Table:
    """Return the results for numbers; `whole` is that for two whole ones."""
    table = {(one, other): NUMBER for one in _NUMERIC for other in _NUMERIC}
    wholes = (INTEGER, BOOLEAN)
    return table | {(one, other): whole for one in wholes for other in wholes}


def _turned(table: _Table) -> _Table:
    return table | {(other, one): result for (one, other), result in table.items()}


@cache
def _operations(sign: str) -> _Table:
    """Return the kind of an operation's result, by the kinds of both sides. What is not there fails."""
    match sign:
        case "+":
            alike = {(kind, kind): kind for kind in (TEXT, LIST, DURATION)}
            return _numbers(INTEGER) | alike | _turned({(kind, DURATION): kind for kind in _DATES})
        case "-":
            spans = {(kind, kind): DURATION for kind in (*_DATES, DURATION)}
            return _numbers(INTEGER) | spans | {(kind, DURATION): kind for kind in _DATES}
        case "*":
            repeated = {(kind, times): kind for kind in (TEXT, LIST) for times in (INTEGER, BOOLEAN)}
            return _numbers(INTEGER) | _turned(repeated | _SCALED)
        case "/":
            return _numbers(NUMBER) | _SCALED | {(DURATION, DURATION): NUMBER}
        case "//":
            return dict.fromkeys(_numbers(INTEGER), INTEGER)
        case "%":
            return _numbers(INTEGER) | {(TEXT, kind): TEXT for kind in each_kind(JSON | SEQUENCE | OTHER)}
        case _:
            return _numbers(NUMBER)


_SCALED = {(DURATION, number): DURATION for number in (INTEGER, FRACTION)}
_OPEN = SEQUENCE | OTHER
"""Kinds of which too little is known to say what operators do with them."""
_ORDERED = (BOOLEAN | NUMBER, TEXT, LIST, DATETIME, DATE, TIME, DURATION)
_ALIKE = (NULL, BOOLEAN | NUMBER, TEXT, LIST, MAP, DATETIME, DATE, TIME, DURATION)


def computed(sign: str, left: int, right: int) -> int:
    """Return the kinds that an operation can return; 0 if it always fails."""
    if (left | right) & _OPEN:
        return ANYTHING
    table, result = _operations(sign), 0
    for one in each_kind(left):
        for other in each_kind(right):
            result |= table.get((one, other), 0)
    return result


def may_be_ordered(left: int, right: int) -> bool:
    """Return whether `<` between such values does not always fail."""
    return bool((left | right) & _OPEN) or any(left & group and right & group for group in _ORDERED)


def may_be_equal(left: int, right: int) -> bool:
    """Return whether two such values can be equal."""
    return bool((left | right) & _OPEN) or any(left & group and right & group for group in _ALIKE)


def test_holds(name: str, value: Type) -> bool | None:
    """Return whether a test of its kind, such as `is none`, always or never holds for a value, if that is known."""
    kinds = value.kinds
    if name in ("defined", "undefined"):
        if kinds == UNDEFINED or not kinds & UNDEFINED:
            return (kinds == UNDEFINED) == (name == "undefined")
        return None
    if (allowed := HOLDS.get(name)) is None:
        return None
    if not kinds & allowed:
        return False
    return True if not kinds & ~allowed and not kinds & OTHER else None
