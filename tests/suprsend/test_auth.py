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
from runner.secrets import Secret
from runner.suprsend.auth import ApiKey, WorkspaceKey, sign, signed_headers

NOW_S = 1767225600.0
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
CONTENT_TYPE = "application/json; charset=utf-8"
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
    assert signed_headers(WORKSPACE, "/v2/event/", BODY, NOW_S) == {
        "Content-Type": "application/json; charset=utf-8",
        "Accept": "application/json",
        "Date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "Authorization": "wskey_0123456789abcdef:RUAhXm9CgZXK3E6kVCaAWVVFrpWJEuIoDeuMjK/A9h8=",
    }


def test_an_api_key_is_sent_as_a_bearer_token_with_no_date() -> None:
    assert signed_headers(ApiKey("uid", Secret("api-key")), "/v2/bulk/event/", BODY, NOW_S) == {
        "Content-Type": "application/json; charset=utf-8",
        "Accept": "application/json",
        "Authorization": "Bearer api-key",
    }


def test_a_path_in_the_base_url_is_signed() -> None:
    headers = signed_headers(WORKSPACE, "/suprsend/eu/v2/bulk/event/", BODY, NOW_S)
    text = f"POST\n{hashlib.md5(BODY).hexdigest()}\n{CONTENT_TYPE}\n{DATE}\n/suprsend/eu/v2/bulk/event/"
    signature = b64encode(hmac.new(b"wssecret", text.encode(), hashlib.sha256).digest()).decode()
    assert headers["Authorization"] == f"wskey_0123456789abcdef:{signature}"


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
from runner.suprsend.auth import WorkspaceKey, signed_headers
locale.setlocale(locale.LC_ALL, "")
print(time.strftime("%a %b", time.gmtime(1777593600)))
print(signed_headers(WorkspaceKey("key", Secret("secret")), "/v2/event/", b"", 1777593600)["Date"])
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
    assert signed_headers(WORKSPACE, "/v2/event/", b"", 1767225599.999)["Date"] == "Wed, 31 Dec 2025 23:59:59 GMT"


# What is shown


def test_credentials_do_not_show_their_secret() -> None:
    assert repr(WORKSPACE) == "WorkspaceKey(key='wskey_0123456789abcdef', secret=Secret('***'))"
    assert repr(ApiKey("uid", Secret("api-key"))) == "ApiKey(workspace_uid='uid', key=Secret('***'))"


def test_an_event_names_its_workspace_by_key_or_by_uid() -> None:
    assert (WORKSPACE.env, ApiKey("uid", Secret("api-key")).env) == ("wskey_0123456789abcdef", "uid")
