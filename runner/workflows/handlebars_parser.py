"""The text of a Handlebars template → its syntax tree, by the grammar of handlebars.js 4.

Not part of it: partials, decorators and raw blocks, which templates of the platform do not have.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from runner.workflows.expression_errors import HandlebarsError
from runner.workflows.handlebars_tree import Block, Call, Content, Literal, Output, Path, Program

if TYPE_CHECKING:
    from runner.workflows.handlebars_tree import Statement, Value

MAX_CHARS = 1_000_000
MAX_DEPTH = 50
_MAX_TAGS = 20_000


class _Tag(NamedTuple):
    """A tag or a stretch of text. `kind` is `text`, `comment`, `open`, `close`, `else`, `inverse` or `output`."""

    kind: str
    inner: str
    start: int
    inner_start: int
    strips_left: bool = False
    strips_right: bool = False
    is_escaped: bool = True


def parse(text: str) -> Program:
    """Return the tree of a template. Raises HandlebarsError."""
    if len(text) > MAX_CHARS:
        raise HandlebarsError(f"the template has more than {MAX_CHARS:,} characters", 0)
    return _Parser(_trimmed(_tags(text))).whole()


_OPENING = re.compile(r"\\\\(?=\{\{)|\\(?=\{\{)|\{\{")
_COMMENT = re.compile(r"\{\{~?!(?:--(?P<long>.*?)--~?\}\}|(?P<short>.*?)\}\})", re.DOTALL)
_TAG = re.compile(
    r"\{\{(?P<left>~?)(?:\{(?P<raw>(?:\[[^\]]*\]|\"[^\"]*\"|'[^']*'|[^}\"'\[])*)\}(?P<rawright>~?)\}\}"
    r"|(?P<inner>(?:\[[^\]]*\]|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[^}\"'\[~]|~(?!\}\})|\}(?!\}))*)(?P<right>~?)\}\})",
    re.DOTALL,
)


def _tags(text: str) -> list[_Tag]:
    found: list[_Tag] = []
    start = 0
    pending = ""
    pending_start = 0
    while (opening := _OPENING.search(text, start)) is not None:
        pending += text[start : opening.start()]
        at = opening.start()
        if opening[0] == "\\":  # \{{x}} is the text {{x}}
            following = text.find("{{", at + 3)
            end = following if following >= 0 else len(text)
            while end > 0 and following >= 0 and text[end - 1] == "\\":
                end -= 1
            pending += text[at + 1 : end]
            start = end
            continue
        if opening[0] == "\\\\":  # \\{{x}} is a backslash and a tag
            pending += "\\"
            at += 2
        if pending:
            found.append(_Tag("text", pending, pending_start, pending_start))
        tag, start = _tag(text, at)
        found.append(tag)
        pending, pending_start = "", start
        if len(found) > _MAX_TAGS:
            raise HandlebarsError(f"the template has more than {_MAX_TAGS:,} tags", at)
    rest = pending + text[start:]
    return [*found, _Tag("text", rest, pending_start, pending_start)] if rest else found


def _tag(text: str, at: int) -> tuple[_Tag, int]:
    if text.startswith(("{{!", "{{~!"), at):
        comment = _COMMENT.match(text, at)
        if comment is None:
            raise HandlebarsError("a comment has no end", at)
        left, right = text[at + 2] == "~", comment[0].endswith("~}}")
        return _Tag("comment", "", at, at, left, right), comment.end()
    match = _TAG.match(text, at)
    if match is None:
        raise HandlebarsError("a tag has no end", at)
    left = bool(match["left"])
    if match["raw"] is not None:
        return _Tag("output", match["raw"], at, match.start("raw"), left, bool(match["rawright"]), False), match.end()
    inner, right = match["inner"], bool(match["right"])
    stripped = inner.lstrip()
    begin = match.start("inner") + len(inner) - len(stripped)
    kind, skip, is_escaped = "output", 0, True
    if stripped[:1] in ("#", "/", "^", "&", ">"):
        kind = {"#": "open", "/": "close", "^": "inverse", "&": "output", ">": "partial"}[stripped[0]]
        skip, is_escaped = 1, stripped[0] != "&"
        if stripped[1:2] in (">", "*") or stripped[:1] == ">":
            raise HandlebarsError("partials and decorators are not modelled", at)
    elif re.match(r"else(?![\w.=/-])", stripped):
        kind, skip = "else", 4
    if kind == "inverse" and not stripped[1:].strip():
        kind = "else"
    return _Tag(kind, stripped[skip:], at, begin + skip, left, right, is_escaped), match.end()


_AFTER = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_ALONE = ("open", "close", "else", "inverse", "comment")


def _trimmed(tags: list[_Tag]) -> list[_Tag]:
    """Remove the white space that `~` strips, and the lines on which a block's tag or a comment stands alone."""
    texts = [tag.inner if tag.kind == "text" else "" for tag in tags]
    alone: list[tuple[int, bool, bool]] = []
    for index, tag in enumerate(tags):
        if tag.kind not in _ALONE:
            continue
        before = texts[index - 1] if index and tags[index - 1].kind == "text" else None
        after = texts[index + 1] if index + 1 < len(tags) and tags[index + 1].kind == "text" else None
        is_first, is_last = index == 0, index + 1 == len(tags)
        starts = is_first if before is None else _starts_line(before, is_first_text=index == 1)
        ends = is_last if after is None else _ends_line(after, is_last_text=index + 2 == len(tags))
        if starts and ends:
            alone.append((index, before is not None, after is not None))
    left: dict[int, int] = {}
    for index, has_before, has_after in alone:
        if has_before:
            texts[index - 1] = re.sub(r"[ \t]+\Z", "", texts[index - 1])
        if has_after:
            left[index + 1] = _AFTER.match(tags[index + 1].inner).end()  # type: ignore[union-attr]
    for index, count in left.items():
        removed = len(tags[index].inner) - len(texts[index])
        texts[index] = tags[index].inner[count : len(tags[index].inner) - removed] if count else texts[index]
    for index, tag in enumerate(tags):
        if tag.kind == "text":
            continue
        if tag.strips_left and index and tags[index - 1].kind == "text":
            texts[index - 1] = texts[index - 1].rstrip()
        if tag.strips_right and index + 1 < len(tags) and tags[index + 1].kind == "text":
            texts[index + 1] = texts[index + 1].lstrip()
    return [tag._replace(inner=texts[index]) if tag.kind == "text" else tag for index, tag in enumerate(tags)]


