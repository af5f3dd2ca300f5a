from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

import runner
from runner.errors import CredentialsError, InvalidInput
from runner.secrets import Secret
from runner.suprsend.auth import (
    BULK_PATH,
    SINGLE_PATH,
    ApiKey,
    WorkspaceKey,
    clean_base_url,
    sign,
    signed_request,
)

NOW_S = 1767225600.0
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
CONTENT_TYPE = "application/json; charset=utf-8"
USER_AGENT = f"suprsend-runner/{runner.__version__}"
BODY = (
    '{"$insert_id": "11111111-1111-4111-8111-111111111111", "$time": 1767225600000, "event": "order_placed", '
    '"env": "wskey_0123456789abcdef", "distinct_id": "user-1", "properties": {"amount": 10, "name": "Zoë", '
    '"$ss_sdk_version": "x/1"}}'
).encode()
WORKSPACE = WorkspaceKey("wskey_0123456789abcdef", Secret("wssecret"))


# The platform's test vectors


def test_the_vector_of_a_single_event_is_signed_alike() -> None:
    assert (len(BODY), hashlib.md5(BODY).hexdigest()) == (233, "67bf06b31a32ab894834bf73ebc0ee6c")
    signature = sign(Secret("wssecret"), "POST", "/v2/event/", CONTENT_TYPE, DATE, BODY)
    assert signature == "RUAhXm9CgZXK3E6kVCaAWVVFrpWJEuIoDeuMjK/A9h8="


def test_the_vector_of_a_bulk_is_signed_alike() -> None:
    body = b"[" + BODY + b"]"
    assert (len(body), hashlib.md5(body).hexdigest()) == (235, "baa8f121c16bab5b05fae42eecc9080f")
    signature = sign(Secret("wssecret"), "POST", "/v2/bulk/event/", CONTENT_TYPE, DATE, body)
    assert signature == "ysDcxUkXuHy7uN6HE/xifQmMqcO1AOZpk5T6b0yAqCg="


def test_a_signed_request_carries_the_vectors_headers() -> None:
    request = signed_request(WORKSPACE, "https://hub.suprsend.com/", SINGLE_PATH, BODY, NOW_S)
    assert (request.url, request.body) == ("https://hub.suprsend.com/v2/event/", BODY)
    assert request.headers == (
        ("Content-Type", "application/json; charset=utf-8"),
        ("User-Agent", USER_AGENT),
        ("Accept", "application/json"),
        ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("Authorization", "wskey_0123456789abcdef:RUAhXm9CgZXK3E6kVCaAWVVFrpWJEuIoDeuMjK/A9h8="),
    )


def test_an_api_key_is_sent_as_a_bearer_token_with_no_date() -> None:
    request = signed_request(ApiKey("uid", Secret("api-key")), "https://hub.suprsend.com/", BULK_PATH, BODY, NOW_S)
    assert request.url == "https://hub.suprsend.com/v2/bulk/event/"
    assert request.headers == (
        ("Content-Type", "application/json; charset=utf-8"),
        ("User-Agent", USER_AGENT),
        ("Accept", "application/json"),
        ("Authorization", "Bearer api-key"),
    )


def test_a_path_in_the_base_url_is_signed() -> None:
    request = signed_request(WORKSPACE, "https://proxy.example/suprsend/eu/", BULK_PATH, BODY, NOW_S)
    text = f"POST\n{hashlib.md5(BODY).hexdigest()}\n{CONTENT_TYPE}\n{DATE}\n/suprsend/eu/v2/bulk/event/"
    signature = b64encode(hmac.new(b"wssecret", text.encode(), hashlib.sha256).digest()).decode()
    assert request.url == "https://proxy.example/suprsend/eu/v2/bulk/event/"
    assert dict(request.headers)["Authorization"] == f"wskey_0123456789abcdef:{signature}"


