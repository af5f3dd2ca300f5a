"""A template and data → text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from runner.workflows.expression_errors import ELSEWHERE, ExpressionError, UnsupportedError
from runner.workflows.handlebars import helpers
from runner.workflows.handlebars.helpers import BLOCKS, HELPERS
from runner.workflows.handlebars.parser import parse
from runner.workflows.handlebars.syntax import Block, Call, Content, Foreign, Literal, Output, Path, Program
from runner.workflows.handlebars.values import UNDEFINED, escaped, has, is_empty, is_truthy, keys, own, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.source import Json
    from runner.workflows.handlebars.syntax import Expression
    from runner.workflows.handlebars.values import Value

MAX_OUTPUT = 1024 * 1024
"""Maximum length of the text that is rendered."""
MAX_WORK = 2 * 1024 * 1024
"""Maximum number of statements, values of helpers and characters that rendering handles, counted before each is."""
_KEPT_TEMPLATES = 64
_STATEMENT = 32
"""A statement counts as this number of characters, since it takes more time."""

_parsed = lru_cache(_KEPT_TEMPLATES)(parse)


def render(template: str, data: Mapping[str, Json]) -> str:
    """Return a template rendered with data.

    Raise HandlebarsError if it can't be parsed, ExpressionError if a variable is missing, UnsupportedError if it uses
    what is not modelled or more work than the limit.

    >>> render("{{#each items}}{{@index}}: {{name}}{{#unless @last}}, {{/unless}}{{/each}}", {"items": [{"name": "A"}]})
    '0: A'
    """
    root = dict(data)
    rendering = _Rendering()
    try:
        rendering.program(_parsed(template), _Frame((root,), {"root": root}))
    except RecursionError:
        raise UnsupportedError("the data is nested too deeply") from None
    return "".join(rendering.output)


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where a program is rendered: its contexts, the innermost first, the `@` variables and the block parameters."""

    contexts: tuple[Value, ...]
    data: dict[str, Json]
    outer: _Frame | None = None
    """The frame whose `@` variables `@../x` reads."""
    parameters: tuple[Mapping[str, Value], ...] = ()

    @property
    def context(self) -> Value:
        return self.contexts[0]

    def inside(self, context: Value, data: dict[str, Json] | None = None) -> _Frame:
        """Return the frame of a program with a context, which `../` leaves unless it is the same one."""
        contexts = self.contexts if _is_same(context, self.contexts[0]) else (context, *self.contexts)
        if data is None:
            return replace(self, contexts=contexts)
        return replace(self, contexts=contexts, data={**self.data, **data}, outer=self)

    def named(self, names: Sequence[str], values: Sequence[Value]) -> _Frame:
        """Return the frame of a program with block parameters."""
        if not names:
            return self
        padded = (*values, *([UNDEFINED] * len(names)))
        return replace(self, parameters=({**dict(zip(names, padded, strict=False))}, *self.parameters))


def _is_same(one: Value, other: Value) -> bool:
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return one is other
    if one is None or one is UNDEFINED:
        return other is None or other is UNDEFINED
    return isinstance(one, str) == isinstance(other, str) and one == other


