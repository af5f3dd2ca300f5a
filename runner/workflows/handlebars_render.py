"""The tree of a Handlebars template + data → a text, as handlebars.js 4 renders it.

Two things are as on the platform, not as in handlebars.js: a variable that is missing is an error, and its helpers are there.
Source: the platform's documentation, "Handlebars helpers".
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Final

from runner.workflows.expression_errors import HandlebarsError, UnsupportedError
from runner.workflows.handlebars_tree import Block, Call, Content, Literal, Output, Path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.source import Json
    from runner.workflows.handlebars_tree import Program, Value

MAX_CHARS = 1_000_000
MAX_STEPS = 100_000


class _Undefined:
    """JavaScript's undefined: the value of a name that is not there."""


_UNDEFINED: Final = _Undefined()


class _Frame:
    """One level of a template: its context, the values of block parameters and of `@` names, and the level around it."""

    __slots__ = ("above", "context", "data", "names")

    def __init__(
        self, context: object, above: _Frame | None, names: Mapping[str, object], data: Mapping[str, object]
    ) -> None:
        self.context = context
        self.above = above
        self.names = names
        self.data = data


def render(program: Program, data: Mapping[str, Json]) -> str:
    """Return the text of a template for some data. Raises HandlebarsError for a missing variable, and at a limit.

    Raises UnsupportedError for a helper that is not modelled.
    """
    renderer = _Renderer()
    renderer.program(program, _Frame(data, None, {}, {"root": data}))
    return "".join(renderer.parts)


