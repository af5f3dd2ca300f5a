"""Expressions of Python → values: literals as they stand, everything else as a hole with a name and a type."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from runner.importing.sample import Hole, Pieces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.importing.sample import Value
    from runner.source import Json

_CALLS: dict[str, dict[str, Json]] = {
    "str": {"type": "string"}, "int": {"type": "integer"}, "float": {"type": "number"}, "bool": {"type": "boolean"},
    "len": {"type": "integer"}, "list": {"type": "array"}, "sorted": {"type": "array"}, "dict": {"type": "object"},
    "round": {"type": "number"},
}  # fmt: skip
"""Functions whose results have a type; that of the last words of their argument is their name."""
_METHODS: dict[str, dict[str, Json]] = {
    "isoformat": {"type": "string"},
    **{name: {"type": "string"} for name in ("strip", "lower", "upper", "title", "format", "join", "strftime", "hex", "decode", "replace")},
    "dict": {"type": "object"}, "model_dump": {"type": "object"}, "total_seconds": {"type": "number"}, "timestamp": {"type": "number"},
}  # fmt: skip
_ANNOTATIONS: dict[str, dict[str, Json]] = {
    "str": {"type": "string"}, "int": {"type": "integer"}, "float": {"type": "number"}, "bool": {"type": "boolean"},
    "dict": {"type": "object"}, "list": {"type": "array"},
}  # fmt: skip
_GENERIC = ("id", "pk", "name", "get", "value", "self", "cls")
"""Words that say too little without the one before."""
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for in a function: those that are assigned once, and the types of its parameters."""

    assigned: Mapping[str, ast.expr]
    types: Mapping[str, dict[str, Json]]
    depth: int = 0

    @classmethod
    def of(cls, tree: ast.AST) -> Scope:
        """Return the scope of a file."""
        return cls(_assigned_once(tree), {})

    def within(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Scope:
        """Return the scope of a function in this one."""
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        hidden = {argument.arg for argument in arguments}
        outer = {name: value for name, value in self.assigned.items() if name not in hidden}
        types = {
            argument.arg: _ANNOTATIONS[argument.annotation.id]
            for argument in arguments
            if isinstance(argument.annotation, ast.Name) and argument.annotation.id in _ANNOTATIONS
        }
        return Scope({**outer, **_assigned_once(function)}, {**self.types, **types})

    def deeper(self) -> Scope:
        """Return the same scope, one step further into an expression."""
        return Scope(self.assigned, self.types, self.depth + 1)

    def has_spread(self, node: ast.expr) -> bool:
        """Return whether a map takes over entries of another one that are not known."""
        if isinstance(node, ast.Name) and node.id in self.assigned:
            node = self.assigned[node.id]
        return isinstance(node, ast.Dict) and any(
            key is None and not isinstance(value_of(item, self), dict)
            for key, item in zip(node.keys, node.values, strict=True)
        )


def _assigned_once(scope: ast.AST) -> dict[str, ast.expr]:
    """Return what names stand for that are set in one place only, by a plain assignment."""
    found: dict[str, ast.expr] = {}
    times: Counter[str] = Counter()
    pending: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        pending += ast.iter_child_nodes(node)
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                found[name] = node.value  # type: ignore[assignment]
            case ast.Name(ctx=ast.Store(), id=name):
                times[name] += 1
            case _:
                pass
    return {name: value for name, value in found.items() if times[name] == 1}


def value_of(node: ast.expr, scope: Scope) -> Value:
    """Return the value of an expression, as far as it is written out."""
    if scope.depth > _MAX_DEPTH:
        return Hole("value")
    inner = scope.deeper()
    match node:
        case ast.Constant(value=bool() | int() | str() | None as written):
            return written
        case ast.Constant(value=float(number)) if isfinite(number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)) if not isinstance(
            number, bool
        ):
            return -number
        case ast.Dict():
            return _map(node, inner)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [value_of(item, inner) for item in items]
        case ast.Name(id=name) if name in scope.assigned:
            found = value_of(scope.assigned[name], inner)
            if isinstance(found, Hole) and found.name in ("value", ""):
                return Hole(name, found.declaration)
            return found
        case ast.JoinedStr(values=parts):
            return _text(parts, inner)
        case _:
            return hole_of(node, scope)


def _map(node: ast.Dict, scope: Scope) -> dict[str, Value]:
    entries: dict[str, Value] = {}
    for key, item in zip(node.keys, node.values, strict=True):
        if key is None:
            inherited = value_of(item, scope)
            if isinstance(inherited, dict):
                entries |= inherited
        elif isinstance(name := value_of(key, scope), str):
            entries[name] = value_of(item, scope)
    return entries


def _text(parts: list[ast.expr], scope: Scope) -> Value:
    pieces: list[str | Hole] = []
    for part in parts:
        if isinstance(part, ast.FormattedValue):
            value = value_of(part.value, scope)
            if part.format_spec is not None or not isinstance(value, str | Hole):
                value = hole_of(part.value, scope)
            if isinstance(value, Hole):
                pieces.append(value)
            else:
                pieces.append(value)
        elif isinstance(part, ast.Constant):
            pieces.append(str(part.value))
    if not any(isinstance(piece, Hole) for piece in pieces):
        return "".join(str(piece) for piece in pieces)
    return Pieces(tuple(piece for piece in pieces if piece != ""))


def hole_of(node: ast.expr, scope: Scope) -> Hole:
    """Return the hole of an expression, with the type that its operation has."""
    words = _words(node)
    if len(words) > 1 and words[-1] in _GENERIC:
        words = words[-2:]
    name = "_".join(words[-2:] if words and words[-1] in _GENERIC else words[-1:]) or "value"
    declaration = dict(_declaration(node, scope))
    question = None if declaration else f"Which values has {name}? The code does not show its type."
    return Hole(name, declaration, question=question)


def _declaration(node: ast.expr, scope: Scope) -> Mapping[str, Json]:
    match node:
        case ast.Name(id=name):
            return scope.types.get(name, {})
        case ast.Call(func=ast.Name(id=name)):
            return _CALLS.get(name, {})
        case ast.Call(func=ast.Attribute(attr=name)):
            return _METHODS.get(name, {})
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return {"type": "boolean"}
        case ast.ListComp():
            return {"type": "array"}
        case ast.DictComp():
            return {"type": "object"}
        case ast.JoinedStr():
            return {"type": "string"}
        case ast.BinOp(op=ast.Mult() | ast.Div() | ast.Sub()):
            return {"type": "number"}
        case ast.IfExp(body=body, orelse=other):
            first, second = _declaration(body, scope), _declaration(other, scope)
            return first if first == second else {}
        case _:
            return {}


def _words(node: ast.expr) -> list[str]:
    """Return the names in an expression, from the outermost object to the last attribute."""
    match node:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=value, attr=name):
            return [*_words(value), name]
        case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
            return [*_words(value), name]
        case ast.Subscript(value=value) | ast.Await(value=value) | ast.FormattedValue(value=value):
            return _words(value)
        case ast.Call(func=ast.Name(), args=[first, *_]):
            return _words(first)
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(value=str(name)), *_]):
            return [*_words(value), name]
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _METHODS:
            return _words(value)
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
            return [name]
        case ast.BinOp(left=left):
            return _words(left)
        case ast.IfExp(body=body):
            return _words(body)
        case _:
            return []
