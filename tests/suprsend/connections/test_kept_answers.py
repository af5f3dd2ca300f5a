"""An answer means the same on a kept connection, where most are read without the HTTP library, as on a new one."""

from __future__ import annotations

import gzip
import json
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from runner.suprsend.answer import Answer
from runner.suprsend.sockets import Exchange
from runner.suprsend.transport import Transport
from tests.servers.event_api import Platform, Reply, http

if TYPE_CHECKING:
    import ssl

    from runner.suprsend.answer import NoAnswer

    Then = Literal["keep", "goodbye", "close", "reset"]

BODY = json.dumps({"status": "success", "message_id": "m1"}).encode()
PACKED = gzip.compress(BODY, mtime=0)
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
FIRST = Reply(http(202, {"message_id": "first"}))


def answer(*lines: bytes, status: bytes = b"HTTP/1.1 202 Accepted", body: bytes = BODY) -> bytes:
    return b"\r\n".join([status, *lines, b"", b""]) + body


def sized(*lines: bytes, status: bytes = b"HTTP/1.1 202 Accepted") -> bytes:
    return answer(LENGTH[:-2], *lines, status=status)


ANSWERS: dict[str, tuple[bytes, Then]] = {
    "plain": (sized(), "keep"),
    "with all headers": (sized(b"Content-Type: a/b", b"Date: today", b"Retry-After: 5", b"X: y"), "keep"),
    "names in any case": (answer(b"CONTENT-LENGTH: %d" % len(BODY), b"content-TYPE: a/b"), "keep"),
    "no space after the colon": (answer(b"Content-Length:%d" % len(BODY), b"Date:today"), "keep"),
    "several spaces": (answer(b"Content-Length:   %d" % len(BODY), b"Date:  today  "), "keep"),
    "tabs": (answer(b"Content-Length:\t%d" % len(BODY), b"Date: a\tb"), "keep"),
    "a header with no value": (sized(b"Retry-After:"), "keep"),
    "a header that goes on": (sized(b"Date: to", b"  day"), "keep"),
    "a header without a colon": (sized(b"nonsense"), "keep"),
    "a header with a space in its name": (sized(b"Retry After: 5"), "keep"),
    "a header of other bytes": (sized(b"Retry-After: \xe9\xff"), "keep"),
    "a header twice": (sized(b"Retry-After: 5", b"Retry-After: 6"), "keep"),
    "another header twice": (sized(b"Set-Cookie: a", b"Set-Cookie: b"), "keep"),
    "a long header": (sized(b"X: " + b"x" * 60_000), "keep"),
    "a header that is too long": (sized(b"X: " + b"x" * 70_000), "keep"),
    "too many headers": (sized(*[b"X: y"] * 200), "keep"),
    "keep-alive": (sized(b"Connection: Keep-Alive"), "keep"),
    "close": (sized(b"Connection: close"), "close"),
    "no reason": (sized(status=b"HTTP/1.1 202"), "keep"),
    "no reason after a space": (sized(status=b"HTTP/1.1 202 "), "keep"),
    "a reason of other bytes": (sized(status=b"HTTP/1.1 202 \xe9"), "keep"),
    "refused": (sized(status=b"HTTP/1.1 400 Bad Request"), "keep"),
    "redirected": (sized(b"Location: https://example.com", status=b"HTTP/1.1 307 Temporary Redirect"), "keep"),
    "unavailable": (sized(b"Retry-After: 1", status=b"HTTP/1.1 503 Busy"), "keep"),
    "no content": (answer(status=b"HTTP/1.1 204 No Content", body=b""), "keep"),
    "no content, with a length": (sized(status=b"HTTP/1.1 204 No Content"), "close"),
    "not modified": (answer(status=b"HTTP/1.1 304 Not Modified", body=b""), "keep"),
    "a status beyond": (sized(status=b"HTTP/1.1 777 Odd"), "keep"),
    "a status of four digits": (sized(status=b"HTTP/1.1 2020 Odd"), "keep"),
    "no status": (sized(status=b"HTTP/1.1 abc"), "keep"),
    "HTTP/1.0": (sized(status=b"HTTP/1.0 202 Accepted"), "close"),
    "HTTP/2": (sized(status=b"HTTP/2 202 Accepted"), "close"),
    "no HTTP": (b"220 mail.example.com ESMTP\r\n", "close"),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + sized(), "keep"),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\n\r\n" + sized(), "close"),
    "chunked": (answer(b"Transfer-Encoding: chunked", body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)), "keep"),
    "chunked, with a length": (
        answer(LENGTH[:-2], b"Transfer-Encoding: chunked", body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
        "close",
    ),
    "chunked, cut off": (answer(b"Transfer-Encoding: chunked", body=b"%x\r\n%b" % (len(BODY), BODY[:9])), "close"),
    "packed": (
        answer(b"Content-Encoding: gzip", b"Content-Length: %d" % len(PACKED), body=PACKED),
        "keep",
    ),
    "packed badly": (sized(b"Content-Encoding: gzip"), "keep"),
    "until the end": (answer(), "close"),
    "empty": (answer(b"Content-Length: 0", body=b""), "keep"),
    "two lengths": (answer(LENGTH[:-2], b"Content-Length: 3"), "close"),
    "a length twice": (answer(LENGTH[:-2], LENGTH[:-2]), "close"),
    "a length below zero": (answer(b"Content-Length: -5"), "close"),
    "a length with a sign": (answer(b"Content-Length: +%d" % len(BODY)), "close"),
    "a length in words": (answer(b"Content-Length: many"), "close"),
    "a length too small": (answer(b"Content-Length: 5"), "close"),
    "a length too large": (answer(b"Content-Length: %d" % (len(BODY) + 5)), "close"),
    "a length too large, reset": (answer(b"Content-Length: %d" % (len(BODY) + 5)), "reset"),
    "a length far too large": (answer(b"Content-Length: 99999999999999999999"), "close"),
    "a large body": (answer(b"Content-Length: 3000000", body=b"x" * 3_000_000), "keep"),
    "a body that is too large": (answer(b"Content-Length: 17000000", body=b"x" * 17_000_000), "close"),
    "lines without returns": (b"HTTP/1.1 202 Accepted\n" + LENGTH.replace(b"\r", b"") + b"\n" + BODY, "keep"),
    "nothing": (b"", "close"),
    "a reset": (b"", "reset"),
    "half a status line": (b"HTTP/1.1 20", "close"),
    "half a head": (b"HTTP/1.1 202 Accepted\r\nContent-Le", "close"),
    "half a head, reset": (b"HTTP/1.1 202 Accepted\r\nContent-Le", "reset"),
    "a head without its end": (b"HTTP/1.1 202 Accepted\r\n" + LENGTH, "close"),
    "zeros": (b"\0" * 100, "close"),
    "a long line": (b"x" * 70_000, "close"),
}


