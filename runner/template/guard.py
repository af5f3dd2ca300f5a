"""A template's syntax tree → a copy that charges the budget for what costs time or memory."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes


def filtered(node: Any, name: str, args: list[nodes.Expr] | None = None) -> nodes.Filter:
    """Return a filter over an expression."""
    return nodes.Filter(node, name, args or [], [], None, None)


def joined(parts: list[nodes.Expr]) -> nodes.Filter:
    """Return the text of several expressions."""
    return filtered(nodes.Tuple(parts, "load"), "joined text")


def guarded(node: nodes.Node, place: str) -> Any:
    """Return a copy of a tree that charges the budget at run time.

    It charges every piece of output, every step of a loop, every comparison of two values, every slice and every input
    of a filter whose time depends on it. `~` joins as mixed text does, and `uuid4()` gets its place as an argument. The environment charges
    calls, other operators and filters.
    """
    copy = type(node)(*(_guard_field(getattr(node, name), place) for name in node.fields))
    copy.lineno = node.lineno
    match copy:
        case nodes.Output():
            copy.nodes = [filtered(as_expression(piece), "text piece") for piece in copy.nodes]
        case nodes.CondExpr(expr2=None):
            copy.expr2 = filtered(nodes.Const(None), "no else")
        case nodes.For():
            copy.iter = filtered(copy.iter, "loop steps")
        case nodes.Filter(node=nodes.Expr() as value, name=name) if name not in _CHEAP:
            copy.node = filtered(value, "watched")
        case nodes.Compare():
            return _compared(copy)
        case nodes.Getitem(node=value, arg=nodes.Slice(start=start, stop=stop, step=step)):
            return filtered(value, "cut out", [part or nodes.Const(None) for part in (start, stop, step)])
        case nodes.Pair(key=nodes.Expr() as key) if not isinstance(key, nodes.Const):
            copy.key = filtered(key, "used as key")
        case nodes.Concat():
            return joined(copy.nodes)
        case nodes.Call(node=nodes.Getattr(node=value, attr=name)):
            copy.node = filtered(value, "method", [nodes.Const(name)])
        case nodes.Call(node=nodes.Name(name="uuid4"), args=[]):
            copy.args = [nodes.Const(place)]
    if isinstance(copy, nodes.Call | nodes.Filter | nodes.Test):
        copy.dyn_args = copy.dyn_args and filtered(copy.dyn_args, "spread out")
        copy.dyn_kwargs = copy.dyn_kwargs and filtered(copy.dyn_kwargs, "spread out")
    return copy


_CHEAP = frozenset(["count", "d", "default", "first", "in_timezone", "isoformat", "length", "start_of", "sum"])
"""Filters that take the same time for any value, or charge it themselves."""


def _compared(compare: nodes.Compare) -> nodes.Expr:
    """Return a comparison as a test, which charges it. A comparison with a constant costs too little to charge."""
    first, operands = compare.expr, compare.ops
    if len(operands) == 1:
        (operand,) = operands
        if _is_constant(operand.expr) or (operand.op in _ORDER and _is_constant(first)):
            return compare
        name = "in" if operand.op == "notin" else _ORDER.get(operand.op, operand.op)
        test = nodes.Test(first, name, [operand.expr], [], None, None)
        return nodes.Not(test) if operand.op == "notin" else test
    return nodes.Compare(_walked(first), [nodes.Operand(each.op, _walked(each.expr)) for each in operands])


def _walked(node: nodes.Expr) -> nodes.Expr:
    return node if _is_constant(node) else filtered(node, "walked through")


_ORDER = {"eq": "eq", "ne": "ne", "lt": "lt", "lteq": "le", "gt": "gt", "gteq": "ge"}
"""The parser's names of comparisons → the names of the equivalent tests."""


def _is_constant(node: nodes.Expr) -> bool:
    """Return whether an expression is a literal constant, or a list of them."""
    return isinstance(node, nodes.Const) or (
        isinstance(node, nodes.List | nodes.Tuple) and all(isinstance(item, nodes.Const) for item in node.items)
    )


def _guard_field(value: object, place: str) -> object:
    if isinstance(value, nodes.Node):
        return guarded(value, place)
    if isinstance(value, list):
        return [_guard_field(item, place) for item in value]
    return value


def as_expression(piece: nodes.Expr) -> nodes.Expr:
    """Return a piece of a template as an expression."""
    return nodes.Const(piece.data) if isinstance(piece, nodes.TemplateData) else piece
