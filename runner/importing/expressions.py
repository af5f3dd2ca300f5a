"""Expressions of Python → values: literals as they stand, everything else as a hole with a name and a type."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

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
        constants = {
            f"{node.name}.{name}": value
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            for name, value in _assigned_once(node).items()
        }
        return cls({**constants, **_assigned_once(tree)}, {})

    def within(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Scope:
        """Return the scope of a function in this one."""
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        hidden = {argument.arg for argument in arguments}
        outer = {name: value for name, value in self.assigned.items() if name not in hidden}
        types = {argument.arg: dict(_annotated(argument.annotation)) for argument in arguments}
        return Scope({**outer, **_assigned_once(function)}, {**self.types, **types})

    def deeper(self) -> Scope:
        """Return the same scope, one step further into an expression."""
        return Scope(self.assigned, self.types, self.depth + 1)

    def meaning(self, node: ast.expr) -> ast.expr | None:
        """Return what a name, or a constant of a class, is assigned; None if that is not known."""
        match node:
            case ast.Name(id=name):
                return self.assigned.get(name)
            case ast.Attribute(value=ast.Name(id=outer), attr=name):
                return self.assigned.get(f"{outer}.{name}")
            case ast.Attribute(value=ast.Attribute() as member, attr="value"):  # of an enumeration
                return self.meaning(member)
            case _:
                return None


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
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                | ast.NamedExpr(target=ast.Name(id=name), value=value)
            ):
                found[name] = value
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
        case ast.List(elts=items) | ast.Tuple(elts=items) if not any(isinstance(item, ast.Starred) for item in items):
            return [value_of(item, inner) for item in items]
        case ast.Name() | ast.Attribute() if (meaning := scope.meaning(node)) is not None:
            found = value_of(meaning, inner)
            if isinstance(found, Hole) and found.name in ("value", ""):
                return Hole(_words(node)[-1], found.declaration, expression=found.expression)
            return found
        case ast.JoinedStr(values=parts):
            return _text(parts, inner)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined(value_of(left, inner), value_of(right, inner)) or hole_of(node, scope)
        case _:
            entries = entries_of(node, inner)
            return entries.known if entries is not None and entries.is_complete else hole_of(node, scope)


class KnownEntries(NamedTuple):
    """The entries of a map that code writes out, and whether it has no others."""

    known: dict[str, Value]
    is_complete: bool


def entries_of(node: ast.expr, scope: Scope) -> KnownEntries | None:
    """Return the entries of an expression that makes a map: `{…}`, `dict(…)`, `a | b`; None for any other."""
    if scope.depth > _MAX_DEPTH:
        return None
    inner = scope.deeper()
    match node:
        case ast.Dict(keys=keys, values=values):
            return _entries([*zip(keys, values, strict=True)], inner)
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            named = ((ast.Constant(each.arg) if each.arg is not None else None, each.value) for each in keywords)
            return _entries([*named], inner)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            sides = [entries_of(each, inner) for each in (left, right)]
            known = [each for each in sides if each is not None]
            if not known:
                return None
            merged = {key: value for each in known for key, value in each.known.items()}
            return KnownEntries(merged, all(each is not None and each.is_complete for each in sides))
        case ast.Name() | ast.Attribute() if (meaning := scope.meaning(node)) is not None:
            return entries_of(meaning, inner)
        case _:
            return None


def _entries(pairs: list[tuple[ast.expr | None, ast.expr]], scope: Scope) -> KnownEntries:
    known: dict[str, Value] = {}
    is_complete = True
    for key, item in pairs:
        if key is None:
            inherited = entries_of(item, scope)
            known |= inherited.known if inherited is not None else {}
            is_complete = is_complete and inherited is not None and inherited.is_complete
        elif isinstance(name := value_of(key, scope), str):
            known[name] = value_of(item, scope)
        else:
            is_complete = False
    return KnownEntries(known, is_complete)


def _joined(left: Value, right: Value) -> Value:
    """Return two texts as one; None if neither is known to be a text."""
    sides = (left, right)
    if not any(isinstance(side, str | Pieces) for side in sides):
        return None
    parts: list[str | Hole] = []
    for side in sides:
        match side:
            case Pieces():
                parts += side.parts
            case str() | Hole():
                parts.append(side)
            case _:
                return None
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts))
    return Pieces(tuple(part for part in parts if part != ""))


def _text(parts: list[ast.expr], scope: Scope) -> Value:
    pieces: list[str | Hole] = []
    for part in parts:
        if isinstance(part, ast.FormattedValue):
            value = value_of(part.value, scope)
            if part.format_spec is not None or part.conversion != -1:
                value = replace(hole_of(part.value, scope), declaration={"type": "string"}, question=None)
                value = replace(value, expression=ast.unparse(ast.JoinedStr([part])))
            pieces.append(value if isinstance(value, str | Hole) else hole_of(part.value, scope))
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
    shown = "does it have" if name == "value" else f"has {name}"
    question = None if declaration else f"Which values {shown}? The code does not show its type."
    return Hole(name, declaration, question=question, expression=_identity(node))


def _identity(node: ast.expr) -> str:
    """Return a text that is the same for expressions of the same value: two calls of `uuid4()` or `now()` differ."""
    is_made_anew = any(
        isinstance(each, ast.Call) and not each.args and not each.keywords and _called(each) not in _METHODS
        for each in ast.walk(node)
    )
    return f"{ast.unparse(node)} @{node.lineno}:{node.col_offset}" if is_made_anew else ast.unparse(node)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _annotated(annotation: ast.expr | None) -> Mapping[str, Json]:
    """Return the declaration of a parameter's annotation: `str`, `list[str]`, `int | None`, `Optional[int]`."""
    match annotation:
        case ast.Name(id=name):
            return _ANNOTATIONS.get(name, {})
        case ast.Subscript(value=ast.Name(id="Optional"), slice=inner):
            return _or_null(_annotated(inner))
        case ast.Subscript(value=ast.Name() as outer):
            return _annotated(outer)
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return _or_null(_annotated(left))
        case _:
            return {}


def _or_null(declaration: Mapping[str, Json]) -> Mapping[str, Json]:
    return {"type": [declaration["type"], "null"]} if "type" in declaration else {}


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
        case ast.IfExp(body=ast.Constant(value=str(first)), orelse=ast.Constant(value=str(second))) if first != second:
            return {"type": "string", "enum": [first, second]}
        case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod()):
            return {"type": "string"}
        case ast.IfExp(body=body, orelse=other):
            types = [_declaration(each, scope) for each in (body, other)]
            return types[0] if types[0] == types[1] else {}
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