def _starts_line(text: str, *, is_first_text: bool) -> bool:
    match = re.search(r"(\r?\n)?[ \t]*\Z", text)
    return match is not None and (match[1] is not None or (is_first_text and match.start() == 0))


def _ends_line(text: str, *, is_last_text: bool) -> bool:
    match = re.match(r"[ \t]*(\r?\n|\Z)", text)
    return match is not None and (match[1] != "" or is_last_text)


class _Parser:
    """Reads statements, one tag after the other."""

    def __init__(self, tags: list[_Tag]) -> None:
        self._tags = tags
        self._next = 0

    def whole(self) -> Program:
        program = self._program((), 0)
        if self._next < len(self._tags):
            tag = self._tags[self._next]
            raise HandlebarsError(f"'{{{{{_word(tag)}}}}}' closes nothing", tag.start)
        return program

    def _program(self, names: tuple[str, ...], depth: int) -> Program:
        body: list[Statement] = []
        while self._next < len(self._tags):
            tag = self._tags[self._next]
            if tag.kind in ("close", "else"):
                break
            if tag.kind == "inverse":
                # `{{^x}}` opens an inverted block.
                self._next += 1
                body.append(self._block(tag, depth, is_inverted=True))
                continue
            self._next += 1
            match tag.kind:
                case "text":
                    body += [Content(tag.inner)] if tag.inner else []
                case "open":
                    body.append(self._block(tag, depth))
                case "output":
                    value = _Expression(tag).whole()
                    body.append(Output(value, tag.is_escaped, tag.start))
                case _:
                    pass
        return Program(tuple(body), names)

    def _block(self, tag: _Tag, depth: int, *, is_inverted: bool = False) -> Block:
        if depth > MAX_DEPTH:
            raise HandlebarsError(f"blocks are nested more than {MAX_DEPTH} deep", tag.start)
        call, names = _Expression(tag).opening()
        program = self._program(names, depth + 1)
        otherwise: Program | None = None
        chained = False
        if self._next < len(self._tags) and self._tags[self._next].kind == "else":
            other = self._tags[self._next]
            self._next += 1
            if other.inner.strip():  # {{else if x}}: the rest of the block, with its own end
                otherwise = Program((self._block(other, depth + 1),))
                chained = True
            else:
                otherwise = self._program((), depth + 1)
        if not chained:
            self._close(tag, call, is_chained=tag.kind == "else")
        if is_inverted:
            program, otherwise = otherwise or Program(()), program
        return Block(call, program, otherwise, tag.start)

    def _close(self, tag: _Tag, call: Call, *, is_chained: bool) -> None:
        if self._next >= len(self._tags):
            raise HandlebarsError(f"the block '{call.path.text()}' is not closed", tag.start)
        end = self._tags[self._next]
        if end.kind != "close":
            raise HandlebarsError(f"the block '{call.path.text()}' has a second else", end.start)
        self._next += 1
        if not is_chained and end.inner.strip() != call.path.text():
            raise HandlebarsError(f"'{call.path.text()}' is closed by '{end.inner.strip()[:50]}'", end.start)


def _word(tag: _Tag) -> str:
    return f"/{tag.inner.strip()[:50]}" if tag.kind == "close" else "else"


