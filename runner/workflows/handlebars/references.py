"""A template → the event properties that it reads, as paths from the root of the event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.workflows.handlebars.helpers import HELPERS
from runner.workflows.handlebars.parser import parse
from runner.workflows.handlebars.syntax import Block, Call, Content, Foreign, Literal, Output, Path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.workflows.handlebars.syntax import Expression, Program

BATCH = "$batched_events"
"""The events of a batch or a digest: what is read of its items are event properties."""
ITEM = "[]"
_GUARDS = frozenset({"if", "unless", "compare"})
"""Helpers that decide with their arguments which part is rendered."""
_PASSING = frozenset({"default", "unique"})
"""Helpers whose result has the form of their first argument."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An event property that a template reads: `order.items[].name`, with `[]` for the items of a list.

    It is required unless rendering goes on without it: behind `default`, `#if`, `#unless` or `compare`. A path in
    `#if order.note` is optional, but the object `order` is required.
    """

    path: str
    is_required: bool
    offset: int


def references(template: str) -> tuple[Reference, ...]:
    """Return every place where a template reads an event property. Raise HandlebarsError if it can't be parsed.

    >>> [reference.path for reference in references("{{name}} {{#each items}}{{price}} {{../currency}}{{/each}}")]
    ['name', 'items', 'items[].price', 'currency']
    """
    return tuple(_of_program(parse(template), _Scope()))


_Steps = tuple[str, ...]
"""A path, whose first step may also be a root with a `$`. The event itself is the empty one."""
_EVENT: _Steps = ()


@dataclass(frozen=True, slots=True)
class _Scope:
    """What names mean at a place: the contexts that surround it, the innermost last, and the block parameters.

    A context or a parameter is None if it is not known what it is.
    """

    contexts: tuple[_Steps | None, ...] = (_EVENT,)
    parameters: tuple[Mapping[str, _Steps | None], ...] = ()
    is_guarded: bool = False

    def inside(self, context: _Steps | None, parameters: Mapping[str, _Steps | None]) -> _Scope:
        """Return the scope in a block that changes the context."""
        return replace(self, contexts=(*self.contexts, context), parameters=(*self.parameters, parameters))

    def guarded(self) -> _Scope:
        """Return the scope of what is not always rendered."""
        return replace(self, is_guarded=True)

    def steps(self, value: Expression) -> _Steps | None:
        """Return the path of a value, None if it is not known."""
        match value:
            case Path(is_data=True):
                is_event = value.parts[:1] == ("root",) and not value.depth
                return _tidy(value.parts[1:]) if is_event else None
            case Path():
                return self._of_name(value)
            case Call() if value.callee.original in _PASSING and value.arguments:
                return self.steps(value.arguments[0])
            case Call() if value.callee.original == "lookup":
                return self._looked_up(value)
            case _:
                return None

    def _of_name(self, path: Path) -> _Steps | None:
        base, parts = None, path.parts
        if not path.depth and not path.is_scoped:
            for names in reversed(self.parameters):
                if parts[0] in names:
                    base, parts = names[parts[0]], parts[1:]
                    return None if base is None else _tidy((*base, *parts))
        place = len(self.contexts) - 1 - path.depth
        base = self.contexts[place] if place >= 0 else None
        return None if base is None else _tidy((*base, *parts))

    def _looked_up(self, call: Call) -> _Steps | None:
        match call.arguments:
            case (place, Literal(value=str() | int() as key)) if (base := self.steps(place)) is not None:
                return _tidy((*base, str(key)))
            case (place, _) if (base := self.steps(place)) is not None:
                return _item(base)
        return None


def _tidy(parts: _Steps) -> _Steps:
    """Return a path with `[]` in place of indexes. The items of a batch are events."""
    steps = tuple(ITEM if part.isdecimal() else part for part in parts)
    return steps[2:] if steps[:2] == (BATCH, ITEM) else steps


def _item(steps: _Steps | None) -> _Steps | None:
    """Return the path of the items of a list."""
    return _tidy((*steps, ITEM)) if steps else None


def _of_program(program: Program, scope: _Scope) -> Iterator[Reference]:
    for statement in program.body:
        match statement:
            case Content():
                pass
            case Output(call):
                yield from _of_call(call, scope)
            case Foreign(_, arguments, body):
                for argument in arguments:
                    yield from _of_value(argument, scope.guarded())
                yield from _of_program(body, scope.guarded())
            case Block():
                yield from _of_block(statement, scope)


def _of_block(block: Block, scope: _Scope) -> Iterator[Reference]:
    yield from _of_call(block.call, scope)
    name, inside = block.call.callee.original, scope.guarded()
    if not block.call.has_arguments and not _is_helper(block.call):
        inside = scope.inside(None, {})  # `{{#x}}`: it depends on the value whether the context changes
    elif name in ("each", "with") and block.call.arguments:
        context = scope.steps(block.call.arguments[0])
        if name == "each":
            context = _item(context)
        inside = scope.inside(context, dict(zip(block.program.parameters, (context, None), strict=False)))
    yield from _of_program(block.program, inside)
    yield from _of_program(block.inverse, scope.guarded())


def _of_call(call: Call, scope: _Scope, *, is_subexpression: bool = False) -> Iterator[Reference]:
    name = call.callee.original
    if not (is_subexpression or call.has_arguments or _is_helper(call)):
        yield from _of_value(call.callee, scope)
        return
    for place, argument in enumerate(call.arguments):
        is_guard = name in _GUARDS or (name == "default" and place + 1 < len(call.arguments))
        yield from _of_value(argument, scope, is_guard=is_guard)
    for _, argument in call.named:
        yield from _of_value(argument, scope)
    if name == "lookup" and isinstance(call.arguments[-1], Literal):
        yield from _reference(scope.steps(call), call.offset, is_required=not scope.is_guarded)


def _is_helper(call: Call) -> bool:
    return call.callee.is_simple and not call.callee.is_data and call.callee.original in HELPERS


def _of_value(value: Expression, scope: _Scope, *, is_guard: bool = False) -> Iterator[Reference]:
    """Yield what a value reads. A guard goes on if the value is missing, but not if the object is that should have it."""
    match value:
        case Call():
            yield from _of_call(value, scope.guarded() if is_guard else scope, is_subexpression=True)
        case Path():
            steps = scope.steps(value)
            if is_guard and steps and len(value.parts) > 1:
                yield from _reference(steps[:-1], value.offset, is_required=not scope.is_guarded)
            yield from _reference(steps, value.offset, is_required=not (is_guard or scope.is_guarded))


def _reference(steps: _Steps | None, offset: int, *, is_required: bool) -> Iterator[Reference]:
    """Yield the reference to a path if it is an event property. `length` is that of a list or a text."""
    if steps and steps[-1] == "length" and len(steps) > 1:
        steps = steps[:-1]
    if steps and not steps[0].startswith("$") and steps[0] != ITEM:
        path = ".".join(steps).replace(f".{ITEM}", ITEM)
        yield Reference(path, is_required, offset)
