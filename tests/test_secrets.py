"""Secrets show themselves to nobody, and the mask finds them in every form in which they travel."""

from __future__ import annotations

import json
import time
from base64 import b64encode, urlsafe_b64encode
from html import escape
from urllib.parse import quote, quote_plus

import markupsafe
import pytest
from hypothesis import assume, given, seed, settings
from hypothesis import strategies as st

from runner.secrets import Mask, Secret
from tests.escapes import ESCAPES, HARD

SECRET = 'k/ey+ "é<&>\\'
"""Every character of it is written differently somewhere."""


def test_a_secret_shows_stars() -> None:
    secret = Secret("s3cr3t")
    assert [str(secret), repr(secret), f"{secret}", f"{secret!r}", "%s" % secret] == [  # noqa: UP031 - one more way to print
        "***", "Secret('***')", "***", "Secret('***')", "***",
    ]  # fmt: skip
    assert repr([secret]) == "[Secret('***')]"


def test_a_secret_can_not_be_padded_into_the_open() -> None:
    with pytest.raises(TypeError):
        format(Secret("s3cr3t"), ">10")


def test_a_secret_reveals_itself_only_when_asked() -> None:
    assert Secret("s3cr3t").reveal() == "s3cr3t"


def test_secrets_are_compared_by_their_text() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
    assert not Secret("")
    assert Secret("a")


def test_a_secret_has_no_attributes_to_print() -> None:
    assert not hasattr(Secret("s3cr3t"), "__dict__")


def test_a_secret_is_masked_in_text() -> None:
    assert Mask(["s3cr3t"]).text("?token=s3cr3t&x=s3cr3t.") == "?token=***&x=***."


