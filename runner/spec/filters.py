"""Filters, tests, functions and methods: the closed lists of what a template may use."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import wraps
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from jinja2 import Environment, pass_context
from jinja2.filters import FILTERS as STOCK_FILTERS
from jinja2.tests import TESTS as STOCK_TESTS
from markupsafe import escape

from runner.spec.budget import (
    MAX_ITEMS,
    MAX_WIDTH,
    StrictName,
    TemplateFault,
    check_format,
    check_length,
    too_large,
)
from runner.spec.values import native, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def _texts(function: Callable[..., str]) -> Any:
    """Make a filter of a function over text: what it takes must be text, and what it gives is accounted for."""

    @pass_context
    @wraps(function)
    def apply(context: Any, value: object, *args: Any, **kwargs: Any) -> str:
        whole = function(text(value), *args, **kwargs)
        context.budget.spend_text(len(whole))
        return whole

    return apply


def _stock(name: str) -> Any:
    """Take one of Jinja's own filters over text."""
    return _texts(lambda value, *args, **kwargs: str(STOCK_FILTERS[name](value, *args, **kwargs)))


def _isoformat(value: object) -> str:
    if isinstance(value, StrictName):
        raise value.fault
    if not isinstance(value, datetime | date):
        raise TemplateFault("template-type", "isoformat takes a date, such as now()")
    return value.isoformat()


@pass_context
def _tojson(context: Any, value: object, indent: int | None = None) -> str:
    budget = context.budget
    width = min(indent, 16) if indent else None
    whole = json.dumps(native(value, budget), ensure_ascii=False, allow_nan=False, indent=width)
    budget.spend_text(len(whole))
    return whole


@_texts
def _sha256(value: str) -> str:
    return sha256(value.encode()).hexdigest()


@_texts
def _center(value: str, width: int = 80) -> str:
    check_length(width)
    return value.center(width)