def answered(transport: Transport, body: bytes) -> Answer | NoAnswer:
    with Exchange(time.monotonic() + 20, 20, has_body=True) as exchange:
        return transport.request(
            "POST", "/v2/event/", {"Accept": "application/json", "User-Agent": "tests"}, body, exchange
        )


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_means_the_same_on_a_new_and_on_a_kept_connection(
    tls: ssl.SSLContext, name: str, secure: bool
) -> None:
    reply = Reply(*ANSWERS[name])
    with Platform(lambda request: reply if request.body == b"2" else FIRST, tls=tls if secure else None) as platform:
        with closing(Transport(platform.url())) as transport:
            new = answered(transport, b"2")
        with closing(Transport(platform.url())) as transport:
            first = answered(transport, b"1")
            kept = answered(transport, b"2")
            third = answered(transport, b"1") if reply.then == "keep" else first
    assert kept == new
    assert first == third == Answer(202, b'{"message_id": "first"}', content_type="application/json")


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_the_requests_of_a_connection_differ_in_nothing_but_their_bodies(tls: ssl.SSLContext, secure: bool) -> None:
    with (
        Platform(lambda _: FIRST, tls=tls if secure else None) as platform,
        closing(Transport(platform.url("localhost"))) as transport,
    ):
        for body in (b"1", b"2", b"3"):
            answered(transport, body)
    assert [request.body for request in platform.received] == [b"1", b"2", b"3"]
    assert len({repr(replace(request, body=b"")) for request in platform.received}) == 1
    assert [*platform.received[0].headers] == [*platform.received[1].headers]
