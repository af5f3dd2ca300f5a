"""A template's syntax tree → the type of its value, and mistakes in it.

Nothing is run. What always fails is an error, wherever it stands in the template; a branch that is known not to be
taken is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from runner.template.expressions import Expressions
from runner.template.signatures import ITERABLE, LOOP, item_of
from runner.template.types import OMITTED, OTHER, SOME_TEXT, UNDEFINED, UNKNOWN, Type, map_of, union_of, without, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.template.lookups import Scope


class Inference(Expressions):
    """Goes through one template: an expression that stands alone, or statements."""

    def branches(self, node: nodes.Node, scope: Scope) -> list[tuple[nodes.Node, Type]]:
        """Return the expressions that can make the value of a lone expression, with their types: the branches of a conditional."""
        if not isinstance(node, nodes.CondExpr):
            return [(node, self.type_of(node, scope))]
        holds = self.condition(node.test, scope)
        if node.expr2 is None:
            hint = "add else and a value; else omit leaves it out"
            self.report("template-no-else", "there is no value where the condition does not hold", node, hint)
        found: list[tuple[nodes.Node, Type]] = []
        for branch, is_dead in ((node.expr1, holds is False), (node.expr2, holds is True)):
            if branch is not None:
                self.muted += is_dead
                made = self.branches(branch, scope)
                self.muted -= is_dead
                found += [] if is_dead else made
        return found or [(node, UNKNOWN)]

    def lone_condition(self, node: nodes.Node, scope: Scope) -> None:
        """Check the condition of a `$if`."""
        if isinstance(node, nodes.CondExpr):
            self.branches(node, scope)
        else:
            self.condition(node, scope)

    def block(self, body: Iterable[nodes.Node], scope: Scope) -> None:
        """Go through statements in order; what `set` sets is known to those after it."""
        for node in body:
            match node:
                case nodes.Output():
                    for piece in node.nodes:
                        self.type_of(piece, scope)
                case nodes.For():
                    self._for(node, scope)
                case nodes.If():
                    self._if(node, scope)
                case nodes.Assign():
                    self._assign(node.target, self.type_of(node.node, scope), scope)
                case nodes.AssignBlock():
                    self.block(node.body, dict(scope))
                    self._assign(node.target, SOME_TEXT if node.filter is None else UNKNOWN, scope)
                case nodes.With():
                    inner = dict(scope)
                    for target, value in zip(node.targets, node.values, strict=True):
                        self._assign(target, self.type_of(value, scope), inner)
                    self.block(node.body, inner)
                case nodes.FilterBlock():
                    self.type_of(node.filter, scope)
                    self.block(node.body, dict(scope))
                case _:
                    pass

    def _for(self, node: nodes.For, scope: Scope) -> None:
        values = self.type_of(node.iter, scope)
        kinds = values.kinds & ~UNDEFINED
        if kinds and not kinds & (ITERABLE | OMITTED):
            self.report("template-type", f"a loop goes through a list, and this is {words(kinds)}", node.iter)
            values = UNKNOWN
        inner = self.inside(node, values, scope)
        if node.test is not None:
            self.condition(node.test, inner)
        self.block(node.body, inner)
        self.block(node.else_, dict(scope))

    def inside(self, loop: nodes.For, values: Type, scope: Scope) -> Scope:
        """Return what is known inside a loop over these values."""
        inner = {**scope, "loop": _LOOP}
        self._assign(loop.target, item_of(values), inner)
        return inner

    def _if(self, node: nodes.If, scope: Scope) -> None:
        """Go through the branches; a name that some of them set may be of any of their types."""
        ends = []
        is_decided = False
        for branch in (node, *node.elif_):
            holds = self.condition(branch.test, scope)
            ends.append(self._body(branch.body, scope, is_dead=is_decided or holds is False))
            is_decided = is_decided or holds is True
        ends.append(self._body(node.else_, scope, is_dead=is_decided))
        for name in {name for end in ends for name in end}:
            if any(end.get(name) is not scope.get(name) for end in ends):
                scope[name] = union_of(end.get(name, UNKNOWN) for end in ends)

    def _body(self, body: Iterable[nodes.Node], scope: Scope, *, is_dead: bool) -> Scope:
        inner = dict(scope)
        self.muted += is_dead
        self.block(body, inner)
        self.muted -= is_dead
        return inner

    def _assign(self, target: nodes.Node, value: Type, scope: Scope) -> None:
        match target:
            case nodes.Name(name=name):
                scope[name] = without(value, UNDEFINED) if value.kinds != UNDEFINED else UNKNOWN
            case nodes.NSRef():
                pass
            case _:
                scope |= {each.name: UNKNOWN for each in target.find_all(nodes.Name)}


_LOOP = map_of(LOOP, LOOP, OTHER)
