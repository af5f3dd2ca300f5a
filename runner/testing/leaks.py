"""A cassette's file → the secrets in it, and the texts that look like credentials.

The text of the file and each value, decoded and decompressed, are searched for known secrets. Unknown credentials can only
be guessed; recordings by other programs have them in headers.
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
"""Size limit for a cassette: twenty of the platform's largest requests."""


def leaks(path: Path, mask: Mask, shown: str | None = None, allowed: Collection[str] = ()) -> list[Problem]:
    """Report each place of a file with a secret, without showing the secret. Raises OSError.

    `mask` knows the secrets. `allowed` are harmless texts that look like credentials. `shown` is the file's name in messages.
    A file that is not valid YAML is searched as text.
    """
    name = shown or str(path)
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return [_leak(name, 1, f"the file is larger than {MAX_BYTES:,} bytes, so it could not be searched")]
    text = Text(name, raw.decode("utf-8", "surrogateescape"))
    document = read_text(raw.decode("utf-8", "replace"), name)
    hits = [] if document.root is None else list(_Search(mask, allowed).values(document.root, ()))
    reported = _Lines((node.text.line(node.start), node.text.line(node.end)) for node, _ in hits)
    found = [_leak(name, node.text.line(node.start), message) for node, message in hits]
    latest = 0
    for start, end in mask.spans(text.content):
        first, last = text.line(start), text.line(end)
        if first > latest and not reported.meet(first, last):
            latest = first
            found.append(_leak(name, first, _HERE))
    return found


class _Lines:
    """Ranges of lines, which may overlap."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(ranges)
        self._firsts = [first for first, _ in ordered]
        self._lasts = list(accumulate((last for _, last in ordered), max))

    def meet(self, first: int, last: int) -> bool:
        """Return whether one of the ranges contains a line from `first` to `last`, both included."""
        before = bisect_right(self._firsts, last)
        return before > 0 and self._lasts[before - 1] >= first


_HERE = "the file contains a secret here"


def _leak(path: str, line: int, message: str) -> Problem:
    hint = "revoke the secret if others may have read it, and record again"
    return Problem("cassette-leak", message, Position(path, line, 1, 2, ""), hint=hint)


class _Search:
    """A search through the values of one file; each is visited once, however many aliases it has."""

    def __init__(self, mask: Mask, allowed: Collection[str]) -> None:
        self._mask = mask
        self._allowed = allowed
        self._seen: set[tuple[int, bool, str]] = set()
        self._unpacked = 0
        self._is_reported = False

    def values(self, node: Node, way: tuple[str, ...]) -> Iterator[tuple[Node, str]]:
        """Search a value and all values below it; yield each value with a secret, and a message."""
        in_headers = "headers" in way
        key = (id(node), in_headers, way[-1] if in_headers else "")
        if key in self._seen:
            return
        self._seen.add(key)
        for name, item in node.entries.items():
            if self._mask.spans(name):
                yield item, "a key contains a secret"
            yield from self.values(item, (*way, name.lower()))
        for item in node.items:
            yield from self.values(item, way)
        if not isinstance(node.value, str):
            return
        texts = list(self._decoded(node))
        if any(self._mask.spans(text) for text in texts):
            yield node, _HERE
        elif self._unpacked > MAX_BYTES and not self._is_reported:
            self._is_reported = True
            yield (
                node,
                f"more than {MAX_BYTES:,} bytes are compressed in the file, so it could not be searched completely",
            )
        elif (what := next(filter(None, (self._looks_like(text, way) for text in texts)), None)) is not None:
            yield node, f"this looks like {what}"

    def _looks_like(self, text: str, way: tuple[str, ...]) -> str | None:
        for each in self._allowed:
            text = text.replace(each, "")
        return _looks_like(text, way)

    def _decoded(self, node: Node) -> Iterator[str]:
        """Yield a text, and if it is binary, its decoded and decompressed forms."""
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
    """Return whether a text is binary data in base64."""
    return node.text.content[max(0, node.start - _TAG) : node.start].rstrip().endswith("!!binary")


_TAG = 40
"""Characters before a value that are searched for its tag."""


def _looks_like(text: str, way: tuple[str, ...]) -> str | None:
    """Return what kind of unmasked credential a text most likely is; None if it looks like none."""
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