class _Renderer:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self._chars = 0
        self._steps = 0

    def program(self, program: Program, frame: _Frame) -> None:
        for statement in program.body:
            self._count(statement.offset if not isinstance(statement, Content) else 0)
            match statement:
                case Content(text):
                    self._write(text, 0)
                case Output(value, is_escaped, offset):
                    found = self._value(value, frame)
                    if isinstance(found, _Undefined):
                        name = value.path.text() if isinstance(value, Call) else "undefined"
                        raise HandlebarsError(f"'{name}' is not defined", offset)
                    text = as_text(found)
                    self._write(_escaped(text) if is_escaped else text, offset)
                case Block():
                    self._block(statement, frame)

    def _write(self, text: str, offset: int) -> None:
        self._chars += len(text)
        if self._chars > MAX_CHARS:
            raise HandlebarsError(f"the text has more than {MAX_CHARS:,} characters", offset)
        self.parts.append(text)

    def _count(self, offset: int) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise HandlebarsError(f"rendering takes more than {MAX_STEPS:,} steps", offset)

    def _block(self, block: Block, frame: _Frame) -> None:
        call = block.call
        name = call.path.parts[0] if _may_be_helper(call) else ""
        match name:
            case "if" | "unless":
                holds = not is_empty(self._argument(call, frame), includes_zero=self._named(call, "includeZero", frame))
                self._either(block, frame, holds=holds == (name == "if"))
            case "each":
                self._each(block, self._argument(call, frame), frame)
            case "with":
                value = self._argument(call, frame)
                if is_empty(value):
                    self._either(block, frame, holds=False)
                else:
                    self._inside(block, value, frame, {}, (value,))
            case "compare":
                self._either(block, frame, holds=self._compare(call, frame))
            case _ if name in _HELPERS:
                self._either(block, frame, holds=not is_empty(self._call(call, frame)))
            case _ if call.arguments or call.named:
                raise UnsupportedError(f"the helper '{call.path.text()}' is not modelled")
            case _:
                self._section(block, self._path(call.path, frame), frame)

    def _section(self, block: Block, value: object, frame: _Frame) -> None:
        """Render `{{#x}}…{{/x}}` for a path."""
        if value is True:
            self._either(block, frame, holds=True)
        elif isinstance(value, list):
            self._each(block, value, frame)
        elif value is None or value is False or isinstance(value, _Undefined):
            self._either(block, frame, holds=False)
        else:
            self._inside(block, value, frame, {}, (value,))

    def _either(self, block: Block, frame: _Frame, *, holds: bool) -> None:
        if holds:
            self.program(block.program, frame)
        elif block.otherwise is not None:
            self.program(block.otherwise, frame)

    def _inside(
        self, block: Block, context: object, frame: _Frame, data: Mapping[str, object], values: Sequence[object]
    ) -> None:
        names = dict(zip(block.program.names, values, strict=False))
        if context is frame.context and not data and not names:  # handlebars.js makes no level for the same context
            self.program(block.program, frame)
            return
        self.program(block.program, _Frame(context, frame, names, {**frame.data, **data}))

    def _each(self, block: Block, value: object, frame: _Frame) -> None:
        items: list[tuple[object, object]]
        if isinstance(value, list):
            items = list(enumerate(value))
        elif isinstance(value, dict):
            items = list(value.items())
        else:
            items = []
        if not items:
            self._either(block, frame, holds=False)
            return
        for number, (key, item) in enumerate(items):
            self._count(block.offset)
            data = {"index": number, "key": key, "first": number == 0, "last": number == len(items) - 1}
            names = dict(zip(block.program.names, (item, key), strict=False))
            self.program(block.program, _Frame(item, frame, names, {**frame.data, **data}))

    def _value(self, value: Value, frame: _Frame) -> object:
        self._count(value.offset)
        match value:
            case Literal(found):
                return found
            case Path():
                return self._path(value, frame)
            case Call():
                return self._call(value, frame)

    def _call(self, call: Call, frame: _Frame) -> object:
        name = call.path.parts[0] if _may_be_helper(call) else ""
        if not call.arguments and not call.named and name not in _WITHOUT_ARGUMENTS:
            return self._path(call.path, frame)
        match name:
            case "default":
                values = [self._value(argument, frame) for argument in call.arguments]
                return next((value for value in values if not _is_blank(value)), values[-1] if values else _UNDEFINED)
            case "compare":
                return self._compare(call, frame)
            case "lookup":
                values = [self._value(argument, frame) for argument in call.arguments]
                return _property(values[0], as_text(values[1])) if len(values) > 1 else _UNDEFINED
            case "log":
                return ""
            case _ if name in _HELPERS:
                return self._helped(name, call, frame)
            case _:
                raise UnsupportedError(f"the helper '{call.path.text()}' is not modelled")

    def _helped(self, name: str, call: Call, frame: _Frame) -> object:
        values = [self._value(argument, frame) for argument in call.arguments]
        for argument, value in zip(call.arguments, values, strict=True):
            if isinstance(value, _Undefined):
                shown = argument.text() if isinstance(argument, Path) else "an argument"
                raise HandlebarsError(f"'{shown}' is not defined", argument.offset)
        try:
            return _HELPERS[name](*values)
        except (TypeError, ValueError, OverflowError, ZeroDivisionError, IndexError):
            shown = ", ".join(as_text(value)[:30] for value in values)
            raise HandlebarsError(f"the helper '{name}' can't take {shown or 'no arguments'}", call.offset) from None

    def _compare(self, call: Call, frame: _Frame) -> bool:
        values = [self._value(argument, frame) for argument in call.arguments]
        if len(values) != 3 or as_text(values[1]) not in _COMPARISONS:  # noqa: PLR2004 - two values and their operator
            raise UnsupportedError("this form of the helper 'compare' is not modelled")
        try:
            return _COMPARISONS[as_text(values[1])](values[0], values[2])
        except TypeError:
            return False

    def _argument(self, call: Call, frame: _Frame) -> object:
        if not call.arguments:
            raise HandlebarsError(f"'{call.path.text()}' needs an argument", call.offset)
        return self._value(call.arguments[0], frame)

    def _named(self, call: Call, name: str, frame: _Frame) -> bool:
        return name in call.named and not is_empty(self._value(call.named[name], frame))

    def _path(self, path: Path, frame: _Frame) -> object:
        parts = path.parts
        if path.is_data:
            value: object = frame.data.get(parts[0], _UNDEFINED) if parts else _UNDEFINED
            return _below(value, parts[1:])
        level: _Frame | None = frame
        if parts and not path.is_this:
            while level is not None:
                if parts[0] in level.names:
                    return _below(level.names[parts[0]], parts[1:])
                level = level.above
        level = frame
        for _ in range(path.up):
            level = level.above if level is not None else None
        return _UNDEFINED if level is None else _below(level.context, parts)


