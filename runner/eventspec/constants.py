"""The constants of an event → the rules that they break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Problem
from runner.eventspec.places import path_in_spec
from runner.suprsend.event import Attachment, Event
from runner.template.shape import ForEach, Merge
from runner.template.template import Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.errors import Step
    from runner.source import Json, Node
    from runner.suprsend.rules import Breach
    from runner.template.shape import Shape


def placed(breach: Breach, root: Node) -> Problem:
    """Return the problem of a broken rule with its position in the spec."""
    problem = breach.problem()
    node = root.nearest(path_in_spec(root, breach.path))
    last: Step = breach.path[-1]
    above = root.nearest(path_in_spec(root, breach.path[:-1]))
    position = above.key_position(last) if breach.is_of_key and isinstance(last, str) else node.position()
    return Problem(problem.code, problem.message, position, at=problem.at, hint=problem.hint)


def constant_breaches(shape: dict[str, Shape]) -> Iterator[Breach]:
    """Yield the rules that the constants break, in an event in which each template is replaced by a valid value."""

    def constant(value: Shape, stand_in: str) -> str:
        if isinstance(value, Template):
            return stand_in if value.constant is None else value.constant
        return stand_in

    properties = shape["properties"]
    event = Event(
        distinct_id=constant(shape.get("distinct_id"), "stand-in"),
        event_name=constant(shape.get("event"), "stand-in"),
        properties={key: _constants(item) for key, item in properties.items()} if isinstance(properties, dict) else {},
        idempotency_key=constant(shape.get("idempotency_key"), "stand-in"),
        tenant_id=constant(shape.get("tenant_id"), "stand-in"),
        brand_id=constant(shape.get("brand_id"), "stand-in"),
    )
    attachments = shape["attachments"]
    listed = attachments if isinstance(attachments, list) else []
    urls = [each.get("url") if isinstance(each, dict) else None for each in listed]
    event.attachments = tuple(Attachment(constant(url, "https://stand-in.example.com/")) for url in urls)
    yield from event.breaches()


def _constants(value: Shape) -> Json:
    match value:
        case Template():
            return value.constant
        case dict():
            return {key: _constants(item) for key, item in value.items()}
        case list():
            return [_constants(item) for item in value]
        case ForEach() | Merge():
            return None
        case _:
            return value
