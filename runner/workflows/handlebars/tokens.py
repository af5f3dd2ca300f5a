"""The text of a template → tokens: its content, and the parts of its tags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.workflows.expression_errors import HandlebarsError

if TYPE_CHECKING:
    from collections.abc import Iterator

WHITESPACE = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""What JavaScript counts as white space."""
MAX_TAGS = 20_000
_S = f"[{WHITESPACE}]"
_END_OF_ID = rf"(?=[=~}}{WHITESPACE}/.)|])"
_END_OF_LITERAL = rf"(?=[~}}{WHITESPACE})])"
_IN_TAG = [
    ("OPEN_SEXPR", r"\("),
    ("CLOSE_SEXPR", r"\)"),
    ("OPEN_RAW", r"\{\{\{\{"),
    ("CLOSE_RAW", r"\}\}\}\}"),
    ("OPEN_PARTIAL", r"\{\{~?>"),
    ("OPEN_PARTIAL_BLOCK", r"\{\{~?#>"),
    ("OPEN_BLOCK", r"\{\{~?#\*?"),
    ("OPEN_END", r"\{\{~?/"),
    ("INVERSE", rf"\{{\{{~?\^{_S}*~?\}}\}}|\{{\{{~?{_S}*else{_S}*~?\}}\}}"),
    ("OPEN_INVERSE", r"\{\{~?\^"),
    ("OPEN_CHAIN", rf"\{{\{{~?{_S}*else(?![A-Za-z0-9_])"),
    ("OPEN_UNESCAPED", r"\{\{~?\{"),
    ("OPEN", r"\{\{~?&"),
    ("COMMENT", r"\{\{~?!(?:--)?"),
    ("OPEN", r"\{\{~?\*?"),
    ("EQUALS", r"="),
    ("ID", r"\.\."),
    ("ID", rf"\.{_END_OF_ID}"),
    ("SEPARATOR", r"[/.]"),
    ("SPACE", rf"{_S}+"),
    ("CLOSE_UNESCAPED", r"\}~?\}\}"),
    ("CLOSE", r"~?\}\}"),
    ("STRING", r"[\"']"),
    ("DATA", r"@"),
    ("BOOLEAN", rf"(?:true|false){_END_OF_LITERAL}"),
    ("UNDEFINED", rf"undefined{_END_OF_LITERAL}"),
    ("NULL", rf"null{_END_OF_LITERAL}"),
    ("NUMBER", rf"-?[0-9]+(?:\.[0-9]+)?{_END_OF_LITERAL}"),
    ("OPEN_PARAMETERS", rf"as{_S}+\|"),
    ("CLOSE_PARAMETERS", r"\|"),
    ("ID", rf"[^{WHITESPACE}!\"\#%-,./;->@\[-\^`{{-~]+{_END_OF_ID}"),
    ("ID", r"\["),
]
_TOKEN = re.compile("|".join(f"({pattern})" for _, pattern in _IN_TAG))
_NAMES = [name for name, _ in _IN_TAG]
_END_OF_COMMENT = re.compile(r"\}\}")
_END_OF_LONG_COMMENT = re.compile(r"--~?\}\}")
_END_OF_ESCAPED = re.compile(r"\\{0,2}\{\{|\Z")
_ENDS = ("CLOSE", "CLOSE_UNESCAPED", "INVERSE", "COMMENT")


@dataclass(frozen=True, slots=True)
class Token:
    """A token. Its kind is CONTENT, END, or one of a tag; a raw block is a single token RAW with its name as text."""

    kind: str
    text: str
    offset: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a template, then one of the kind END. Raise HandlebarsError where the text is none."""
    position, tags = 0, 0
    while position < len(text):
        start = text.find("{{", position)
        if start < 0:
            yield Token("CONTENT", text[position:], position)
            break
        before, is_escaped = text[position:start], False
        if before.endswith("\\\\"):
            before = before[:-1]
        elif before.endswith("\\"):
            before, is_escaped = before[:-1], True
        if before:
            yield Token("CONTENT", before, position)
        tags += 1
        if tags > MAX_TAGS:
            raise HandlebarsError(f"the template has more than {MAX_TAGS:,} tags", start)
        if is_escaped:
            found = _END_OF_ESCAPED.search(text, start + 2)
            position = found.start() if found else len(text)
            yield Token("CONTENT", text[start:position], start)
            continue
        position = start
        for token in _tag(text, start):
            position = token.offset + len(token.text)
            if token.kind != "SPACE":
                yield token
    yield Token("END", "", len(text))


def _tag(text: str, start: int) -> Iterator[Token]:
    """Yield the tokens from the begin of a tag to its end."""
    position = start
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastindex is None:
            if "}}" not in text[position:]:
                raise HandlebarsError("the tag has no end", start)
            raise HandlebarsError(f"unexpected character {text[position]!r}", position)
        kind = _NAMES[found.lastindex - 1]
        end = found.end()
        if kind == "OPEN_RAW":
            yield _raw(text, position)
            return
        if kind == "COMMENT":
            end = _end_of_comment(text, position, is_long=found[0].endswith("--"))
        elif found[0] in _CLOSING:
            end = _end_of_quoted(text, position, _CLOSING[found[0]])
        yield Token(kind, text[position:end], position)
        position = end
        if kind in _ENDS:
            return


_CLOSING = {'"': '"', "'": "'", "[": "]"}


def _end_of_comment(text: str, start: int, *, is_long: bool) -> int:
    """Return the end of a comment; one that begins with two hyphens may contain braces."""
    found = (_END_OF_LONG_COMMENT if is_long else _END_OF_COMMENT).search(text, start)
    if found is None:
        raise HandlebarsError("the comment has no end", start)
    return found.end()


def _end_of_quoted(text: str, start: int, closing: str) -> int:
    """Return the end of a text or a name in brackets: behind the first quote without a backslash, else the last one."""
    end = text.find(closing, start + 1)
    while end > 0 and text[end - 1] == "\\":
        following = text.find(closing, end + 1)
        if following < 0:
            break
        end = following
    if end < 0:
        raise HandlebarsError(f"{text[start]} has no end", start)
    return end + 1


def _raw(text: str, start: int) -> Token:
    """Return a raw block as one token."""
    end = text.find(_RAW_END, start)
    words = text[start + len(_RAW_END) : end].split(None, 1) if end > 0 else []
    if not words or "{" in words[0]:
        raise HandlebarsError("invalid raw block", start)
    close = f"{{{{{{{{/{words[0]}{_RAW_END}"
    end = text.find(close, end)
    if end < 0:
        raise HandlebarsError(f"the raw block {words[0]} has no end", start)
    return Token("RAW", text[start : end + len(close)], start)


_RAW_END = "}}}}"
