"""The text of a template → its syntax tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.workflows.expression_errors import HandlebarsError
from runner.workflows.handlebars.syntax import Block, Call, Content, Foreign, Literal, Output, Path, Program
from runner.workflows.handlebars.tokens import tokens
from runner.workflows.handlebars.whitespace import Draft, DraftBlock, DraftProgram, Strip, control

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.workflows.handlebars.syntax import Expression, Statement
    from runner.workflows.handlebars.tokens import Token

MAX_CHARACTERS = 1024 * 1024
MAX_DEPTH = 64
"""Maximum depth of blocks and subexpressions; each `else if` is a block in the one before it."""


def parse(text: str) -> Program:
    """Return the syntax tree of a template, after white-space control. Raise HandlebarsError if it has none."""
    if len(text) > MAX_CHARACTERS:
        raise HandlebarsError(f"the template is longer than {MAX_CHARACTERS:,} characters", 0)
    if "\0" in text:
        raise HandlebarsError("invalid character U+0000", text.index("\0"))
    parser = _Parser(text)
    draft = parser.program()
    parser.take("END")
    control(draft)
    return _finished(draft)


@dataclass(slots=True)
class _Opened:
    """What stands in the tag that opens a block."""

    token: Token
    call: Call
    parameters: tuple[str, ...]
    strip: Strip


@dataclass(slots=True)
class _Inverse:
    strip: Strip
    program: DraftProgram
    chained: DraftBlock | None = None


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = next(self._tokens)
        self._depth = 0

    def take(self, *kinds: str) -> Token:
        token = self._next
        if token.kind not in kinds:
            raise HandlebarsError(_unexpected(token), token.offset)
        if token.kind != "END":
            self._next = next(self._tokens)
        return token

    def program(self) -> DraftProgram:
        program = DraftProgram()
        while (statement := self._statement()) is not None:
            program.body.append(statement)
        return program

    def _statement(self) -> Draft | DraftBlock | None:
        token = self._next
        match token.kind:
            case "CONTENT":
                return Draft("content", self.take("CONTENT").text, Strip())
            case "COMMENT":
                return Draft("comment", "", Strip.of(token, self.take("COMMENT")))
            case "RAW":
                self.take("RAW")
                body = Foreign("a raw block", (), Program(), token.offset)
                return Draft("tag", "", Strip(), body)
            case "OPEN" | "OPEN_UNESCAPED":
                return self._output()
            case "OPEN_PARTIAL":
                self.take("OPEN_PARTIAL")
                call, _ = self._call(allows_sexpr=True)
                strip = Strip.of(token, self.take("CLOSE"))
                return Draft("partial", "", strip, Foreign("a partial", _values(call), Program(), token.offset))
            case "OPEN_BLOCK" | "OPEN_INVERSE" | "OPEN_PARTIAL_BLOCK":
                return self._block()
            case _:
                return None

    def _output(self) -> Draft:
        token = self.take("OPEN", "OPEN_UNESCAPED")
        call, _ = self._call()
        close = self.take("CLOSE" if token.kind == "OPEN" else "CLOSE_UNESCAPED")
        if token.text.endswith("*"):
            return Draft(
                "tag", "", Strip.of(token, close), Foreign("a decorator", _values(call), Program(), token.offset)
            )
        is_escaped = token.kind == "OPEN" and not token.text.endswith("&")
        return Draft("tag", "", Strip.of(token, close), Output(call, is_escaped))

    def _block(self) -> DraftBlock:
        self._enter()
        opened = self._opened("OPEN_BLOCK", "OPEN_INVERSE", "OPEN_PARTIAL_BLOCK")
        program = self.program()
        is_inverted = opened.token.kind == "OPEN_INVERSE"
        inverse = self._inverse(allows_chain=not is_inverted)
        end = self.take("OPEN_END")
        name = self._name()
        if name.original != opened.call.callee.original:
            raise HandlebarsError(f"{opened.call.callee.original} doesn't match {name.original}", opened.call.offset)
        close = Strip.of(end, self.take("CLOSE"))
        self._depth -= 1
        block = _joined(opened, program, inverse, close)
        if is_inverted:
            block.program, block.inverse = block.inverse, block.program
            block.parameters, block.inverse_parameters = (), opened.parameters
        if opened.token.text.endswith("*"):
            block.foreign = "a decorator"
        elif opened.token.kind == "OPEN_PARTIAL_BLOCK":
            block.foreign = "a partial"
        return block

    def _opened(self, *kinds: str) -> _Opened:
        token = self.take(*kinds)
        call, parameters = self._call(allows_parameters=True)
        return _Opened(token, call, parameters, Strip.of(token, self.take("CLOSE")))

    def _inverse(self, *, allows_chain: bool = True) -> _Inverse | None:
        if self._next.kind == "INVERSE":
            token = self.take("INVERSE")
            return _Inverse(Strip.of(token, token), self.program())
        if self._next.kind != "OPEN_CHAIN" or not allows_chain:
            return None
        self._enter()
        opened = self._opened("OPEN_CHAIN")
        program = self.program()
        inverse = self._inverse()
        self._depth -= 1
        block = _joined(opened, program, inverse, inverse.strip if inverse else Strip())
        return _Inverse(opened.strip, DraftProgram([block], is_chained=True), block)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise HandlebarsError(
                f"more than {MAX_DEPTH} blocks or parentheses inside of each other", self._next.offset
            )

    def _call(self, *, allows_parameters: bool = False, allows_sexpr: bool = False) -> tuple[Call, tuple[str, ...]]:
        """Parse a name with its arguments, and the block parameters that may follow."""
        offset = self._next.offset
        if allows_sexpr and self._next.kind == "OPEN_SEXPR":
            first: Expression = self._subexpression()
            callee = Path((), 0, False, "", offset)
        else:
            first = callee = self._name()
        arguments: list[Expression] = [] if first is callee else [first]
        named: list[tuple[str, Expression]] = []
        while self._next.kind in _VALUES:
            token, value = self._next, self._value()
            if isinstance(value, Path) and self._next.kind == "EQUALS" and value.original == _unbracketed(token.text):
                self.take("EQUALS")
                named.append((value.original, self._value()))
            elif named:
                raise HandlebarsError("a value without a name follows one with a name", token.offset)
            else:
                arguments.append(value)
        parameters: list[str] = []
        if allows_parameters and self._next.kind == "OPEN_PARAMETERS":
            self.take("OPEN_PARAMETERS")
            while not parameters or self._next.kind == "ID":
                parameters.append(_unbracketed(self.take("ID").text))
            self.take("CLOSE_PARAMETERS")
        return Call(callee, tuple(arguments), tuple(named), offset), tuple(parameters)

    def _value(self) -> Expression:
        match self._next.kind:
            case "OPEN_SEXPR":
                return self._subexpression()
            case "ID" | "DATA":
                return self._name()
            case _:
                return self._literal()

    def _subexpression(self) -> Call:
        self._enter()
        self.take("OPEN_SEXPR")
        call, _ = self._call()
        self.take("CLOSE_SEXPR")
        self._depth -= 1
        return call

    def _name(self) -> Path:
        """Parse the name at the begin of a tag; a literal there names a field."""
        if self._next.kind == "ID":
            return self._path(is_data=False)
        if self._next.kind == "DATA":
            self.take("DATA")
            return self._path(is_data=True)
        literal = self._literal()
        return _named([literal.original], 0, literal.original, literal.offset)

    def _path(self, *, is_data: bool) -> Path:
        first = self.take("ID")
        segments, separators = [first], [""]
        while self._next.kind == "SEPARATOR":
            separators.append(self.take("SEPARATOR").text)
            segments.append(self.take("ID"))
        depth, original = 0, "@" if is_data else ""
        parts: list[str] = []
        for separator, segment in zip(separators, segments, strict=True):
            part = _unbracketed(segment.text)
            original += separator + part
            if part == segment.text and part in ("..", ".", "this"):
                if parts:
                    raise HandlebarsError(f"invalid path: {original}", first.offset)
                depth += part == ".."
            else:
                parts.append(part)
        return _named(parts, depth, original, first.offset, is_data=is_data)

    def _literal(self) -> Literal:
        token = self.take("STRING", "NUMBER", "BOOLEAN", "UNDEFINED", "NULL")
        match token.kind:
            case "STRING":
                quote = token.text[0]
                text = token.text[1:-1].replace("\\" + quote, quote)
                return Literal(text, text, token.offset)
            case "NUMBER":
                number = float(token.text)
                value = int(number) if number.is_integer() else number
                return Literal(value, str(value), token.offset)
            case "BOOLEAN":
                return Literal(token.text == "true", token.text, token.offset)
            case "UNDEFINED":
                return Literal(None, token.text, token.offset, is_undefined=True)
            case _:
                return Literal(None, token.text, token.offset)


_VALUES = ("OPEN_SEXPR", "ID", "DATA", "STRING", "NUMBER", "BOOLEAN", "UNDEFINED", "NULL")
_SHOWN = 20
_ESCAPED = re.compile(r"\\([\\\]])")


def _joined(opened: _Opened, program: DraftProgram, inverse: _Inverse | None, close: Strip) -> DraftBlock:
    if inverse is not None and inverse.chained is not None:
        inverse.chained.close_strip = close
    return DraftBlock(
        call=opened.call,
        parameters=opened.parameters,
        program=program,
        inverse=inverse.program if inverse else None,
        open_strip=opened.strip,
        inverse_strip=inverse.strip if inverse else Strip(),
        close_strip=close,
    )


def _named(parts: Sequence[str], depth: int, original: str, offset: int, *, is_data: bool = False) -> Path:
    """Return a path. An empty name, as `[]`, stands for the context."""
    if parts and not parts[0]:
        parts, is_data = (), False
    return Path(tuple(parts), depth, is_data, original, offset)


def _values(call: Call) -> tuple[Expression, ...]:
    return (*call.arguments, *(value for _, value in call.named))


def _unbracketed(text: str) -> str:
    """Return an ID without its brackets.

    >>> _unbracketed("[first name]")
    'first name'
    """
    if text.startswith("[") and text.endswith("]"):
        return _ESCAPED.sub(r"\1", text)[1:-1]
    return text


def _unexpected(token: Token) -> str:
    if token.kind == "END":
        return "unexpected end of the template"
    text = token.text if len(token.text) <= _SHOWN else token.text[:_SHOWN] + "…"
    return f"unexpected {text!r}"


def _finished(draft: DraftProgram | None, parameters: tuple[str, ...] = ()) -> Program:
    if draft is None:
        return Program()
    body: list[Statement] = []
    for part in draft.body:
        if isinstance(part, DraftBlock):
            program = _finished(part.program, part.parameters)
            inverse = _finished(part.inverse, part.inverse_parameters)
            if part.foreign:
                whole = Program((*program.body, *inverse.body))
                body.append(Foreign(part.foreign, _values(part.call), whole, part.call.offset))
            else:
                body.append(Block(part.call, program, inverse))
        elif part.kind == "content":
            if part.text:
                body.append(Content(part.text))
        elif part.statement is not None:
            body.append(part.statement)
    return Program(tuple(body), parameters)
