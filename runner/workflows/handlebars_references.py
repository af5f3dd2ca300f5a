"""The tree of a Handlebars template → the properties of the event that it reads.

Source: the platform's documentation, "Handlebars helpers": a variable that is missing makes rendering fail, unless `default`
or a block guards it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from runner.workflows.handlebars_render import HELPERS
from runner.workflows.handlebars_tree import Block, Call, Content, Output, Path

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.workflows.handlebars_tree import Program, Statement, Value

NOT_PROPERTIES: Final = frozenset(
    {
        "$recipient", "$actor", "$brand", "$tenant", "$user", "$organization", "$workflow", "$batch_key", "$batched_events",
        "$batched_events_count", "$batched_event_count", "$embedded_preference_url", "$hosted_preference_url",
    }
)  # fmt: skip
"""Names at the root that are not properties of the event."""
_PLATFORM_HELPERS: Final = frozenset({*HELPERS, "datetime-format", "t", "formatDate", "math", "formatCurrency"})
_GUARDS = ("if", "unless", "compare", "with", "each")
_BATCHED = "$batched_events"


class Reference(NamedTuple):
    """A property that a template reads, by its dotted path: `order.items[].name`. Rendering fails without a required one."""

    path: str
    is_required: bool
    offset: int


class _Level(NamedTuple):
    """The context of a block: the path of its values, () for the event itself, None for one that is not of the event."""

    path: tuple[str, ...] | None
    names: Mapping[str, tuple[str, ...] | None]
    is_optional: bool = False


def references(program: Program) -> tuple[Reference, ...]:
    """Return the properties that a template reads, each once, in the order of the text; required if one place requires it."""
    found: dict[str, Reference] = {}
    for each in _program(program, [_Level((), {})], frozenset()):
        before = found.get(each.path)
        if before is None or (each.is_required and not before.is_required):
            found[each.path] = each if before is None else before._replace(is_required=True, offset=each.offset)
    return tuple(found.values())


def _program(program: Program, levels: Sequence[_Level], guarded: Collection[tuple[str, ...]]) -> Iterator[Reference]:
    for statement in program.body:
        yield from _statement(statement, levels, guarded)


def _statement(
    statement: Statement, levels: Sequence[_Level], guarded: Collection[tuple[str, ...]]
) -> Iterator[Reference]:
    match statement:
        case Content():
            return
        case Output(value):
            if isinstance(value, Call):
                yield from _call(value, levels, guarded, is_required=True)
        case Block():
            yield from _block(statement, levels, guarded)


def _block(block: Block, levels: Sequence[_Level], guarded: Collection[tuple[str, ...]]) -> Iterator[Reference]:
    call = block.call
    name = _helper(call)
    tested = [path for argument in (call.arguments if name else (call.path,)) for path in _paths(argument, levels)]
    for value in (*call.arguments, *call.named.values()) if name else (call.path,):
        yield from _value(value, levels, guarded, is_required=name is not None and name not in _GUARDS)
    own = list(levels)
    if name in ("each", "with") or name is None:
        target = call.arguments[0] if name and call.arguments else call.path
        path = _resolved(target, levels) if isinstance(target, Path) else None
        if path is not None and name != "with":
            path = (*path[:-1], f"{path[-1]}[]") if path else None
        if isinstance(target, Path) and target.parts[:1] == (_BATCHED,):
            path = ()
        names = dict.fromkeys(block.program.names, None)
        if block.program.names:
            names[block.program.names[0]] = path
        own.append(_Level(path, names))
    is_guard = name in _GUARDS or name is None
    inside = {*guarded, *tested} if is_guard and name != "unless" else guarded
    yield from _program(block.program, own, inside)
    if block.otherwise is not None:
        yield from _program(block.otherwise, levels, {*guarded, *tested} if name == "unless" else guarded)


def _call(
    call: Call, levels: Sequence[_Level], guarded: Collection[tuple[str, ...]], *, is_required: bool
) -> Iterator[Reference]:
    name = _helper(call)
    if name is None and not call.arguments and not call.named:
        yield from _value(call.path, levels, guarded, is_required=is_required)
        return
    for value in (*call.arguments, *call.named.values()):
        yield from _value(
            value, levels, guarded, is_required=is_required and name not in ("default", "compare", "lookup")
        )


def _value(
    value: Value, levels: Sequence[_Level], guarded: Collection[tuple[str, ...]], *, is_required: bool
) -> Iterator[Reference]:
    if isinstance(value, Call):
        yield from _call(value, levels, guarded, is_required=is_required)
    elif isinstance(value, Path):
        path = _resolved(value, levels)
        if path:
            is_guarded = any(path[: len(guard)] == guard for guard in guarded if guard)
            yield Reference(".".join(path), is_required and not is_guarded, value.offset)


def _helper(call: Call) -> str | None:
    path = call.path
    if len(path.parts) != 1 or path.is_this or path.is_data:
        return None
    name = path.parts[0]
    return name if call.arguments or call.named or name in _PLATFORM_HELPERS else None


def _paths(value: Value, levels: Sequence[_Level]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Path):
        path = _resolved(value, levels)
        if path:
            yield path
    elif isinstance(value, Call):
        for argument in (*value.arguments, *((value.path,) if _helper(value) is None else ())):
            yield from _paths(argument, levels)


def _resolved(path: Path, levels: Sequence[_Level]) -> tuple[str, ...] | None:
    """Return the path of a property from the event's root; None if it is not one."""
    if path.is_data:
        if path.parts[:1] != ("root",):
            return None
        return None if path.parts[1:2] and path.parts[1] in NOT_PROPERTIES else path.parts[1:]
    parts = path.parts
    if parts and not path.is_this:
        for level in reversed(levels):
            if parts[0] in level.names:
                base = level.names[parts[0]]
                return None if base is None else (*base, *_steps(parts[1:]))
    if path.up >= len(levels):
        return None
    base = levels[len(levels) - 1 - path.up].path
    if base is None or (not base and parts and parts[0] in NOT_PROPERTIES):
        return None
    return (*base, *_steps(parts))


def _steps(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the steps of a path; an index stands for any item: `items.[0].name` is `items[].name`."""
    steps: list[str] = []
    for part in parts:
        if part.isdecimal() and steps:
            steps[-1] += "[]"
        else:
            steps.append(part)
    return tuple(steps[:-1]) if steps[-1:] == ["length"] and len(steps) > 1 else tuple(steps)
