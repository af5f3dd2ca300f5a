"""The types of two values that are compared → the mistake in that, if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.template.python_words import TEXT_HINT
from runner.template.signatures import ITERABLE, may_be_equal, may_be_ordered
from runner.template.types import (
    ANYTHING,
    BOOLEAN,
    LIST,
    NULL,
    NUMBER,
    OMITTED,
    OTHER,
    TEXT,
    UNDEFINED,
    shown_values,
    two_words,
    words,
)

if TYPE_CHECKING:
    from runner.codes import Code
    from runner.errors import Severity
    from runner.template.types import Type


class Objection(NamedTuple):
    """Why a comparison is a mistake."""

    code: Code
    message: str
    hint: str | None
    severity: Severity = "error"


def objection(name: str, left: Type, right: Type) -> Objection | None:
    """Return why a comparison is a mistake: `<` always fails, or `==` is never true. `name` is the parser's name of the operator."""
    one, other = left.kinds & ~UNDEFINED, right.kinds & ~UNDEFINED
    if not one or not other or ANYTHING & ~UNDEFINED in (one, other):
        return None
    match name:
        case "in" | "notin":
            return _of_membership(name, left, right)
        case "eq" | "ne":
            return _of_equality(name, left, right)
        case _ if may_be_ordered(one, other):
            return None
        case _:
            message = f" {_SIGNS[name]} ".join(two_words(one, other)) + " is not supported"
            return Objection("template-comparison", message, _number_hint(one, other))


def _of_membership(name: str, wanted: Type, values: Type) -> Objection | None:
    one, other = wanted.kinds & ~UNDEFINED, values.kinds & ~UNDEFINED
    if not other & (ITERABLE | OMITTED):
        return Objection("template-type", f"{words(other)} has no items", None)
    if other == TEXT and not one & (TEXT | OTHER):
        return Objection("template-type", f"{words(one)} can't be sought in text", "make a text of it with | string")
    if other == LIST and values.item is not None and values.item.kinds & ~UNDEFINED:
        return _of_equality(name, wanted, values.item)
    return None


def _of_equality(name: str, left: Type, right: Type) -> Objection | None:
    one, other = left.kinds & ~UNDEFINED, right.kinds & ~UNDEFINED
    if not may_be_equal(one, other):
        if NULL in (one, other):
            return None  # to ask whether something is null that never is, is caution
        why, hint = f"{' and '.join(two_words(one, other))} are never equal", _equal_hint(one, other)
    else:
        constant, declared = (left, right) if len(left.values or ()) == 1 else (right, left)
        if constant.values is None or declared.values is None or not len(constant.values) == 1 < len(declared.values):
            return None
        if any(each == constant.values[0] for each in declared.values):
            return None
        why = f"{shown_values(constant.values)} is not one of the declared values"
        hint = f"declared: {shown_values(declared.values)}"
    result = "always true" if name in ("ne", "notin") else "never true"
    return Objection("template-comparison", f"{why}, so {_SIGNS[name]} is {result}", hint, "warning")


_SIGNS = {
    "eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in", "notin": "not in",
}  # fmt: skip


def _equal_hint(one: int, other: int) -> str | None:
    return "true and false stand without quotes" if one | other == TEXT | BOOLEAN else _number_hint(one, other)


def _number_hint(one: int, other: int) -> str | None:
    is_mixed = (one | other) & TEXT and (one | other) & NUMBER
    return "convert text to a number with | int or | float" if is_mixed else None


def text_hint(one: int, other: int) -> str | None:
    """Return what to do where text meets something else."""
    return TEXT_HINT if (one | other) & TEXT else None
