"""A template → the variables that it inserts, whole or in part, into its text; whether its variables alone decide it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.template.template import Template


class Inserted(NamedTuple):
    """A value that a template inserts: the way to it, such as `customer`, `email`, and where its last name stands."""

    way: tuple[str, ...]
    start: int


def inserted(template: Template) -> Iterator[Inserted]:
    """Yield the values that a template inserts; not what it only hashes, compares or counts."""
    return _reads([template.tree], template.text)


def calls_functions(template: Template) -> bool:
    """Return whether a template calls a function, such as `now()`, so that its text may differ each time."""
    calls = template.tree.find_all(nodes.Call) if template.tree is not None else ()
    return any(isinstance(call.node, nodes.Name) for call in calls)


def _reads(tree: Iterable[nodes.Node | None], text: str) -> Iterator[Inserted]:
    for node in tree:
        match node:
            case None | nodes.Compare() | nodes.Test() | nodes.Not():
                pass
            case nodes.Filter(name=name) | nodes.FilterBlock(filter=nodes.Filter(name=name)) if name in _OPAQUE:
                pass
            case nodes.Call(node=nodes.Name(name="uuid5")):
                pass
            case nodes.CondExpr():
                yield from _reads((node.expr1, node.expr2), text)
            case nodes.If():
                yield from _reads((*node.body, *node.elif_, *node.else_), text)
            case nodes.Call(node=nodes.Getattr(node=owner, attr=method)) if method != "get":
                yield from _reads((owner, *node.args, *node.kwargs), text)
            case nodes.Name(ctx="load") | nodes.Getattr() | nodes.Getitem() | nodes.Call():
                if (read := _read(node, text)) is not None:
                    yield read
                else:
                    yield from _reads(node.iter_child_nodes(), text)
            case _:
                yield from _reads(node.iter_child_nodes(), text)


def _read(node: nodes.Node, text: str) -> Inserted | None:
    """Return what a name, an attribute, a key or `get` of a variable reads; None for any other expression."""
    match node:
        case nodes.Name(name=name):
            return Inserted((name,), node.lineno - 1)
        case nodes.Getattr(node=owner, attr=str(name)):
            pass
        case nodes.Getitem(node=owner, arg=nodes.Const(value=str(name))):
            pass
        case nodes.Call(node=nodes.Getattr(node=owner, attr="get"), args=[nodes.Const(value=str(name)), *_]):
            pass
        case _:
            return None
    if (before := _read(owner, text)) is None:
        return None
    start = text.find(name, before.start + len(before.way[-1]))
    return Inserted((*before.way, name), start if start >= 0 else before.start)


_OPAQUE = frozenset({"count", "hmac_sha256", "length", "sha256", "wordcount"})
"""Filters whose results don't show what they were given."""
