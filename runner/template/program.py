"""Shapes → one compiled program that renders all of them in one pass.

The program is a single list expression: constants stand in it as they are, a lone expression as itself, mixed text as
a joined tuple. Only a `let`, a `$for` and a template with statements are statements before it. So an event costs one
context and one call, whatever the number of its templates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import Template as JinjaTemplate
from jinja2 import nodes

from runner.errors import dotted
from runner.template.generator import APPENDED
from runner.template.guard import as_expression, filtered, guarded, joined
from runner.template.language import Rendering, environment
from runner.template.shape import ForEach, Merge, may_omit, work_of
from runner.template.template import Template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.template.budget import Budget
    from runner.template.shape import Shape

_RESULT = "result"


class Program(NamedTuple):
    """A compiled program. `steps` are the names that it assigns one after the other, and the shape that each is made of."""

    code: JinjaTemplate
    steps: Sequence[tuple[str, Shape]] = ()

    def run(
        self,
        variables: Mapping[str, object],
        budget: Budget,
        made: dict[str, object],
        indexes: dict[int, int] | None = None,
    ) -> object:
        """Run the program and return its value.

        `made` takes each value as soon as it is finished, `indexes` the item that each loop of a probe is at.
        """
        context = Rendering(variables, budget, made)
        if indexes is not None:
            context.indexes = indexes
        for _ in self.code.root_render_func(context):
            pass
        return made[_RESULT]


def compiled(shape: Shape, lets: Mapping[str, Shape], omitting: frozenset[str]) -> Program:
    """Compile a shape and the lets that it reads, each after those that it needs.

    `omitting` are the names of lets that may be `omit`.
    """
    compiler = _Compiler(omitting)
    for name, value in lets.items():
        compiler.let(name, value)
    return _program(compiler.value(shape, compiler.before, NATIVE), compiler)


def compiled_let(name: str, value: Shape, omitting: frozenset[str]) -> Program:
    """Compile one let on its own."""
    compiler = _Compiler(omitting)
    compiler.let(name, value)
    return _program(nodes.Name(name, "load"), compiler)


def compiled_part(expression: nodes.Expr | None, part: Template, role: str, loops: Sequence[ForEach]) -> Program:
    """Compile one expression of a template, or with None all of it, inside the loops around it.

    `role` is the filter that its value passes through. The value of the program means nothing: it is run for its faults.
    """
    compiler = _Compiler(frozenset())
    body: list[nodes.Node] = []
    if expression is None:
        value = compiler.value(part, body, NATIVE)
    else:
        watched = guarded(expression, _place(part))
        value = joined([watched]) if role == JOINED else filtered(watched, role)
    body.append(nodes.ExprStmt(value))
    for number in range(len(loops) - 1, -1, -1):
        body = [_numbered_loop(loops[number], number, body)]
    compiler.before += body
    return _program(nodes.Const(None), compiler)


NATIVE, KEPT, JOINED = "native value", "kept value", "joined text"
"""Roles of an expression: alone it becomes JSON, or in a let any value that templates know; beside text it becomes text."""
MAP, ITEMS, CONDITION = "map to merge", "items of a list", "watched"
"""Roles in a directive."""


def _program(expression: nodes.Expr, compiler: _Compiler) -> Program:
    tree = nodes.Template([*compiler.before, nodes.Assign(nodes.Name(_RESULT, "store"), expression)])
    tree.set_environment(environment)
    for node in (tree, *tree.find_all(nodes.Node)):
        node.lineno = node.lineno or 1
    code = JinjaTemplate.from_code(environment, environment.compile(tree), dict(environment.globals))
    return Program(code, compiler.steps)


class _Compiler:
    """Turns shapes into expressions. `before` are the statements that come before them."""

    def __init__(self, omitting: frozenset[str]) -> None:
        self.before: list[nodes.Node] = []
        self.steps: list[tuple[str, Shape]] = []
        self._omitting = omitting
        self._names = 0

    def let(self, name: str, value: Shape) -> None:
        """Assign a let."""
        self.before.append(nodes.Assign(nodes.Name(name, "store"), self.value(value, self.before, KEPT)))
        self.steps.append((name, value))

    def value(self, shape: Shape, before: list[nodes.Node], lone: str) -> nodes.Expr:
        """Return the expression of a shape. Statements that it needs are added to `before`."""
        match shape:
            case Template():
                return self._template(shape, before, lone)
            case ForEach():
                return self._for_each(shape, before, lone)
            case Merge(parts=parts):
                return filtered(nodes.List([self._part(part, before, lone) for part in parts]), "merged maps")
            case dict():
                return self._map(shape, before, lone)
            case list():
                items = [self.value(item, before, lone) for item in shape]
                if all(isinstance(item, nodes.Const) for item in items):
                    return nodes.Const([item.value for item in items if isinstance(item, nodes.Const)])
                whole = nodes.List(items)
                return filtered(whole, "without omitted") if self._any_may_omit(shape) else whole
            case _:
                return nodes.Const(shape)

    def _map(self, shape: dict[str, Shape], before: list[nodes.Node], lone: str) -> nodes.Expr:
        entries = {key: self.value(item, before, lone) for key, item in shape.items()}
        if all(isinstance(item, nodes.Const) for item in entries.values()):
            return nodes.Const({key: item.value for key, item in entries.items() if isinstance(item, nodes.Const)})
        whole = nodes.Dict([nodes.Pair(nodes.Const(key), item) for key, item in entries.items()])
        return filtered(whole, "without omitted") if self._any_may_omit(shape.values()) else whole

    def _any_may_omit(self, shapes: Any) -> bool:
        return any(may_omit(each, self._omitting) for each in shapes)

    def _part(self, part: Shape, before: list[nodes.Node], lone: str) -> nodes.Expr:
        value = self.value(part, before, lone)
        return filtered(value, MAP) if isinstance(part, Template | ForEach) else value

    def _for_each(self, each: ForEach, before: list[nodes.Node], lone: str) -> nodes.Expr:
        """Gather the bodies in a list, in a loop that stands before the expression."""
        gathered, result = self._name("items"), self._name("list")
        body: list[nodes.Node] = []
        item = self.value(each.body, body, lone)
        gather = "gathered" if may_omit(each.body, self._omitting) else APPENDED
        body.append(nodes.ExprStmt(filtered(nodes.Name(gathered, "load"), gather, [item])))
        loop = loop_of(each)
        before += [
            nodes.Assign(nodes.Name(gathered, "store"), nodes.List([])),
            nodes.For(
                guarded(loop.target, ""),
                filtered(guarded(loop.iter, _place(each.loop)), ITEMS, [nodes.Const(work_of(each.body))]),
                body,
                [],
                _condition_of(each),
                False,
            ),
            nodes.Assign(nodes.Name(result, "store"), filtered(nodes.Name(gathered, "load"), "whole list")),
        ]
        if before is self.before:
            self.steps.append((result, each))
        return nodes.Name(result, "load")

    def _template(self, template: Template, before: list[nodes.Node], lone: str) -> nodes.Expr:
        if template.tree is None:
            return nodes.Const(template.text)
        place = _place(template)
        if (expression := template.lone) is not None:
            return filtered(guarded(expression, place), lone)
        if (pieces := template.pieces) is not None:
            return joined([as_expression(guarded(piece, place)) for piece in pieces])
        name = self._name("block")
        body = [guarded(node, place) for node in template.tree.body]
        before.append(nodes.AssignBlock(nodes.Name(name, "store"), None, body))
        if before is self.before:
            self.steps.append((name, template))
        return nodes.Name(name, "load")

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"_{kind}{self._names}"


def loop_of(each: ForEach) -> nodes.For:
    """Return the loop of a `$for`."""
    tree = each.loop.tree
    if tree is None or not isinstance(loop := tree.body[0], nodes.For):
        raise TypeError("a $for with faults is not compiled")
    return loop


def _condition_of(each: ForEach) -> Any:
    if each.condition is None or (condition := each.condition.lone) is None:
        return None
    return guarded(condition, _place(each.condition))


def _numbered_loop(each: ForEach, number: int, body: list[nodes.Node]) -> nodes.Node:
    """Make a loop that tells the context which item it is at."""
    loop, index = loop_of(each), f"_index{number}"
    target = nodes.Tuple([nodes.Name(index, "store"), guarded(loop.target, "")], "store")
    at = nodes.ExprStmt(filtered(nodes.Name(index, "load"), "at item", [nodes.Const(number)]))
    condition = _condition_of(each)
    inside = body if condition is None else [nodes.If(condition, body, [], [])]
    return nodes.For(
        target, filtered(guarded(loop.iter, _place(each.loop)), "numbered items"), [at, *inside], [], None, False
    )


def _place(template: Template) -> str:
    """Name the template's place in its spec; the same on every machine."""
    return dotted(template.path)
