"""A cassette's file → what in it is a secret, or looks like one.

Everything is searched for the secrets that are known: the text as it stands, and each value in it, unfolded, decoded and
unpacked. What looks like a credential can only be guessed; files that other programs wrote keep those in headers.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

from runner.errors import Position, Problem
from runner.source import Text, read_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from runner.secrets import Mask
    from runner.source import Node

MAX_BYTES = 16 * 1024 * 1024
"""No cassette is larger: that is twenty of the platform's largest requests."""


def leaks(path: Path, mask: Mask, shown: str | None = None, allowed: Collection[str] = ()) -> list[Problem]:
    """Find what a file must not hold: each place is told once, and no secret is shown. Raises OSError.

    `mask` knows the secrets. `allowed` are texts that look like credentials and are none. `shown` is the file's name in messages. What can't be read as YAML is searched as text.
    """
    name = shown or str(path)
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return [_leak(name, 1, f"the file is larger than {MAX_BYTES:,} bytes: nobody can say what is in it")]
    text = Text(name, raw.decode("utf-8", "surrogateescape"))
    document = read_text(raw.decode("utf-8", "replace"), name)
    hits = [] if document.root is None else list(_Search(mask, allowed).values(document.root, ()))
    told = _Lines((node.text.line(node.start), node.text.line(node.end)) for node, _ in hits)
    found = [_leak(name, node.text.line(node.start), message) for node, message in hits]
    latest = 0
    for start, end in mask.spans(text.content):
        first, last = text.line(start), text.line(end)
        if first > latest and not told.meet(first, last):
            latest = first
            found.append(_leak(name, first, _HERE))
    return found


class _Lines:
    """Ranges of lines, which may lie in each other."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(ranges)
        self._firsts = [first for first, _ in ordered]
        self._lasts = list(accumulate((last for _, last in ordered), max))

    def meet(self, first: int, last: int) -> bool:
        """Return whether one of the ranges has a line of `first` to `last`, both included."""
        before = bisect_right(self._firsts, last)
        return before > 0 and self._lasts[before - 1] >= first


_HERE = "a secret stands here"


def _leak(path: str, line: int, message: str) -> Problem:
    hint = "withdraw the secret if others may have read it, and record again"
    return Problem("cassette-leak", message, Position(path, line, 1, 2, ""), hint=hint)


class _Search:
    """A search through the values of one file: each is looked at once, however many aliases it has."""

    def __init__(self, mask: Mask, allowed: Collection[str]) -> None:
        self._mask = mask
        self._allowed = allowed
        self._seen: set[tuple[int, bool, str]] = set()
        self._unpacked = 0
        self._is_told = False

    def values(self, node: Node, way: tuple[str, ...]) -> Iterator[tuple[Node, str]]:
        """Look at a value and all below it; give the value, and what is wrong with it."""
        in_headers = "headers" in way
        key = (id(node), in_headers, way[-1] if in_headers else "")
        if key in self._seen:
            return
        self._seen.add(key)
        for name, item in node.entries.items():
            if self._mask.spans(name):
                yield item, "a secret stands here, as a key"
            yield from self.values(item, (*way, name.lower()))
        for item in node.items:
            yield from self.values(item, way)
        if not isinstance(node.value, str):
            return
        texts = list(self._decoded(node))
        if any(self._mask.spans(text) for text in texts):
            yield node, _HERE
        elif self._unpacked > MAX_BYTES and not self._is_told:
            self._is_told = True
            yield node, f"more than {MAX_BYTES:,} bytes are packed in the file: nobody can say what is in it"
        elif (what := next(filter(None, (self._looks_like(text, way) for text in texts)), None)) is not None:
            yield node, f"this looks like {what}"

    def _looks_like(self, text: str, way: tuple[str, ...]) -> str | None:
        for each in self._allowed:
            text = text.replace(each, "")
        return _looks_like(text, way)

    def _decoded(self, node: Node) -> Iterator[str]:
        """Give a text, and what it is when it is binary, and when that is packed."""
        text = str(node.value)
        yield text
        if not is_binary(node):
            return
        try:
            raw = b64decode(text)
        except ValueError:
            return
        yield raw.decode("utf-8", "surrogateescape")
        left = MAX_BYTES - self._unpacked
        if left < 0:
            return
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, as the first bytes say
        try:
            unpacked = unpacking.decompress(raw, left + 1)
        except zlib.error:
            return
        self._unpacked += len(unpacked)
        yield unpacked.decode("utf-8", "surrogateescape")


def is_binary(node: Node) -> bool:
    """Return whether a text is bytes, in base64."""
    return node.text.content[max(0, node.start - _TAG) : node.start].rstrip().endswith("!!binary")


_TAG = 40
"""A tag stands right before its value."""


def _looks_like(text: str, way: tuple[str, ...]) -> str | None:
    """Say what a text is if it is most likely a credential that nobody masked."""
    if (
        "headers" in way
        and (name := way[-1]) in _HEADERS
        and re.search("[A-Za-z0-9]", text)
        and not _MASKED.search(text)
    ):
        return f"a credential, in the header {name}"
    return next((what for what, pattern in _PATTERNS.items() if pattern.search(text)), None)


_HEADERS = frozenset(
    {
        "authorization", "proxy-authorization", "cookie", "set-cookie", "api-key", "apikey", "x-api-key", "x-apikey",
        "x-auth-token", "x-access-token", "x-csrf-token",
    }
)  # fmt: skip
_MASKED = re.compile(
    r"\*\*\*|redacted|dummy|filtered|masked|placeholder|xxxx|\.\.\.|\u2026|\b([a-z0-9])\1{7,}\b", re.IGNORECASE
)
_PATTERNS = {
    "a bearer token": re.compile(r"\bBearer [A-Za-z0-9._~+/-]{16,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a password in a URL": re.compile(r"\bhttps?://[^\s/:@\"']+:(?!\*\*\*@)[^\s/@\"']+@"),
}
