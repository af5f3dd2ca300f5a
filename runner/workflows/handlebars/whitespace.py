"""White space around tags: `~` strips it on its side, and a tag alone on its line takes the line with it.

A tag is alone if it is a comment, or opens, divides or closes a block, with only spaces and tabs beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from runner.workflows.handlebars.tokens import WHITESPACE

if TYPE_CHECKING:
    from runner.workflows.handlebars.syntax import Call, Foreign, Output
    from runner.workflows.handlebars.tokens import Token

_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class Strip:
    """Whether a tag has `~` at its begin and at its end."""

    before: bool = False
    after: bool = False

    @classmethod
    def of(cls, open_: Token, close: Token) -> Self:
        """Return what the first and the last token of a tag say."""
        return cls(open_.text[2:3] == "~", close.text[-3:-2] == "~")


@dataclass(slots=True)
class Draft:
    """A statement whose white space is not controlled yet."""

    kind: Literal["content", "comment", "partial", "tag"]
    text: str
    strip: Strip
    statement: Output | Foreign | None = None
    original: str = field(init=False)
    """The text as it was written: what stands alone on its line is decided by it."""
    is_stripped_left: bool = field(default=False, init=False)
    is_stripped_right: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.original = self.text


@dataclass(slots=True)
class DraftProgram:
    """The statements of a block or of the template. It is chained if it is an `else if`, which is its only statement."""

    body: list[Draft | DraftBlock] = field(default_factory=list)
    is_chained: bool = False


@dataclass(slots=True)
class DraftBlock:
    """A block whose white space is not controlled yet."""

    call: Call
    parameters: tuple[str, ...]
    program: DraftProgram | None
    inverse: DraftProgram | None
    open_strip: Strip
    inverse_strip: Strip
    close_strip: Strip
    inverse_parameters: tuple[str, ...] = ()
    foreign: str | None = None


_Body: TypeAlias = "list[Draft | DraftBlock]"


@dataclass(frozen=True, slots=True)
class _Outside:
    """How a statement strips what stands around it, and where it may be alone on a line."""

    strip: Strip
    opens_alone: bool = False
    closes_alone: bool = False
    is_inline: bool = False


def control(program: DraftProgram, *, is_root: bool = True) -> None:
    """Strip the white space of a program."""
    body = program.body
    for index, current in enumerate(body):
        outside = _outside(current)
        if outside is None:
            continue
        is_after_line = _ends_line(body, index, is_root=is_root)
        is_before_line = _begins_line(body, index, is_root=is_root)
        if outside.strip.after:
            _strip_right(body, index + 1, all_of_it=True)
        if outside.strip.before:
            _strip_left(body, index - 1, all_of_it=True)
        if outside.is_inline and is_after_line and is_before_line:
            _strip_right(body, index + 1)
            _strip_left(body, index - 1)
        if isinstance(current, DraftBlock):
            if outside.opens_alone and is_after_line:
                _strip_right(_first_body(current), 0)
                _strip_left(body, index - 1)
            if outside.closes_alone and is_before_line:
                _strip_right(body, index + 1)
                last = _last_body(current)
                _strip_left(last, len(last) - 1)


def _outside(part: Draft | DraftBlock) -> _Outside | None:
    if isinstance(part, DraftBlock):
        return _inside_block(part)
    if part.kind == "content":
        return None
    return _Outside(part.strip, is_inline=part.kind in ("comment", "partial"))


def _inside_block(block: DraftBlock) -> _Outside:
    """Strip the white space inside of a block, and return how it meets what is outside."""
    for part in (block.program, block.inverse):
        if part is not None:
            control(part, is_root=False)
    program = _first_body(block)
    inverse = block.inverse if block.program is not None else None
    first = last = inverse.body if inverse is not None else program
    if inverse is not None and inverse.is_chained:
        first = _chained(inverse).body
        part = inverse
        while part.is_chained:
            part = _chained(part)
        last = part.body
    outside = _Outside(
        Strip(block.open_strip.before, block.close_strip.after),
        opens_alone=_begins_line(program, -1),
        closes_alone=_ends_line(first, len(first)),
    )
    if block.open_strip.after:
        _strip_right(program, 0, all_of_it=True)
    if inverse is None:
        if block.close_strip.before:
            _strip_left(program, len(program) - 1, all_of_it=True)
        return outside
    if block.inverse_strip.before:
        _strip_left(program, len(program) - 1, all_of_it=True)
    if block.inverse_strip.after:
        _strip_right(first, 0, all_of_it=True)
    if block.close_strip.before:
        _strip_left(last, len(last) - 1, all_of_it=True)
    if _ends_line(program, len(program)) and _begins_line(first, -1):
        _strip_left(program, len(program) - 1)
        _strip_right(first, 0)
    return outside


def _chained(program: DraftProgram) -> DraftProgram:
    """Return the program of the `else if` that a chained program is."""
    block = program.body[-1]
    return (isinstance(block, DraftBlock) and block.program) or DraftProgram()


def _first_body(block: DraftBlock) -> _Body:
    part = block.program if block.program is not None else block.inverse
    return part.body if part is not None else []


def _last_body(block: DraftBlock) -> _Body:
    part = block.inverse if block.inverse is not None else block.program
    return part.body if part is not None else []


def _ends_line(body: _Body, index: int, *, is_root: bool = False) -> bool:
    """Return whether only white space stands between the begin of a line and a statement."""
    if index == 0:
        return is_root
    before = body[index - 1]
    if isinstance(before, DraftBlock) or before.kind != "content":
        return False
    rest = before.original.rstrip(WHITESPACE)
    return "\n" in before.original[len(rest) :] or (index == 1 and is_root and not rest)


def _begins_line(body: _Body, index: int, *, is_root: bool = False) -> bool:
    """Return whether only white space stands between a statement and the end of the line."""
    if index + 1 == len(body):
        return is_root
    after = body[index + 1]
    if isinstance(after, DraftBlock) or after.kind != "content":
        return False
    rest = after.original.lstrip(WHITESPACE)
    blank = after.original[: len(after.original) - len(rest)]
    return "\n" in blank or (index + 2 == len(body) and is_root and not rest)


def _strip_right(body: _Body, index: int, *, all_of_it: bool = False) -> None:
    """Strip the begin of the content that follows a tag: all white space, or the rest of the line."""
    if index >= len(body):
        return
    current = body[index]
    if isinstance(current, DraftBlock) or current.kind != "content":
        return
    if all_of_it:
        text = current.text.lstrip(WHITESPACE)
    elif current.is_stripped_right:
        return
    else:
        text = current.text.lstrip(_BLANKS).removeprefix("\r\n")
        if len(text) == len(current.text.lstrip(_BLANKS)):
            text = text.removeprefix("\r").removeprefix("\n")
    current.is_stripped_right = text != current.text
    current.text = text


def _strip_left(body: _Body, index: int, *, all_of_it: bool = False) -> None:
    """Strip the end of the content before a tag: all white space, or the begin of the line."""
    if index < 0:
        return
    current = body[index]
    if isinstance(current, DraftBlock) or current.kind != "content":
        return
    if not all_of_it and current.is_stripped_left:
        return
    text = current.text.rstrip(WHITESPACE if all_of_it else _BLANKS)
    current.is_stripped_left = text != current.text
    current.text = text
