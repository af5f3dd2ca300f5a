"""Faults of HTTP's form: cut, wrong lengths and chunks, broken headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.misbehaving.answers import chunk, framed_acceptance, opening, refusal
from tests.servers.misbehaving.fault import ALL, FIRST, fault, faults, same, sound

if TYPE_CHECKING:
    from tests.servers.misbehaving.exchange import Exchange


@fault(FIRST, ALL)
def half_a_status_line(exchange: Exchange) -> None:
    """Take some of the events, send half a status line, close."""
    exchange.take_some()
    exchange.send(b"HTTP/1.")
    exchange.close()


@fault(ALL)
def half_of_the_headers(exchange: Exchange) -> None:
    """Take some of the events, break off amid the headers, close."""
    exchange.take_some()
    exchange.send(opening(exchange.status, "Content-Length: 2", "Server: exam")[:-8])
    exchange.close()


@fault(FIRST, ALL)
def half_an_answer(exchange: Exchange) -> None:
    """Take the events, send half of the acceptance, close."""
    exchange.take()
    exchange.send(framed_acceptance(exchange)[: -len(exchange.acceptance) // 2])
    exchange.close()


@fault(ALL)
def half_a_refusal(exchange: Exchange) -> None:
    """Take nothing, send half of a 400, close."""
    exchange.take_none()
    body = refusal("400 Bad Request")
    exchange.send(opening("400 Bad Request", f"Content-Length: {len(body)}") + body[:10])
    exchange.close()


@fault(FIRST, ALL)
def half_a_chunked_answer(exchange: Exchange) -> None:
    """Take the events, send the whole acceptance but not the chunk that ends it, close."""
    exchange.take()
    exchange.send(opening(exchange.status, "Transfer-Encoding: chunked") + chunk(exchange.acceptance))
    exchange.close()


@fault(ALL)
def content_length_too_small(exchange: Exchange) -> None:
    """Take the events, announce half of the acceptance, send all of it, keep the connection."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {len(exchange.acceptance) // 2}") + exchange.acceptance)


@fault(ALL)
def content_length_too_large(exchange: Exchange) -> None:
    """Take the events, announce one byte more than there is, close."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {len(exchange.acceptance) + 1}") + exchange.acceptance)
    exchange.close()


@faults("content length {}", same("-1", "abc", "0x10", "1_0", "999999999999999999999"), ALL)
def content_length_that_is_none(exchange: Exchange, length: str) -> None:
    """Take the events, announce a length that can't be, send the acceptance, close."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {length}") + exchange.acceptance)
    exchange.close()


@fault(ALL)
def the_same_content_length_twice(exchange: Exchange) -> None:
    """Take the events, say so, and the length twice."""
    exchange.take()
    exchange.accept(f"Content-Length: {len(exchange.acceptance)}")


@fault(ALL)
def two_content_lengths(exchange: Exchange) -> None:
    """Take some of the events; by the first length the answer accepts, by the second it goes on."""
    exchange.take_some()
    body = exchange.acceptance
    exchange.send(opening(exchange.status, f"Content-Length: {len(body)}", f"Content-Length: {len(body) + 9}") + body)
    exchange.send(b" and more")
    exchange.close()


@fault(ALL)
def content_length_beside_chunks(exchange: Exchange) -> None:
    """Take the events, send the acceptance in chunks, with a wrong length beside."""
    exchange.take()
    exchange.send(opening(exchange.status, "Content-Length: 5", "Transfer-Encoding: chunked"))
    exchange.send(chunk(exchange.acceptance) + b"0\r\n\r\n")


@faults("chunk size {}", {"of none": "zz", "negative": "-5", "empty": "", "too small": "5", "too large": "fff"}, ALL)
def wrong_chunk_size(exchange: Exchange, size: str) -> None:
    """Take the events, send the acceptance in a chunk with another size than its own, close."""
    exchange.take()
    exchange.send(opening(exchange.status, "Transfer-Encoding: chunked"))
    exchange.send(size.encode() + b"\r\n" + exchange.acceptance + b"\r\n0\r\n\r\n")
    exchange.close()


@fault(ALL)
def one_byte_a_chunk(exchange: Exchange) -> None:
    """Take the events, say so in chunks of a byte, with extensions and a trailer."""
    exchange.take()
    exchange.send(opening(exchange.status, "Transfer-Encoding: chunked"))
    chunks = b"".join(b"1;x=1\r\n%c\r\n" % byte for byte in exchange.acceptance)
    exchange.send(chunks + b"0\r\nServer-Timing: 1\r\n\r\n")


