"""Secrets show themselves to nobody, and the mask finds them in every form in which they travel."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from html import escape
from urllib.parse import quote, quote_plus

import markupsafe
import pytest
from hypothesis import assume, given, seed, settings
from hypothesis import strategies as st

from runner.secrets import Mask, Secret

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


def test_a_secret_escaped_twice_leaves_no_letter_of_a_longer_one() -> None:
    nested = json.dumps(json.dumps({"token": 'ab"cd'}))
    assert 'ab\\\\\\"cd' in nested
    assert "cd" not in Mask(['ab"cd']).text(nested)


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


def test_a_short_secret_is_masked_but_not_sought_in_base64() -> None:
    mask = Mask(["abc"])
    assert mask.text("x=abc") == "x=***"
    assert mask.text(b64encode(b"abc").decode()) == "YWJj"


def test_credentials_of_a_basic_header_are_masked() -> None:
    assert Mask(["user:pass"]).text("Basic " + b64encode(b"user:pass").decode()) == "Basic ***"


def test_of_two_secrets_that_begin_alike_the_longer_one_wins() -> None:
    assert Mask(["abcd", "abcdefgh"]).text("abcdefgh abcdxyz") == "*** ***xyz"


def test_secrets_that_overlap_leave_nothing_of_either() -> None:
    assert Mask(["abcdef", "defghi"]).text("<abcdefghi>") == "<***>"


def test_a_short_secret_is_masked_as_a_word_of_its_own_alone() -> None:
    assert Mask(["on"]).text("on=on, only on") == "***=***, only ***"
    assert Mask(["5"]).text("md5 of 5 in 2025") == "md5 of *** in 2025"


def test_a_document_of_our_own_keeps_its_keys_and_numbers() -> None:
    mask = Mask(["total", "202"])
    document = {"total": 202, "error": "total of 202", "events": [{"total": 202}]}
    assert mask.texts(document) == {"total": 202, "error": "*** of ***", "events": [{"total": 202}]}


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
