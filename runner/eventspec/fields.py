"""A spec's document → the fields of its event, with their templates parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.source.node import describe
from runner.template.shape import ForEach, Merge, Parser, Shape, may_omit, templates_of
from runner.template.template import Allowance, Template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.errors import Step
    from runner.source import Node

_TEXTS = ("event", "distinct_id", "tenant_id", "brand_id", "idempotency_key")
_NEEDED = ("event", "distinct_id", "idempotency_key")
"""Fields that cannot be left out by `omit`."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The parsed fields of an event, in the order in which they are sent, and the lets as they are declared."""

    shape: dict[str, Shape]
    lets: dict[str, Shape]
    problems: tuple[Problem, ...]
    too_large: Problem | None
    """Set if the templates are too many to be compiled."""

    def templates(self) -> Iterator[Template]:
        """Walk all templates, those of lets first."""
        yield from templates_of(self.lets)
        yield from templates_of(self.shape)


def fields(root: Node) -> Fields:
    """Parse every template of a spec. Raises TooLargeError."""
    parser = Parser(Allowance())
    let = root.get("let")
    lets = {name: parser.shape(node, ("let", name)) for name, node in let.entries.items()} if let is not None else {}
    shape: dict[str, Shape] = {}
    for field in _TEXTS:
        node = root.get(field)
        if node is None or not isinstance(node.value, str) or (field == "idempotency_key" and node.value == "auto"):
            continue
        shape[field] = parser.template(node, (field,))
    shape["properties"] = _properties(root.get("properties"), parser)
    shape["attachments"] = _attachments(root.get("attachments"), parser)
    return Fields(shape, lets, tuple(parser.problems), parser.allowance.problem)


def _properties(node: Node | None, parser: Parser) -> Shape:
    """Parse the properties: a map, a directive that makes one, or a template that gives one."""
    path = ("properties",)
    if node is None or not isinstance(node.value, dict | str):
        return {}
    shape = parser.shape(node, path)
    if isinstance(shape, dict | Merge):
        return shape
    if isinstance(shape, Template) and (shape.lone is not None or shape.findings):
        return Merge((shape,), path)
    if shape is not None:  # a directive with a fault is reported as that
        message = f"'properties' must be a map, not {'a list' if isinstance(shape, ForEach) else 'text'}"
        hint = 'write a map, or a lone expression that gives one: "{{ payload }}"'
        parser.problems.append(Problem("wrong-type", message, node.position(), at="properties", hint=hint))
    return {}


def _attachments(node: Node | None, parser: Parser) -> Shape:
    """Parse the attachments: a list, a directive that makes one, or a template that gives one."""
    if node is None:
        return []
    path = ("attachments",)
    if isinstance(node.value, list):
        return [_attachment(item, (*path, index), parser) for index, item in enumerate(node.items)]
    shape = parser.shape(node, path)
    if isinstance(shape, ForEach | list) or (
        isinstance(shape, Template) and (shape.lone is not None or shape.findings)
    ):
        return shape
    if shape is not None:  # a directive with a fault is reported as that
        message = f"'attachments' must be a list, not {describe(node.value)}"
        hint = f'write a list: ["{shape.text}"]' if isinstance(shape, Template) else "write a list, or a $for"
        parser.problems.append(Problem("wrong-type", message, node.position(), at="attachments", hint=hint))
    return []


def _attachment(node: Node, path: tuple[Step, ...], parser: Parser) -> Shape:
    """Parse an attachment as a map, so that one that is left out by `omit` keeps its place in the list."""
    if isinstance(node.value, str):
        return {"url": parser.template(node, path)}
    known = ("url", "filename", "ignore_if_error")
    return {key: parser.shape(item, (*path, key)) for key, item in node.entries.items() if key in known}


def omitted_for_good(shape: Mapping[str, Shape], omitting: frozenset[str]) -> Iterator[Problem]:
    """Refuse `omit` where the platform needs a value."""
    for field in _NEEDED:
        value = shape.get(field)
        if isinstance(value, Template) and may_omit(value, omitting):
            message = f"{field} can't be left out by omit"
            hint = "null sends without a key" if field == "idempotency_key" else "the platform needs it"
            yield Problem("directive", message, value.place(0, len(value.text)), at=field, hint=hint)
