"""What a spec declares → values with their templates still in them, and the three directives `$for`, `$merge` and `$literal`.

A directive is a map whose keys begin with `$`. Nothing is rendered here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, cast

from jinja2 import nodes

from runner.errors import Problem, dotted, nearest
from runner.template.budget import NEW
from runner.template.template import Template, parse, parse_condition, parse_loop

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from runner.errors import Step
    from runner.source import Node
    from runner.template.template import Allowance

DIRECTIVES = ("$for", "$merge", "$literal")
"""The keys that make a directive of a map."""
_OF_FOR = ("$if", "$do")
"""The keys that belong to a `$for`."""


@dataclass(frozen=True, slots=True)
class ForEach:
    """`$for`: a list with one `body` for each item of another list that meets the condition.

    The tree of `loop` is one loop without a body, that of `condition` one expression.
    """

    loop: Template
    condition: Template | None
    body: Shape
    path: tuple[Step, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of an item in the condition and the body."""
        return loop_names(self.loop)


@dataclass(frozen=True, slots=True)
class Merge:
    """`$merge`: one map made of several. A key of a later one takes the place of the same key of an earlier one."""

    parts: tuple[Shape, ...]
    path: tuple[Step, ...]


Shape: TypeAlias = "Template | ForEach | Merge | bool | int | float | str | list[Shape] | dict[str, Shape] | None"
"""A value of a spec with its templates still in it. A plain `str` is what `$literal` takes as it is."""


def templates_of(shape: Shape) -> Iterator[Template]:
    """Walk the templates of a shape, in its order."""
    match shape:
        case Template():
            yield shape
        case ForEach():
            yield shape.loop
            if shape.condition is not None:
                yield shape.condition
            yield from templates_of(shape.body)
        case Merge():
            for part in shape.parts:
                yield from templates_of(part)
        case dict():
            for item in shape.values():
                yield from templates_of(item)
        case list():
            for item in shape:
                yield from templates_of(item)


def work_of(shape: Shape) -> int:
    """Return the work to make the values of a shape, apart from that of its templates and of each `$for` in it."""
    match shape:
        case Merge(parts=parts):
            return NEW + sum(map(work_of, parts))
        case dict():
            return NEW + sum(map(work_of, shape.values()))
        case list():
            return NEW + sum(map(work_of, shape))
        case _:
            return 1


def loop_names(loop: Template) -> frozenset[str]:
    """Return the names that a `$for` gives to an item."""
    match loop.tree and loop.tree.body:
        case [nodes.For(target=nodes.Name(name=name))]:
            return frozenset({name})
        case [nodes.For(target=target)]:
            return frozenset(each.name for each in target.find_all(nodes.Name))
        case _:
            return frozenset()


def may_omit(shape: Shape, omitting: Collection[str] = ()) -> bool:
    """Return whether a shape may give `omit`, which leaves it out. `omitting` are the names of lets that may be `omit`."""
    if not isinstance(shape, Template) or shape.lone is None:
        return False
    return shape.reads_omit or any(use.name in omitting for use in shape.uses)


def omitting(lets: Mapping[str, Shape]) -> frozenset[str]:
    """Return the names of lets that may be `omit`."""
    found: set[str] = set()
    for name, shape in lets.items():
        if may_omit(shape, found):
            found.add(name)
    return frozenset(found)


_WORD = re.compile(r"[A-Za-z]\w*")


