"""Attachments by URL."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.suprsend.event import Event
from runner.suprsend.rules import Breach, is_plain_url, plain_url_check
from tests.suprsend.event.conftest import attached, refusal, sent


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.pdf",
        "http://example.com/a.pdf",
        "HTTPS://example.com/a.pdf",
        "Http://EXAMPLE.com/A.pdf",
        "https://example.com:8443/a.pdf?token=x&y=%20#page=2",
        "https://[2001:db8::1]/a.pdf",
        "https://example.com",
        "https://example.com/ä.pdf",
    ],
)
def test_a_web_url_is_attached_as_it_stands(url: str) -> None:
    assert sent(attached(url))["properties"]["$attachments"][0]["url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "/srv/invoice.pdf",
        "invoice.pdf",
        "~/invoice.pdf",
        "./a b.pdf",
        "C:\\invoice.pdf",
        "file:///srv/invoice.pdf",
        "ftp://example.com/a.pdf",
        "data:text/plain,x",
        "httpsx://example.com/a.pdf",
        "//example.com/a.pdf",
    ],
)
def test_what_is_no_web_url_is_not_attached(url: str) -> None:
    hint = "the platform fetches attachments itself: use a public http(s) URL"
    message = f"'{url}' is not an http(s) URL"
    assert refusal(attached(url)) == ("attachment-url", "attachments[0].url", message, hint)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a b.pdf",
        " https://example.com/a.pdf",
        "https://example.com/a.pdf ",
        "https://example.com/a.pdf\n",
        "https://exa\tmple.com/a.pdf",
        "https://example.com/\x7f",
        "https://example.com/\x00",
    ],
)
def test_a_url_with_spaces_or_control_characters_is_not_attached(url: str) -> None:
    message = f"'{url}' is not a URL"
    assert refusal(attached(url)) == ("attachment-url", "attachments[0].url", message, "spaces must be written %20")


@pytest.mark.parametrize("url", ["https:///a.pdf", "https://", "https:a.pdf", "http://?x=1", "https://:443/a.pdf"])
def test_a_url_without_a_host_is_not_attached(url: str) -> None:
    code, at, message, _ = refusal(attached(url))
    assert (code, at, message) == ("attachment-url", "attachments[0].url", f"'{url}' has no host")


def test_a_url_without_a_host_is_not_blamed_on_spaces() -> None:
    assert refusal(attached("https:///a.pdf"))[3] != "spaces must be written %20"


def test_a_url_that_can_not_be_split_is_not_attached() -> None:
    assert refusal(attached("https://[::1/a.pdf")) == (
        "attachment-url",
        "attachments[0].url",
        "'https://[::1/a.pdf' is not a URL: its host or its port can't be read",
        None,
    )


@pytest.mark.parametrize("url", ["", "  ", None, 7, b"https://example.com/a.pdf"])
def test_an_attachment_needs_a_url(url: Any) -> None:
    assert refusal(attached(url)) == ("attachment-url", "attachments[0].url", "the attachment has no URL", None)


def test_the_second_attachment_is_named_by_its_place() -> None:
    event = attached("https://example.com/a.pdf")
    event.add_attachment("b.pdf")
    assert refusal(event)[1] == "attachments[1].url"


def test_an_attachments_options_have_types() -> None:
    name: Any = 7
    flag: Any = "yes"
    event = Event("u1", "ordered")
    event.add_attachment("https://example.com/a.pdf", file_name=name, ignore_if_error=flag)
    assert list(event.breaches()) == [
        Breach("attachment-filename", ("attachments", 0, "filename"), "the file's name must be text"),
        Breach("attachment-ignore", ("attachments", 0, "ignore_if_error"), "ignore_if_error must be true or false"),
    ]


URL_PARTS = st.lists(
    st.sampled_from(
        ["https://", "http://", "ftp://", "/", "//", "a", "example.com", ".", "-", ":", "?x=1", "é", " ", "\n", "\x7f"]
    ),
    max_size=5,
).map("".join)


@given(URL_PARTS, URL_PARTS)
def test_the_check_of_urls_with_a_common_begin_takes_the_same_ones(begin: str, rest: str) -> None:
    assert bool(plain_url_check(begin)(begin + rest)) == is_plain_url(begin + rest)


@pytest.mark.parametrize(
    ("begin", "is_quick"), [("https://example.com/a/", True), ("https://example.com", False), ("", False)]
)
def test_a_begin_with_the_whole_host_makes_the_check_of_urls_quicker(begin: str, is_quick: bool) -> None:
    assert (plain_url_check(begin) is not is_plain_url) == is_quick
