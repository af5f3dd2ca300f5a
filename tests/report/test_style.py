"""What `printable` shows of characters that nobody sees, and what stays as it is."""

from __future__ import annotations

import io
import json
from unicodedata import category

import pytest

from runner.report import Output
from runner.report.style import harmless_json, printable, width, without_commands

JOINED = [
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # a word of Persian
    "\u0915\u094d\u200d\u0937",  # a cluster of Devanagari
    "\U0001f469\u200d\U0001f4bb",  # a woman at a computer
    "\U0001f468\U0001f3fd\u200d\U0001f680",  # the same with a skin tone
    "\u2764\ufe0f\u200d\U0001f525",  # a heart on fire
    "1\ufe0f\u20e3",  # a key
    "\xa9\ufe0f",
    "\u845b\U000e0100",  # a form of an ideograph, as in a name
]


@pytest.mark.parametrize("text", JOINED)
def test_joined_scripts_and_emoji_stay(text: str) -> None:
    assert printable(text) == harmless_json(text) == text


@pytest.mark.parametrize(
    "char",
    [
        *"\xad\u034f\u061c\u115f\u17b5\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202e\u2060\u2063\u2064\u2066\u206f",
        *"\u3164\ufe00\ufe0f\ufeff\uffa0\ufff9\U0001d173\U000e0001\U000e0041\U000e007f\U000e0101\x7f\x85\x9b",
    ],
)
def test_what_nobody_sees_is_shown(char: str) -> None:
    for text in (f"pay{char}pal", char, f"\u0645{char}{char} ", f"{char}\u0645"):
        assert char not in printable(text)
        assert char not in harmless_json(json.dumps(text, ensure_ascii=False))
        assert json.loads(harmless_json(json.dumps(text, ensure_ascii=False))) == text


def test_no_control_character_and_no_separator_of_lines_passes() -> None:
    every = map(chr, range(0x110000))
    assert [char for char in every if category(char) in ("Cc", "Cs", "Zl", "Zp") and printable(char) == char] == []


def test_joiners_and_marks_take_no_column() -> None:
    assert width("\u0645\u200c\u0645") == 2
    assert width("e\u0301") == 1
    assert width("\u0915\u0941") == 1


@pytest.mark.parametrize(
    "line", ["::error::x", " \t::error::x", "a\r::error::x", "a\n\ufeff\u3000::error::x", "a ##[error]x"]
)
def test_whatever_begins_a_command_is_broken(line: str) -> None:
    assert without_commands(line) == line.replace("::error", "\\::error").replace("##[", "##\\[")


@pytest.mark.parametrize("line", ["a::b", "a ::b", "# [x]", "#[x]", ":", "\n:"])
def test_what_begins_none_stays(line: str) -> None:
    assert without_commands(line) == line


@pytest.mark.parametrize(
    "text", ["::error::x\n", "ok\n  ::error::x\n::error::y\n", "a ##[error]x\n", "a::b\n## a::b\n::"]
)
def test_a_lent_stream_breaks_commands_however_they_come(text: str) -> None:
    whole = []
    for size in range(1, len(text) + 1):
        written = io.StringIO()
        stdout, _ = Output(written, io.StringIO(), environ={"GITHUB_ACTIONS": "true"}).lent()
        for start in range(0, len(text), size):
            stdout.write(text[start : start + size])
        assert without_commands(written.getvalue()) == written.getvalue()
        assert written.getvalue().replace("\\", "") == text
        whole.append(written.getvalue())
    assert whole[-1] == without_commands(text)


def test_a_lent_stream_shows_the_sequences_of_data() -> None:
    written = io.StringIO()
    stdout, _ = Output(written, io.StringIO(), color=True).lent()
    stdout.write("\x1b[31mred\r\x9b2J\u202e\n::error::\n")
    assert written.getvalue() == "\\x1b[31mred\\r\\x9b2J\\u202e\n::error::\n"
