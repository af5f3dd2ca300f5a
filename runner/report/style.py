"""Colors, and text made safe to print: for terminals, and for logs whose lines are taken for commands."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.errors import Severity

_OURS = f"\x1b{os.urandom(8).hex()}"
"""Begins a color until it is written out. No data knows it: an escape sequence without it is data."""
_COLOR = re.compile(rf"{_OURS}\[([0-9;]+)m")
_CONTROLS = r"\x00-\x1f"
_INVISIBLE = (
    r"\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What changes how a text reads and does not show itself: Unicode's Default_Ignorable_Code_Point, and controls beyond ASCII."""
_UNSAFE = f"[{_CONTROLS}{_INVISIBLE}]"
_UNSAFE_IN_JSON = f"[{_INVISIBLE}]"
"""Patterns that are not compiled here are compiled when they are first used: it takes time at each start."""
_UNSAFE_IN_TEXT = re.compile(rf"[\x00-\x09\x0b-\x1f{_INVISIBLE}]")
_EMOJI = r"\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_JOINING = rf"\u0600-\u109f\u1780-\u18af{_EMOJI}"
_PART_OF_A_WORD = (
    rf"(?<=[{_JOINING}\ufe0f])[\u200c\u200d](?=[{_JOINING}])"
    rf"|(?<=[{_EMOJI}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    r"|(?<=[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]"
)
_JOINERS = frozenset(map(chr, (0x200C, 0x200D, 0xFE0E, 0xFE0F, *range(0xE0100, 0xE01F0))))
"""Invisible characters that stay where they are `_PART_OF_A_WORD`: joiners within emoji and scripts from Arabic to Mongolian, and the form of an emoji or ideograph."""
_COMMAND = re.compile(r"(?<![^\r\n])((?:[^\S\r\n]|\ufeff)*+)::|##\[")
"""What a workflow's runner takes for a command: `::` after any white space, and `##[` anywhere in a line.

(GitHub's runner: `TryParseV2` and `TryParse` in src/Runner.Common/ActionCommand.cs. Its lines end with \\n, \\r or both, and
.NET leaves out a byte order mark.)
"""


class Style(NamedTuple):
    """Paints text for a terminal, or leaves it as it is."""

    on: bool

    def error(self, text: str) -> str:
        """Paint a failure."""
        return self._paint("1;31", text)

    def warning(self, text: str) -> str:
        """Paint a warning."""
        return self._paint("1;33", text)

    def advice(self, text: str) -> str:
        """Paint advice."""
        return self._paint("1;36", text)

    def for_severity(self, severity: Severity) -> Callable[[str], str]:
        """Return what paints problems of a severity."""
        return {"error": self.error, "warning": self.warning, "advice": self.advice}[severity]

    def good(self, text: str) -> str:
        """Paint a success."""
        return self._paint("32", text)

    def strong(self, text: str) -> str:
        """Emphasize a text."""
        return self._paint("1", text)

    def faint(self, text: str) -> str:
        """Paint a detail."""
        return self._paint("2", text)

    def place(self, text: str) -> str:
        """Paint a gutter or an arrow."""
        return self._paint("1;34", text)

    def _paint(self, code: str, text: str) -> str:
        return f"{_OURS}[{code}m{text}{_OURS}[0m" if self.on and text else text


def written(text: str) -> str:
    r"""Return a text as it is printed: our colors become sequences of the terminal, all other control characters are escaped.

    >>> written(Style(on=True).good("ok\x1b[2J"))
    '\x1b[32mok\\x1b[2J\x1b[0m'
    """
    pieces = _COLOR.split(text)  # text and codes in turn
    pieces[::2] = [_UNSAFE_IN_TEXT.sub(_shown, piece) for piece in pieces[::2]]
    pieces[1::2] = [f"\x1b[{code}m" for code in pieces[1::2]]
    return "".join(pieces)


def as_ours(sequences: str) -> str:
    """Mark a program's colors as ours, so that `written` lets them through, but not those in its data."""
    return sequences.replace("\x1b", _OURS)


def without_commands(text: str) -> str:
    r"""Escape whatever a workflow would run as a command.

    >>> without_commands("  ::error::x")
    '  \\::error::x'
    """
    return _COMMAND.sub(lambda match: f"{match[1]}\\::" if match[1] is not None else "##\\[", text)


def name_of(text: str) -> str:
    """Return a name that is harmless when another program prints it, to a terminal or a workflow's log."""
    return without_commands(printable(text))


def printable(text: str) -> str:
    """Escape control and invisible characters: data must not move the cursor, nor look like other data."""
    return re.sub(_UNSAFE, _shown, text)


def counted(number: int, word: str) -> str:
    """Return a number of things as text.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def harmless_json(text: str) -> str:
    """Escape control characters as JSON does. They occur only in JSON's strings."""
    return re.sub(_UNSAFE_IN_JSON, _escaped_in_json, text)


def _shown(match: re.Match[str]) -> str:
    return match[0] if _is_part_of_a_word(match) else _escape(match[0])


def _escaped_in_json(match: re.Match[str]) -> str:
    return match[0] if _is_part_of_a_word(match) else _json_escape(match[0])


def _is_part_of_a_word(match: re.Match[str]) -> bool:
    return match[0] in _JOINERS and re.compile(_PART_OF_A_WORD).match(match.string, match.start()) is not None


@cache  # there are thousands of these characters, and texts that consist of them
def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode()


@cache
def _json_escape(char: str) -> str:
    return json.dumps(char)[1:-1]


def json_without_commands(text: str) -> str:
    """Escape, as JSON does, whatever a workflow would run as a command: the value stays the same."""
    return text.replace("##[", "#\\u0023[")


def width(text: str) -> int:
    """Return the number of terminal columns that a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width  # noqa: PLC0415 - a large table, for few

    return sum(0 if category(char) in _NO_WIDTH else 2 if east_asian_width(char) in "WF" else 1 for char in text)


_NO_WIDTH = ("Mn", "Me", "Cf")
"""Categories of Unicode: marks on other characters, and joiners."""


def has_utf8(environ: Mapping[str, str]) -> bool:
    """Return whether the locale has UTF-8, as POSIX decides it: by the first of these variables that is set."""
    given = [environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG")]
    if given[0] is None and given[1] in _SET_BY_PYTHON:
        given.pop(1)
    locale = next(filter(None, given), "")
    return locale.lower().replace("-", "").endswith("utf8")


_SET_BY_PYTHON = ("C.UTF-8", "C.utf8")
"""Python sets LC_CTYPE to one of these at its start where the locale is C, whatever the terminal can show."""
