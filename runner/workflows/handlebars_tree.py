"""The syntax tree of a Handlebars template. Offsets are those of the template's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Path:
    """A path to a value: `../order.items.[0]`. `up` counts the `../`; `is_data` is that of `@index` and the like.

    `is_this` says that it begins with `this` or `.`, so that it names no helper.
    """

    parts: tuple[str, ...]
    up: int
    is_data: bool
    is_this: bool
    offset: int

    def text(self) -> str:
        """Return the path as it is written."""
        return f"{'@' if self.is_data else ''}{'../' * self.up}{'.'.join(self.parts) or 'this'}"


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number, true, false, null or undefined."""

    value: str | int | float | bool | None
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """A helper with its arguments, also as a part of another one: `(add price 1)`; without arguments it may be a path."""

    path: Path
    arguments: tuple[Value, ...]
    named: Mapping[str, Value]
    offset: int


Value: TypeAlias = Path | Literal | Call


@dataclass(frozen=True, slots=True)
class Content:
    """Text outside of any tag."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """A tag that writes a value: `{{x}}`, or `{{{x}}}` without escapes."""

    value: Call | Literal
    is_escaped: bool
    offset: int


@dataclass(frozen=True, slots=True)
class Block:
    """A block: `{{#each items as |item index|}}…{{else}}…{{/each}}`. `{{^x}}` is one whose first program is empty."""

    call: Call
    program: Program
    otherwise: Program | None
    offset: int


Statement: TypeAlias = Content | Output | Block


@dataclass(frozen=True, slots=True)
class Program:
    """The statements of a template or a block, with the names of its block parameters."""

    body: tuple[Statement, ...]
    names: tuple[str, ...] = ()
