"""Colours, and text made safe to print."""

from __future__ import annotations

import re
from typing import NamedTuple

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ud800-\udfff\ufeff]")

_UNSAFE_IN_JSON = re.compile(_UNSAFE.pattern.replace(r"\x00-\x1f", ""))


class Style(NamedTuple):
    """Paints text for a terminal, or leaves it as it is."""

    on: bool

    def error(self, text: str) -> str:
        """Paint what went wrong."""
        return self._paint("1;31", text)

    def warning(self, text: str) -> str:
        """Paint what may go wrong."""
        return self._paint("1;33", text)

    def good(self, text: str) -> str:
        """Paint what went well."""
        return self._paint("32", text)

    def strong(self, text: str) -> str:
        """Paint what to read first."""
        return self._paint("1", text)

    def faint(self, text: str) -> str:
        """Paint what to read last."""
        return self._paint("2", text)

    def place(self, text: str) -> str:
        """Paint a gutter or an arrow."""
        return self._paint("1;34", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


def printable(text: str) -> str:
    """Show control characters instead of obeying them: an answer, a row or a file must not move the cursor."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def harmless_json(text: str) -> str:
    """Write what a terminal would obey as JSON's own escapes. Such characters stand in JSON's strings alone."""
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # noqa: PLC0415 - a large table, for few

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
