"""Secret values, and the mask that keeps them out of everything that is written.

Whatever writes text or JSON takes a `Mask`. It replaces a secret by `***` as it stands, and however it is escaped:
each character for itself, in URLs, JSON, HTML and Python's way, also one inside another; and inside base64.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STARS = "***"
_MIN_PART = 4
"""Shorter secrets are found everywhere: in words, so they must stand alone; and in base64, where they are not sought."""
_MIN_LINE = 8
"""A line of a longer secret is one itself: templates indent, wrap and split."""


class Secret:
    """A text that shows itself to nobody: `str`, `repr` and formatting give `***`.

    >>> Secret("s3cr3t")
    Secret('***')
    >>> Secret("s3cr3t").reveal()
    's3cr3t'
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the text itself, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret('{STARS}')"

    def __str__(self) -> str:
        return STARS

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Mask:
    """Replaces secret values wherever they show up. Immutable; `with_values` gives a wider one.

    >>> Mask(["s3cr3t"]).text("?token=s3cr3t&x=1")
    '?token=***&x=1'
    """

    __slots__ = ("_forms",)

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: dict[str, tuple[_Form, ...]] = {
            part: _forms(part) for part in {part for value in values for part in _parts(value)}
        }

    def with_values(self, values: Iterable[str]) -> Mask:
        """Return a mask that hides these values too."""
        wider = Mask(value for value in values if value not in self._forms)
        wider._forms |= self._forms
        return wider

    def text(self, text: str) -> str:
        """Mask a text."""
        parts, shown = [], 0
        for start, end in self.spans(text):
            parts += [text[shown:start], STARS]
            shown = end
        return "".join([*parts, text[shown:]])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Find the stretches of a text to hide, in order; none touches another."""
        low = text.lower()
        forms = (form for forms in self._forms.values() for form in forms if form.core in low)
        merged: list[tuple[int, int]] = []
        for span in sorted(span for form in forms for span in form.spans(text)):
            if merged and span[0] <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(merged[-1][1], span[1])
            else:
                merged.append(span)
        return merged

    def json(self, value: object) -> object:
        """Mask every text in a JSON value, keys included, and every number that a secret stands in."""
        if not self._forms:
            return value
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(str(key)): self.json(item) for key, item in value.items()}
            case list() | tuple():
                return [self.json(item) for item in value]
            case bool() | None:
                return value
            case _:
                digits = str(value).removesuffix(".0")
                return STARS if self._is_told_by(digits) or self._is_told_by(f"{digits}.0") else value

    def texts(self, value: object) -> object:
        """Mask the texts of a document of our own: its keys and numbers are ours."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {key: self.texts(item) for key, item in value.items()}
            case list() | tuple():
                return [self.texts(item) for item in value]
            case _:
                return value

    def _is_told_by(self, number: str) -> bool:
        return any(end - start >= min(_MIN_PART, len(number)) for start, end in self.spans(number))


def _parts(value: str) -> set[str]:
    lines = {line for line in map(str.strip, value.splitlines()) if len(line) >= _MIN_LINE}
    return ({value, value.strip()} | lines) - {""}  # much that takes a secret strips it


