"""Secret values, and the mask that keeps them out of everything that is written.

Whatever writes text or JSON takes a `Mask`. It replaces a secret by `***` as it stands and in the forms
in which it travels: URL-encoded, JSON- and HTML-escaped, and inside base64 at any alignment.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STARS = "***"
_MIN_ENCODED = 4
"""Shorter secrets are not looked for inside base64: two characters of it would be found everywhere."""


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

    __slots__ = ("_pattern", "_values")

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._values = frozenset(value for value in values if value)
        # Longest first: of two secrets that begin alike, the longer one must win.
        forms = sorted({form for value in self._values for form in _forms(value)}, key=lambda form: (-len(form), form))
        # Looking ahead finds forms that overlap, too.
        self._pattern = re.compile(f"(?=({'|'.join(map(_found_as, forms))}))", re.IGNORECASE) if forms else None

    def with_values(self, values: Iterable[str]) -> Mask:
        """Return a mask that hides these values too."""
        return Mask([*self._values, *values])

    def text(self, text: str) -> str:
        """Mask a text."""
        if self._pattern is None:
            return text
        parts: list[str] = []
        shown = hidden = 0  # up to where the text has been taken over, and up to where it is secret
        for match in self._pattern.finditer(text):
            start, end = match.span(1)
            if start > hidden or not parts:
                parts += [text[shown:start], STARS]
            shown = hidden = max(hidden, end)
        return "".join([*parts, text[shown:]])

    def json(self, value: object) -> object:
        """Mask every text in a JSON value, keys included, and every number that reads like a secret."""
        if self._pattern is None:
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
                return STARS if str(value) in self._values else value

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


def _found_as(form: str) -> str:
    """Look for a short secret as a word of its own only: its letters are part of many others."""
    pattern = re.escape(form)
    return rf"(?<![A-Za-z0-9]){pattern}(?![A-Za-z0-9])" if len(form) < _MIN_ENCODED else pattern


def _forms(value: str) -> Iterator[str]:
    from base64 import b64encode, urlsafe_b64encode  # noqa: PLC0415 - most commands know no secret
    from html import escape  # noqa: PLC0415

    yield value
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield escape(value)
    yield escape(value, quote=False)
    yield escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    for ascii_only in (True, False):
        escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
        yield json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
    yield repr(value)[1:-1]
    if len(value) < _MIN_ENCODED:
        return
    raw = value.encode("utf-8", "surrogatepass")
    for shift in range(3):
        # Base64 text depends on where the secret begins among the triples; keep what depends on it alone.
        first = -(-shift * 4 // 3)
        last = (shift + len(raw)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(b"\0" * shift + raw).decode()[first:last]
