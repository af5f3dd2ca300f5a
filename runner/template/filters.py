"""Filters, tests, functions and methods: the closed lists of what a template may use."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import wraps
from hashlib import sha256
from itertools import islice
from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from jinja2 import Environment, pass_context
from jinja2.filters import FILTERS as STOCK_FILTERS
from jinja2.tests import TESTS as STOCK_TESTS
from markupsafe import escape

from runner.template.budget import (
    MAX_ITEMS,
    MAX_WIDTH,
    NEW,
    SMALL,
    StrictName,
    TemplateFault,
    TemplateNamespace,
    check_format,
    check_length,
    check_whole,
    too_large,
)
from runner.template.methods import charge_strip
from runner.template.omit import OMIT
from runner.template.values import native, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


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


def _slow(cost: Callable[..., int], function: Any) -> Any:
    """Make a filter that takes more time than its text has characters; `cost` tells beforehand how much, by the same arguments."""

    @pass_context
    def apply(context: Any, value: object, *args: Any, **kwargs: Any) -> object:
        if isinstance(value, str):
            context.budget.work(cost(value, *args, **kwargs))
        else:
            context.budget.walk(value, _WRITTEN)  # it is made a text of
        return function(context, value, *args, **kwargs)

    return apply


_WRITTEN = 4
"""Times 8 characters: what a list's item takes when it is written."""


