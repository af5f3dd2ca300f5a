"""Conditions that no variable can change: a constant, a comparison of constants, `x or 'text'`."""

from __future__ import annotations

from operator import eq, ge, gt, le, lt, ne
from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from runner.template.signatures import may_be_ordered
from runner.template.types import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def constant_truth(node: nodes.Node) -> bool | None:
    """Return whether a condition holds that no variable can change."""
    match node:
        case nodes.Const(value=value):
            return bool(value)
        case nodes.List(items=items) | nodes.Tuple(items=items) | nodes.Dict(items=items):
            return bool(items)
        case nodes.Not():
            inner = constant_truth(node.node)
            return None if inner is None else not inner
        case nodes.And() | nodes.Or():
            decides = isinstance(node, nodes.Or)
            sides = (constant_truth(node.left), constant_truth(node.right))
            if decides in sides:
                return decides
            return None if None in sides else not decides
        case nodes.Compare(expr=nodes.Const(value=left), ops=[nodes.Operand(op=op, expr=nodes.Const(value=right))]):
            return _constant_comparison(op, left, right)
        case _:
            return None


def _constant_comparison(op: str, left: object, right: object) -> bool | None:
    compare = _COMPARISONS.get(op)
    if compare is None or not may_be_ordered(kind_of(left), kind_of(right)):
        return None
    return bool(compare(left, right))


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": eq, "ne": ne, "lt": lt, "lteq": le, "gt": gt, "gteq": ge,
}  # fmt: skip


def constant_hint(node: nodes.Node) -> str | None:
    """Explain the commonest way to such a condition: `status == 'a' or 'b'`."""
    match node:
        case nodes.Or(left=nodes.Compare(ops=[nodes.Operand(op="eq")]), right=nodes.Const(value=str())):
            return "to compare with several values write: x in ['a', 'b']"
        case nodes.Const(value=str()):
            return "a text that is not empty is always true; a variable stands without quotes"
        case _:
            return None
