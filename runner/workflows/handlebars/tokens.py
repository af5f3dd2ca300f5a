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
    ("LONG_COMMENT", r"\{\{~?!--"),
    ("COMMENT", r"\{\{~?!(?:[^}]|\}(?!\}))*\}\}"),
    ("OPEN", r"\{\{~?\*?"),
    ("EQUALS", r"="),
    ("ID", r"\.\."),
    ("ID", rf"\.{_END_OF_ID}"),
    ("SEPARATOR", r"[/.]"),
    ("SPACE", rf"{_S}+"),
    ("CLOSE_UNESCAPED", r"\}~?\}\}"),
    ("CLOSE", r"~?\}\}"),
    ("STRING", r'"(?:\\"|[^"])*"' + r"|'(?:\\'|[^'])*'"),
    ("DATA", r"@"),
    ("BOOLEAN", rf"(?:true|false){_END_OF_LITERAL}"),
    ("UNDEFINED", rf"undefined{_END_OF_LITERAL}"),
    ("NULL", rf"null{_END_OF_LITERAL}"),
    ("NUMBER", rf"-?[0-9]+(?:\.[0-9]+)?{_END_OF_LITERAL}"),
    ("OPEN_PARAMETERS", rf"as{_S}+\|"),
    ("CLOSE_PARAMETERS", r"\|"),
    ("ID", rf"[^{WHITESPACE}!\"\#%-,./;->@\[-\^`{{-~]+{_END_OF_ID}"),
    ("ID", r"\[(?:\\\]|[^\]])*\]"),
]
_TOKEN = re.compile("|".join(f"({pattern})" for _, pattern in _IN_TAG))
_NAMES = [name for name, _ in _IN_TAG]
_END_OF_COMMENT = re.compile(r"--~?\}\}")
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
        if is_escaped:
            found = _END_OF_ESCAPED.search(text, start + 2)
            position = found.start() if found else len(text)
            yield Token("CONTENT", text[start:position], start)
            continue
        tags += 1
        if tags > MAX_TAGS:
            raise HandlebarsError(f"the template has more than {MAX_TAGS:,} tags", start)
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
        if kind == "LONG_COMMENT":
            end = _END_OF_COMMENT.search(text, found.end())
            if end is None:
                raise HandlebarsError("the comment has no end", position)
            yield Token("COMMENT", text[position : end.end()], position)
            return
        if kind == "OPEN_RAW":
            yield _raw(text, position)
            return
        yield Token(kind, found[0], position)
        position = found.end()
        if kind in _ENDS:
            return


_RAW_NAME = re.compile(rf"\{{\{{\{{\{{{_S}*([^{WHITESPACE}}}]+)[^}}]*\}}\}}\}}\}}")


def _raw(text: str, start: int) -> Token:
    """Return a raw block as one token."""
    opened = _RAW_NAME.match(text, start)
    if opened is None:
        raise HandlebarsError("invalid raw block", start)
    close = f"{{{{{{{{/{opened[1]}}}}}}}}}"
    end = text.find(close, opened.end())
    if end < 0:
        raise HandlebarsError(f"the raw block {opened[1]} has no end", start)
    return Token("RAW", text[start : end + len(close)], start)
