"""Filters that only compiled programs use: they charge the budget and carry out directives.

They take the context so that Jinja does not evaluate them when it compiles.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import BuiltinMethodType
from typing import TYPE_CHECKING, Any

from jinja2 import pass_context

from runner.template.fault import TemplateFault
from runner.template.kinds import WEIGHTLESS
from runner.template.limits import check_key
from runner.template.names import type_name
from runner.template.omit import OMIT, without_omitted
from runner.template.strict_name import StrictName
from runner.template.values import is_sequence, native, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.template.language import Rendering


@pass_context
def _native(context: Rendering, value: object) -> object:
    kind = type(value)
    if kind is str:
        context.budget.spend_text(len(value))  # type: ignore[arg-type]
        return value
    if kind is bool or kind is float or value is None or value is OMIT:
        return value
    return native(value, context.budget)


@pass_context
def _kept(context: Rendering, value: Any) -> object:
    """Return the value of a let: whatever templates know; a sequence becomes a list, which can be read more than once."""
    if type(value) in _KEPT:
        context.budget.work_on(value)
        return value
    if isinstance(value, StrictName):
        raise value.fault
    if is_sequence(value):
        context.budget.list_of(value)
        return list(_steps(context, value))
    context.budget.work_on(value)
    return value


_KEPT = WEIGHTLESS | {list, dict}
"""Types of values that are kept as they are; others may be sequences that can be read only once."""


def _gathered(items: list[object], item: object) -> None:
    if item is not OMIT:
        items.append(item)


@pass_context
def _whole(context: Rendering, items: list[object]) -> list[object]:
    """Charge a list that a `$for` made. Until then, its steps have bounded it."""
    context.budget.spend_items(len(items))
    return items


@pass_context
def _item_steps(context: Rendering, values: Any, cost: int = 0) -> Iterator[object]:
    """Return the items of a list, one for each step of a `$for`. `cost` is the work of each: the values that it makes."""
    return context.budget.steps(_listed(values), cost)


@pass_context
def _numbered(context: Rendering, values: Any) -> Iterator[object]:
    return enumerate(_steps(context, _listed(values)))


def _listed(values: Any) -> Iterable[object]:
    """Return a value that `$for` can iterate over. Raises TemplateFault for a text, which would yield its characters."""
    if isinstance(values, StrictName):
        raise values.fault
    if isinstance(values, list | tuple | dict) or is_sequence(values):
        return values  # type: ignore[no-any-return]
    raise TemplateFault("template-type", f"$for goes through a list, and this is {type_name(values)}")


@pass_context
def _at_item(context: Rendering, index: int, loop: int) -> None:
    context.indexes[loop] = index


def _map(value: object) -> object:
    if isinstance(value, StrictName):
        raise value.fault
    if not isinstance(value, dict) and value is not OMIT:
        raise TemplateFault("template-type", f"a map is expected here, and this is {type_name(value)}")
    return value


@pass_context
def _merged(context: Rendering, parts: list[Any]) -> dict[str, object]:
    whole: dict[str, object] = {}
    for part in parts:
        if part is not OMIT:
            context.budget.spend_items(len(part))
            whole |= part
    return whole


@pass_context
def _joined(context: Rendering, pieces: tuple[object, ...]) -> str:
    texts = [piece if type(piece) is str else text(piece) for piece in pieces]
    context.budget.spend_text(sum(map(len, texts)))  # before it is there
    return "".join(texts)


@pass_context
def _piece(context: Rendering, value: object) -> str:
    piece = text(value)
    context.budget.spend_text(len(piece))
    return piece


@pass_context
def _watched(context: Rendering, value: object) -> object:
    context.budget.work_on(value)
    return value


@pass_context
def _walked(context: Rendering, value: object) -> object:
    context.budget.walk(value)
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@pass_context
def _spread(context: Rendering, value: object) -> object:
    context.budget.list_of(value)
    return value


@pass_context
def _cut(context: Rendering, value: Any, start: Any, stop: Any, step: Any) -> object:
    part = value[start:stop:step]
    context.budget.work_on(part)
    return part


def _key(value: object) -> object:
    check_key(value)
    return value


def _method(value: object, name: str) -> object:
    """Return the method that a template calls, whatever keys a map has."""
    if isinstance(value, StrictName):
        return value
    method = getattr(value, name, None)
    if type(method) is BuiltinMethodType:
        return method
    hint = f"write it without (): {name}" if method is not None else None
    raise TemplateFault("template-type", f"{type_name(value)} has no method '{name}'", hint)


@pass_context
def _steps(context: Rendering, values: Iterable[object]) -> Iterator[object]:
    if isinstance(values, StrictName):
        raise values.fault
    return context.budget.steps(values)


@pass_context
def _no_else(_context: Rendering, _value: object) -> StrictName:
    return StrictName("the condition is false, and there is no else\nadd one: {{ a if b else c }}\n")


INTERNAL_FILTERS: dict[str, Any] = {
    "native value": _native,
    "joined text": _joined,
    "text piece": _piece,
    "loop steps": _steps,
    "watched": _watched,
    "walked through": _walked,
    "spread out": _spread,
    "cut out": _cut,
    "used as key": _key,
    "method": _method,
    "no else": _no_else,
    "kept value": _kept,
    "without omitted": without_omitted,
    "gathered": _gathered,
    "whole list": _whole,
    "items of a list": _item_steps,
    "numbered items": _numbered,
    "at item": _at_item,
    "map to merge": _map,
    "merged maps": _merged,
}