def _may_be_helper(call: Call) -> bool:
    path = call.path
    return len(path.parts) == 1 and not path.is_this and not path.is_data and not path.up


def _below(value: object, parts: Sequence[str]) -> object:
    for part in parts:
        value = _property(value, part)
    return value


def _property(value: object, name: str) -> object:
    if isinstance(value, dict):
        return value.get(name, _UNDEFINED)
    if isinstance(value, list | str) and name == "length":
        return len(value)
    if isinstance(value, list) and name.isascii() and name.isdecimal() and int(name[:10]) < len(value):
        return value[int(name)]
    return _UNDEFINED


def is_empty(value: object, *, includes_zero: bool = False) -> bool:
    """Return whether handlebars.js takes a value as false: undefined, null, false, 0, "" and []."""
    if isinstance(value, _Undefined) or value is None or value is False or value in ("", []):
        return True
    return not includes_zero and isinstance(value, int | float) and not isinstance(value, bool) and value == 0


def _is_blank(value: object) -> bool:
    return isinstance(value, _Undefined) or value is None or value == ""


def as_text(value: object) -> str:
    """Return a value as JavaScript writes it."""
    match value:
        case None | _Undefined():
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _number(value)
        case list():
            return ",".join(map(as_text, value))
        case dict():
            return "[object Object]"
        case _:
            return str(value)


_INTEGRAL = 1e21


def _number(value: float) -> str:
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == int(value) and abs(value) < _INTEGRAL:
        return str(int(value))
    return re.sub(r"e([+-])0+", r"e\1", repr(value))


_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;", "`": "&#x60;", "=": "&#x3D;"}
_TO_ESCAPE = re.compile("[&<>\"'`=]")


def _escaped(text: str) -> str:
    return _TO_ESCAPE.sub(lambda match: _ESCAPES[match[0]], text)


def _as_number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    if isinstance(value, str):
        return int(value) if re.fullmatch("-?[0-9]{1,15}", value) else float(value)
    return value


def _text_of(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _list_of(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _item_at(items: object, index: object) -> object:
    found, number = _list_of(items), _as_number(index)
    if number != int(number) or not 0 <= number < len(found):
        raise IndexError
    return found[int(number)]


def _length(value: object) -> int:
    if not isinstance(value, list | str):
        raise TypeError
    return len(value)


def _unique(value: object) -> list[object]:
    return list({json.dumps(item, sort_keys=True): item for item in reversed(_list_of(value))}.values())[::-1]


_HELPERS: Mapping[str, Callable[..., object]] = {
    "lowercase": lambda value: _text_of(value).lower(),
    "uppercase": lambda value: _text_of(value).upper(),
    "capitalize": lambda value: _text_of(value)[:1].upper() + _text_of(value)[1:],
    "add": lambda one, other: _as_number(one) + _as_number(other),
    "subtract": lambda one, other: _as_number(one) - _as_number(other),
    "multiply": lambda one, other: _as_number(one) * _as_number(other),
    "divide": lambda one, other: _as_number(one) / _as_number(other),
    "mod": lambda one, other: math.fmod(_as_number(one), _as_number(other)),
    "round": lambda value: math.floor(_as_number(value) + 0.5),
    "join": lambda items, separator=",": str(separator).join(map(as_text, _list_of(items))),
    "itemAt": _item_at,
    "length": _length,
    "unique": _unique,
    "jsonStringify": lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
}
_WITHOUT_ARGUMENTS = ("log",)
_COMPARISONS: Mapping[str, Callable[..., bool]] = {
    "==": lambda one, other: one == other or (not isinstance(one, type(other)) and as_text(one) == as_text(other)),
    "===": lambda one, other: type(one) is type(other) and one == other,
    "!=": lambda one, other: not _COMPARISONS["=="](one, other),
    "!==": lambda one, other: not _COMPARISONS["==="](one, other),
    "<": lambda one, other: _as_number(one) < _as_number(other),
    "<=": lambda one, other: _as_number(one) <= _as_number(other),
    ">": lambda one, other: _as_number(one) > _as_number(other),
    ">=": lambda one, other: _as_number(one) >= _as_number(other),
}
HELPERS = ("if", "unless", "each", "with", "lookup", "log", "default", "compare", *_HELPERS)
"""The helpers that are modelled."""
