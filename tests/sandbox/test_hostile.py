"""What clients that are broken, slow or hostile do to `runner sandbox`: the next one is served, and not a word is printed."""

from __future__ import annotations

import gzip
import json
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.serving import GET, HOST, POST, SINGLE, Serving, end, exchanged, signed, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = started(tmp_path_factory.mktemp("home"))
    try:
        yield serving
    finally:
        said = end(serving)
    assert said == ""


NOT_HTTP = {
    "garbage": b"\xff\x00\x01garbage\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 500,
    "HTTP/0.9": b"GET /_sandbox\r\n\r\n",
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "blank lines at first": b"\r\n\r\n" + GET,
    "no host": b"GET /_sandbox HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /_sandbox HTTP/1.1\r\n" + HOST * 2 + b"\r\n",
    "NUL in the path": b"GET /sand\0box HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in a header": b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "a blank in the path": b"GET /sand box HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in the path": "GET /é HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    "a path of a megabyte": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header of a megabyte": b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "a megabyte of headers": b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 170_000 + b"\r\n",
    "a header without a name": b"GET /_sandbox HTTP/1.1\r\n" + HOST + b": y\r\n\r\n",
    "a folded header at first": b"GET /_sandbox HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length that is none": POST + b"Content-Length: many\r\n\r\n",
    "a length of 100 digits": POST + b"Content-Length: " + b"9" * 100 + b"\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "an unknown transfer encoding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "a chunk without a size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk of 2**64 bytes": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n",
    "a chunk with an extension of a megabyte": POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 1_000_000,
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_not_http_is_a_400(serving: Serving, name: str) -> None:
    assert exchanged(serving, NOT_HTTP[name]) == [400]
    assert serving.serves()


ODD = {
    "an escaped NUL in the path": (b"GET /_sandbox%00 HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "half an escape in the path": (b"GET /%c3%28%zz HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "a path of 15 KB": (b"GET /" + b"a" * 15_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "a whole URL": (b"GET http://127.0.0.1/_sandbox HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "a proxy's request": (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "options of all": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "a method of one's own": (b"SPY /_sandbox HTTP/1.1\r\n" + HOST + b"\r\n", [405]),
    "no body wanted": (b"HEAD /_sandbox HTTP/1.1\r\n" + HOST + b"\r\n", [200]),
    "a body where none is read": (
        b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000,
        [200],
    ),
    "a broken body where none is read": (GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", [400]),
    "a websocket": (GET[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", [200]),
    "an upgrade to HTTP/2": (GET[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", [200]),
    "HTTP/1.0": (b"GET /_sandbox HTTP/1.0\r\n" + HOST + b"\r\n", [200]),
    "line feeds alone": (GET.replace(b"\r", b""), [200]),
    "a version of the future": (b"GET /_sandbox HTTP/9.9\r\n" + HOST + b"\r\n", [200]),
    "a thousand at once": (GET * 1000, [200] * 1000),
    "garbage behind a request": (GET + b"\0\0\0\r\n\r\n", [200, 400]),
    "more than the length says": (POST + b"Content-Length: 2\r\n\r\n{}{}{}\r\n\r\n", [401, 400]),
    "10 GB announced": (POST + b"Content-Length: 10000000000\r\n\r\n", [413]),
    "10 GB announced, and asked first": (
        POST + b"Content-Length: 10000000000\r\nExpect: 100-continue\r\n\r\n",
        [413],
    ),
    "2 bytes, and asked first": (POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", [100, 401]),
    "more than is taken, in chunks": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 20 + b"0\r\n\r\n",
        [413],
    ),
    "bytes one by one, in chunks": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n",
        [401],
    ),
    "trailers": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", [401]),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_gets_its_proper_answer(serving: Serving, name: str) -> None:
    request, expected = ODD[name]
    assert exchanged(serving, request, answers=len(expected)) == expected
    assert serving.serves()


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


BODIES = {
    "an open bracket 800,000 times": b"[" * 800_000,
    "90,000 levels": nested(90_000),
    "900 levels": nested(900),
    "a number of 100,000 digits": b"9" * 100_000,
    "an exponent": b'{"a": 1e999999}',
    "not a number": b"NaN",
    "half of a pair": b'{"a": "\\ud800"}',
    "half of a pair as a key": b'{"\\udfff": 1}',
    "a packed body": gzip.compress(b"x" * 10_000_000),
    "a bulk of 270,000 empty maps": b"[" + b"{}," * 270_000 + b"{}]",
    "a key 100,000 times": b"{" + b'"a":1,' * 100_000 + b'"a":1}',
    "zeros": b"\0" * 800_000,
    "a mark of the order of bytes": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
}


@pytest.mark.parametrize("path", [SINGLE, "/v2/bulk/event/", "/event/"])
@pytest.mark.parametrize("name", BODIES)
def test_a_signed_body_of_any_kind_is_refused(serving: Serving, name: str, path: str) -> None:
    body = BODIES[name]
    assert exchanged(serving, signed(serving.caller, body, path) + b"\r\n", body) == [400]
    assert serving.serves()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_an_event_in_another_encoding_is_refused(serving: Serving, encoding: str) -> None:
    body = json.dumps(serving.caller.event()).encode(encoding)
    assert exchanged(serving, signed(serving.caller, body) + b"\r\n", body) == [400]


def test_a_packed_event_is_not_unpacked(serving: Serving) -> None:
    body = gzip.compress(json.dumps(serving.caller.event()).encode())
    assert exchanged(serving, signed(serving.caller, body) + b"Content-Encoding: gzip\r\n\r\n", body) == [400]


@pytest.mark.parametrize("failure", ["silent", "slow"])
def test_a_sandbox_that_ends_while_clients_wait_prints_nothing_of_it(tmp_path: Path, failure: str) -> None:
    serving = started(tmp_path, "--memory", "--fail", f"{failure}:1")
    body = json.dumps(serving.caller.event()).encode()
    with serving.connect() as connection:
        connection.sendall(signed(serving.caller, body) + b"\r\n" + body)
        outcome = "refused" if failure == "silent" else "accepted"
        assert serving.get(f"/_sandbox/wait?outcome={outcome}")["count"] == 1
        assert end(serving) == ""


# Clients that go away


def gone(connection: socket.socket) -> None:
    """Break a connection off, as when the client is killed: what it has not read is lost."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("hang_up", [gone, socket.socket.close])
@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"GET /_sand",
        POST + b"Content-Length: 500\r\n\r\nabc",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        GET,
        GET * 200,
        GET * 200 + b"\0",
    ],
)
def test_a_client_that_goes_away_is_no_matter(serving: Serving, request_: bytes, hang_up: object) -> None:
    assert callable(hang_up)
    connection = serving.connect()
    connection.sendall(request_)
    hang_up(connection)
    assert serving.serves()


def test_a_client_that_goes_away_in_the_middle_of_an_answer_is_no_matter(serving: Serving) -> None:
    large = serving.caller.event(properties={"x": "x" * 100_000})
    assert [serving.caller.post(SINGLE, large).status for _ in range(60)] == [202] * 60
    connection = serving.connect()
    connection.sendall(serving.asking("/_sandbox/events?limit=60"))
    assert connection.recv(1000)
    gone(connection)
    assert serving.serves()