_TOKEN = re.compile(
    r"\s*(?:(?P<string>\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?=[=~}\s/.)|\]]|$))"
    r"|(?P<as>as\s+\|)|(?P<punctuation>[()=|])"
    r"|(?P<path>@?(?:(?:\.\./)*)(?:\.\.(?=[\s)]|$)|(?:this|\.(?!\.)|\[[^\]]*\]|[^\s\"'()=|@\[\]./{}~!#%&*+,;<>`^]+)"
    r"(?:[./](?:\[[^\]]*\]|[^\s\"'()=|@\[\]./{}~!#%&*+,;<>`^]+))*))|(?P<end>\Z))",
    re.DOTALL,
)
_SEGMENT = re.compile(r"\[([^\]]*)\]|[^./\[\]]+")
_WORDS = {"true": True, "false": False, "null": None, "undefined": None}


@dataclass(slots=True)
class _Token:
    kind: str
    text: str
    offset: int


class _Expression:
    """Reads the inside of one tag."""

    def __init__(self, tag: _Tag) -> None:
        self._tag = tag
        self._tokens = self._split()
        self._next = 0

    def whole(self) -> Call | Literal:
        """Return the value of a tag that writes one."""
        if self._token.kind == "end":
            self._fail("an empty tag")
        value = self._call(0)
        self._expect_end()
        return value

    def opening(self) -> tuple[Call, tuple[str, ...]]:
        """Return the call of a block's first tag, and its block parameters."""
        call = self._call(0)
        names: list[str] = []
        if self._token.kind == "as":
            self._next += 1
            while self._token.kind == "path":
                names.append(self._token.text)
                self._next += 1
            if self._token.text != "|":
                self._fail("the block parameters have no end")
            self._next += 1
        self._expect_end()
        return call, tuple(names)

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _split(self) -> list[_Token]:
        text, tokens, at = self._tag.inner, [], 0
        while True:
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                self._fail(f"'{text[at : at + 20].strip()}' can't be read", at)
            kind = match.lastgroup
            tokens.append(_Token(kind, match[kind], self._tag.inner_start + match.start(kind)))
            if kind == "end":
                return tokens
            at = match.end()

    def _call(self, depth: int) -> Call:
        """Read a path or helper with its arguments."""
        if depth > MAX_DEPTH:
            self._fail(f"expressions are nested more than {MAX_DEPTH} deep")
        token = self._token
        if token.kind in ("string", "number"):  # {{"a key"}} is a path
            self._next += 1
            name = _unquoted(token.text) if token.kind == "string" else token.text
            path = Path((name,), 0, False, False, token.offset)
        elif token.kind == "path":
            self._next += 1
            path = _path(token)
        else:
            self._fail("a name is expected")
        arguments: list[Value] = []
        named: dict[str, Value] = {}
        while self._token.kind in ("string", "number", "path") or self._token.text == "(":
            following = self._tokens[self._next + 1]
            if self._token.kind == "path" and following.text == "=":
                name = self._token.text
                self._next += 2
                named[name] = self._value(depth)
            elif named:
                self._fail("a value after named ones")
            else:
                arguments.append(self._value(depth))
        return Call(path, tuple(arguments), named, token.offset)

    def _value(self, depth: int) -> Value:
        token = self._token
        self._next += 1
        match token.kind:
            case "string":
                return Literal(_unquoted(token.text), token.offset)
            case "number":
                return Literal(float(token.text) if "." in token.text else int(token.text[:300]), token.offset)
            case "path" if token.text in _WORDS:
                return Literal(_WORDS[token.text], token.offset)
            case "path":
                return _path(token)
            case _ if token.text == "(":
                call = self._call(depth + 1)
                if self._token.text != ")":
                    self._fail("a closing parenthesis is missing")
                self._next += 1
                return call
            case _:
                self._next -= 1
                self._fail("a value is expected")

    def _expect_end(self) -> None:
        if self._token.kind != "end":
            self._fail(f"'{self._token.text[:20]}' is not expected here")

    def _fail(self, message: str, at: int | None = None) -> NoReturn:
        offset = self._tag.inner_start + at if at is not None else self._tag.start
        if at is None and self._next < len(getattr(self, "_tokens", ())):
            offset = self._token.offset
        raise HandlebarsError(message, offset)


def _path(token: _Token) -> Path:
    text = token.text
    is_data = text.startswith("@")
    text = text[is_data:]
    up = 0
    while text.startswith("../"):
        up += 1
        text = text[3:]
    if text == "..":
        return Path((), up + 1, is_data, True, token.offset)
    is_this = bool(re.match(r"this(?![^./])|\.(?:/|$)", text)) or up > 0
    text = re.sub(r"^(?:this|\.)(?:[./]|$)", "", text)
    parts = tuple(match[1] if match[1] is not None else match[0] for match in _SEGMENT.finditer(text))
    return Path(parts, up, is_data, is_this, token.offset)


def _unquoted(text: str) -> str:
    quote = text[0]
    return text[1:-1].replace(f"\\{quote}", quote)
