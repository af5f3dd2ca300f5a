"""A template → the names that it sets inside a loop or block and reads outside, where the value is lost."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def lost_sets(tree: nodes.Template) -> list[nodes.Name]:
    """Return the names whose values are lost, each as the node that sets it first."""
    walk = _Walk()
    with suppress(RecursionError):
        walk.block(tree.body, _Scope())
    return list(walk.lost.values())


@dataclass(slots=True)
class _Scope:
    """A block at whose end Jinja drops the names that are set in it, such as a loop; an `if` is not one."""

    above: _Scope | None = None
    is_loop: bool = False
    known: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    """Names that are read in it, and known only outside of it."""
    set: dict[str, nodes.Name] = field(default_factory=dict)
    forgotten: dict[str, nodes.Name] = field(default_factory=dict)
    """Names that were set in inner blocks that have ended."""

    def chain(self) -> Iterator[_Scope]:
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.above


class _Walk:
    def __init__(self) -> None:
        self.lost: dict[str, nodes.Name] = {}

    def block(self, body: Iterable[nodes.Node], scope: _Scope) -> None:
        for node in body:
            self._visit(node, scope)

    def _inside(self, body: Iterable[nodes.Node], scope: _Scope) -> None:
        """Visit a block with a scope of its own, and drop the names that it sets."""
        self.block(body, scope)
        if scope.above is not None:
            scope.above.forgotten |= scope.set | {
                name: node for name, node in scope.forgotten.items() if name not in scope.known
            }

    def _visit(self, node: nodes.Node, scope: _Scope) -> None:
        match node:
            case nodes.Name(ctx="load", name=name):
                self._read(name, scope)
            case nodes.For():
                self._visit(node.iter, scope)
                body = [*([node.test] if node.test is not None else []), *node.body]
                self._inside(body, _Scope(scope, is_loop=True, known={"loop", *_names(node.target)}))
                self._inside(node.else_, _Scope(scope))
            case nodes.With():
                self.block(node.values, scope)
                self._inside(node.body, _Scope(scope, known={name for each in node.targets for name in _names(each)}))
            case nodes.FilterBlock():
                self._visit(node.filter, scope)
                self._inside(node.body, _Scope(scope))
            case nodes.AssignBlock():
                self._inside(node.body, _Scope(scope))
                self._set(node.target, scope)
            case nodes.Assign():
                self._visit(node.node, scope)
                self._set(node.target, scope)
            case _:
                self.block(node.iter_child_nodes(), scope)

    def _read(self, name: str, scope: _Scope) -> None:
        for each in scope.chain():
            if name in each.forgotten:
                self.lost.setdefault(name, each.forgotten[name])
            if name in each.known:
                return
            each.read.add(name)

    def _set(self, target: nodes.Node, scope: _Scope) -> None:
        for node in target.find_all(nodes.Name) if not isinstance(target, nodes.Name) else [target]:
            for each in scope.chain():  # the next round would have read it
                if each.is_loop and node.name in each.read:
                    self.lost.setdefault(node.name, node)
            scope.known.add(node.name)
            scope.set.setdefault(node.name, node)
            scope.forgotten.pop(node.name, None)


def _names(target: nodes.Node) -> set[str]:
    return {target.name} if isinstance(target, nodes.Name) else {node.name for node in target.find_all(nodes.Name)}
