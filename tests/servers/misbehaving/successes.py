"""Successes that are not the platform's: other JSON, no JSON, huge bodies."""

from __future__ import annotations

from tests.servers.misbehaving.answers import chunk, opening
from tests.servers.misbehaving.exchange import MANY, Exchange
from tests.servers.misbehaving.fault import ALL, fault, faults, same


@faults("{} with acceptance", same("600 Odd", "999 Odd"), ALL)
def no_class_at_all(exchange: Exchange, status: str) -> None:
    """Take some of the events, and answer with a status that means nothing."""
    exchange.take_some()
    exchange.answer(status, exchange.acceptance)


@faults(
    "202 with {}",
    {
        "no body": b"",
        "a captive portal": b"<!DOCTYPE html><html><head><title>Sign in to the Wi-Fi</title></head></html>",
        "a list": b"[]",
        "a number": b"1",
        "null": b"null",
        "a text": b'"success"',
        "an empty object": b"{}",
        "status 1": b'{"status": 1}',
        "status null": b'{"status": null}',
        "status SUCCESS": b'{"status": "SUCCESS"}',
        "status queued": b'{"status": "queued"}',
        "status in a list": b'{"status": ["success"]}',
        "another error": b'{"error": 1}',
        "records in a map": b'{"status": "queued", "records": {"0": {"status": "success", "status_code": 202}}}',
        "half of JSON": b'{"status": "succ',
        "two documents": b'{"status": "success"}{"status": "error"}',
        "invalid UTF-8": b'{"status": "success", "message_id": "\xff"}',
        "UTF-16": '{"status": "success"}'.encode("utf-16"),
        "zeros": bytes(100),
        "100,000 lists in lists": b"[" * 100_000 + b"]" * 100_000,
        "a million digits": b"1" * 1_000_000,
    },
    ALL,
)
def not_the_platforms(exchange: Exchange, body: bytes) -> None:
    """Take some of the events, and answer 202 with a body that doesn't tell."""
    exchange.take_some()
    exchange.answer("202 Accepted", body)


@faults("{}", same("204 No Content", "205 Reset Content"), ALL)
def success_without_a_body(exchange: Exchange, status: str) -> None:
    """Take some of the events, and answer with a success that has no body."""
    exchange.take_some()
    exchange.answer(status, b"")


@faults("{} with acceptance", same("200 OK", "201 Created", "206 Partial Content"), ALL)
def other_success(exchange: Exchange, status: str) -> None:
    """Take the events, and say so under another status than the platform's."""
    exchange.take()
    exchange.answer(status, exchange.acceptance)


@fault(ALL)
def _202_with_the_text_ok(exchange: Exchange) -> None:
    """Take the events, and say so as the platform's old endpoint does."""
    exchange.take()
    exchange.answer("202 Accepted", b"OK")


@faults(
    "202 with {} beside",
    {
        "a million digits": b"1" * 1_000_000,
        "1e999999": b"1e999999",
        "100,000 lists in lists": b"[" * 100_000 + b"]" * 100_000,
        "a text of 1 MB": b'"' + b"x" * 1024 * 1024 + b'"',
    },
    ALL,
)
def heavy_json(exchange: Exchange, value: bytes) -> None:
    """Take the events, and say so beside JSON that is heavy to read."""
    exchange.take()
    exchange.answer(exchange.status, exchange.acceptance[:-1] + b', "beside": ' + value + b"}")


@fault(ALL)
def refusal_100_000_levels_deep(exchange: Exchange) -> None:
    """Take nothing, and refuse with JSON of a hundred thousand levels."""
    exchange.take_none()
    exchange.answer("400 Bad Request", b'{"error": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")


@fault(ALL)
def huge_body(exchange: Exchange) -> None:
    """Take the events, and say so in 17 MiB, most of them white space."""
    exchange.take()
    size = 17 * 1024 * 1024
    exchange.send(opening(exchange.status, f"Content-Length: {size}") + exchange.acceptance)
    for sent in range(len(exchange.acceptance), size, MANY):
        exchange.send(b" " * min(MANY, size - sent))


@fault(ALL)
def endless_body(exchange: Exchange) -> None:
    """Take the events, say so, and send white space in chunks until the client closes."""
    exchange.take()
    start = opening(exchange.status, "Transfer-Encoding: chunked") + chunk(exchange.acceptance)
    exchange.send_forever(start, chunk(b" " * MANY))