@_texts
def _indent(value: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    check_length((len(width) if isinstance(width, str) else width) * (value.count("\n") + 1) + len(value))
    return str(STOCK_FILTERS["indent"](value, width, first, blank))


@_texts
def _escape(value: str) -> str:
    return str(escape(value))


@_texts
def _replace(value: str, old: str, new: str, count: int = -1) -> str:
    found = value.count(old) if count < 0 else min(value.count(old), count)
    check_length(len(value) + found * (len(new) - len(old)))
    return value.replace(old, new, count)


@_texts
def _wordwrap(value: str, width: int = 79) -> str:
    check_length(len(value) + len(value) // max(width, 1))
    return str(STOCK_FILTERS["wordwrap"](_DEFAULTS, value, width))


@_texts
def _truncate(
    value: str, length: int = 255, killwords: bool = False, end: str = "...", leeway: int | None = None
) -> str:
    return str(STOCK_FILTERS["truncate"](_DEFAULTS, value, length, killwords, end, leeway))


@_texts
def _format(value: str, *args: object, **kwargs: object) -> str:
    check_format(value, *args, *kwargs.values())
    if args and kwargs:
        raise TemplateFault("template-type", "format takes values by order or by name, not both")
    values: Any = {name: _format_value(item) for name, item in kwargs.items()} or tuple(map(_format_value, args))
    return str(value % values)


def _format_value(value: object) -> object:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text(value)


@pass_context
def _join(context: Any, value: Iterable[object], d: str = "", attribute: str | int | None = None) -> str:
    items = []
    size = 0
    for item in _listed(value):
        items.append(text(item if attribute is None else _part(context, item, attribute)))
        size += len(items[-1]) + len(d)
        check_length(size)
    whole = d.join(items)
    context.budget.spend_text(len(whole))
    return whole


def _part(context: Any, item: object, attribute: str | int) -> object:
    for name in attribute.split(".") if isinstance(attribute, str) else [attribute]:
        item = context.environment.getitem(item, int(name) if isinstance(name, str) and name.isdecimal() else name)
    return item


def _listed(value: Iterable[object]) -> list[object]:
    if isinstance(value, StrictName):
        raise value.fault
    items = list(islice(value, MAX_ITEMS + 1))
    if len(items) > MAX_ITEMS:
        raise too_large("a list has", MAX_ITEMS, "items")
    return items


@pass_context
def _sum(context: Any, value: Iterable[object], attribute: str | int | None = None, start: object = 0) -> object:
    total: Any = start
    for item in _listed(value):
        part: Any = item if attribute is None else _part(context, item, attribute)
        if isinstance(part, StrictName):
            raise part.fault
        if isinstance(part, list | tuple | str):
            raise TemplateFault("template-type", "sum adds numbers", "texts are put together with |join")
        total += part
    return total


def _batch(value: Iterable[object], linecount: int, fill_with: object = None) -> list[object]:
    check_length(linecount * 10)
    return list(STOCK_FILTERS["batch"](_listed(value), linecount, fill_with))


def _slice(value: Iterable[object], slices: int, fill_with: object = None) -> list[list[object]]:
    """Cut a list into `slices` columns, the longer ones first."""
    check_length(slices * 10)
    items = _listed(value)
    size, longer = divmod(len(items), slices)
    columns = []
    at = 0
    for number in range(slices):
        end = at + size + (number < longer)
        column = items[at:end]
        columns.append([*column, fill_with] if fill_with is not None and number >= longer > 0 else column)
        at = end
    return columns


def _int(value: object, default: int = 0, base: int = 10) -> int:
    if isinstance(value, str) and len(value) > MAX_WIDTH:
        raise too_large("a number has", MAX_WIDTH, "digits")
    return int(STOCK_FILTERS["int"](value, default, base))


def _round(value: float, precision: int = 0, method: str = "common") -> float:
    if abs(precision) > _MAX_PRECISION:
        raise TemplateFault("template-type", f"round to {precision} digits")
    return float(STOCK_FILTERS["round"](value, precision, method))


_MAX_PRECISION = 300


@pass_context
def _now(context: Any) -> datetime:
    return context.budget.now  # type: ignore[no-any-return]


@pass_context
def _uuid4(context: Any, place: str = "") -> str:
    return context.budget.uuid4(place)  # type: ignore[no-any-return]


def _uuid5(name: object) -> str:
    return str(uuid5(NAMESPACE_URL, text(name)))


def _range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MAX_ITEMS:
        raise too_large("a range has", MAX_ITEMS, "numbers")
    return list(numbers)


_DEFAULTS = Environment(autoescape=False)  # noqa: S701 - it renders nothing, it has the filters' default settings
_STOCK = """
    abs count d default dictsort filesizeformat first float groupby items last length list map max min reject
    rejectattr reverse select selectattr sort unique
""".split()  # noqa: SIM905 - a list of words reads best as words
_STOCK_TEXT = "capitalize lower striptags title trim upper".split()  # noqa: SIM905
FILTERS: dict[str, Any] = (
    {name: STOCK_FILTERS[name] for name in _STOCK}
    | {name: _stock(name) for name in _STOCK_TEXT}
    | {
        "batch": _batch, "center": _center, "e": _escape, "escape": _escape, "forceescape": _escape, "format": _format,
        "indent": _indent, "int": _int, "isoformat": _isoformat, "join": _join, "replace": _replace, "round": _round,
        "sha256": _sha256, "slice": _slice, "string": _texts(lambda value: value), "sum": _sum, "tojson": _tojson,
        "truncate": _truncate,
        "urlencode": STOCK_FILTERS["urlencode"], "wordcount": STOCK_FILTERS["wordcount"], "wordwrap": _wordwrap,
    }
)  # fmt: skip
_TEST_NAMES = """
    boolean defined divisibleby even false float in integer iterable lower mapping none number odd sequence string true
    undefined upper eq equalto == ne != lt lessthan < le <= gt greaterthan > ge >=
""".split()  # noqa: SIM905
TESTS = {name: STOCK_TESTS[name] for name in _TEST_NAMES}
GLOBALS: dict[str, Any] = {"now": _now, "uuid4": _uuid4, "uuid5": _uuid5, "range": _range}
METHODS = frozenset(
    [
        "capitalize",
        "casefold",
        "count",
        "date",
        "day",
        "endswith",
        "find",
        "get",
        "hour",
        "index",
        "isalnum",
        "isalpha",
        "isdecimal",
        "isdigit",
        "islower",
        "isoformat",
        "isspace",
        "istitle",
        "isupper",
        "items",
        "keys",
        "lower",
        "lstrip",
        "minute",
        "month",
        "partition",
        "removeprefix",
        "removesuffix",
        "rpartition",
        "rstrip",
        "second",
        "split",
        "splitlines",
        "startswith",
        "strftime",
        "strip",
        "swapcase",
        "time",
        "timestamp",
        "title",
        "upper",
        "values",
        "weekday",
        "year",
    ]
)