def test_each_part_of_a_request_changes_its_signature() -> None:
    secret = Secret("wssecret")
    signatures = {
        sign(secret, "POST", "/v2/event/", CONTENT_TYPE, DATE, b"{}"),
        sign(secret, "PUT", "/v2/event/", CONTENT_TYPE, DATE, b"{}"),
        sign(secret, "POST", "/v2/event", CONTENT_TYPE, DATE, b"{}"),
        sign(secret, "POST", "/v2/event/?a=1", CONTENT_TYPE, DATE, b"{}"),
        sign(secret, "POST", "/v2/event/", "application/json", DATE, b"{}"),
        sign(secret, "POST", "/v2/event/", CONTENT_TYPE, "", b"{}"),
        sign(secret, "POST", "/v2/event/", CONTENT_TYPE, DATE, b"{ }"),
        sign(Secret("other"), "POST", "/v2/event/", CONTENT_TYPE, DATE, b"{}"),
    }
    assert len(signatures) == 8


# Date

ASK_FOR_A_DATE = """
import locale, time
from runner.secrets import Secret
from runner.suprsend.auth import WorkspaceKey, signed_request
locale.setlocale(locale.LC_ALL, "")
print(time.strftime("%a %b", time.gmtime(1777593600)))
request = signed_request(WorkspaceKey("key", Secret("secret")), "https://h/", "v2/event/", b"", 1777593600)
print(dict(request.headers)["Date"])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/usr/share/i18n/locales/de_DE").exists(), reason="no sources of locales here")
def test_the_date_is_english_in_every_locale(tmp_path: Path) -> None:
    localedef = shutil.which("localedef")
    assert localedef
    subprocess.run([localedef, "-i", "de_DE", "-f", "UTF-8", tmp_path / "de_DE.UTF-8"], check=True)
    package = str(Path(runner.__file__).parent.parent)
    environ = os.environ | {"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Kolkata"}
    asked = subprocess.run(
        [sys.executable, "-c", ASK_FOR_A_DATE],
        env=environ | {"PYTHONPATH": package},
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout == "Fr Mai\nFri, 01 May 2026 00:00:00 GMT\n"


def test_the_date_has_whole_seconds() -> None:
    request = signed_request(WORKSPACE, "https://h/", SINGLE_PATH, b"", 1767225599.999)
    assert dict(request.headers)["Date"] == "Wed, 31 Dec 2025 23:59:59 GMT"


# Base URL


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


SCHEME = "it begins with neither https:// nor http://"
QUERY = "it has a query, a fragment or a backslash"
UNREADABLE = "its host or its port can't be read"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("example.com", SCHEME),
        ("//example.com/", SCHEME),
        ("ftp://example.com/", SCHEME),
        ("file:///tmp", SCHEME),
        ("https://", "it names no host"),
        ("https:///v2", "it names no host"),
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
    assert str(caught.value) == f"the base URL is none: {reason} (a base URL looks like https://hub.suprsend.com/)"


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


# What is shown


@pytest.mark.parametrize("credentials", [WORKSPACE, ApiKey("uid", Secret("api-key"))])
def test_a_request_shows_where_it_goes_and_not_its_authorization(credentials: WorkspaceKey | ApiKey) -> None:
    request = signed_request(credentials, "https://hub.suprsend.com/", SINGLE_PATH, BODY, NOW_S)
    assert repr(request) == "Request('https://hub.suprsend.com/v2/event/', 233 bytes)"
    assert str(request) == repr(request)


def test_credentials_do_not_show_their_secret() -> None:
    assert repr(WORKSPACE) == "WorkspaceKey(key='wskey_0123456789abcdef', secret=Secret('***'))"
    assert repr(ApiKey("uid", Secret("api-key"))) == "ApiKey(workspace_uid='uid', key=Secret('***'))"


def test_an_event_names_its_workspace_by_key_or_by_uid() -> None:
    assert (WORKSPACE.env, ApiKey("uid", Secret("api-key")).env) == ("wskey_0123456789abcdef", "uid")
