"""Filters that a template may use: Jinja's own, within limits, and two of ours."""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, pass_context
from jinja2.filters import FILTERS as STOCK_FILTERS
from markupsafe import escape

from runner.template.bounded import (
    COMPARISONS_A_STEP,
    ITERATOR_STEPS,
    attribute_steps,
    charged,
    each_character,
    lazy,
    on_text,
    ordering,
    stock_on_text,
    without_context,
)
from runner.template.budget import NEW
from runner.template.fault import TemplateFault
from runner.template.kinds import NUMBERS
from runner.template.late import LATE_FILTERS
from runner.template.limits import MAX_ITEMS, MAX_WIDTH, check_length, check_whole, too_large
from runner.template.methods import charge_strip
from runner.template.percent_format import check_format
from runner.template.strict_name import StrictName
from runner.template.values import native, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


@pass_context
def _unique(
    context: Any, value: Any, case_sensitive: bool = False, attribute: str | int | None = None
) -> Iterator[object]:
    """Yield each distinct item once. Unlike in Python, true is not 1; lists and maps are compared as well."""
    context.budget.work(ITERATOR_STEPS)
    seen = set()
    path = _path(attribute)
    for item in context.budget.each(value, NEW + attribute_steps(attribute)):
        part = _at(context, item, path)
        if isinstance(part, list | tuple | dict):
            context.budget.walk(part, NEW)
        else:
            context.budget.work_on(part)
        if (identity := _identity(part, case_sensitive)) not in seen:
            seen.add(identity)
            yield item


