"""A template's expressions → the types of their values, and mistakes in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import nodes

from runner.template.comparisons import Objection, objection, text_hint
from runner.template.constants import constant_hint, constant_truth
from runner.template.functions import GLOBALS
from runner.template.lookups import Lookups, Scope
from runner.template.omit import NAME as OMIT_NAME
from runner.template.signatures import (
    FILTERS,
    FUNCTIONS,
    ITERABLE,
    METHODS,
    PARTS,
    TESTED,
    computed,
    item_of,
    test_holds,
)
from runner.template.types import (
    ANYTHING,
    BOOLEAN,
    DURATION,
    INTEGER,
    LIST,
    MAP,
    NULL,
    NUMBER,
    OMITTED,
    OTHER,
    SCALAR,
    SEQUENCE,
    SOME_BOOLEAN,
    SOME_INTEGER,
    SOME_NUMBER,
    SOME_TEXT,
    TEXT,
    UNDEFINED,
    UNKNOWN,
    Type,
    each_kind,
    exact_words,
    list_of,
    map_of,
    maybe,
    of_value,
    two_words,
    union,
    union_of,
    without,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Expressions(Lookups):
    """Infers the types of expressions."""

    def type_of(self, node: nodes.Node, scope: Scope, *, guarded: bool = False) -> Type:
        """Return the type of an expression. One that is `guarded` may be undefined."""
        match node:
            case nodes.Name(name=name):
                return _OMIT if name == OMIT_NAME else scope.get(name, UNKNOWN)
            case nodes.Const(value=value):
                return of_value(value)
            case nodes.TemplateData():
                return SOME_TEXT
            case nodes.Getattr():
                return self.attribute(node, node.attr, self.type_of(node.node, scope, guarded=guarded), guarded=guarded)
            case nodes.Getitem():
                return self._item(node, scope, guarded=guarded)
            case nodes.Filter():
                return self._filter(node, scope)
            case nodes.Test():
                return self._test(node, scope)
            case nodes.Call():
                return self._call(node, scope)
            case nodes.Compare():
                return self._compare(node, scope)
            case nodes.CondExpr():
                return self._conditional(node, scope, guarded=guarded)
            case nodes.And() | nodes.Or():
                return self._either(node, scope)
            case nodes.Not():
                self.type_of(node.node, scope)
                return SOME_BOOLEAN
            case nodes.Concat():
                for each in node.nodes:
                    self.type_of(each, scope)
                return SOME_TEXT
            case nodes.BinExpr():
                return self._binary(node, scope)
            case nodes.UnaryExpr():
                return self._unary(node, scope)
            case nodes.List() | nodes.Tuple():
                return list_of(union_of([self.type_of(each, scope) for each in node.items]))
            case nodes.Dict():
                return self._map(node, scope)
            case _:
                return UNKNOWN

    def _item(self, node: nodes.Getitem, scope: Scope, *, guarded: bool) -> Type:
        owner = self.type_of(node.node, scope, guarded=guarded)
        kinds = owner.kinds & ~UNDEFINED
        match node.arg:
            case nodes.Slice():
                if kinds and not kinds & ITERABLE:
                    self.report("template-type", f"{words(kinds)} has no items to cut out", node)
                return Type(kinds, owner.item, size=owner.size) if not kinds & ~(TEXT | LIST) else UNKNOWN
            case nodes.Const(value=str(name)):
                return self.attribute(node, name, owner, guarded=guarded)
            case argument:
                self.type_of(argument, scope)
                if kinds and not kinds & (ITERABLE | OMITTED) and not guarded:
                    self.report("template-type", f"{words(kinds)} has no items", node)
                if kinds & ~(TEXT | LIST):
                    return UNKNOWN
                return maybe(item_of(owner))

    def _filter(self, node: nodes.Filter, scope: Scope) -> Type:
        is_default = node.name in ("default", "d")
        value = self.type_of(node.node, scope, guarded=is_default) if node.node is not None else SOME_TEXT
        given = [self.type_of(each, scope) for each in node.args]
        for named in node.kwargs:
            self.type_of(named.value, scope)
        if is_default:
            return self._default(node, value, given)
        signature = FILTERS.get(node.name)
        if signature is None:
            return UNKNOWN
        kinds = value.kinds & ~UNDEFINED
        if kinds and not kinds & signature.accepts:
            message = f"{node.name} expects {_expected(signature.accepts)}, and this is {words(kinds)}"
            self.report("template-type", message, node, _filter_hint(node.name, kinds), name=node.name)
            return UNKNOWN
        match node.name:
            case "float" if not node.args and not node.kwargs:
                return SOME_NUMBER
            case "round" if not node.args and not node.kwargs:
                return SOME_INTEGER
            case "sum" | "join" | "map":
                return self._of_items(node, value, signature.result(value))
            case _:
                return signature.result(value)

    def _of_items(self, node: nodes.Filter, values: Type, result: Type) -> Type:
        """Check filters that do something with each item of a list."""
        item = item_of(values)
        attribute = next((each.value for each in node.kwargs if each.key == "attribute"), None)
        if node.name == "sum":
            attribute = node.args[0] if node.args else attribute
        if node.name == "join" and len(node.args) > 1:
            attribute = node.args[1]
        if attribute is not None:
            item = self._part(attribute, item)
        kinds = item.kinds & ~UNDEFINED
        match node.name:
            case "sum":
                if kinds and not kinds & (BOOLEAN | NUMBER | OTHER):
                    message = f"sum adds numbers, and the items are {words(kinds)}"
                    hint = "texts are put together with | join" if kinds == TEXT else None
                    self.report("template-type", message, node, hint, name="sum")
                return result if attribute is None else SOME_NUMBER
            case "join":
                if kinds and not kinds & (BOOLEAN | NUMBER | TEXT | OTHER):
                    message = f"join expects texts or numbers, and the items are {words(kinds)}"
                    self.report("template-type", message, node, name="join")
                return result
            case _:
                return list_of(self._mapped(node, item, attribute), SEQUENCE)

    def _part(self, attribute: nodes.Expr, item: Type) -> Type:
        """Return the type of the attribute of each item: a name, or a path such as `address.city`."""
        match attribute:
            case nodes.Const(value=str(path)):
                for name in path.split("."):
                    item = self.attribute(attribute, name, item) if name.isidentifier() else UNKNOWN
                return item
            case _:
                return UNKNOWN

    def _mapped(self, node: nodes.Filter, item: Type, attribute: nodes.Expr | None) -> Type | None:
        if attribute is not None:
            is_given = any(each.key == "default" for each in node.kwargs)
            return without(item, UNDEFINED) if not is_given else None
        match node.args:
            case [nodes.Const(value=str(name))] if name in FILTERS and name not in ("map", "default", "d"):
                signature = FILTERS[name]
                kinds = item.kinds & ~UNDEFINED
                if kinds and not kinds & signature.accepts:
                    message = f"{name} expects {_expected(signature.accepts)}, and the items are {words(kinds)}"
                    self.report("template-type", message, node, _filter_hint(name, kinds), name=name)
                    return None
                return signature.result(item)
            case _:
                return None

    def _default(self, node: nodes.Filter, value: Type, given: Sequence[Type]) -> Type:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            return UNKNOWN
        named = {each.key: each.value for each in node.kwargs}
        if "default_value" in named:
            return UNKNOWN
        replaces_empty = len(node.args) > 1 or "boolean" in named
        kept = without(value, UNDEFINED | NULL if replaces_empty and _is_true(node, named) else UNDEFINED)
        other = given[0] if given else SOME_TEXT
        return union(kept, other) if value.kinds & ~kept.kinds or replaces_empty else kept

    def _test(self, node: nodes.Test, scope: Scope) -> Type:
        value = self.type_of(node.node, scope, guarded=node.name not in TESTED and node.name not in _COMPARED)
        given = [self.type_of(each, scope) for each in node.args or ()]
        kinds = value.kinds & ~UNDEFINED
        if node.name in TESTED and kinds and not kinds & TESTED[node.name]:
            message = f"'{node.name}' tests a number, and this is {words(kinds)}"
            self.report("template-type", message, node, "make a number of a text with | int" if kinds == TEXT else None)
        if (sign := _COMPARED.get(node.name)) is not None and given:
            self._object(node, objection(sign, value, given[0]))
        return SOME_BOOLEAN

    def _call(self, node: nodes.Call, scope: Scope) -> Type:
        for each in (*node.args, *(named.value for named in node.kwargs)):
            self.type_of(each, scope)
        target = node.node
        if isinstance(target, nodes.Name):
            is_known = target.name in GLOBALS and target.name not in scope
            return FUNCTIONS.get(target.name, UNKNOWN) if is_known else UNKNOWN
        if not isinstance(target, nodes.Getattr):
            return UNKNOWN
        owner = self.type_of(target.node, scope)
        kinds = owner.kinds & ~UNDEFINED
        if kinds & (OTHER | SEQUENCE | OMITTED):
            return UNKNOWN
        found = [METHODS[kind][target.attr] for kind in each_kind(kinds) if target.attr in METHODS.get(kind, {})]
        if kinds and not found:
            message = f"{words(kinds)} has no method '{target.attr}'"
            is_part = any(target.attr in PARTS.get(kind, {}) for kind in each_kind(kinds))
            hint = f"write it without (): {target.attr}" if is_part else None
            if target.attr == "replace" and kinds == TEXT:
                hint = "write {{ … | replace('old', 'new') }}"
            self.report("template-type", message, target, hint, name=target.attr)
            return UNKNOWN
        return union_of(found) if found else UNKNOWN

    def _compare(self, node: nodes.Compare, scope: Scope) -> Type:
        left_node, left = node.expr, self.type_of(node.expr, scope)
        for operand in node.ops:
            if operand.op in ("in", "notin") and isinstance(left_node, nodes.Const):
                self.tested.add(str(left_node.value))
            right = self.type_of(operand.expr, scope)
            pair = nodes.Compare(left_node, [operand]) if len(node.ops) > 1 else node
            self._object(pair, objection(operand.op, left, right))
            left_node, left = operand.expr, right
        return SOME_BOOLEAN

    def _conditional(self, node: nodes.CondExpr, scope: Scope, *, guarded: bool) -> Type:
        holds = self.condition(node.test, scope)
        first = self._branch(node.expr1, scope, is_dead=holds is False, guarded=guarded)
        if node.expr2 is None:
            return maybe(first)
        return union(first, self._branch(node.expr2, scope, is_dead=holds is True, guarded=guarded))

    def _branch(self, node: nodes.Node, scope: Scope, *, is_dead: bool, guarded: bool = False) -> Type:
        self.muted += is_dead
        found = self.type_of(node, scope, guarded=guarded)
        self.muted -= is_dead
        return found

    def condition(self, test: nodes.Node, scope: Scope) -> bool | None:
        """Check a condition; return whether it always or never holds, if that is known."""
        before = len(self.mistakes)
        self.type_of(test, scope)
        if (holds := constant_truth(test)) is not None:
            if len(self.mistakes) == before:
                message = f"the condition is always {'true' if holds else 'false'}"
                self.report("template-condition", message, test, constant_hint(test), "warning")
            return holds
        return self._truth(test, scope)

    def _truth(self, test: nodes.Node, scope: Scope) -> bool | None:
        """Return whether the test of a name or a path holds, where its type is known."""
        match test:
            case nodes.Not():
                inner = self._truth(test.node, scope)
                return None if inner is None else not inner
            case nodes.And():
                sides = (self._truth(test.left, scope), self._truth(test.right, scope))
                return False if False in sides else None
            case nodes.Test(node=nodes.Name() | nodes.Getattr(node=nodes.Name()) as node, name=name):
                self.muted += 1
                found = self.type_of(node, scope, guarded=True)
                self.muted -= 1
                return test_holds(name, found)
            case _:
                return None

    def _either(self, node: nodes.And | nodes.Or, scope: Scope) -> Type:
        left = self.type_of(node.left, scope)
        is_dead = self._truth(node.left, scope) is isinstance(node, nodes.Or)
        return union(without(left, UNDEFINED), self._branch(node.right, scope, is_dead=is_dead))

    def _binary(self, node: nodes.BinExpr, scope: Scope) -> Type:
        left, right = self.type_of(node.left, scope), self.type_of(node.right, scope)
        one, other = left.kinds & ~UNDEFINED, right.kinds & ~UNDEFINED
        if ANYTHING & ~UNDEFINED in (one, other) or not one or not other:
            return UNKNOWN
        result = computed(node.operator, one, other)
        if result == 0:
            message = f" {node.operator} ".join(two_words(one, other)) + " is not supported"
            self.report("template-type", message, node, text_hint(one, other))
            return UNKNOWN
        if result == LIST and left.item is not None and right.item is not None:
            return list_of(union(left.item, right.item))
        return Type(result) if result != ANYTHING else UNKNOWN

    def _unary(self, node: nodes.UnaryExpr, scope: Scope) -> Type:
        kinds = self.type_of(node.node, scope).kinds & ~UNDEFINED
        if kinds and not kinds & (BOOLEAN | NUMBER | DURATION | OTHER):
            message = f"'{node.operator}' needs a number, not {words(kinds)}"
            self.report("template-type", message, node, text_hint(kinds, NUMBER))
            return UNKNOWN
        if kinds & ~(BOOLEAN | NUMBER | DURATION):
            return UNKNOWN
        return Type(kinds & ~BOOLEAN | (INTEGER if kinds & BOOLEAN else 0))

    def _map(self, node: nodes.Dict, scope: Scope) -> Type:
        keys: dict[str, Type] = {}
        is_whole = True
        for pair in node.items:
            self.type_of(pair.key, scope)
            value = self.type_of(pair.value, scope)
            match pair.key:
                case nodes.Const(value=str(name)):
                    keys[name] = value
                case _:
                    is_whole = False
        return map_of(keys, keys) if is_whole else Type(MAP)

    def _object(self, node: nodes.Node, found: Objection | None) -> None:
        if found is not None:
            self.report(found.code, found.message, node, found.hint, found.severity)


_OMIT = Type(OMITTED)
_COMPARED = {
    **dict.fromkeys(("eq", "equalto", "=="), "eq"), **dict.fromkeys(("ne", "!="), "ne"),
    **dict.fromkeys(("lt", "lessthan", "<"), "lt"), **dict.fromkeys(("le", "<="), "lteq"),
    **dict.fromkeys(("gt", "greaterthan", ">"), "gt"), **dict.fromkeys(("ge", ">="), "gteq"), "in": "in",
}  # fmt: skip
"""Tests that compare."""


def _is_true(node: nodes.Filter, named: Mapping[Any, nodes.Expr]) -> bool:
    flag = named.get("boolean") or node.args[1]
    return isinstance(flag, nodes.Const) and flag.value is True


def _expected(kinds: int) -> str:
    """Return what a filter expects: where text is enough, numbers and booleans go without saying."""
    kinds &= ~OTHER
    if kinds & SCALAR == SCALAR:
        return exact_words(kinds & ~SCALAR | TEXT)
    return exact_words(kinds & ~BOOLEAN)


def _filter_hint(name: str, kinds: int) -> str | None:
    if name in ("round", "abs", "currency", "decimal") and kinds == TEXT:
        return "make a number of it: {{ … | float }}"
    if name in _OF_DATES and not kinds & ~(TEXT | NUMBER):
        return "make a date of it: {{ … | to_datetime }}"
    if kinds == SEQUENCE and name == "tojson":
        return "write {{ … | list }}"
    return None


_OF_DATES = frozenset({"in_timezone", "start_of", "date", "time", "datetime", "isoformat"})
