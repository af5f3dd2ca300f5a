"""Colors, and text made safe to print: for terminals, and for logs whose lines are taken for commands."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_OURS = f"\x1b{os.urandom(8).hex()}"
"""Begins a color until it is written out. No data knows it: an escape sequence without it is data."""
_COLOR = re.compile(rf"{_OURS}\[([0-9;]+)m")
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2028\u2029\u2060-\u2069\ud800-\udfff\ufeff]"
)

_UNSAFE_IN_JSON = re.compile(_UNSAFE.pattern.replace(r"\x00-\x1f", ""))
_UNSAFE_IN_TEXT = re.compile(_UNSAFE.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))
_COMMAND = re.compile(r"(?<![^\r\n])((?:[^\S\r\n]|\ufeff)*+)::|##\[")
"""What a workflow's runner takes for a command: `::` after any white space, and `##[` anywhere in a line.

(GitHub's runner: `TryParseV2` and `TryParse` in src/Runner.Common/ActionCommand.cs. Its lines end with \\n, \\r or both, and
.NET leaves out a byte order mark.)
"""


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
        return f"{_OURS}[{code}m{text}{_OURS}[0m" if self.on and text else text


def written(text: str) -> str:
    r"""Write a text out: our colors become what a terminal obeys, and every other control character is shown.

    >>> written(Style(on=True).good("ok\x1b[2J"))
    '\x1b[32mok\\x1b[2J\x1b[0m'
    """
    pieces = _COLOR.split(text)  # text and codes in turn
    pieces[::2] = [_UNSAFE_IN_TEXT.sub(_shown, piece) for piece in pieces[::2]]
    pieces[1::2] = [f"\x1b[{code}m" for code in pieces[1::2]]
    return "".join(pieces)


def without_commands(text: str) -> str:
    r"""Break what a workflow's runner would take for a command.

    >>> without_commands("  ::error::x")
    '  \\::error::x'
    """
    return _COMMAND.sub(lambda match: f"{match[1]}\\::" if match[1] is not None else "##\\[", text)


def name_of(text: str) -> str:
    """Write a name so that it is harmless wherever another program prints it: in a terminal, and in a workflow's log."""
    return without_commands(printable(text))


def printable(text: str) -> str:
    """Show control characters instead of obeying them: an answer, a row or a file must not move the cursor."""
    return _UNSAFE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def harmless_json(text: str) -> str:
    """Write what a terminal would obey as JSON's own escapes. Such characters stand in JSON's strings alone."""
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def json_without_commands(text: str) -> str:
    """Write what a workflow's runner would take for a command as an escape of JSON: the value stays the same."""
    return text.replace("##[", "#\\u0023[")


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # noqa: PLC0415 - a large table, for few

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