class _Rendering:
    """One call of `render`: the text so far and the work left."""

    def __init__(self) -> None:
        self.output: list[str] = []
        self._work = MAX_WORK
        self._size = 0

    def program(self, program: Program, frame: _Frame) -> None:
        for statement in program.body:
            self._spend(_STATEMENT)
            match statement:
                case Content(text):
                    self._write(text)
                case Output(call, is_escaped):
                    text = shown(self._result(call, frame))
                    self._write(escaped(text) if is_escaped else text)
                case Block():
                    self._block(statement, frame)
                case Foreign(kind):
                    raise UnsupportedError(f"{kind} of Handlebars is not supported here")

    def _write(self, text: str) -> None:
        self._spend(len(text))
        self._size += len(text)
        if self._size > MAX_OUTPUT:
            raise UnsupportedError(f"the result is longer than {MAX_OUTPUT:,} characters")
        self.output.append(text)

    def _spend(self, work: int) -> None:
        self._work -= work
        if self._work < 0:
            raise UnsupportedError("the template needs too much work to render")

    def _result(self, call: Call, frame: _Frame, *, is_subexpression: bool = False) -> Value:
        """Return the value of a variable, or the result of a helper."""
        path = call.callee
        if _is_parameter(path, frame):
            return self._value(path, frame)
        is_helper = path.is_simple and path.original in HELPERS
        if not (is_helper or is_subexpression or call.has_arguments):
            return self._variable(path, frame)
        if path.original in BLOCKS:
            raise UnsupportedError(f"the helper '{path.original}' is supported as a block only")
        arguments = self._arguments(call, frame)
        if call.named:
            raise UnsupportedError(f"the helper '{path.original}' is not supported with named arguments")
        self._spend(sum(map(_weight, arguments)))
        return helpers.call(path.original, arguments)

    def _arguments(self, call: Call, frame: _Frame) -> list[Value]:
        return [self._value(argument, frame) for argument in call.arguments]

    def _value(self, value: Expression, frame: _Frame) -> Value:
        """Return the value of an argument. Unlike a variable in a tag, its last field may be missing."""
        match value:
            case Literal():
                return UNDEFINED if value.is_undefined else value.value
            case Call():
                return self._result(value, frame, is_subexpression=True)
            case Path():
                base, parts = self._base(value, frame)
                for part in parts:
                    base = _field(base, part, value)
                return base

    def _variable(self, path: Path, frame: _Frame) -> Value:
        """Return the value of a variable in a tag. Raise ExpressionError if it is missing."""
        base, parts = self._base(path, frame)
        if not parts:
            return base
        for part in parts[:-1]:
            base = _field(base, part, path)
        if not has(base, parts[-1]):
            raise ExpressionError(f"'{path.original}' is not defined")
        return own(base, parts[-1])

    def _base(self, path: Path, frame: _Frame) -> tuple[Value, tuple[str, ...]]:
        """Return where a path begins, and the fields that follow."""
        if path.is_data:
            place: _Frame | None = frame
            for _ in range(path.depth):
                place = place.outer if place else None
            if place is None:
                return UNDEFINED, path.parts
            return place.data, path.parts
        if _is_parameter(path, frame):
            names = next(names for names in frame.parameters if path.parts[0] in names)
            return names[path.parts[0]], path.parts[1:]
        if path.parts and path.parts[0] in ELSEWHERE and not has(frame.contexts[-1], path.parts[0]):
            raise UnsupportedError(f"'{path.parts[0]}' is not known here")
        if path.depth >= len(frame.contexts):
            return UNDEFINED, path.parts
        return frame.contexts[path.depth], path.parts

    def _block(self, block: Block, frame: _Frame) -> None:
        call, name = block.call, block.call.callee.original
        is_helper = call.callee.is_simple and name in HELPERS and not _is_parameter(call.callee, frame)
        if is_helper and name in BLOCKS:
            self._helper(block, frame)
        elif is_helper or call.has_arguments:
            raise UnsupportedError(f"the helper '{name}' is not supported as a block")
        else:
            self._section(block, self._result(call, frame), frame)

    def _helper(self, block: Block, frame: _Frame) -> None:
        name, arguments = block.call.callee.original, self._arguments(block.call, frame)
        wanted = 3 if name == "compare" else 1
        if len(arguments) != wanted:
            raise ExpressionError(f"#{name} expects {wanted} argument{'s' if wanted > 1 else ''}, got {len(arguments)}")
        options = {key: self._value(value, frame) for key, value in block.call.named}
        if unknown := [key for key in options if name not in ("if", "unless") or key != "includeZero"]:
            raise UnsupportedError(f"the option '{unknown[0]}' of the helper '{name}' is not supported")
        value = arguments[0]
        match name:
            case "if" | "unless":
                counts_zero = is_truthy(options.get("includeZero")) and value == 0 and not isinstance(value, bool)
                holds = (is_truthy(value) and value != []) or counts_zero
                self._choose(block, frame, is_met=holds == (name == "if"))
            case "compare":
                self._choose(block, frame, is_met=helpers.holds(*arguments))
            case "each":
                self._each(block, value, frame)
            case _:
                if is_empty(value):
                    self.program(block.inverse, frame)
                else:
                    self.program(block.program, frame.inside(value).named(block.program.parameters, [value]))

    def _choose(self, block: Block, frame: _Frame, *, is_met: bool) -> None:
        part = block.program if is_met else block.inverse
        self.program(part, frame.named(part.parameters, ()))

    def _section(self, block: Block, value: Value, frame: _Frame) -> None:
        """Render `{{#x}}`, which depends on the kind of the value."""
        if value is True:
            self.program(block.program, frame)
        elif value is False or value is None or value is UNDEFINED or value == []:
            self.program(block.inverse, frame)
        elif isinstance(value, list):
            self._each(block, value, frame)
        else:
            self.program(block.program, frame.inside(value))

    def _each(self, block: Block, value: Value, frame: _Frame) -> None:
        entries = list(_entries(value))
        self._spend(len(entries))
        for index, (key, item) in enumerate(entries):
            self._spend(_STATEMENT)
            data: dict[str, Json] = {
                "key": key, "index": index, "first": index == 0, "last": index == len(entries) - 1,
            }  # fmt: skip
            inside = frame.inside(item, data).named(block.program.parameters, [item, key])
            self.program(block.program, inside)
        if not entries:
            self.program(block.inverse, frame)


def _entries(value: Value) -> Iterator[tuple[str | int, Json]]:
    match value:
        case list():
            yield from enumerate(value)
        case dict():
            for key in keys(value):
                yield key, value[key]


def _is_parameter(path: Path, frame: _Frame) -> bool:
    if not frame.parameters or path.depth or path.is_data or path.is_scoped or not path.parts:
        return False
    return any(path.parts[0] in names for names in frame.parameters)


def _field(base: Value, part: str, path: Path) -> Value:
    if base is None or base is UNDEFINED:
        raise ExpressionError(f"'{path.original}' is not defined: '{part}' is read of a value that is missing")
    return own(base, part)


def _weight(value: Value) -> int:
    """Return the size of an argument, about its characters, without walking through more than a limit allows."""
    weight, rest = 0, [value]
    while rest and weight <= MAX_WORK:
        item = rest.pop()
        match item:
            case str():
                weight += len(item)
            case list():
                weight += len(item)
                rest += item
            case dict():
                weight += len(item)
                rest += item.values()
        weight += 1
    return weight
