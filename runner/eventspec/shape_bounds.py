"""What is known of a shape before it is rendered: how deep and how large its values are, and whether rows change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

from runner.eventspec.python_source import MAX_CELL
from runner.template.shape import ForEach, Merge, templates_of
from runner.template.template import Template

if TYPE_CHECKING:
    from collections.abc import Collection

    from runner.source import Json
    from runner.template.shape import Shape


def is_constant(shape: Shape, fixed: Collection[str]) -> bool:
    """Return whether a shape has the same value for all rows: it reads only `fixed` names, and makes no ids."""
    return all(
        "uuid4" not in template.text and all(use.name in fixed for use in template.uses)
        for template in templates_of(shape)
    )


def levels(shape: Shape) -> int:
    """Count the levels of maps and lists."""
    match shape:
        case dict():
            return 1 + max(map(levels, shape.values()), default=0)
        case list():
            return 1 + max(map(levels, shape), default=0)
        case ForEach(body=body):
            return 1 + levels(body)
        case Merge(parts=parts):
            return 1 + max(map(levels, parts), default=0)
        case _:
            return 0


LONGEST = "x" * MAX_CELL


def largest(shape: Shape) -> Json:
    """Return a value at least as large as any value of this shape. Raises ValueError for a shape with directives."""
    match shape:
        case Template():
            return "x" * most_text(shape)
        case dict():
            return {key: largest(item) for key, item in shape.items()}
        case list():
            return list(map(largest, shape))
        case ForEach() | Merge():
            raise ValueError("the size of a directive's value is not bounded")
        case _:
            return shape


def most_text(shape: Shape) -> int:
    """Return an upper bound for the characters of all rendered templates, if no value is longer than a cell."""
    trees = [template for template in templates_of(shape) if template.tree is not None]
    names = sum(1 for template in trees if template.tree for _ in template.tree.find_all(nodes.Name))
    return names * MAX_CELL + sum(len(template.text) for template in trees)
