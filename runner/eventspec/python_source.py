"""An expression of a template → the same expression in Python's source, where both languages agree on its result."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from jinja2 import nodes

from runner.template.omit import NAME as OMIT
from runner.template.template import Template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.template.shape import Shape

MAX_CELL = 4096
"""Characters of a plain cell. Rows with longer cells are rendered by Jinja, which bounds the length of its results."""

Kind = Literal["text", "number", "boolean", "any"]


class PythonValue(NamedTuple):
    """An expression in Python and the kind of its result. A text has at most MAX_CELL characters, a number is finite.

    If it `omits`, its result may be `OMIT` instead.
    """

    source: str
    kind: Kind
    omits: bool = False


Scope: TypeAlias = "Mapping[str, PythonValue]"
"""The names that an expression can use."""


def lone(node: nodes.Expr, scope: Scope) -> PythonValue | None:
    """Translate an expression that is a whole value, and so may be `omit`; return None as `expression` does."""
    match node:
        case nodes.Name(name=name) if name == OMIT:
            return PythonValue(OMIT, "any", omits=True)
        case nodes.Name(name=str(name)):
            found = scope.get(name)
            return found if found and found.kind != "any" else None
        case nodes.CondExpr(test=test, expr1=left, expr2=nodes.Expr() as right):
            condition, one, other = expression(test, scope), lone(left, scope), lone(right, scope)
            if condition is None or one is None or other is None:
                return None
            kinds = {value.kind for value in (one, other) if value.source != OMIT}
            source = f"({one.source} if {condition.source} else {other.source})"
            return PythonValue(source, kinds.pop(), one.omits or other.omits) if len(kinds) == 1 else None
        case _:
            return expression(node, scope)


def expression(node: nodes.Node, scope: Scope) -> PythonValue | None:
    """Translate an expression over values of known kinds; return None for one that Python might evaluate differently."""
    match node:
        case nodes.Name(name=str(name)):
            found = scope.get(name)
            return found if found and found.kind != "any" and not found.omits else None
        case nodes.Const(value=value):
            kind = kind_of(value)
            return PythonValue(repr(value), kind) if kind != "any" else None
        case nodes.Not(node=inner):
            value = expression(inner, scope)
            return value and PythonValue(f"(not {value.source})", "boolean")
        case nodes.Compare(expr=first, ops=operands) if all(each.op in _COMPARISONS for each in operands):
            return _comparison([first, *(each.expr for each in operands)], [each.op for each in operands], scope)
        case nodes.And(left=left, right=right):
            return _either("({} and {})", left, right, scope)
        case nodes.Or(left=left, right=right):
            return _either("({} or {})", left, right, scope)
        case nodes.CondExpr(test=test, expr1=left, expr2=nodes.Expr() as right):
            condition = expression(test, scope)
            return condition and _either(f"({{}} if {_braced(condition.source)} else {{}})", left, right, scope)
        case nodes.Concat(nodes=pieces):
            return joined(pieces, scope)
        case _:
            return None


def _comparison(sides: Sequence[nodes.Node], operators: Sequence[str], scope: Scope) -> PythonValue | None:
    values = [expression(side, scope) for side in sides]
    if None in values or len({value.kind for value in values if value}) > 1:
        return None
    parts = [
        part
        for value, sign in zip(values, [*operators, ""], strict=True)
        if value
        for part in (value.source, _COMPARISONS.get(sign, ""))
    ]
    return PythonValue(f"({' '.join(parts).strip()})", "boolean")


def _either(pattern: str, left: nodes.Node, right: nodes.Node, scope: Scope) -> PythonValue | None:
    one, other = expression(left, scope), expression(right, scope)
    if one is None or other is None or one.kind != other.kind:
        return None
    return PythonValue(pattern.format(one.source, other.source), one.kind)


def joined(pieces: Sequence[nodes.Expr], scope: Scope) -> PythonValue | None:
    """Translate the pieces of a text, joined as Jinja joins them; return None if one of them can't be translated."""
    texts = []
    for piece in pieces:
        value = (
            PythonValue(repr(piece.data), "text") if isinstance(piece, nodes.TemplateData) else expression(piece, scope)
        )
        if value is None:
            return None
        texts.append(_AS_TEXT[value.kind].format(value.source))
    return PythonValue(f'"".join([{", ".join(texts)}])', "text")


def begin_of(shape: Shape) -> str:
    """Return the text that a template's result begins with, whatever is inserted into it."""
    pieces = shape.pieces if isinstance(shape, Template) else None
    return pieces[0].data if pieces and isinstance(pieces[0], nodes.TemplateData) else ""


_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_AS_TEXT = {"text": "{}", "number": "repr({})", "boolean": "('true' if {} else 'false')"}


def kind_of(value: object) -> Kind:
    """Return the kind of a constant; `any` for one that is too large or not a scalar."""
    match value:
        case bool():
            return "boolean"
        case str() if len(value) <= MAX_CELL:
            return "text"
        case int() if -(2**63) <= value < 2**63:
            return "number"
        case float() if isfinite(value):
            return "number"
        case _:
            return "any"


def _braced(source: str) -> str:
    return source.replace("{", "{{").replace("}", "}}")
