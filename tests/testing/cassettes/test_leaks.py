"""Secrets and credentials are found in files that other programs wrote, however they are encoded."""

from __future__ import annotations

import gzip
import time
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from runner.secrets import Mask
from runner.testing.leaks import leaks
from tests.testing.cassettes.conftest import OPEN, SECRET, problem, written

if TYPE_CHECKING:
    from pathlib import Path

PACKED = b64encode(gzip.compress(b"s3cr3t", mtime=0)).decode()
LEAK_HINT = "revoke the secret if others may have read it, and record again"


@pytest.mark.parametrize(
    "response",
    [
        "a s3cr3t text",
        '"s3cr3\\u0074"',
        '"s3cr\\\n        3t"',
        "czNjcjN0",
        f"!!binary {b64encode(b'xs3cr3t').decode()}",
        f"!!binary |\n        {PACKED[:20]}\n        {PACKED[20:]}",
    ],
)
def test_a_secret_is_found_in_files_by_others_however_it_is_written(response: str, tmp_path: Path) -> None:
    found = leaks(written(tmp_path, response=response), Mask(["s3cr3t"]), "c.yaml")
    assert found == [problem("cassette-leak", "the file contains a secret here", 10, LEAK_HINT)]


def test_each_place_of_a_secret_is_told_once(tmp_path: Path) -> None:
    path = written(tmp_path, "{X: s3cr3t}", "s3cr3t")
    path.write_text(f"# s3cr3t\n{path.read_text('utf-8')}{{broken: s3cr3t\n", "utf-8")
    assert [each.position.line for each in leaks(path, Mask(["s3cr3t"])) if each.position] == [1, 5, 11, 14]
    path.write_text("a: s3cr3t\ns3cr3t: 1 # s3cr3t\n? x\n", "utf-8")
    assert [(each.position.line, each.message) for each in leaks(path, Mask(["s3cr3t"])) if each.position] == [
        (1, "the file contains a secret here"),
        (2, "a key contains a secret"),
    ]


@pytest.mark.parametrize(
    ("request_headers", "response", "message", "line"),
    [
        ("{Authorization: [abc]}", "OK", "a credential, in the header authorization", 4),
        ("{X-API-Key: abc}", "OK", "a credential, in the header x-api-key", 4),
        ("{Cookie: [a=b]}", "OK", "a credential, in the header cookie", 4),
        ("{}", "sent Bearer abcdefghijklmnopqrst", "a bearer token", 10),
        ("{}", '"-----BEGIN RSA PRIVATE KEY-----"', "a private key", 10),
        ("{}", "see https://user:word@example.com/", "a password in a URL", 10),
    ],
)
def test_what_looks_like_a_credential_is_told(
    request_headers: str, response: str, message: str, line: int, tmp_path: Path
) -> None:
    found = leaks(written(tmp_path, request_headers, response), OPEN, "c.yaml")
    assert found == [problem("cassette-leak", f"this looks like {message}", line, LEAK_HINT)]


@pytest.mark.parametrize(
    "value",
    [
        "***",
        "Bearer ***",
        "REDACTED",
        "DUMMY",
        "''",
        "[]",
        "null",
        "ntn_...",
        "Bearer secret_…",
        "'00000000000000000000'",
    ],
)
def test_what_somebody_masked_is_no_credential(value: str, tmp_path: Path) -> None:
    assert leaks(written(tmp_path, f"{{Authorization: {value}}}"), Mask(["s3cr3t"])) == []


def test_a_value_is_searched_once_however_many_aliases_it_has(tmp_path: Path) -> None:
    packed = b64encode(gzip.compress(b"a" * 8_000_000)).decode()
    aliases = "".join(f"b{number}: *a\n" for number in range(300))
    (tmp_path / "c.yaml").write_text(f"a: &a !!binary {packed}\n{aliases}", "utf-8")
    start = time.process_time()
    assert leaks(tmp_path / "c.yaml", Mask([SECRET])) == []
    assert time.process_time() - start < 2


def test_more_than_a_cassette_may_have_unpacked_is_told(tmp_path: Path) -> None:
    packed = b64encode(gzip.compress(b"a" * 20_000_000 + SECRET.encode())).decode()
    (tmp_path / "c.yaml").write_text(f"a: !!binary {packed}\nb: !!binary {packed}\n", "utf-8")
    assert [each.message for each in leaks(tmp_path / "c.yaml", Mask([SECRET]))] == [
        "more than 16,777,216 bytes are compressed in the file, so it could not be searched completely"
    ]


def test_what_is_allowed_is_no_credential_and_still_a_secret(tmp_path: Path) -> None:
    path = written(tmp_path, "{Authorization: [Basic of-the-manual]}", "Bearer abcdefghijklmnopqrst")
    assert leaks(path, OPEN, allowed=("Basic of-the-manual", "Bearer abcdefghijklmnopqrst")) == []
    assert len(leaks(path, OPEN, allowed=("Basic of-the-manual",))) == 1
    assert len(leaks(path, Mask(["of-the-manual"]), allowed=("Basic of-the-manual",))) == 2