def test_text_without_secrets_stays_as_it_is() -> None:
    assert Mask(["s3cr3t"]).text("nothing here") == "nothing here"
    assert Mask().text("s3cr3t") == "s3cr3t"
    assert Mask([""]).text("s3cr3t") == "s3cr3t"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        escape(SECRET),
        escape(SECRET, quote=False),
        str(markupsafe.escape(SECRET)),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET)[1:-1].replace("/", "\\/"),
        repr(SECRET)[1:-1],
    ],
)
def test_a_secret_is_masked_however_it_is_escaped(form: str) -> None:
    assert Mask([SECRET]).text(f"<{form}>") == "<***>"


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("before", ["", "x", "xy"])
def test_a_secret_is_masked_inside_json_inside_base64(before: str, ascii_only: bool) -> None:
    raw = json.dumps([before + HARD, "end"], ensure_ascii=ascii_only).encode()
    start, end = len(f'["{before}'), len(raw) - len('", "end"]')
    whole = b64encode(raw).decode()
    assert Mask([HARD]).text(whole) == whole[: -(-start * 8 // 6)] + "***" + whole[end * 8 // 6 :]


def test_base64_is_masked_with_its_marks_escaped() -> None:
    secret = "~~~???>>>ab"
    text = b64encode(secret.encode()).decode()
    assert text == "fn5+Pz8/Pj4+YWI="
    ways = [text, urlsafe_b64encode(secret.encode()).decode(), quote(text, safe=""), text.replace("/", r"\/")]
    ways += [text.replace("+", "&#43;"), text.replace("+", r"\u002b")]
    assert [Mask([secret]).text(way) for way in ways] == ["***I=", "***I=", "***I%3D", "***I=", "***I=", "***I="]


def test_a_signature_is_masked_in_every_form() -> None:
    signature = "workspace:" + b64encode(bytes(range(240, 256)) * 2).decode()
    assert {char for char in signature if not char.isalnum()} == {":", "+", "/", "="}
    mask = Mask([signature])
    assert {mask.text(f"<{write(signature)}>") for write in ESCAPES.values()} == {"<***>"}
    assert mask.text(b64encode(signature.encode()).decode()) == "***"


def test_white_space_around_a_secret_is_not_needed_to_know_it() -> None:
    assert Mask([" s3cr3t\n"]).text("x=s3cr3t, x= s3cr3t\n.") == "x=***, x=***."


def test_each_long_line_of_a_secret_is_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIB\n  ADANBgkq\r\nshort\n-----END KEY-----\n"
    mask = Mask([key])
    assert mask.text(key.replace("\n", "\n    ")) == "***\n    "
    assert mask.text("".join(f"> {line}\n" for line in key.splitlines())) == "> ***\n> ***\n>   ***\n> short\n> ***\n"
    assert mask.text("short of ADANBgkq, MIIEvQI") == "short of ***, MIIEvQI"
    assert mask.text(f"<{key}>") == "<***>"


def test_a_secret_that_is_no_unicode_is_masked() -> None:
    secret = "abc\udcff"  # how Python reads a byte that is not UTF-8
    assert Mask([secret]).text(f"<{secret}> {json.dumps(secret)} {secret!r}") == "<***> \"***\" '***'"


@pytest.mark.parametrize("number", [8675309421, 8675309421.0, -8675309421, 86753094210.5, 186753094219])
def test_a_number_that_a_secret_stands_in_is_masked(number: float) -> None:
    assert Mask(["8675309421"]).json({"n": [number, 867530942]}) == {"n": ["***", 867530942]}


def test_a_whole_number_is_masked_with_and_without_its_zero() -> None:
    assert Mask(["1234.0"]).json([1234, 1234.0, 1234.5]) == ["***", "***", 1234.5]


def test_a_short_secret_is_masked_as_a_whole_number_alone() -> None:
    assert Mask(["10"]).json([10, 10.0, 10.5, 110, -10, "10.5"]) == ["***", "***", 10.5, 110, -10, "10.5"]


def test_the_stretches_to_hide_are_told_in_order_and_apart() -> None:
    assert Mask(["abcdef", "defghi", "1234"]).spans("1234abcdefghi 1234") == [(0, 13), (14, 18)]


@seed(20260102)
@settings(max_examples=300, deadline=None, database=None)
@given(
    secret=st.text(min_size=4, max_size=20),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
    urlsafe=st.booleans(),
)
def test_a_secret_is_masked_inside_base64_at_every_alignment(
    secret: str, before: bytes, after: bytes, urlsafe: bool
) -> None:
    raw = secret.encode("utf-8", "surrogatepass")
    encode = urlsafe_b64encode if urlsafe else b64encode
    whole = encode(before + raw + after).decode()
    masked = Mask([secret]).text(whole)
    first = -(-len(before) * 8 // 6)
    last = (len(before) + len(raw)) * 8 // 6
    assert masked == whole[:first] + "***" + whole[last:]


@seed(20260102)
@settings(max_examples=200, deadline=None, database=None)
@given(secret=st.text(min_size=4, max_size=12), before=st.text(max_size=5), after=st.text(max_size=5))
def test_no_secret_stays_in_a_text(secret: str, before: str, after: str) -> None:
    assume(secret not in "***")
    assert secret not in Mask([secret]).text(before + secret + after).replace("***", "\0\0\0")


@pytest.mark.parametrize("secret", ["1", "on", "abc", "7.5", "é"])
def test_a_short_secret_leaves_our_own_words_alone(secret: str) -> None:
    ours = f"suprsend-runner/0.{secret}.0: retry {secret} of 3 in 0.2 s, {secret}"
    assert Mask([secret]).text(ours) == ours
    assert Mask([secret]).texts({secret: [secret]}) == {secret: [secret]}


@pytest.mark.parametrize("secret", ["1", "on", "abc", "é"])
def test_a_short_secret_is_masked_in_data_where_it_is_a_word_of_its_own(secret: str) -> None:
    mask = Mask([secret])
    data = [
        secret,
        f"PIN: {secret}.",
        f"PIN={secret}&",
        f"pin '{secret}'",
        f"a{secret}b",
        f"v0.{secret}.0",
        f"x-{secret}",
    ]
    masked = ["***", "PIN: ***.", f"PIN={secret}&", "pin '***'", f"a{secret}b", f"v0.{secret}.0", f"x-{secret}"]
    assert mask.json(data) == masked
    assert mask.json({secret: 1}) == {"***": 1 if secret != "1" else "***"}


def test_a_short_secret_is_not_sought_in_base64() -> None:
    assert Mask(["abc"]).json(b64encode(b"abc").decode()) == "YWJj"


def test_a_secret_of_blanks_hides_nothing() -> None:
    assert Mask(["     ", "\n"]).text("a     b\n") == "a     b\n"


BREAKS = {
    "line breaks": "\n",
    "line breaks of Windows": "\r\n",
    "line breaks and indentation": "\n\t    ",
    "line breaks of JSON": "\\n",
    "line breaks of JSON in JSON": "\\\\n  ",
    "line breaks of a URL": "%0A",
    "line breaks of a URL in a URL": "%250d%250A",
    "line breaks of HTML": "&#10;&#x20;",
    "line separators": "\u2028",
}


@pytest.mark.parametrize("between", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("width", [1, 4, 7])
def test_a_secret_with_line_breaks_put_into_it_is_masked(between: str, width: int) -> None:
    def wrapped(text: str) -> str:
        return between.join(text[at : at + width] for at in range(0, len(text), width))

    secret = "Qzwvx71kjpy-Hbgtn52rfcdn"
    mask = Mask([secret])
    assert mask.text(f"<{wrapped(secret)}>") == "<***>"
    assert mask.text(f"<{wrapped(b64encode(secret.encode()).decode())}>") == "<***>"
    assert mask.text(f"<{wrapped(secret.encode().hex())}>") == "<***>"


def test_blanks_of_a_secret_that_became_line_breaks_are_seen_through() -> None:
    assert (
        Mask(["correct horse battery"]).text("<correct\n  horse battery>, <correct horse\nbattery>") == "<***>, <***>"
    )


def test_words_on_a_line_are_no_secret_that_is_written_in_one() -> None:
    assert Mask(["therapist"]).text("\nthe rapist") == "\nthe rapist"


@pytest.mark.parametrize("secret", ["é%&x", "Straße", "İ-İİ", "ŒUVRE-ﬁn"])
def test_a_secret_in_other_capitals_is_masked(secret: str) -> None:
    masked = {Mask([secret]).text(f"<{form}>") for form in (secret.upper(), secret.lower(), secret.title(), secret)}
    assert masked == {"<***>"}


@pytest.mark.parametrize("place", [0, 50_000, 100_000])
def test_a_secret_is_found_anywhere_in_a_long_text(place: int) -> None:
    secret = 'Qz"71&kj%y'
    for write in ESCAPES.values():
        before, after = 'a "b" & c\\n' * (place // 10), 'd "e" & f\\n' * ((100_000 - place) // 10)
        assert Mask([secret]).text(f"{before}<{write(secret)}>{after}") == f"{before}<***>{after}"


def test_credentials_of_a_basic_header_are_masked() -> None:
    assert Mask(["user:pass"]).text("Basic " + b64encode(b"user:pass").decode()) == "Basic ***"


def test_of_two_secrets_that_begin_alike_the_longer_one_wins() -> None:
    assert Mask(["abcd", "abcdefgh"]).text("abcdefgh abcdxyz") == "*** ***xyz"


def test_secrets_that_overlap_leave_nothing_of_either() -> None:
    assert Mask(["abcdef", "defghi"]).text("<abcdefghi>") == "<***>"


def test_a_document_of_our_own_keeps_its_keys_and_numbers() -> None:
    mask = Mask(["total", "2026"])
    document = {"total": 2026, "error": "total of 2026", "events": [{"total": 2026}]}
    assert mask.texts(document) == {"total": 2026, "error": "*** of ***", "events": [{"total": 2026}]}


def test_json_is_masked_in_texts_keys_and_numbers() -> None:
    value = {"token=s3cr3t": ["s3cr3t", 1, None, True, 1.5], "pin": 1234, "t": ("a s3cr3t",)}
    assert Mask(["s3cr3t", "1234"]).json(value) == {
        "token=***": ["***", 1, None, True, 1.5],
        "pin": "***",
        "t": ["a ***"],
    }


def test_masking_json_changes_nothing_that_was_passed_in() -> None:
    value = {"a": ["s3cr3t"]}
    Mask(["s3cr3t"]).json(value)
    assert value == {"a": ["s3cr3t"]}


def test_a_wider_mask_hides_both_and_leaves_the_first_as_it_was() -> None:
    first = Mask(["one-secret"])
    both = first.with_values(["two-secret"])
    assert both.text("one-secret two-secret") == "*** ***"
    assert first.text("one-secret two-secret") == "*** two-secret"


def test_thousands_of_secrets_that_come_one_by_one_are_hidden_in_time() -> None:
    """As of a folder of specs whose cases have secrets of their own."""
    secrets = [f"{number:06}-{number * 7919 % 1000003:06x}-secret" for number in range(2400)]
    mask = Mask()
    start = time.process_time()
    for at in range(0, len(secrets), 4):
        mask = mask.with_values(secrets[at : at + 4])
        assert (
            mask.text(f"{at} problems of {secrets[at]} and {secrets[at // 2].upper()}")
            == f"{at} problems of *** and ***"
        )
    assert all(mask.text(quote(secret, safe="")) == "***" for secret in secrets)
    assert mask.text("-secret 000001 and other words") == "-secret 000001 and other words"
    assert time.process_time() - start < 6


def test_a_mask_that_is_widened_twice_leaves_each_with_its_own() -> None:
    base = Mask(f"base-secret-{number}" for number in range(50))
    one, other = base.with_values(["first-of-them"]), base.with_values(["second-of-them"])
    said = "base-secret-7 first-of-them second-of-them"
    assert [each.text(said) for each in (base, one, other)] == [
        "*** first-of-them second-of-them", "*** *** second-of-them", "*** first-of-them ***",
    ]  # fmt: skip


def test_a_secret_is_hidden_as_hexadecimal_digits() -> None:
    mask = Mask(["s3cr3t-token"])
    digits = b"s3cr3t-token".hex()
    assert mask.text(f"a {digits} b {digits.upper()} c") == "a *** b *** c"
