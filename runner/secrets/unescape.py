"""An escaped text → the decoded text, and the span in the original of each part of it.

Escapes are decoded at all depths of nesting, each kind by itself and all kinds together. The time depends only on the
length of the text: each pattern matches a run of escapes at once and never backtracks into it.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Piece(NamedTuple):
    """A decoded part of a text: its span in the decoded text, and its span before."""

    start: int
    end: int
    old_start: int
    old_end: int


class View:
    """A text that was decoded from another one."""

    __slots__ = ("_before", "_pieces", "text")

    def __init__(self, text: str, before: View | None = None, pieces: list[Piece] | None = None) -> None:
        self.text = text
        self._before = before
        self._pieces = pieces or []

    def span(self, start: int, end: int, *, from_gap: bool = False, to_gap: bool = False) -> tuple[int, int]:
        """Return the span in the original text of a span in this one.

        `from_gap` includes characters that were dropped right before it, `to_gap` those right after it.
        """
        first, last = self._piece(start), self._piece(end - 1)
        gaps = [*self._gaps(start if from_gap else -1), *self._gaps(end if to_gap else -1)]
        if first is not None:
            start = first.old_start if start < first.end else first.old_end + start - first.end
        if last is not None:
            end = last.old_end if end <= last.end else last.old_end + end - last.end
        for gap in gaps:
            start, end = min(start, gap.old_start), max(end, gap.old_end)
        if self._before is None:
            return start, end
        return self._before.span(start, end, from_gap=from_gap, to_gap=to_gap)

    def _piece(self, at: int) -> Piece | None:
        """Return the last piece that begins at or before an offset."""
        index = bisect_right(self._pieces, at, key=_start)
        return self._pieces[index - 1] if index else None

    def _gaps(self, at: int) -> Iterator[Piece]:
        """Yield the pieces at an offset that were decoded to nothing."""
        for index in range(bisect_left(self._pieces, at, key=_start), len(self._pieces)):
            piece = self._pieces[index]
            if not piece.start == piece.end == at:
                return
            yield piece

    def folded(self) -> View:
        """Return it with its case folded."""
        if self.text.isascii():
            return View(self.text.lower(), self)
        folded = _folded(self.text)
        if len(folded) == len(self.text):
            return View(folded, self)
        texts, pieces, length = [], [], 0
        for at, char in enumerate(self.text):  # "ß" is "SS" in upper case
            texts.append(_folded(char))
            pieces.append(Piece(length, length := length + len(texts[-1]), at, at + 1))
        return View("".join(texts), self, pieces)


def _start(piece: Piece) -> int:
    return piece.start


def _folded(text: str) -> str:
    return text.upper().casefold()


_MARKUP = "&((?:amp;)*+)(?:#0*([0-9]{1,7});|#x0*([0-9a-f]{1,6});|([a-z][a-z0-9]{1,31});|)"
_URL = r"(?:%(?:25)*[0-9a-f]{2})++|\+"
_SLASHES = (
    r"\\++(?:(?-i:U(?=000|0010)[0-9a-fA-F]{8})|u[0-9a-f]{4}(?:\\++(?-i:u|U(?=D))[0-9a-f]{4})*+|x[0-9a-f]{2}(?:\\++x[0-9a-f]{2})*+"
    r"|[^a-z0-9\\]|)|[\n\t\r\b\f\v\a\0\x1b]"
)
_BLANKS = r"\\++[nrt]|\s+"
_MOST_PASSES = 8
"""Maximum number of alternations between kinds of nested escapes; escapes of one kind may be nested at any depth."""


class Reading(NamedTuple):
    """A way to decode escapes. With `joins`, line breaks and blanks are dropped."""

    pattern: re.Pattern[str]
    joins: bool = False


_KINDS = tuple(Reading(re.compile(pattern, re.IGNORECASE)) for pattern in (_MARKUP, _URL, _SLASHES))
ANY = Reading(re.compile(f"{_MARKUP}|{_URL}|{_SLASHES}", re.IGNORECASE))
JOINED = Reading(re.compile(f"{_MARKUP}|{_URL}|{_BLANKS}|{_SLASHES}", re.IGNORECASE), joins=True)
_BREAKS = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
MAY_BE_ESCAPED = re.compile(rf"[\\%&+{_BREAKS}\t\0\x07\x08\x1b]")
_SPELLED = re.compile(
    r"%(?:25)*(?:3[0-9]|[46][1-9a-f]|[57][0-9a])|\\(?:u00|x)(?:3[0-9]|[46][1-9a-f]|[57][0-9a])"
    r"|&(?:amp;)*(?:#0*(?:4[89]|5[0-7]|6[5-9]|[789][0-9]|1[0-2][0-9]);|#x0*[3-7][0-9a-f];)"
)
_SLASH = r"(?:\\|%(?:25)*5c|&(?:amp;)*(?:#0*92|#x0*5c|bsol);)"
_RAW_BREAK = re.compile(f"[{_BREAKS}]")
_BREAK = re.compile(
    rf"[{_BREAKS}]|{_SLASH}(?:[nr]|(?:u00|x)0[ad])|%(?:25)*0[ad]|&(?:amp;)*(?:#0*1[03]|#x0*[ad]|newline);",
    re.IGNORECASE,
)
_BLANK = re.compile(
    rf"\s+|{_SLASH}++(?:[nrt]|(?:u00|x)(?:0[9ad]|20)|)|%(?:25)*(?:0[9ad]|20)"
    r"|&(?:amp;)*(?:#0*(?:9|10|13|32)|#x0*(?:9|a|d|20)|newline|tab);"
)


def readings(text: str) -> Iterator[tuple[Reading | None, View]]:
    """Yield a text as it is, decoded by each kind of escapes alone, by all of them, and joined if it has line breaks.

    Each kind is decoded alone as well, because text before an escape may look like the beginning of another one.
    """
    whole = View(text)
    yield None, whole
    kinds = [(kind, view) for kind in _KINDS if (view := read(whole, kind)) is not whole]
    yield from kinds
    if kinds:
        yield ANY, read(whole, ANY)
    if has_break(text, 0, len(text)):
        yield JOINED, read(whole, JOINED)


def has_break(text: str, start: int, end: int) -> bool:
    """Return whether a span of a text contains a line break, escaped in any way."""
    return _BREAK.search(text, start, end) is not None


def without_breaks(low: str) -> str:
    """Return a lower-case text without its blanks and line breaks, in a fraction of the time of decoding it."""
    return _BLANK.sub("", low) if _RAW_BREAK.search(low) or (_has_escapes(low) and _BREAK.search(low)) else low


def spells_letters(low: str) -> bool:
    """Return whether letters or digits are escaped in a lower-case text, which most programs do not do."""
    return _has_escapes(low) and _SPELLED.search(low) is not None


def _has_escapes(low: str) -> bool:
    """Return whether a text may have escapes other than a single `&` or `+`. The patterns would take ten times as long."""
    return "\\" in low or "%" in low or "&#" in low or "&amp;" in low or "&newline;" in low or "&bsol;" in low


def read(view: View, reading: Reading) -> View:
    """Return a text decoded; the same view if nothing in it is escaped."""
    for _ in range(_MOST_PASSES):
        deeper = _pass(view, reading)
        if deeper is None:
            break
        view = deeper
    return view


def _pass(view: View, reading: Reading) -> View | None:
    text = view.text
    texts: list[str] = []
    pieces: list[Piece] = []
    at = length = 0
    for match in reading.pattern.finditer(text):
        for start, end, meaning in _meanings(match, joins=reading.joins):
            texts += [text[at:start], meaning]
            length += start - at
            pieces.append(Piece(length, length := length + len(meaning), start, end))
            at = end
    return View("".join([*texts, text[at:]]), view, pieces) if pieces else None


_Meaning = tuple[int, int, str]
"""The start and the end of an escape, and the decoded text."""


def _meanings(match: re.Match[str], *, joins: bool) -> Iterator[_Meaning]:
    """Yield the meanings in one match of a pattern. Text that is not an escape after all has none, and stays."""
    start, end = match.span()
    whole = match[0]
    match whole[0]:
        case "&":
            yield from _entity(match)
        case "%":
            yield from _bytes(_PERCENT, whole, start)
        case "\\":
            yield from _slashed(whole, start, joins=joins)
        case "+":
            yield start, end, "" if joins else " "
        case char:
            yield start, end, "" if joins and char.isspace() else _LETTERS[char]


_LETTERS = {"\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f", "\v": "v", "\a": "a", "\0": "0", "\x1b": "e"}
"""Control characters → the letters of their escapes. A backslash may also precede a plain letter, so all become letters."""


def _entity(match: re.Match[str]) -> Iterator[_Meaning]:
    ampersands, decimal, hexadecimal, name = match.groups()
    start, end = match.span()
    char = None
    if decimal or hexadecimal:
        number = int(decimal) if decimal else int(hexadecimal, 16)
        char = chr(number) if number <= sys.maxunicode else None
    elif name:
        char = _COMMON.get(name.lower()) or _entity_names().get(name) or _entity_names().get(name.lower())
    if char is not None:
        yield start, end, char
    elif ampersands:
        yield start, match.end(1), "&"


_COMMON = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


@cache
def _entity_names() -> dict[str, str]:
    from html.entities import html5  # noqa: PLC0415 - a large table, for few

    exact = {name[:-1]: char for name, char in html5.items() if name.endswith(";")}
    return {name.lower(): char for name, char in exact.items()} | exact


def _slashed(text: str, start: int, *, joins: bool) -> Iterator[_Meaning]:
    rest = text.lstrip("\\")
    end = start + len(text)
    if rest[:1] in ("u", "U") and len(rest) > 1:
        yield from ((start, end, chr(int(rest[1:], 16))),) if _is_long(rest) else _units(text, start)
    elif rest[:1] in ("x", "X") and len(rest) > 1:
        yield from _bytes(_HEX, text, start)
    elif joins and (rest.isspace() or rest.lower() in ("n", "r", "t")):
        yield start, end, ""
    else:
        mark = end - len(rest)
        yield start, mark, ""
        if rest:
            yield mark, end, _LETTERS.get(rest, rest)


def _is_long(rest: str) -> bool:
    return rest[0] == "U" and len(rest) == len("U0001f511")


def _units(text: str, start: int) -> Iterator[_Meaning]:
    """Yield the characters of escaped UTF-16 units; two units may form one character."""
    found = list(_UNIT.finditer(text))
    chars = bytes.fromhex("".join(each[1] for each in found)).decode("utf-16-be", "surrogatepass")
    at = 0
    for char in chars:
        last = at + (2 if ord(char) > _LAST_OF_ONE_UNIT else 1)
        yield start + found[at].start(), start + found[last - 1].end(), char
        at = last


def _bytes(pattern: re.Pattern[str], text: str, start: int) -> Iterator[_Meaning]:
    """Yield the characters of escaped bytes; several may form one character of UTF-8. Other bytes are Latin-1."""
    found = list(pattern.finditer(text))
    chars = bytes(int(each[1], 16) for each in found).decode("utf-8", "surrogateescape")
    at = 0
    for char in chars:
        is_byte = "\udc80" <= char <= "\udcff"
        last = at + (1 if is_byte else len(char.encode()))
        yield start + found[at].start(), start + found[last - 1].end(), chr(ord(char) - 0xDC00) if is_byte else char
        at = last


_LAST_OF_ONE_UNIT = 0xFFFF
_UNIT = re.compile(r"\\+u([0-9a-f]{4})", re.IGNORECASE)
_PERCENT = re.compile("%(?:25)*([0-9a-f]{2})", re.IGNORECASE)
_HEX = re.compile(r"\\+x([0-9a-f]{2})", re.IGNORECASE)
