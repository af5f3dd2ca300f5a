"""Secrets and a text → the spans of the secrets in the text, in any form.

Most texts contain no secret, which must be found out quickly. So a text is decoded only around the letters of a secret
that no escape changes.
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
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from runner.secrets.unescape import Reading

_LEAST = 4
"""Minimum length of a form to search for; a shorter one occurs in any text."""
_REACH = 400
"""Maximum number of characters that encode one, nested in JSON eight times: the range to search around a secret's letters."""
_SHORT_TEXT = 4000
_MOST_PLACES = 100


class Search:
    """Searches for secrets. Immutable."""

    __slots__ = ("_shelves",)

    def __init__(self, targets: Iterable[Target]) -> None:
        self._shelves = [_Shelf(tuple(targets))]

    def wider(self, other: Search) -> Search:
        """Return a search for the secrets of both.

        Two shelves of similar size are merged into one. So there are few shelves, and few are rebuilt, however often a
        search is widened.
        """
        shelves = sorted([*self._shelves, *other._shelves], key=len, reverse=True)
        while len(shelves) > 1 and len(shelves[-2]) < 2 * len(shelves[-1]):
            last = shelves.pop()
            shelves[-1] = _Shelf((*shelves[-1].targets, *last.targets))
        wider = Search(())
        wider._shelves = shelves
        return wider

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the spans of secrets in a text, in any order; they may overlap."""
        low = text.lower()
        near = self._near(low)
        if MAY_BE_ESCAPED.search(low):
            if spells_letters(low):
                return _found(text, [target for shelf in self._shelves for target in shelf.targets])
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
        """Return the secrets that may be in a text, because their letters are."""
        found: dict[Target, None] = {}
        pieces: dict[int, set[str]] = {}
        for shelf in self._shelves:
            # A comprehension with a function in it takes twice as long.
            for core, target in shelf.candidates(low, pieces):
                if core in low:
                    found[target] = None
        return found


class _Shelf:
    """An index of secrets by pieces of their letters, so that only those with a piece in a text are searched for."""

    __slots__ = ("_by_piece", "_cores", "targets")

    def __init__(self, targets: tuple[Target, ...]) -> None:
        self.targets = targets
        self._cores = tuple((core, target) for target in targets for core in target.cores)
        self._by_piece: dict[int, dict[str, list[tuple[str, Target]]]] | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def candidates(self, low: str, pieces: dict[int, set[str]]) -> Iterable[tuple[str, Target]]:
        """Return the letters to search for in a text. `pieces` caches the pieces of the text by their size."""
        if len(self.targets) <= _FEW:
            return self._cores
        if self._by_piece is None:
            self._by_piece = _by_piece(self._cores)
        found: list[tuple[str, Target]] = []
        for size, known in self._by_piece.items():
            if size not in pieces:
                pieces[size] = {low[at : at + size] for at in range(len(low) - size + 1)}
            for piece in filter(known.__contains__, pieces[size]):
                found += known[piece]
        return found


def _by_piece(cores: Iterable[tuple[str, Target]]) -> dict[int, dict[str, list[tuple[str, Target]]]]:
    """Return an index by size of pieces and piece: of the first and the last piece of each, the less frequent one."""
    found: dict[int, dict[str, list[tuple[str, Target]]]] = {}
    for each in cores:
        size = min(len(each[0]), _PIECE)
        known = found.setdefault(size, {})
        first, last = known.setdefault(each[0][:size], []), known.setdefault(each[0][-size:] if size else "", [])
        (first if len(first) < len(last) else last).append(each)
    return found


_FEW = 30
"""Up to this number of secrets, searching for each one is faster."""
_PIECE = 8


class Target:
    """A secret to search for, in all its forms."""

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

    def spans(self, view: View, coded: str, reading: Reading | None) -> Iterator[tuple[int, int]]:
        """Yield the spans of the secret in a decoded text in lower case, also where it overlaps itself.

        `coded` is the same text with URL-safe base64 replaced by standard base64.
        """
        if reading not in self._forms:
            self._forms[reading] = self._read(self._plain, reading), self._read(self._base64, reading)
        plain, base64 = self._forms[reading]
        takes_gaps = reading is not JOINED  # there, a line break may be one
        from_gap, to_gap = takes_gaps and self._from_gap, takes_gaps and self._to_gap
        for text, forms in ((view.text, plain), (coded, base64)):
            for form in forms:
                for start, end in _hits(text, form):
                    yield view.span(start, end, from_gap=from_gap, to_gap=to_gap)

    def _read(self, texts: Sequence[str], reading: Reading | None) -> tuple[str, ...]:
        """Return the forms to search for, decoded by the same reading as the text."""
        views = (View(text) if reading is None else read(View(text), reading) for text in texts)
        forms = (view.folded().text for view in views)
        fit = (form for form in forms if len(form) >= _LEAST)
        return tuple(dict.fromkeys(form.translate(_FOR_URLS) if texts is self._base64 else form for form in fit))


def _found(text: str, targets: Collection[Target]) -> list[tuple[int, int]]:
    found = []
    for reading, view in readings(text) if MAY_BE_ESCAPED.search(text) else ((None, View(text)),):
        folded = view.folded()
        coded = folded.text.translate(_FOR_URLS)
        spans = (span for target in targets for span in target.spans(folded, coded, reading))
        found += [span for span in spans if reading is not JOINED or has_break(text, *span)]
    return found


def _windows(low: str, targets: Iterable[Target]) -> list[tuple[int, int]]:
    """Return the windows around the letters of targets, in order and apart."""
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
    """Yield the offsets of a core, up to one more than the maximum to visit one by one."""
    at, count = low.find(core), 0
    while at >= 0 and count <= _MOST_PLACES:
        yield at
        at, count = low.find(core, at + 1), count + 1


def _hits(text: str, form: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of a form in a text; overlapping ones as one span."""
    start = text.find(form)
    while start >= 0:
        at, next_ = start, text.find(form, start + 1)
        while at < next_ <= at + len(form):
            at, next_ = next_, text.find(form, next_ + 1)
        yield start, at + len(form)
        start = next_


_LETTERS = re.compile("[a-z0-9]+")
_FOR_URLS = str.maketrans({"-": "+", " ": "+", "_": "/"})
"""URL-safe base64 replaces two characters, and form encoding one of them again."""


def _hollow_forms(text: str) -> tuple[str, ...]:
    """Return the escaped forms of a text that is too short when its own escapes are decoded: `%41%42` is `AB`."""
    if not MAY_BE_ESCAPED.search(text) or len(read(View(text), ANY).text) >= _LEAST:
        return ()
    return json.dumps(text)[1:-1], quote(text, safe="", errors="surrogatepass"), escape(text)


def _base64_of(text: str) -> tuple[str, ...]:
    """Return the base64 forms of a text, one for each offset in a triple, without characters that its neighbors change."""
    encoded: dict[str, None] = {}
    for each in {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}:
        raw = each.encode("utf-8", "surrogatepass")
        for shift in range(3):
            first = -(-shift * 4 // 3)
            last = (shift + len(raw)) * 8 // 6
            encoded[b64encode(b"\0" * shift + raw).decode()[first:last]] = None
    return tuple(encoded)
