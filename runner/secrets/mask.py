"""Secret values, and the mask that keeps them out of everything that is written.

Whatever writes text or JSON takes a `Mask`. It replaces a secret by `***` as it stands, and however it is escaped:
each character for itself, in URLs, JSON, HTML and Python's way, also one inside another; inside base64 and as
hexadecimal digits; and where line breaks and indentation were put into it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from runner.secrets.unescape import JOINED, MAY_BE_ESCAPED, SPELLED, View, has_break, read, readings, without_breaks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.secrets.unescape import Reading

STARS = "***"
MIN_SECRET = 4
"""Shorter secrets stand in every other text: they are hidden in the data of events alone, where they are a word of their own."""
_MIN_LINE = 8
"""A line of a longer secret is one itself: templates indent and split."""


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

    __slots__ = ("_cores", "_short", "_targets", "_words")

    def __init__(self, values: Iterable[str] = ()) -> None:
        parts = {part for value in values for part in _parts(value)}
        self._targets = {part: _Target(part) for part in parts if len(part) >= MIN_SECRET}
        self._cores = tuple((core, target) for target in self._targets.values() for core in target.cores)
        self._short = frozenset(part for part in parts if part not in self._targets)
        self._words: re.Pattern[str] | None = None

    def with_values(self, values: Iterable[str]) -> Mask:
        """Return a mask that hides these values too."""
        wider = Mask(value for value in values if value not in self._targets and value not in self._short)
        wider._targets |= self._targets
        wider._cores += self._cores
        wider._short |= self._short
        return wider

    def text(self, text: str) -> str:
        """Mask a text of our own, which may have data in it: secrets of less than four characters stay."""
        return _starred(text, self.spans(text))

    def cut(self, text: str, most: int) -> str:
        """Mask a text of our own and cut it, in this order: nothing would recognize half a secret afterwards."""
        masked = self.text(text)
        return masked if len(masked) <= most else f"{masked[:most]} …"

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the stretches of a text of our own to hide, in order; none touches another."""
        return _merged(self._spans(text)) if self._targets else []

    def data_spans(self, text: str) -> list[tuple[int, int]]:
        """Return the stretches of a text that is data to hide: short secrets too, where they stand as words."""
        if not self._short:
            return self.spans(text)
        if self._words is None:
            self._words = _words(self._short)
        return _merged([*self._spans(text), *(match.span() for match in self._words.finditer(text))])

    def data(self, text: str) -> str:
        """Mask a text that is data."""
        return _starred(text, self.data_spans(text))

    def json(self, value: object) -> object:
        """Mask every text in a JSON value that is data, keys included, and every number that a secret stands in."""
        if not self._targets and not self._short:
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
        return number in self._short or any(end - start >= MIN_SECRET for start, end in self.spans(number))

    def _spans(self, text: str) -> list[tuple[int, int]]:
        low = text.lower()
        may_be_escaped = MAY_BE_ESCAPED.search(low) is not None
        if may_be_escaped and SPELLED.search(low):
            targets = [*self._targets.values()]
        else:
            joined = without_breaks(low) if may_be_escaped else low
            targets = self._wanted(low) if joined is low else list({*self._wanted(low), *self._wanted(joined)})
        if not targets:
            return []
        found = []
        for reading, view in readings(text) if may_be_escaped else ((None, View(text)),):
            folded = view.folded()
            spans = (span for target in targets for span in target.spans(folded, reading))
            found += [span for span in spans if reading is not JOINED or has_break(text, *span)]
        return found

    def _wanted(self, low: str) -> list[_Target]:
        """Return what may be in a text, by the letters that no escape changes."""
        found = []
        for core, target in self._cores:  # most texts have none of them: that must be quick
            if core in low and target not in found:
                found.append(target)
        return found


def _keyed(entries: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Make a map. Of keys that are masked alike none is lost: they are numbered."""
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
    """Write the pattern of texts that stand alone, between blanks, quotes, brackets and the like: not in `0.1.0`."""
    alternatives = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?<![^\s\"'(\[{{<=:,;])(?:{alternatives})(?![^\s\"')\]}}>:,;.!?])(?!\.\w)", re.IGNORECASE)


def _parts(value: str) -> set[str]:
    lines = {line for line in map(str.strip, value.splitlines()) if len(line) >= _MIN_LINE}
    return set() if value.isspace() else ({value, value.strip()} | lines) - {""}  # much that takes a secret strips it


class _Target:
    """A secret to look for, in all the forms that a text may have of it."""

    __slots__ = ("_base64", "_forms", "_from_gap", "_plain", "_to_gap", "cores")

    def __init__(self, text: str) -> None:
        self._plain = (text, text.encode("utf-8", "surrogatepass").hex())
        self._base64 = _base64_of(text)
        self.cores = {
            max(_LETTERS.findall(form.lower()), key=len, default="") for form in (*self._plain, *self._base64)
        }
        self._from_gap, self._to_gap = not text[0].isalnum(), text[-1] == "\\"
        self._forms: dict[Reading | None, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def spans(self, view: View, reading: Reading | None) -> Iterator[tuple[int, int]]:
        """Find it in what a text says by a reading, in small letters; also where it overlaps itself."""
        if reading not in self._forms:
            self._forms[reading] = self._read(self._plain, reading), self._read(self._base64, reading)
        plain, base64 = self._forms[reading]
        takes_gaps = reading is not JOINED  # there, a line break may be one
        for text, forms in ((view.text, plain), (view.text.translate(_FOR_URLS), base64)):
            for form in forms:
                for start, end in _hits(text, form):
                    yield view.span(
                        start, end, from_gap=takes_gaps and self._from_gap, to_gap=takes_gaps and self._to_gap
                    )

    def _read(self, texts: Sequence[str], reading: Reading | None) -> tuple[str, ...]:
        """Read what is looked for as the text is read that it is looked for in."""
        views = (View(text) if reading is None else read(View(text), reading) for text in texts)
        forms = (view.folded().text for view in views)
        # Too little may be left of a secret of escapes alone. As it stands, it is found all the same.
        fit = (form for form in forms if len(form) >= MIN_SECRET)
        return tuple(dict.fromkeys(form.translate(_FOR_URLS) if texts is self._base64 else form for form in fit))


def _hits(text: str, form: str) -> Iterator[tuple[int, int]]:
    """Return where a form stands in a text; where it overlaps itself, as one stretch."""
    start = text.find(form)
    while start >= 0:
        at, next_ = start, text.find(form, start + 1)
        while at < next_ <= at + len(form):
            at, next_ = next_, text.find(form, next_ + 1)
        yield start, at + len(form)
        start = next_


_LETTERS = re.compile("[a-z0-9]+")
_FOR_URLS = str.maketrans({"-": "+", " ": "+", "_": "/"})
"""What base64 has in URLs for two of its characters, and what a form makes of the first one."""


def _base64_of(text: str) -> tuple[str, ...]:
    """Give what base64 has of a text: that depends on where it begins among the triples. Keep what depends on it alone."""
    from base64 import b64encode  # noqa: PLC0415 - most commands know no secret

    encoded: dict[str, None] = {}
    for each in {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}:
        raw = each.encode("utf-8", "surrogatepass")
        for shift in range(3):
            first = -(-shift * 4 // 3)
            last = (shift + len(raw)) * 8 // 6
            encoded[b64encode(b"\0" * shift + raw).decode()[first:last]] = None
    return tuple(encoded)