def _identity(value: object, case_sensitive: bool) -> object:
    """Return a value that is equal for two values exactly if they are the same JSON."""
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
        context.budget.walk(value, max(len(value).bit_length() // COMPARISONS_A_STEP, 1))
    return STOCK_FILTERS["dictsort"](value, *args, **kwargs)


@pass_context
def _items(context: Any, value: Any) -> object:
    context.budget.work(ITERATOR_STEPS)
    return context.budget.each(STOCK_FILTERS["items"](value), NEW)


@pass_context
def _list(context: Any, value: Iterable[object]) -> list[object]:
    context.budget.list_of(value)
    return list(value)


def _isoformat(value: object) -> str:
    if isinstance(value, StrictName):
        raise value.fault
    if not isinstance(value, date):
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
    """Return the sum of the levels of all values: each is indented by its level."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return level * (len(items) + 1) + sum(_levels(item, level + 1) for item in items if isinstance(item, dict | list))


@on_text
def _sha256(value: str) -> str:
    return sha256(value.encode()).hexdigest()


@on_text
def _center(value: str, width: int = 80) -> str:
    check_whole(width, "the width")
    check_length(width)
    return value.center(width)


@on_text
def _indent(value: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    if not isinstance(width, str):
        check_whole(width, "the width")
    check_length((len(width) if isinstance(width, str) else width) * (len(value.splitlines()) + 1) + len(value))
    return str(STOCK_FILTERS["indent"](value, width, first, blank))


@on_text
def _escape(value: str) -> str:
    return str(escape(value))


@on_text
def _replace(value: str, old: object, new: object, count: int = -1) -> str:
    check_whole(count, "the number of replacements")
    old, new = text(old), text(new)
    found = value.count(old) if count < 0 else min(value.count(old), count)
    check_length(len(value) + found * (len(new) - len(old)))
    return value.replace(old, new, count)


@on_text
def _wrapped(value: str, width: int = 79) -> str:
    return str(STOCK_FILTERS["wordwrap"](_DEFAULTS, value, width))


def _wrapping(value: str, width: int = 79) -> int:
    """Return a bound on the work of wrapping: lines, words, and the rest of each long word, copied for each of its lines."""
    check_whole(width, "the width")
    width = max(width, 1)
    words = value.split()
    longest = max(map(len, words), default=0)
    lines = len(value.splitlines()) + len(value) // width
    return len(value) * 2 + len(words) * 5 + lines * 25 + longest * longest // (width * 500)


@on_text
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


@on_text
def _format(value: str, *args: object, **kwargs: object) -> str:
    check_format(value, *args, *kwargs.values())
    if args and kwargs:
        raise TemplateFault("template-type", "format takes values by position or by name, not both")
    values: Any = {name: _format_value(item) for name, item in kwargs.items()} or tuple(map(_format_value, args))
    return str(value % values)


def _format_value(value: object) -> object:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text(value)


@pass_context
def _join(context: Any, value: Iterable[object], d: object = "", attribute: str | int | None = None) -> str:
    items = []
    size = 0
    between = text(d)
    for part in _parts(context, _listed(context, value, attribute_steps(attribute)), attribute):
        items.append(text(part))
        size += len(items[-1]) + len(between)
        check_length(size)
    whole = between.join(items)
    context.budget.spend_text(len(whole))
    return whole


def _path(attribute: str | int | None) -> Sequence[str | int]:
    """Take the path to an attribute apart, such as `address.city` or `prices.0`. That of None leads to the item itself."""
    if not isinstance(attribute, str):
        return [] if attribute is None else [attribute]
    return [int(name) if name.isdecimal() else name for name in attribute.split(".")]


def _at(context: Any, item: object, path: Sequence[str | int]) -> Any:
    for name in path:
        item = context.environment.getitem(item, name)
    return item


def _parts(context: Any, items: Sequence[Any], attribute: str | int | None) -> Sequence[Any]:
    """Return an attribute of each item; of None, the items themselves."""
    path = _path(attribute)
    name = path[0] if len(path) == 1 else None
    if type(name) is str:
        return [item[name] if type(item) is dict and name in item else _at(context, item, path) for item in items]
    return [_at(context, item, path) for item in items] if path else items


def _listed(context: Any, value: Iterable[object], cost: int = 0) -> list[object]:
    if isinstance(value, StrictName):
        raise value.fault
    context.budget.list_of(value)
    items = value[: MAX_ITEMS + 1] if type(value) is list else list(islice(value, MAX_ITEMS + 1))
    if len(items) > MAX_ITEMS:
        raise too_large("a list has", MAX_ITEMS, "items")
    if cost:
        context.budget.work(len(items) * cost)
    return items


@pass_context
def _sum(context: Any, value: Iterable[object], attribute: str | int | None = None, start: object = 0) -> object:
    if type(start) not in NUMBERS:  # adding to a list would change it
        raise TemplateFault("template-type", "the start of sum must be a number", "join lists with + and texts with ~")
    parts = _parts(context, _listed(context, value, attribute_steps(attribute)), attribute)
    if NUMBERS.issuperset(map(type, parts)):
        return context.environment.total(start, parts)
    wrong = next(index for index, part in enumerate(parts) if type(part) not in NUMBERS)
    so_far, part = context.environment.total(start, parts[:wrong]), parts[wrong]
    if isinstance(part, StrictName):
        raise part.fault
    if isinstance(part, list | tuple | str):
        raise TemplateFault("template-type", "sum adds numbers", "join texts with |join")
    return so_far + part  # which Python refuses


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


def _capitalizing(value: str, *_: object, **__: object) -> int:
    return len(value) * 2


def _quoting(value: str, *_: object, **__: object) -> int:
    return len(value) * (1 if value.isascii() else 3)


def _stripping(value: str, *_: object, **__: object) -> int:
    """Return a bound on the work of stripping tags: older versions of markupsafe copy the whole text for each tag."""
    return len(value) + value.count("<") * len(value) // 1000


_DEFAULTS = Environment(autoescape=False)  # noqa: S701 - it renders nothing, it has the filters' default settings
_STOCK = "abs count d default filesizeformat first float last length reverse".split()  # noqa: SIM905 - reads best as words
_STOCK_TEXT = "capitalize lower upper".split()  # noqa: SIM905
FILTERS: dict[str, Any] = (
    {name: STOCK_FILTERS[name] for name in _STOCK}
    | {name: stock_on_text(name) for name in _STOCK_TEXT}
    | {name: ordering(name, place) for name, place in {"groupby": 0, "max": 1, "min": 1, "sort": 2}.items()}
    | {name: lazy(name, None) for name in ("map", "reject", "select")}
    | {name: lazy(name, 0) for name in ("rejectattr", "selectattr")}
    | {
        "batch": _batch, "center": _center, "dictsort": _dictsort, "e": _escape, "escape": _escape,
        "forceescape": _escape, "format": _format, "indent": _indent, "int": _int, "isoformat": _isoformat,
        "items": _items, "join": _join, "list": _list, "replace": _replace, "round": _round, "sha256": _sha256,
        "slice": _slice, "string": on_text(lambda value: value),
        "striptags": charged(_stripping, stock_on_text("striptags")), "sum": _sum, "title": charged(_capitalizing, stock_on_text("title")), "tojson": _tojson, "trim": _trim,
        "truncate": _truncate, "unique": _unique,
        "urlencode": charged(_quoting, without_context(STOCK_FILTERS["urlencode"])),
        "wordcount": charged(each_character, without_context(STOCK_FILTERS["wordcount"])),
        "wordwrap": charged(_wrapping, _wrapped),
    }
    | LATE_FILTERS
)  # fmt: skip
