"""Numbers, money and dates as people of a country write them, by Babel (the extra `locale`)."""

from __future__ import annotations

import re
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runner.template.fault import TemplateFault
from runner.template.names import shown_name, type_name
from runner.template.strict_name import StrictName

if TYPE_CHECKING:
    from types import ModuleType

LENGTHS = ("short", "medium", "long", "full")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[_-][A-Za-z0-9]{2,8}){0,3}")
_MAX_DIGITS = 20


def currency(value: object, code: object, locale: object = "en") -> str:
    """Return an amount of money: `1234.5` in EUR is `1.234,50 €` in Germany. Raises TemplateFault."""
    number = _number(value, "currency")
    numbers = _babel("numbers")
    if not isinstance(code, str) or code not in _currencies():
        shown = shown_name(code) if isinstance(code, str) else type_name(code)
        raise TemplateFault("template-type", f"unknown currency {shown}", "codes are those of ISO 4217, such as INR")
    return str(numbers.format_currency(number, code, locale=_locale(locale)))


def decimal(value: object, locale: object = "en", digits: object = None) -> str:
    """Return a number with the separators of a country, rounded to `digits` after the point. Raises TemplateFault."""
    number = _number(value, "decimal")
    found = _locale(locale)
    if digits is None:
        return str(_babel("numbers").format_decimal(number, locale=found))
    if type(digits) is not int or not 0 <= digits <= _MAX_DIGITS:
        raise TemplateFault("template-type", f"digits must be a whole number from 0 to {_MAX_DIGITS}")
    pattern = copy(found.decimal_formats[None])
    pattern.frac_prec = (digits, digits)
    return str(pattern.apply(number, found))


def written_date(value: object, locale: object = "en", format: object = "medium") -> str:  # noqa: A002 - the name that templates write
    """Return the day of a date: `2. Januar 2026`. `format` is one of `LENGTHS`. Raises TemplateFault."""
    if isinstance(value, StrictName):
        raise value.fault
    if not isinstance(value, date):
        raise _not_a_date("date", value)
    return str(_babel("dates").format_date(value, _length(format), locale=_locale(locale)))


def written_time(value: object, locale: object = "en", format: object = "short") -> str:  # noqa: A002
    """Return the time of a date, on the clocks of its time zone. Raises TemplateFault."""
    return str(_babel("dates").format_time(_moment("time", value), _length(format), locale=_locale(locale)))


def written_datetime(value: object, locale: object = "en", format: object = "medium") -> str:  # noqa: A002 - the name that templates write
    """Return a date with its time, on the clocks of its time zone. Raises TemplateFault."""
    return str(_babel("dates").format_datetime(_moment("datetime", value), _length(format), locale=_locale(locale)))


def _moment(what: str, value: object) -> datetime:
    if isinstance(value, StrictName):
        raise value.fault
    if not isinstance(value, datetime):
        raise _not_a_date(what, value)
    return value


def _not_a_date(what: str, value: object) -> TemplateFault:
    hint = "make one: {{ … | to_datetime }}" if isinstance(value, str | int | float) else None
    return TemplateFault("template-type", f"{what} expects a date, not {type_name(value)}", hint)


def _number(value: object, what: str) -> Decimal:
    if isinstance(value, StrictName):
        raise value.fault
    if type(value) is int:
        return Decimal(value)
    if type(value) is float:
        return Decimal(repr(value))
    hint = "make one: {{ … | float }}" if isinstance(value, str) else None
    raise TemplateFault("template-type", f"{what} expects a number, not {type_name(value)}", hint)


def _length(form: object) -> str:
    if form not in LENGTHS:
        raise TemplateFault("template-type", "unknown format", f"formats are {', '.join(LENGTHS)}")
    return str(form)


def _locale(name: object) -> Any:
    if not isinstance(name, str):
        raise TemplateFault("template-type", f"a locale is named by a text, not {type_name(name)}", "such as 'de_DE'")
    if (found := _known_locale(name)) is None:
        raise TemplateFault("template-type", f"unknown locale '{shown_name(name)}'", "such as 'de_DE' or 'en_IN'")
    return found


@lru_cache(maxsize=64)
def _known_locale(name: str) -> Any:
    if not _LOCALE.fullmatch(name):
        return None
    core = _babel("core")
    try:
        return core.Locale.parse(name.replace("-", "_"))
    except (ValueError, core.UnknownLocaleError):
        return None


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    return frozenset(_babel("numbers").list_currencies())


def _babel(module: str) -> ModuleType:
    from importlib import import_module  # noqa: PLC0415 - few templates write numbers and dates so

    try:
        return import_module(f"babel.{module}")
    except ImportError:
        hint = "pip install 'suprsend-runner[locale]'"
        raise TemplateFault("template-failed", "this filter needs the package Babel", hint) from None
