"""The syntax tree of a template. Offsets count characters from the begin of the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

_SCOPED = re.compile(r"^\.|this\b")


@dataclass(frozen=True, slots=True)
class Path:
    """A variable: `a.b`, `../a`, `this`, `@index`. `depth` counts the steps `../`; `original` is how it is written."""

    parts: tuple[str, ...]
    depth: int
    is_data: bool
    """Whether it begins with @."""
    original: str
    offset: int

    @property
    def is_scoped(self) -> bool:
        """Whether it begins with `this`, `./` or `../`, so that it names neither a helper nor a block parameter."""
        return _SCOPED.search(self.original) is not None

    @property
    def is_simple(self) -> bool:
        """Whether it is a single name, which may be that of a helper."""
        return len(self.parts) == 1 and not self.depth and not self.is_scoped


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number, a boolean, `null` or `undefined`."""

    value: str | int | float | bool | None
    original: str
    offset: int
    is_undefined: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A name with its arguments, in a tag or, as a subexpression, in parentheses."""

    callee: Path
    arguments: tuple[Expression, ...]
    named: tuple[tuple[str, Expression], ...]
    offset: int

    @property
    def has_arguments(self) -> bool:
        """Whether it can only be the call of a helper."""
        return bool(self.arguments or self.named)


Expression: TypeAlias = Path | Literal | Call


@dataclass(frozen=True, slots=True)
class Content:
    """Text outside of tags, after white-space control."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """`{{x}}`, or not escaped, `{{{x}}}` or `{{&x}}`."""

    call: Call
    is_escaped: bool


@dataclass(frozen=True, slots=True)
class Program:
    """Statements, and the names of the block parameters that they see."""

    body: tuple[Statement, ...] = ()
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """`{{#x}}…{{else}}…{{/x}}`. A missing part is an empty program."""

    call: Call
    program: Program
    inverse: Program


@dataclass(frozen=True, slots=True)
class Foreign:
    """A part of the language that is parsed but never rendered: a partial, a decorator, a raw block."""

    kind: str
    arguments: tuple[Expression, ...]
    body: Program
    offset: int


Statement: TypeAlias = Content | Output | Block | Foreign