@fault(ALL)
def two_answers(exchange: Exchange) -> None:
    """Take the events, and say so twice: the second answer must not become that of the next event."""
    sound(exchange)
    exchange.accept()


@fault(FIRST, ALL)
def acceptance_behind_a_refusal(exchange: Exchange) -> None:
    """Take nothing, refuse, and send an acceptance behind, which must not become the answer to whatever comes next."""
    exchange.take_none()
    body = refusal("503 Service Unavailable").ljust(20_000)  # more than a reader takes at once
    exchange.send(
        opening("503 Service Unavailable", f"Content-Length: {len(body)}") + body + framed_acceptance(exchange)
    )


@faults("{} with a body", same("204 No Content", "304 Not Modified"), ALL)
def body_where_none_may_be(exchange: Exchange, status: str) -> None:
    """Take nothing, and send an acceptance as the body of an answer that can't have one."""
    exchange.take_none()
    exchange.answer(status, framed_acceptance(exchange))


@fault(ALL)
def acceptance_without_a_length(exchange: Exchange) -> None:
    """Take the events, send the acceptance in HTTP/1.0, ended by nothing but the close."""
    exchange.take()
    exchange.send(b"HTTP/1.0 202 Accepted\r\n\r\n" + exchange.acceptance)
    exchange.close()


@fault(ALL)
def half_an_acceptance_without_a_length(exchange: Exchange) -> None:
    """Take the events, send half of the acceptance in HTTP/1.0, close."""
    exchange.take()
    exchange.send(b"HTTP/1.0 202 Accepted\r\n\r\n" + exchange.acceptance[:20])
    exchange.close()


@faults(
    "answers {}",
    {
        "in SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
        "in TLS": b"\x15\x03\x01\x00\x02\x02\x46",
        "zeros": bytes(1000),
        "a blank line": b"\r\n\r\n",
        "an endless line": b"x" * 200_000,
        "status 20": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nOK",
        "status 2O2": b"HTTP/1.1 2O2 OK\r\nContent-Length: 2\r\n\r\nOK",
        "status 99999": b"HTTP/1.1 99999 OK\r\nContent-Length: 2\r\n\r\nOK",
        "no status": b"HTTP/1.1 \r\nContent-Length: 2\r\n\r\nOK",
    },
    ALL,
)
def garbage(exchange: Exchange, data: bytes) -> None:
    """Take some of the events, send what is no HTTP, close."""
    exchange.take_some()
    exchange.send(data)
    exchange.close()


@fault(ALL)
def answers_as_http_0_9(exchange: Exchange) -> None:
    """Take some of the events, send an acceptance with neither status nor headers, close."""
    exchange.take_some()
    exchange.send(exchange.acceptance)
    exchange.close()


@fault(ALL)
def a_header_without_a_colon(exchange: Exchange) -> None:
    """Take the events, and say so with a line among the headers that is none, close."""
    exchange.take()
    exchange.send(opening(exchange.status, "this is no header", f"Content-Length: {len(exchange.acceptance)}"))
    exchange.send(exchange.acceptance)
    exchange.close()


@fault(ALL)
def folded_headers(exchange: Exchange) -> None:
    """Take the events, and say so with a header of two lines."""
    exchange.take()
    exchange.accept("X-Folded: one\r\n two")


@fault(ALL)
def line_feeds_alone(exchange: Exchange) -> None:
    """Take the events, and say so with lines that end as in a file."""
    exchange.take()
    exchange.send(framed_acceptance(exchange).replace(b"\r\n", b"\n"))


@fault(ALL)
def a_thousand_headers(exchange: Exchange) -> None:
    """Take the events, and say so below a thousand headers."""
    exchange.take()
    exchange.accept(*(f"X-Header-{index}: {index}" for index in range(1000)))


@fault(ALL)
def a_header_of_100_kb(exchange: Exchange) -> None:
    """Take the events, and say so below a header of 100 KB."""
    exchange.take()
    exchange.accept(f"X-Long: {'x' * 100 * 1024}")


@fault(ALL)
def endless_headers(exchange: Exchange) -> None:
    """Take the events, and send headers until the client closes."""
    exchange.take()
    exchange.send_forever(b"HTTP/1.1 202 Accepted\r\n", b"X-More: 1\r\n" * 1000)
