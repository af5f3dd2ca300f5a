"""A secret is found in whatever way it is escaped, also twice, and in time."""

from __future__ import annotations

import json
import subprocess
import sys
from html import escape
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from runner.secrets import Mask
from tests.escapes import ESCAPES, HARD

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("inner", ESCAPES.values(), ids=ESCAPES)
@pytest.mark.parametrize("outer", ESCAPES.values(), ids=ESCAPES)
def test_a_secret_is_masked_when_it_is_escaped_and_escaped_again(
    inner: Callable[[str], str], outer: Callable[[str], str]
) -> None:
    assert Mask([HARD]).text(f"<{outer(inner(HARD))}>") == "<***>"


def test_a_secret_is_masked_when_each_mark_is_escaped_in_a_way_of_its_own() -> None:
    ways = [
        '"',
        r"\"",
        r"\\\"",
        "%22",
        "%2522",
        "&quot;",
        "&#34;",
        "&#034;",
        "&#X22;",
        "&amp;quot;",
        "%26quot%3B",
        r"\u0022",
        r"\x22",
    ]
    mask = Mask(['ab"c"de'])
    assert {mask.text(f"<ab{one}c{other}de>") for one, other in product(ways, ways)} == {"<***>"}


def test_the_marks_of_a_page_or_an_address_are_masked_by_number_too() -> None:
    numbers = "".join(char if char.isalnum() else f"&#{ord(char)};" for char in HARD)
    assert Mask([HARD]).text(f"<{numbers}>") == "<***>"
    assert Mask([HARD]).text(f"<{numbers.replace('&', '&amp;')}>") == "<***>"


def test_an_escape_that_is_none_of_the_secret_is_left_alone() -> None:
    assert Mask(['ab"cd']).text(r"ab\'cd ab%27cd ab&apos;cd abcd ab\cd") == r"ab\'cd ab%27cd ab&apos;cd abcd ab\cd"


@pytest.mark.parametrize("escaped", ["tok\\nen1", r"tok\\nen1", "tok%0Aen1", "tok&#10;en1", "tok\nen1"])
def test_the_letter_of_an_escape_is_known(escaped: str) -> None:
    assert Mask(["tok\nen1"]).text(f"C:\\{escaped}\\n") == "C:\\***\\n"


def test_a_secret_behind_a_backslash_of_somebody_else_is_found() -> None:
    assert Mask(["token123"]).text(r"C:\token123 C:\\token123") == r"C:\*** C:\\***"


@pytest.mark.parametrize("part", ["\\", "&amp;", "%25", "&", "%", '"', "é", "&eacute;", "+", r"\x22", "&#34;"])
@pytest.mark.parametrize("secret", ['"' * 30, "\\" * 30 + '"', "&" * 30, "&amp;" * 30, "%25" * 30, "é" * 30, " " * 30])
def test_a_text_that_almost_fits_is_searched_in_time(secret: str, part: str) -> None:
    masked = Mask([secret + "!"]).text(part * 2000)
    assert masked == part * 2000


HOSTILE_PARTS = ["&", "&amp;", "%26", "%25", "\\u0026", "\\x26", "&#38;", "\\", "%5c", "&bsol;", "\n", "\\n", "+", "é"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "secret", ["&" * 40 + "!", "%" * 40 + "!", "\\" * 40 + "!", '"' * 40 + "!", "&amp;%25\\u0026" * 20]
)
def test_no_text_makes_the_search_for_a_secret_slow(secret: str) -> None:
    """The time grows with the text alone: a secret of 40 ampersands once took for ever."""
    code = (
        "import json, resource, sys\nfrom runner.secrets import Mask\nresource.setrlimit(resource.RLIMIT_CPU, (3, 3))\n"
        "secret, texts = json.load(sys.stdin)\nfor text in texts:\n    Mask([secret]).text(text)\n"
    )
    texts = [(one + other) * 20 for one, other in product(HOSTILE_PARTS, HOSTILE_PARTS)]
    ended = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps([secret, texts]), text=True, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_table_of_escapes_is_loaded_before_there_is_a_secret() -> None:
    code = "import sys, runner.secrets as s; s.Mask().text('x'); print({'html', 'base64', 'html.entities'} & {*sys.modules})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "set()\n"


def test_a_secret_escaped_twice_leaves_no_letter_of_a_longer_one() -> None:
    nested = json.dumps(json.dumps({"token": 'ab"cd'}))
    assert 'ab\\\\\\"cd' in nested
    assert "cd" not in Mask(['ab"cd']).text(nested)


@pytest.mark.parametrize("secret", ["%41%42", "\\\\\\\\", "&lt;", "&#65;&#66;", '\\"\\"', "%25%25"])
def test_a_secret_that_is_all_escapes_itself_is_masked(secret: str) -> None:
    forms = [secret, json.dumps(secret)[1:-1], quote(secret, safe=""), escape(secret)]
    assert [secret in Mask([secret]).text(f"<{form}>") for form in forms] == [False] * 4
    assert all(form not in Mask([secret]).text(f"<{form}>") for form in forms)


@pytest.mark.parametrize(
    "text",
    [
        r"\U001fffff",
        "&#9999999;",
        "&#x110000;",
        "&nothing;",
        "%zz",
        "%f",
        r"\u12",
        r"\x",
        r"\ud83d",
        "%ff%fe",
        "&#xD800;",
    ],
)
def test_what_is_no_escape_or_none_of_a_character_is_left_alone(text: str) -> None:
    assert Mask(['s3"cr3t']).text(rf"{text}s3\"cr3t{text}") == f"{text}***{text}"


def test_letters_that_are_escaped_are_seen_through() -> None:
    secret = "Qzwvx71-kj"
    numbers = "".join(f"&#{ord(char)};" for char in secret)
    units = "".join(f"\\u{ord(char):04x}" for char in secret)
    percents = "".join(f"%{ord(char):02X}" for char in secret)
    assert {Mask([secret]).text(f"<{form}>") for form in (numbers, units, percents)} == {"<***>"}
