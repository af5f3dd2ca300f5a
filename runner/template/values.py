"""The result of a `{{ … }}` → a JSON value, or a piece of text."""

from __future__ import annotations

from collections.abc import ItemsView, KeysView, ValuesView
from datetime import date, datetime, timedelta
from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn

from runner.template.fault import TemplateFault
from runner.template.kinds import SMALL
from runner.template.limits import MAX_NUMBER_BITS, too_large
from runner.template.names import type_name
from runner.template.omit import Omit
from runner.template.strict_name import StrictName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.template.budget import Budget


_WORD = 64
_BITS_OF_A_DIGIT = 3
"""Rounded down: a number of many digits is charged like text."""


def native(value: object, budget: Budget) -> object:
    """Return the value of a lone expression as JSON, with tuples as lists. Raises TemplateFault if it is not JSON."""
    kind = type(value)
    if kind is str:
        budget.spend_text(len(value))  # type: ignore[arg-type]
        return value
    if kind is float or kind is bool or value is None:
        return value
    if kind is dict:
        return _native_map(value, budget)  # type: ignore[arg-type]
    if kind is list:
        return _native_list(value, budget)  # type: ignore[arg-type]
    match value:
        case bool() | float() | None:
            return value
        case int():
            bits = value.bit_length()
            if bits > MAX_NUMBER_BITS:
                raise too_large("a number has", MAX_NUMBER_BITS, "bits")
            if bits > _WORD:
                budget.spend_text(bits // _BITS_OF_A_DIGIT)
            return value
        case str():
            budget.spend_text(len(value))
            return str(value)
        case StrictName():
            raise value.fault
        case dict():
            return _native_map(value, budget)
        case list() | tuple():
            return _native_list(value, budget)
        case datetime() | date():
            raise TemplateFault("template-datetime", "a date is not a JSON value", "write {{ … | isoformat }}")
        case timedelta():
            raise _duration()
        case Omit():
            raise TemplateFault(
                "template-type",
                "omit stands for a whole value",
                "in a list or map of a template leave it out with select() or if",
            )
        case _ if is_sequence(value):
            raise TemplateFault("template-type", "a sequence that is not a list yet", "write {{ … | list }}")
        case _:
            _refuse_type(value)


def _native_list(value: Sequence[object], budget: Budget) -> list[object]:
    budget.spend_items(len(value))
    return [_native_map(item, budget) if type(item) is dict else native(item, budget) for item in value]


def _native_map(value: dict[Any, object], budget: Budget) -> dict[str, object]:
    budget.spend_items(len(value))
    whole: dict[str, object] = {}
    characters = 0
    for key, item in value.items():
        kind = type(item)
        if kind is str:
            characters += len(item) or 1  # type: ignore[arg-type]
        elif kind not in _FREE and not (kind is int and -_LARGEST < item < _LARGEST):  # type: ignore[operator]
            item = native(item, budget)  # noqa: PLW2901 - its JSON
        whole[key if type(key) is str else _key(key)] = item
    if characters:
        budget.spend_text(characters)
    return whole


_LARGEST = 2**63
_FREE = frozenset([float, bool, type(None)])


def text(value: object) -> str:
    """Return a value as it stands inside text; booleans are `true` and `false`. Raises TemplateFault for null, lists and maps."""
    kind = type(value)
    if kind is int or (kind is float and isfinite(value)):  # type: ignore[arg-type]
        return repr(value)
    match value:
        case str():
            return str(value)
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float() if isfinite(value):
            return repr(value)
        case StrictName():
            raise value.fault
        case None:
            hint = "replace it with default('…', true), or use it alone as the whole value"
            raise TemplateFault("template-null", "null inside text", hint)
        case list() | tuple() | dict():
            what = "a map" if isinstance(value, dict) else "a list"
            hint = "use |join(', ') or |tojson, or use it alone as the whole value"
            raise TemplateFault("template-not-text", f"{what} inside text", hint)
        case datetime() | date():
            raise TemplateFault("template-datetime", "a date inside text", "write {{ … | isoformat }}")
        case timedelta():
            raise _duration()
        case Omit():
            raise TemplateFault(
                "template-type", "omit inside text", "it leaves out a whole value, so it must be the whole template"
            )
        case _ if is_sequence(value):
            raise TemplateFault("template-not-text", "a list inside text", "use |join(', ')")
        case _:
            _refuse_type(value)


def _duration() -> TemplateFault:
    hint = "add it to a date, or write {{ ….total_seconds() }}"
    return TemplateFault("template-datetime", "a duration is neither text nor a JSON value", hint)


_NO_SEQUENCES = frozenset([str, int, float, bool, type(None), list, tuple, dict, date, datetime, timedelta])


def is_sequence(value: object) -> bool:
    """Return whether a value is an iterator or a view, such as the results of `map` and `items()`."""
    if type(value) in _NO_SEQUENCES:
        return False
    return hasattr(value, "__next__") or isinstance(value, KeysView | ValuesView | ItemsView)


def _key(key: object) -> str:
    if isinstance(key, str):
        return str(key)
    shown = f"the key {key!r}" if type(key) in SMALL else "a key"
    raise TemplateFault("template-type", f"{shown} of a map is not text")


def _refuse_type(value: object) -> NoReturn:
    raise TemplateFault("template-type", f"{type_name(value)} is not a JSON value")