@dataclass(slots=True)
class Parser:
    """Parses the values of one spec. `problems` are those of directives; a template keeps its own."""

    allowance: Allowance
    problems: list[Problem] = field(default_factory=list)

    def template(self, node: Node, path: tuple[Step, ...]) -> Template:
        """Parse a text. Raises TooLargeError."""
        return parse(node, path, self.allowance)

    def shape(self, node: Node, path: tuple[Step, ...], items: AbstractSet[str] = frozenset()) -> Shape:
        """Parse a value, all the way down. `items` are the names of the loops around it. Raises TooLargeError."""
        value = node.value
        if isinstance(value, str):
            return parse(node, path, self.allowance, items)
        if isinstance(value, list):
            return [self.shape(item, (*path, index), items) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if any(key.startswith("$") for key in value) and (directive := self._directive(node, path)) is not None:
            return self._directed(node, path, directive, items)
        return {key: self.shape(item, (*path, key), items) for key, item in value.items()}

    def _directive(self, node: Node, path: tuple[Step, ...]) -> str | None:
        """Return the directive of a map that has keys with a `$`; None, with a problem, if it is not a sound one."""
        keys = node.entries
        directive = next((key for key in DIRECTIVES if key in keys), None)
        if directive is None:
            key = next(key for key in keys if key.startswith("$"))
            if len(path) > 1 or key in _OF_FOR:  # other names are the platform's own, which has a rule for them
                self._stray(key, node, path)
            return None
        allowed = ("$for", *_OF_FOR) if directive == "$for" else (directive,)
        if stranger := next((key for key in keys if key not in allowed), None):
            hint = f"its keys are {', '.join(allowed)}" if len(allowed) > 1 else None
            message = f"'{stranger}' can't stand beside {directive}"
            self.problems.append(Problem("directive", message, node.key_position(stranger), at=dotted(path), hint=hint))
            return None
        if directive == "$for" and "$do" not in keys:
            message, hint = "$for needs $do: what becomes of each item", 'such as $do: {name: "{{ item.name }}"}'
            self.problems.append(Problem("directive", message, node.key_position("$for"), at=dotted(path), hint=hint))
            return None
        return directive

    def _stray(self, key: str, node: Node, path: tuple[Step, ...]) -> None:
        message, hint = f"unknown directive '{key}'", "to send the key itself, put its map under $literal"
        if key in _OF_FOR:
            message, hint = f"{key} needs a $for beside it", "such as $for: item in items"
        elif near := nearest(key, (*DIRECTIVES, *_OF_FOR)):
            hint = f"did you mean '{near}'? Or send the key itself: put its map under $literal"
        self.problems.append(Problem("directive", message, node.key_position(key), at=dotted(path), hint=hint))

    def _directed(self, node: Node, path: tuple[Step, ...], directive: str, items: AbstractSet[str]) -> Shape:
        value = node.entries[directive]
        if directive == "$literal":
            return cast("Shape", value.plain())
        if directive == "$merge":
            return self._merge(value, path, items)
        condition = node.get("$if")
        for each in (value, condition):
            if each is not None and not isinstance(each.value, str):
                self._refuse(each, path, "$for and $if expect text")
                return None
        loop = parse_loop(value, (*path, directive), self.allowance, items)
        # Of a loop that can't be read, any word may be the name of an item.
        names = _WORD.findall(loop.text) if loop.findings else loop_names(loop)
        inside = frozenset({*items, *names, "loop"})
        return ForEach(
            loop,
            parse_condition(condition, (*path, "$if"), self.allowance, inside) if condition is not None else None,
            self.shape(node.entries["$do"], (*path, "$do"), inside),
            path,
        )

    def _merge(self, node: Node, path: tuple[Step, ...], items: AbstractSet[str]) -> Shape:
        wrong = next((item for item in node.items if not isinstance(item.value, dict | str)), None)
        if wrong is not None or not isinstance(node.value, list):
            self._refuse(wrong or node, path, "$merge expects a list of maps")
            return None
        parts = tuple(self.shape(item, (*path, "$merge", index), items) for index, item in enumerate(node.items))
        if any(isinstance(part, Template) and part.lone is None and not part.findings for part in parts):
            self._refuse(node, path, "$merge expects a list of maps, or of lone expressions that give maps")
        return Merge(parts, path)

    def _refuse(self, node: Node, path: tuple[Step, ...], message: str) -> None:
        self.problems.append(Problem("directive", message, node.position(), at=dotted(path)))
