"""Secret values, and the mask that removes them from all output.

All code that writes text or JSON takes a `Mask`. It replaces a secret with `***`: in plain text; with any of its
characters escaped for URLs, JSON, HTML or Python, at any depth of nesting; inside base64; as hexadecimal digits; and with
line breaks and indentation inserted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.secrets.search import Search

STARS = "***"
MIN_SECRET = 4
"""Shorter secrets occur by chance in most texts. They are masked only in the data of events, and only as whole words."""
_MIN_LINE = 8
"""Minimum length of a line of a secret that is masked by itself, because templates indent and split secrets."""


class Secret:
    """A secret text: `str`, `repr` and formatting return `***` instead of it.

    >>> Secret("s3cr3t")
    Secret('***')
    >>> Secret("s3cr3t").reveal()
    's3cr3t'
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
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
    """Replaces secret values in text and data. Immutable; `with_values` returns one that masks more.

    >>> Mask(["s3cr3t"]).text("?token=s3cr3t&x=1")
    '?token=***&x=1'
    """

    __slots__ = ("_search", "_short", "_values", "_words")

    def __init__(self, values: Iterable[str] = ()) -> None:
        parts = {part for value in values for part in _parts(value)}
        long = [part for part in parts if len(part) >= MIN_SECRET]
        self._values = frozenset(parts)
        self._short = self._values.difference(long)
        self._words: re.Pattern[str] | None = None
        self._search: Search | None = None
        if long:
            from runner.secrets.search import Search, Target  # noqa: PLC0415 - most commands have no secrets

            self._search = Search(map(Target, long))

    @property
    def values(self) -> tuple[str, ...]:
        """All texts that it masks, sorted. A new mask of these values masks the same."""
        return tuple(sorted(self._values))

    def with_values(self, values: Iterable[str]) -> Mask:
        """Return a mask that also masks these values."""
        wider = Mask(value for value in values if value not in self._values)
        wider._values |= self._values
        wider._short |= self._short
        if self._search is not None:
            wider._search = self._search if wider._search is None else self._search.wider(wider._search)
        return wider

    def text(self, text: str) -> str:
        """Return one of the runner's own texts, which may contain data, masked. Secrets of fewer than four characters stay."""
        return _starred(text, self.spans(text))

    def cut(self, text: str, most: int) -> str:
        """Return one of the runner's own texts masked, then cut: half a secret would not be recognized."""
        masked = self.text(text)
        return masked if len(masked) <= most else f"{masked[:most]} …"

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans to mask in one of the runner's own texts, in order and apart."""
        return _merged(self._search.spans(text)) if self._search is not None else []

    def data_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans to mask in a text that is data: also those of short secrets that are whole words."""
        if not self._short:
            return self.spans(text)
        if self._words is None:
            self._words = _words(self._short)
        return _merged([*self.spans(text), *(match.span() for match in self._words.finditer(text))])

    def data(self, text: str) -> str:
        """Return a text that is data, masked."""
        return _starred(text, self.data_spans(text))

    def json(self, value: object) -> object:
        """Return a JSON value that is data, with its texts and keys masked, and every number that contains a secret."""
        if not self._values:
            return value
        match value:
            case str():
                return self.data(value)
            case dict():
                return _keyed((self.data(str(key)), self.json(item)) for key, item in value.items())
            case list() | tuple():
                return [self.json(item) for item in value]
            case bool() | None:
                return value
            case _:
                digits = str(value).removesuffix(".0")
                return STARS if self._is_shown_by(digits) or self._is_shown_by(f"{digits}.0") else value

    def texts(self, value: object) -> object:
        """Return one of the runner's own documents with its texts masked; its keys and numbers are not data."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {key: self.texts(item) for key, item in value.items()}
            case list() | tuple():
                return [self.texts(item) for item in value]
            case _:
                return value

    def _is_shown_by(self, number: str) -> bool:
        return number in self._short or any(end - start >= MIN_SECRET for start, end in self.spans(number))


def _keyed(entries: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Return a map. Keys that are equal after masking are numbered, so that none is lost."""
    made: dict[str, object] = {}
    for number, (key, value) in enumerate(entries, 1):
        made[f"{key} ({number})" if key in made else key] = value
    return made


def _starred(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts, shown = [], 0
    for start, end in spans:
        parts += [text[shown:start], STARS]
        shown = end
    return "".join([*parts, text[shown:]])


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for span in sorted(spans):
        if merged and span[0] <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], span[1])
        else:
            merged.append(span)
    return merged


def _words(texts: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern of the texts as whole words, between blanks, quotes, brackets and the like; not inside `0.1.0`."""
    alternatives = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?<![^\s\"'(\[{{<=:,;])(?:{alternatives})(?![^\s\"')\]}}>:,;.!?])(?!\.\w)", re.IGNORECASE)


def _parts(value: str) -> set[str]:
    lines = {line for line in map(str.strip, value.splitlines()) if len(line) >= _MIN_LINE}
    return set() if value.isspace() else ({value, value.strip()} | lines) - {""}  # many programs strip a secret
