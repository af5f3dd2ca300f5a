"""Text in double quotes → the characters that it writes as escapes, as its author spelled them."""

from __future__ import annotations

import json
import re

_ESCAPE = re.compile(
    r"\\(?:x(?P<x>[0-9a-fA-F]{2})|(?P<pair>u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<name>.))",
    re.DOTALL,
)
_NAMES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip


def escapes(source: str) -> dict[str, str]:
    """Return the characters, other than printable ASCII, that a source has as escapes only, each with its first escape.

    A surrogate pair, which few YAML readers take, becomes one escape.
    """
    found: dict[str, str] = {}
    for match in _ESCAPE.finditer(source) if "\\" in source else ():
        char, escape = _char(match), match[0]
        if char is not None and not " " <= char <= "~" and char not in source:
            found.setdefault(char, f"\\U{ord(char):08x}" if match["pair"] else escape)
    return found


def _char(match: re.Match[str]) -> str | None:
    if match["pair"]:
        return str(json.loads(f'"{match[0]}"'))
    if match["name"]:
        return _NAMES.get(match["name"])
    return chr(int(match["x"] or match["u"] or match["U"], 16))
