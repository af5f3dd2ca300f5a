"""A cassette's file → what in it is a secret, or looks like one.

Everything is searched for the secrets that are known: the text as it stands, and each value in it, unfolded, decoded and
unpacked. What looks like a credential can only be guessed; files that other programs wrote keep those in headers.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode
from typing import TYPE_CHECKING

from runner.errors import Position, Problem
from runner.source import read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.secrets import Mask
    from runner.source import Node

MAX_BYTES = 16 * 1024 * 1024
"""No cassette is larger: that is twenty of the platform's largest requests."""


def leaks(path: Path, mask: Mask, shown: str | None = None) -> list[Problem]:
    """Find what a file must not hold: each place is told once, and no secret is shown. Raises OSError.

    `mask` knows the secrets. `shown` is the file's name in messages. What can't be read as YAML is searched as text.
    """
    name = shown or str(path)
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        return [_leak(name, 1, f"the file is larger than {MAX_BYTES:,} bytes: nobody can say what is in it")]
    document = read_text(raw.decode("utf-8", "replace"), name)
    hits = [] if document.root is None else list(_in_values(document.root, (), mask))
    found = [_leak(name, _line(node, node.start), message) for node, message in hits]
    told = {line for node, _ in hits for line in range(_line(node, node.start), _line(node, node.end) + 1)}
    content = raw.decode("utf-8", "surrogateescape")
    for start, end in mask.spans(content):
        lines = range(content.count("\n", 0, start) + 1, content.count("\n", 0, end) + 2)
        if told.isdisjoint(lines):
            told.add(lines[0])
            found.append(_leak(name, lines[0], _HERE))
    return found


_HERE = "a secret stands here"


def _line(node: Node, offset: int) -> int:
    return node.text.position(offset).line


def _leak(path: str, line: int, message: str) -> Problem:
    hint = "withdraw the secret if others may have read it, and record again"
    return Problem("cassette-leak", message, Position(path, line, 1, 2, ""), hint=hint)


def _in_values(node: Node, way: tuple[str, ...], mask: Mask) -> Iterator[tuple[Node, str]]:
    """Look at a value and all below it; give the value, and what is wrong with it."""
    for key, item in node.entries.items():
        if mask.spans(key):
            yield item, "a secret stands here, as a key"
        yield from _in_values(item, (*way, key.lower()), mask)
    for item in node.items:
        yield from _in_values(item, way, mask)
    if not isinstance(node.value, str):
        return
    texts = list(_decoded(node))
    if any(mask.spans(text) for text in texts):
        yield node, _HERE
    elif (what := next(filter(None, (_looks_like(text, way) for text in texts)), None)) is not None:
        yield node, f"this looks like {what}"


def _decoded(node: Node) -> Iterator[str]:
    """Give a text, and what it is when it is binary, and when that is packed."""
    text = str(node.value)
    yield text
    if not node.text.content[max(0, node.start - _TAG) : node.start].rstrip().endswith("!!binary"):
        return
    try:
        raw = b64decode(text)
    except ValueError:
        return
    yield raw.decode("utf-8", "surrogateescape")
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, as the first bytes say
    try:
        yield unpacking.decompress(raw, MAX_BYTES).decode("utf-8", "surrogateescape")
    except zlib.error:
        return


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
_MASKED = re.compile(r"\*\*\*|redacted|dummy|filtered|masked|placeholder|xxxx", re.IGNORECASE)
_PATTERNS = {
    "a bearer token": re.compile(r"\bBearer [A-Za-z0-9._~+/-]{16,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a password in a URL": re.compile(r"\bhttps?://[^\s/:@\"']+:(?!\*\*\*@)[^\s/@\"']+@"),
}