def _ordered(name: str, place: int) -> Any:
    """Take one of Jinja's own filters that compare all items; `place` is where its argument `attribute` stands."""
    stock = STOCK_FILTERS[name]

    @pass_context
    def apply(context: Any, value: Any, *args: Any, **kwargs: Any) -> object:
        budget = context.budget
        items = value if isinstance(value, str | list | tuple | dict | StrictName) else list(value)
        if not isinstance(items, StrictName):
            times = max(len(items).bit_length() // _COMPARISONS, 1)
            attribute = kwargs.get("attribute", args[place] if place < len(args) else None)
            budget.work(len(items) * (_steps_to(attribute) + (NEW if isinstance(items, str) else 1)))
            budget.walk(items, times)
        return stock(context.environment, items, *args, **kwargs)

    return apply


_COMPARISONS = 4
"""Comparisons of two small values that take the time of one step."""


def _lazy(name: str, place: int | None) -> Any:
    """Take one of Jinja's own filters that take items one by one; `place` is where its argument `attribute` stands."""
    stock = STOCK_FILTERS[name]

    @pass_context
    def apply(context: Any, value: Any, *args: Any, **kwargs: Any) -> object:
        at = kwargs.get("attribute") if place is None else next(iter(args[place : place + 1]), None)
        cost = 1 + _steps_to(at)
        if isinstance(value, StrictName) or not value:
            return stock(context, value, *args, **kwargs)
        context.budget.work(_ITERATOR)
        return stock(context, context.budget.each(value, cost), *args, **kwargs)

    return apply


_ITERATOR = 16
"""What an iterator costs that is made and not used, as often as a filter is named by a text."""


def _steps_to(attribute: object) -> int:
    """Count what a way like `address.city,name` costs for each item."""
    if not isinstance(attribute, str):
        return 0
    if len(attribute) > MAX_WIDTH:
        raise too_large("an attribute has", MAX_WIDTH, "characters")
    return _LOOK_UP * (attribute.count(".") + attribute.count(","))


_LOOK_UP = 20


@pass_context
def _unique(
    context: Any, value: Any, case_sensitive: bool = False, attribute: str | int | None = None
) -> Iterator[object]:
    """Leave out the items that came before. Unlike to Python, true is not 1, and lists and maps are compared too."""
    context.budget.work(_ITERATOR)
    seen = set()
    for item in context.budget.each(value, NEW + _steps_to(attribute)):
        part = item if attribute is None else _part(context, item, attribute)
        if isinstance(part, list | tuple | dict):
            context.budget.walk(part, NEW)
        else:
            context.budget.work_on(part)
        if (identity := _identity(part, case_sensitive)) not in seen:
            seen.add(identity)
            yield item


def _identity(value: object, case_sensitive: bool) -> object:
    """Return what two values have in common exactly when they are the same JSON."""
    match value:
        case bool():
            return bool, value
        case str():
            return value if case_sensitive else value.lower()
        case list() | tuple():
            return list, *(_identity(item, case_sensitive) for item in value)
        case dict():
            return dict, frozenset((key, _identity(item, case_sensitive)) for key, item in value.items())
        case StrictName():
            raise value.fault
        case _:
            return value


@pass_context
def _dictsort(context: Any, value: Any, *args: Any, **kwargs: Any) -> object:
    if isinstance(value, dict):
        context.budget.work(len(value) * NEW)
        context.budget.walk(value, max(len(value).bit_length() // _COMPARISONS, 1))
    return STOCK_FILTERS["dictsort"](value, *args, **kwargs)


@pass_context
def _items(context: Any, value: Any) -> object:
    context.budget.work(_ITERATOR)
    return context.budget.each(STOCK_FILTERS["items"](value), NEW)


@pass_context
def _list(context: Any, value: Iterable[object]) -> list[object]:
    context.budget.list_of(value)
    return list(value)


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
    plain = native(value, budget)
    if width:
        check_length(_levels(plain, 1) * width)
    whole = json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=width)
    budget.spend_text(len(whole))
    return whole


def _levels(value: object, level: int) -> int:
    """Add the levels up on which the values stand: so far each is indented."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return level * (len(items) + 1) + sum(_levels(item, level + 1) for item in items if isinstance(item, dict | list))


@_texts
def _sha256(value: str) -> str:
    return sha256(value.encode()).hexdigest()


@_texts
def _center(value: str, width: int = 80) -> str:
    check_whole(width, "the width")
    check_length(width)
    return value.center(width)


@_texts
def _indent(value: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    if not isinstance(width, str):
        check_whole(width, "the width")
    check_length((len(width) if isinstance(width, str) else width) * (len(value.splitlines()) + 1) + len(value))
    return str(STOCK_FILTERS["indent"](value, width, first, blank))


@_texts
def _escape(value: str) -> str:
    return str(escape(value))


@_texts
def _replace(value: str, old: object, new: object, count: int = -1) -> str:
    check_whole(count, "the number of replacements")
    old, new = text(old), text(new)
    found = value.count(old) if count < 0 else min(value.count(old), count)
    check_length(len(value) + found * (len(new) - len(old)))
    return value.replace(old, new, count)


@_texts
def _wrapped(value: str, width: int = 79) -> str:
    return str(STOCK_FILTERS["wordwrap"](_DEFAULTS, value, width))


def _wrapping(value: str, width: int = 79) -> int:
    """Bound the work of wrapping: lines, words, and of a word longer than a line all that is left of it, line by line."""
    check_whole(width, "the width")
    width = max(width, 1)
    words = value.split()
    longest = max(map(len, words), default=0)
    lines = len(value.splitlines()) + len(value) // width
    return len(value) * 2 + len(words) * 5 + lines * 25 + longest * longest // (width * 500)


@_texts
def _truncate(
    value: str, length: int = 255, killwords: bool = False, end: str = "...", leeway: int | None = None
) -> str:
    return str(STOCK_FILTERS["truncate"](_DEFAULTS, value, length, killwords, end, leeway))


@pass_context
def _trim(context: Any, value: object, chars: str | None = None) -> str:
    whole = text(value)
    charge_strip(context.budget, whole, chars)
    stripped = whole.strip(chars)
    context.budget.spend_text(len(stripped))
    return stripped


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
def _join(context: Any, value: Iterable[object], d: object = "", attribute: str | int | None = None) -> str:
    items = []
    size = 0
    between = text(d)
    for item in _listed(context, value, _steps_to(attribute)):
        items.append(text(item if attribute is None else _part(context, item, attribute)))
        size += len(items[-1]) + len(between)
        check_length(size)
    whole = between.join(items)
    context.budget.spend_text(len(whole))
    return whole


def _part(context: Any, item: object, attribute: str | int) -> object:
    for name in attribute.split(".") if isinstance(attribute, str) else [attribute]:
        item = context.environment.getitem(item, int(name) if isinstance(name, str) and name.isdecimal() else name)
    return item


def _listed(context: Any, value: Iterable[object], cost: int = 0) -> list[object]:
    if isinstance(value, StrictName):
        raise value.fault
    context.budget.list_of(value)
    items = list(islice(value, MAX_ITEMS + 1))
    if len(items) > MAX_ITEMS:
        raise too_large("a list has", MAX_ITEMS, "items")
    context.budget.work(len(items) * cost)
    return items


@pass_context
def _sum(context: Any, value: Iterable[object], attribute: str | int | None = None, start: object = 0) -> object:
    if not isinstance(start, int | float):  # what is added to a list changes it
        raise TemplateFault(
            "template-type", "sum begins with a number", "lists and texts are put together with + and ~"
        )
    from runner.template.arithmetic import compute  # noqa: PLC0415 - few templates compute

    total: Any = start
    for item in _listed(context, value, _steps_to(attribute)):
        part: Any = item if attribute is None else _part(context, item, attribute)
        if isinstance(part, StrictName):
            raise part.fault
        if isinstance(part, list | tuple | str):
            raise TemplateFault("template-type", "sum adds numbers", "texts are put together with |join")
        total = (
            compute("+", total, part)
            if type(total) in SMALL and type(part) in SMALL and part is not None
            else total + part
        )
    return total


@pass_context
def _batch(context: Any, value: Iterable[object], linecount: int, fill_with: object = None) -> list[object]:
    check_whole(linecount, "the length of a line")
    check_length(linecount * 10)
    items = _listed(context, value)
    context.budget.work(len(items) // max(linecount, 1) * NEW)
    return list(STOCK_FILTERS["batch"](items, linecount, fill_with))


@pass_context
def _slice(context: Any, value: Iterable[object], slices: int, fill_with: object = None) -> list[list[object]]:
    """Cut a list into `slices` columns, the longer ones first."""
    check_whole(slices, "the number of columns")
    check_length(slices * 10)
    items = _listed(context, value)
    context.budget.work(max(slices, 0) * NEW)
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


def _round(value: object, precision: int = 0, method: str = "common") -> float:
    if not isinstance(value, int | float):
        raise value.fault if isinstance(value, StrictName) else TemplateFault("template-type", "round takes a number")
    from runner.template.arithmetic import ROUNDINGS, rounded  # noqa: PLC0415 - few templates compute

    check_whole(precision, "the number of digits")
    if abs(precision) > _MAX_PRECISION:
        raise TemplateFault("template-type", f"round to {precision} digits")
    if method not in ROUNDINGS:
        raise TemplateFault("template-type", "unknown method of round", f"these exist: {', '.join(ROUNDINGS)}")
    return rounded(value, precision, method)


_MAX_PRECISION = 300


@pass_context
def _now(context: Any) -> datetime:
    return context.budget.now  # type: ignore[no-any-return]


@pass_context
def _uuid4(context: Any, place: object = "") -> str:
    if not isinstance(place, str) and type(place) not in SMALL:
        raise TemplateFault("template-type", "uuid4 takes a text")
    context.budget.work_on(place)
    return context.budget.uuid4(place)  # type: ignore[no-any-return]


@pass_context
def _uuid5(context: Any, name: object) -> str:
    whole = text(name)
    context.budget.work_on(whole)
    return str(uuid5(NAMESPACE_URL, whole))


@pass_context
def _range(context: Any, *bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MAX_ITEMS:
        raise too_large("a range has", MAX_ITEMS, "numbers")
    context.budget.work(len(numbers) * _NUMBER)
    return list(numbers)


_NUMBER = 5
"""What a new number in a list costs, in words of 8 bytes."""


@pass_context
def _namespace(context: Any, /, *given: Any, **named: Any) -> TemplateNamespace:
    for entries in given:
        if not isinstance(entries, dict):
            raise TemplateFault("template-type", "a namespace is made of names", "for example namespace(total=0)")
        context.budget.work(len(entries) * NEW)
    return TemplateNamespace(*given, **named)


def _comparison(compare: Callable[[Any, Any], bool]) -> Any:
    """Make a test of a comparison. It is how `left == right` is compiled as well."""

    @pass_context
    def apply(context: Any, left: Any, right: Any) -> bool:
        if type(left) not in SMALL and type(right) not in SMALL:
            context.budget.compare(left, right)
        return compare(left, right)

    return apply


@pass_context
def _in(context: Any, wanted: Any, values: Any) -> bool:
    if hasattr(values, "__next__"):  # its items are made one by one
        return any(item is wanted or TESTS["eq"](context, item, wanted) for item in values)
    context.budget.search(wanted, values)
    return wanted in values


def _remainder(name: str) -> Any:
    """Take one of Jinja's own tests of a remainder, for numbers: the % of a text formats it."""
    stock: Any = STOCK_TESTS[name]

    def apply(value: Any, *args: Any) -> bool:
        if isinstance(value, str):
            raise TemplateFault("template-type", f"'{name}' tests a number", "make a number of a text with | int")
        return bool(stock(value, *args))

    return apply


def _written_test(name: str) -> Any:
    """Take one of Jinja's own tests of a text, which makes one of whatever it gets."""
    return _slow(_each_character, _contextless(STOCK_TESTS[name]))


def _contextless(stock: Any) -> Any:
    return lambda _context, *args, **kwargs: stock(*args, **kwargs)


def _each_character(value: str, *_: object, **__: object) -> int:
    return len(value)


def _capitalizing(value: str, *_: object, **__: object) -> int:
    return len(value) * 2


def _quoting(value: str, *_: object, **__: object) -> int:
    return len(value) * (1 if value.isascii() else 3)


def _stripping(value: str, *_: object, **__: object) -> int:
    """Bound the work of taking tags off: older versions of markupsafe write the whole text anew for each."""
    return len(value) + value.count("<") * len(value) // 1000


_DEFAULTS = Environment(autoescape=False)  # noqa: S701 - it renders nothing, it has the filters' default settings
_STOCK = "abs count d default filesizeformat first float last length reverse".split()  # noqa: SIM905 - reads best as words
_STOCK_TEXT = "capitalize lower upper".split()  # noqa: SIM905
FILTERS: dict[str, Any] = (
    {name: STOCK_FILTERS[name] for name in _STOCK}
    | {name: _stock(name) for name in _STOCK_TEXT}
    | {name: _ordered(name, place) for name, place in {"groupby": 0, "max": 1, "min": 1, "sort": 2}.items()}
    | {name: _lazy(name, None) for name in ("map", "reject", "select")}
    | {name: _lazy(name, 0) for name in ("rejectattr", "selectattr")}
    | {
        "batch": _batch, "center": _center, "dictsort": _dictsort, "e": _escape, "escape": _escape,
        "forceescape": _escape, "format": _format, "indent": _indent, "int": _int, "isoformat": _isoformat,
        "items": _items, "join": _join, "list": _list, "replace": _replace, "round": _round, "sha256": _sha256,
        "slice": _slice, "string": _texts(lambda value: value),
        "striptags": _slow(_stripping, _stock("striptags")), "sum": _sum, "title": _slow(_capitalizing, _stock("title")), "tojson": _tojson, "trim": _trim,
        "truncate": _truncate, "unique": _unique,
        "urlencode": _slow(_quoting, _contextless(STOCK_FILTERS["urlencode"])),
        "wordcount": _slow(_each_character, _contextless(STOCK_FILTERS["wordcount"])),
        "wordwrap": _slow(_wrapping, _wrapped),
    }
)  # fmt: skip
_TEST_NAMES = "boolean defined false float integer iterable mapping none number sequence string true undefined".split()  # noqa: SIM905
_COMPARED = (
    (eq, "eq", "equalto", "=="), (ne, "ne", "!="), (lt, "lt", "lessthan", "<"), (le, "le", "<="),
    (gt, "gt", "greaterthan", ">"), (ge, "ge", ">="),
)  # fmt: skip
TESTS: dict[str, Any] = (
    {name: STOCK_TESTS[name] for name in _TEST_NAMES}
    | {name: _comparison(compare) for compare, *names in _COMPARED for name in names}
    | {name: _remainder(name) for name in ("divisibleby", "even", "odd")}
    | {name: _written_test(name) for name in ("lower", "upper")}
    | {"in": _in}
)
GLOBALS: dict[str, Any] = {
    "now": _now, "uuid4": _uuid4, "uuid5": _uuid5, "range": _range, "namespace": _namespace, "omit": OMIT,
}  # fmt: skip
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