class _Form:
    """A text to look for. Its `core` is never escaped: where that is missing, there is no need to look closely."""

    __slots__ = ("_in_base64", "_pattern", "_text", "core")

    def __init__(self, text: str, *, in_base64: bool = False) -> None:
        self.core = max(_PLAIN.findall(text), key=len, default="").lower()
        self._text = text
        self._in_base64 = in_base64
        self._pattern: re.Pattern[str] | None = None

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Find it, also where it overlaps itself."""
        if self._pattern is None:
            self._pattern = self._compiled()
        for match in self._pattern.finditer(text):
            yield match.span(1)

    def _compiled(self) -> re.Pattern[str]:
        pattern = _escaped(self._text, _FOR_URLS if self._in_base64 else {})
        if len(self._text) < _MIN_PART:
            pattern = f"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])"
        return re.compile(f"(?=({pattern}))", re.IGNORECASE)


_PLAIN = re.compile("[A-Za-z0-9]+")
_FOR_URLS = {"+": "|-", "/": "|_"}
"""What base64 has for these two in URLs, where it needs no escapes."""


def _forms(value: str) -> tuple[_Form, ...]:
    if len(value) < _MIN_PART:
        return (_Form(value),)
    from base64 import b64encode  # noqa: PLC0415 - most commands know no secret

    encoded: dict[str, None] = {}
    for text in {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}:
        raw = text.encode("utf-8", "surrogatepass")
        for shift in range(3):
            # Base64 depends on where the secret begins among the triples; keep what depends on it alone.
            first = -(-shift * 4 // 3)
            last = (shift + len(raw)) * 8 // 6
            encoded[b64encode(b"\0" * shift + raw).decode()[first:last]] = None
    digits = value.encode("utf-8", "surrogatepass").hex()
    plain = (_Form(value), _Form(digits), _Form(digits.upper()))
    return *plain, *(_Form(text, in_base64=True) for text in encoded)


# How a character is escaped. What begins an escape may be escaped itself, again and again: %2525, &amp;amp;, \\\\.
_PERCENT = "%(?:25)*"
_HASH = f"(?:#|{_PERCENT}23)"
_END = f"(?:;|{_PERCENT}3b)"
_AGAIN = f"(?:amp{_END})*"
_AMPERSAND = f"(?:&|{_PERCENT}26){_AGAIN}"
_AMPERSAND_BEHIND = f"(?:u0026|x26){_AGAIN}"
_BACKSLASH = rf"(?:\\|{_PERCENT}5c|&(?:amp;)*(?:#0*92|#x0*5c|bsol);)"
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v", "\a": "a", "\0": "0", "\x1b": "e"}


def _escaped(text: str, instead: dict[str, str]) -> str:
    """Write the pattern of a text whose characters are escaped, each in any way. Letters and digits never are.

    Backslashes come in runs of any length, and what one of them escapes can't be told. So a run is taken whole
    (and never given back: that would take for ever), and then the character, as it stands or as it is escaped.
    """
    pattern, begin = "", r"(?<!\\)"
    for slashes, char in re.findall(r"(\\*)([^\\]|\Z)", text):
        run = f"{begin}{_BACKSLASH}{{{len(slashes) or 1},}}+"
        if not char or _PLAIN.fullmatch(char):
            pattern += run + char if slashes else char
        else:
            plain, behind = _spelled(char)
            plain += instead.get(char, "")
            pattern += f"{run}(?:{plain}|{behind})" if slashes else f"(?:{plain}|{run}(?:{plain}|{behind}))"
        begin = ""
    return f"{pattern}|{re.escape(text)}"


@cache
def _spelled(char: str) -> tuple[str, str]:
    """Write the pattern of a character, and the one of what it may be behind backslashes.

    No text fits two ways of one pattern: else a long text that almost fits would be tried in too many ways.
    """
    cases = dict.fromkeys((char, char.lower(), char.upper()))
    ones = "".join(case for case in cases if len(case) == 1)
    plain = [re.escape(case) for case in cases if len(case) > 1]  # "ß" in capitals
    plain += {"&": [_AMPERSAND], "%": [_PERCENT], " ": ["[ +]", f"{_PERCENT}2b"]}.get(char, [f"[{re.escape(ones)}]"])
    behind = [_LETTERS[char]] if char in _LETTERS else []
    for case in ones:
        raw = [f"{byte:02x}" for byte in case.encode("utf-8", "surrogatepass")]
        units = re.findall("....", case.encode("utf-16-be", "surrogatepass").hex())
        plain += ["".join(_PERCENT + byte for byte in raw)] if case not in "&%" else []
        behind += ["u" + f"{_BACKSLASH}++u".join(units), "x" + f"{_BACKSLASH}++x".join(raw), f"U{ord(case):08x}"]
        behind += [f"x{ord(case):02x}"] if len(raw) > 1 else []
    numbers = [f"{_HASH}(?:0*{ord(case)}|x0*{ord(case):x})" for case in ones]
    names = {name for case in ones for name in _entity_names().get(case, ())}
    entity = f"(?:{'|'.join([*numbers, *sorted(names)])}){_END}"
    plain += [_AMPERSAND + entity]
    behind += [_AMPERSAND_BEHIND + entity] + ([_AMPERSAND_BEHIND] if char == "&" else [])
    return "|".join(plain), "|".join(behind)


@cache
def _entity_names() -> dict[str, set[str]]:
    from html.entities import html5  # noqa: PLC0415 - a large table, for secrets with marks in them

    names: dict[str, set[str]] = {}
    for name, char in html5.items():
        if name.endswith(";") and char != "&":  # `&amp;` is an ampersand that was escaped again
            names.setdefault(char, set()).add(name[:-1].lower())
    return names
