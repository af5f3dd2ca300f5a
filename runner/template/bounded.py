"""Wrappers that make a filter or a test charge its work to the event's budget."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context
from jinja2.filters import FILTERS as STOCK_FILTERS

from runner.template.budget import NEW
from runner.template.limits import MAX_WIDTH, too_large
from runner.template.strict_name import StrictName
from runner.template.values import text

if TYPE_CHECKING:
    from collections.abc import Callable


def on_text(function: Callable[..., str]) -> Any:
    """Return a filter that converts its input to text, and charges the length of its result."""

    @pass_context
    @wraps(function)
    def apply(context: Any, value: object, *args: Any, **kwargs: Any) -> str:
        whole = function(text(value), *args, **kwargs)
        context.budget.spend_text(len(whole))
        return whole

    return apply


def stock_on_text(name: str) -> Any:
    """Return one of Jinja's own text filters, charged by the length of its result."""
    return on_text(lambda value, *args, **kwargs: str(STOCK_FILTERS[name](value, *args, **kwargs)))


def charged(cost: Callable[..., int], function: Any) -> Any:
    """Return a filter whose work is charged before it runs. `cost` takes the filter's arguments and returns the units of work."""

    @pass_context
    def apply(context: Any, value: object, *args: Any, **kwargs: Any) -> object:
        if isinstance(value, str):
            context.budget.work(cost(value, *args, **kwargs))
        else:
            context.budget.walk(value, _ITEM_STEPS)  # the filter converts it to text
        return function(context, value, *args, **kwargs)

    return apply


_ITEM_STEPS = 4
"""Work to write one item of a list as text; one unit of work is about 8 characters."""


def ordering(name: str, place: int) -> Any:
    """Return one of Jinja's own filters that compare all items. `place` is the index of its argument `attribute`."""
    stock = STOCK_FILTERS[name]

    @pass_context
    def apply(context: Any, value: Any, *args: Any, **kwargs: Any) -> object:
        budget = context.budget
        items = value if isinstance(value, str | list | tuple | dict | StrictName) else list(value)
        if not isinstance(items, StrictName):
            times = max(len(items).bit_length() // COMPARISONS_A_STEP, 1)
            attribute = kwargs.get("attribute", args[place] if place < len(args) else None)
            budget.work(len(items) * (attribute_steps(attribute) + (NEW if isinstance(items, str) else 1)))
            budget.walk(items, times)
        return stock(context.environment, items, *args, **kwargs)

    return apply


COMPARISONS_A_STEP = 4
"""Comparisons of two small values that take as long as one unit of work."""


def lazy(name: str, place: int | None) -> Any:
    """Return one of Jinja's own filters that read items one by one. `place` is the index of its argument `attribute`."""
    stock = STOCK_FILTERS[name]

    @pass_context
    def apply(context: Any, value: Any, *args: Any, **kwargs: Any) -> object:
        at = kwargs.get("attribute") if place is None else next(iter(args[place : place + 1]), None)
        cost = 1 + attribute_steps(at)
        if isinstance(value, StrictName) or not value:
            return stock(context, value, *args, **kwargs)
        context.budget.work(ITERATOR_STEPS)
        return stock(context, context.budget.each(value, cost), *args, **kwargs)

    return apply


ITERATOR_STEPS = 16
"""Work to create an iterator, which is charged even if no item is read: a template can create many of them."""


def attribute_steps(attribute: object) -> int:
    """Return the work, for each item, of looking up an attribute path such as `address.city,name`."""
    if not isinstance(attribute, str):
        return 0
    if len(attribute) > MAX_WIDTH:
        raise too_large("an attribute has", MAX_WIDTH, "characters")
    return _LOOK_UP * (attribute.count(".") + attribute.count(","))


_LOOK_UP = 20


def without_context(stock: Any) -> Any:
    """Return a filter or test that takes a context as its first argument, and ignores it."""
    return lambda _context, *args, **kwargs: stock(*args, **kwargs)


def each_character(value: str, *_: object, **__: object) -> int:
    """Return one unit of work for each character."""
    return len(value)
