"""A store that speaks S3, in a process of its own, for tests of rows that are read by URL."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "aVerySecretAccessKey/WithASlash"


class Request(NamedTuple):
    """A request that the store was sent; `range` are its first and its last byte."""

    method: str
    path: str
    range: tuple[int, int] | None


class ObjectStore:
    """A running store with one bucket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.environ = {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "AKIDFORTESTS",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._http = requests.Session()
        self._http.headers["Authorization"] = (
            "AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/s3/aws4_request"  # no signature is checked
        )
        self._names: set[str] = set()
        self._put("/bucket", b"")

    def write(self, name: str, content: bytes) -> str:
        """Write a file, and return its URL."""
        self._names.add(name)
        self._put(f"/bucket/{quote(name)}", content)
        return f"s3://bucket/{name}"

    def remove(self, name: str) -> None:
        self._names.discard(name)
        self._http.delete(f"{self.address}/bucket/{quote(name)}", timeout=10).raise_for_status()

    def requests(self) -> list[Request]:
        """Return the requests since this was last asked."""
        log = self._http.get(f"{self.address}/_log", timeout=10).json()
        return [Request(each["method"], each["path"], _range(each["range"])) for each in log]

    def clear(self) -> None:
        """Remove all files, and forget the requests."""
        for name in [*self._names]:
            self.remove(name)
        self.requests()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Answer no request before the end of the block."""
        with self._told(0, ""):
            yield

    @contextmanager
    def answering(self, status: int, code: str) -> Iterator[None]:
        """Answer every request with an error of S3."""
        with self._told(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>told so</Message></Error>"):
            yield

    def close(self) -> None:
        self._http.close()

    @contextmanager
    def _told(self, status: int, body: str) -> Iterator[None]:
        self._http.put(f"{self.address}/_answer", json={"status": status, "body": body}, timeout=10)
        try:
            yield
        finally:
            self._http.put(f"{self.address}/_answer", json={}, timeout=10)

    def _put(self, path: str, content: bytes) -> None:
        self._http.put(self.address + path, content, timeout=10).raise_for_status()


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Run a store until the block ends."""
    command = [sys.executable, str(Path(__file__).with_name("s3_program.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        store = ObjectStore(process.stdout.readline().strip())
        try:
            yield store
        finally:
            store.close()
            process.stdin.close()


def _range(header: str | None) -> tuple[int, int] | None:
    if header is None:
        return None
    first, _, last = header.removeprefix("bytes=").partition("-")
    return int(first), int(last)
