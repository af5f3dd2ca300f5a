from __future__ import annotations

import pytest

from runner.errors import CredentialsError, InvalidInput
from runner.suprsend.endpoints import clean_base_url


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        (None, "https://hub.suprsend.com/"),
        ("", "https://hub.suprsend.com/"),
        ("  \n", "https://hub.suprsend.com/"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com/", "https://example.com/"),
        ("  https://example.com/hub \n", "https://example.com/hub/"),
        ("https://example.com:8443/a/b/", "https://example.com:8443/a/b/"),
        ("HTTPS://Example.com", "https://Example.com/"),
        ("http://localhost", "http://localhost/"),
        ("http://LOCALHOST:7788/", "http://LOCALHOST:7788/"),
        ("http://127.0.0.1:7788", "http://127.0.0.1:7788/"),
        ("http://127.255.0.9/", "http://127.255.0.9/"),
        ("http://[::1]:7788", "http://[::1]:7788/"),
    ],
)
def test_a_base_url_is_stripped_and_ends_with_a_slash(given: str | None, cleaned: str) -> None:
    assert clean_base_url(given) == cleaned


SCHEME = "it must start with https:// or http://"
QUERY = "it has a query, a fragment or a backslash"
UNREADABLE = "its host or its port can't be read"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("example.com", SCHEME),
        ("//example.com/", SCHEME),
        ("ftp://example.com/", SCHEME),
        ("file:///tmp", SCHEME),
        ("https://", "it has no host"),
        ("https:///v2", "it has no host"),
        ("https://example.com/?workspace=1", QUERY),
        ("https://example.com/#top", QUERY),
        ("https://example.com/?", QUERY),
        ("https://example.com/#", QUERY),
        ("https://example.com/\\x", QUERY),
        ("https://example.com:99999/", UNREADABLE),
        ("https://example.com:http/", UNREADABLE),
        ("https://[::1/", UNREADABLE),
        ("https://user@example.com/", "it has a user or a password in it"),
        ("https://user:hunter2@example.com/", "it has a user or a password in it"),
        ("https://:x@h/", "it has a user or a password in it"),
        ("https://example.com/a b/", "it has characters that a URL can't have"),
        ("https://exämple.com/", "it has characters that a URL can't have"),
        ("https://example.com/\x7f", "it has characters that a URL can't have"),
    ],
)
def test_what_is_no_base_url_is_refused_with_the_reason_and_not_shown(url: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_base_url(url)
    assert str(caught.value) == f"invalid base URL: {reason} (a base URL looks like https://hub.suprsend.com/)"


@pytest.mark.parametrize("url", ["https://.example.com/", "https://*.example.com/"])
def test_a_host_that_no_request_can_name_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_base_url(url)
    assert caught.value.problems[0].code == "base-url"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://hub.suprsend.com/", "hub.suprsend.com"),
        ("HTTP://example.com", "example.com"),
        ("http://10.0.0.1:7788/", "10.0.0.1"),
        ("http://0.0.0.0:7788/", "0.0.0.0"),  # noqa: S104 - it must be refused
        ("http://128.0.0.1/", "128.0.0.1"),
        ("http://127.0.0.1.example.com/", "127.0.0.1.example.com"),
        ("http://localhost.example.com/", "localhost.example.com"),
        ("http://[2001:db8::1]/", "2001:db8::1"),
    ],
)
def test_credentials_do_not_go_over_plain_http_to_another_machine(url: str, host: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        clean_base_url(url)
    assert str(caught.value) == f"refusing to send credentials over plain http to {host} (use https://)"
