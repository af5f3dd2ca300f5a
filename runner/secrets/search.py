"""Secrets and a text → where they stand in it, in whatever form.

Most texts have none of them, which must be seen at once: so a text is read closely only around the letters that no escape
changes, where it has those of a secret.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.secrets.unescape import (
    ANY,
    JOINED,
    MAY_BE_ESCAPED,
    View,
    has_break,
    read,
    readings,
    spells_letters,
    without_breaks,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.secrets.unescape import Reading

_LEAST = 4
"""Characters of what is looked for; fewer stand in any text."""
_REACH = 400
"""Characters that escapes may make of one, eight times nested in JSON. Farther from its letters no secret is looked for."""
_SHORT_TEXT = 4000
_MOST_PLACES = 100


class Search:
    """Looks for secrets. Immutable."""

    __slots__ = ("_cores", "_targets")

    def __init__(self, targets: Iterable[Target]) -> None:
        self._targets = tuple(targets)
        self._cores = tuple((core, target) for target in self._targets for core in target.cores)

    def wider(self, other: Search) -> Search:
        """Return one that looks for the secrets of both."""
        return Search((*self._targets, *other._targets))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the stretches of a text that hold secrets, in no order; they may overlap."""
        low = text.lower()
        near = self._near(low)
        if MAY_BE_ESCAPED.search(low):
            if spells_letters(low):
                return _found(text, self._targets)
            joined = without_breaks(low)
            if joined is not low and (far := self._near(joined)) and not far.keys() <= near.keys():
                return _found(text, (near | far).keys())
        if not near:
            return []
        windows = _windows(low, near) if len(low) == len(text) > _SHORT_TEXT else [(0, len(text))]
        return [
            (start + first, start + last)
            for start, end in windows
            for first, last in _found(text[start:end], near.keys())
        ]

    def _near(self, low: str) -> dict[Target, None]:
        """Return what may be in a text, by its letters."""
        found: dict[Target, None] = {}
        for core, target in self._cores:  # a comprehension with a function in it takes twice as long
            if core in low:
                found[target] = None
        return found


class Target:
    """A secret to look for, in all the forms that a text may have of it."""

    __slots__ = ("_base64", "_forms", "_from_gap", "_plain", "_to_gap", "cores", "size")

    def __init__(self, text: str) -> None:
        self._plain = (text, text.encode("utf-8", "surrogatepass").hex(), *_hollow_forms(text))
        self._base64 = _base64_of(text)
        self.size = len(text)
        self.cores = frozenset(
            max(_LETTERS.findall(form.lower()), key=len, default="") for form in (*self._plain, *self._base64)
        )
        self._from_gap, self._to_gap = not text[0].isalnum(), text[-1] == "\\"
        self._forms: dict[Reading | None, tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def spans(self, view: View, reading: Reading | None) -> Iterator[tuple[int, int]]:
        """Find it in what a text says by a reading, in small letters; also where it overlaps itself."""
        if reading not in self._forms:
            self._forms[reading] = self._read(self._plain, reading), self._read(self._base64, reading)
        plain, base64 = self._forms[reading]
        takes_gaps = reading is not JOINED  # there, a line break may be one
        from_gap, to_gap = takes_gaps and self._from_gap, takes_gaps and self._to_gap
        for text, forms in ((view.text, plain), (view.text.translate(_FOR_URLS), base64)):
            for form in forms:
                for start, end in _hits(text, form):
                    yield view.span(start, end, from_gap=from_gap, to_gap=to_gap)

    def _read(self, texts: Sequence[str], reading: Reading | None) -> tuple[str, ...]:
        """Read what is looked for as the text is read that it is looked for in."""
        views = (View(text) if reading is None else read(View(text), reading) for text in texts)
        forms = (view.folded().text for view in views)
        fit = (form for form in forms if len(form) >= _LEAST)
        return tuple(dict.fromkeys(form.translate(_FOR_URLS) if texts is self._base64 else form for form in fit))


def _found(text: str, targets: Iterable[Target]) -> list[tuple[int, int]]:
    found = []
    for reading, view in readings(text) if MAY_BE_ESCAPED.search(text) else ((None, View(text)),):
        folded = view.folded()
        spans = (span for target in targets for span in target.spans(folded, reading))
        found += [span for span in spans if reading is not JOINED or has_break(text, *span)]
    return found


def _windows(low: str, targets: Iterable[Target]) -> list[tuple[int, int]]:
    """Return the stretches around the letters of targets, in order and apart."""
    found: list[tuple[int, int]] = []
    for target in targets:
        reach = _REACH * target.size
        places = [at for core in target.cores for at in _places(low, core)]
        if len(places) > _MOST_PLACES:
            return [(0, len(low))]
        found += [(max(0, at - reach), at + reach) for at in places]
    windows: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if windows and start <= windows[-1][1]:
            windows[-1] = windows[-1][0], max(windows[-1][1], end)
        else:
            windows.append((start, end))
    return windows


def _places(low: str, core: str) -> Iterator[int]:
    """Return where a core stands, until that are more places than are worth a look at each."""
    at, count = low.find(core), 0
    while at >= 0 and count <= _MOST_PLACES:
        yield at
        at, count = low.find(core, at + 1), count + 1


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


def _hollow_forms(text: str) -> tuple[str, ...]:
    """Return the escaped forms of a text of which too little is left when its own escapes are read: `%41%42` is `AB`."""
    if not MAY_BE_ESCAPED.search(text) or len(read(View(text), ANY).text) >= _LEAST:
        return ()
    return json.dumps(text)[1:-1], quote(text, safe="", errors="surrogatepass"), escape(text)


def _base64_of(text: str) -> tuple[str, ...]:
    """Return the base64 forms of a text, one for each place in a triple, without the characters that its neighbors change."""
    encoded: dict[str, None] = {}
    for each in {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}:
        raw = each.encode("utf-8", "surrogatepass")
        for shift in range(3):
            first = -(-shift * 4 // 3)
            last = (shift + len(raw)) * 8 // 6
            encoded[b64encode(b"\0" * shift + raw).decode()[first:last]] = None
    return tuple(encoded)
