"""A %-format and its values → a bound on the length of the formatted text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.template.fault import TemplateFault
from runner.template.kinds import COLLECTIONS
from runner.template.limits import (
    MAX_FORMATS,
    MAX_WIDTH,
    check_length,
    too_large,
)
from runner.template.names import MAX_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_format(text: str, *values: object) -> None:
    """Raise TemplateFault if the widths, precisions or values of a %-format would make a text too long."""
    if text.count("%") > MAX_FORMATS:
        raise too_large("a format has", MAX_FORMATS, "conversions")
    conversions = _conversions(text)
    escapes = any(kind in ("r", "a") for _, kind in conversions)
    longest = max((_written(value, escapes=escapes) for value in values), default=0)
    length = len(text) + len(conversions) * longest
    for form, _ in conversions:
        numbers = _DIGITS.findall(form)
        if "*" in form or any(len(number) > _WIDE or int(number) > MAX_WIDTH for number in numbers):
            raise TemplateFault("template-too-large", f"format %{form[:MAX_NAME]} is wider than {MAX_WIDTH}")
        length += sum(map(int, numbers))
    check_length(length)


def _conversions(text: str) -> list[tuple[str, str]]:
    """Return the conversions of a format, each as its width and its type."""
    return list(_with_keys(text)) if "%(" in text else _PERCENT.findall(text)


def _with_keys(text: str) -> Iterator[tuple[str, str]]:
    """Yield the conversions of a format with keys in parentheses; a key may contain parentheses as well."""
    at = text.find("%") + 1
    while at:
        if text.startswith("(", at):
            at = _after_key(text, at)
        if match := _CONVERSION.match(text, at):  # it matches everywhere, possibly the empty text
            yield match[1], match[2]
            at = match.end()
        at = text.find("%", at) + 1


def _after_key(text: str, start: int) -> int:
    level = 0
    for bracket in _BRACKETS.finditer(text, start):
        level += 1 if bracket[0] == "(" else -1
        if level == 0:
            return bracket.end()
    raise ValueError("incomplete format key")


_CONVERSION = re.compile(r"([-#0 +]*(?:\*|[0-9]+)?(?:\.(?:\*|[0-9]*))?)[hlL]?(.?)", re.DOTALL)
_PERCENT = re.compile("%" + _CONVERSION.pattern, re.DOTALL)
_BRACKETS = re.compile(r"[()]")
_DIGITS = re.compile(r"[0-9]+")
_WIDE = 4
"""Number of digits of MAX_WIDTH."""


def _written(value: object, *, escapes: bool) -> int:
    """Return a bound on the characters that a %-format writes for a value. %r, %a, lists and maps escape texts."""
    if isinstance(value, str):
        return len(value) * (_ESCAPE if escapes else 1)
    length = 0
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                length += len(text) * _ESCAPE + 4
            case int() as number:
                length += number.bit_length() // 3 + 4
            case dict() as entries:
                length += 2
                waiting += entries
                waiting += entries.values()
            case part if isinstance(part, COLLECTIONS):
                length += 2 + len(part)
                waiting += part
            case _:
                length += _OTHER
        check_length(length)
    return length


_ESCAPE = 10
"""Number of characters of `\\U0001f600`."""
_OTHER = 100
