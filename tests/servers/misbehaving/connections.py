"""Faults of connections and of time: refused, reset, closed, silent, too slow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.misbehaving.answers import opening
from tests.servers.misbehaving.fault import ALL, FIRST, FIRST_TWO, SECOND, SHORT_S, fault, sound

if TYPE_CHECKING:
    from tests.servers.misbehaving.exchange import Exchange


@fault(ALL, listens="never")
def refused(exchange: Exchange) -> None:
    """Nobody listens."""


@fault(FIRST, listens="after a pause")
def refused_until_the_first_pause(exchange: Exchange) -> None:
    """Nobody listens until the client pauses."""
    sound(exchange)


@fault(FIRST, ALL)
def reset_before_reading(exchange: Exchange) -> None:
    """Reset the connection when the request begins, and read none of it."""
    exchange.reset()


@fault(FIRST, ALL)
def reset_amid_the_request(exchange: Exchange) -> None:
    """Read the headers and half of the body, then reset."""
    exchange.read_half()
    exchange.reset()


@fault(FIRST, ALL)
def reset_after_reading(exchange: Exchange) -> None:
    """Read the request, take nothing, reset."""
    exchange.take_none()
    exchange.reset()


@fault(FIRST, ALL)
def reset_after_taking(exchange: Exchange) -> None:
    """Take the events, then reset."""
    exchange.take()
    exchange.reset()


@fault(FIRST, FIRST_TWO)
def closed_after_reading(exchange: Exchange) -> None:
    """Read the request, take nothing, close without a word."""
    exchange.take_none()
    exchange.close()


@fault(FIRST, ALL)
def closed_after_taking(exchange: Exchange) -> None:
    """Take the events, close without a word."""
    exchange.take()
    exchange.close()


@fault(FIRST, warm_up=True)
def closed_between_two_events(exchange: Exchange) -> None:
    """Answer one event as if to keep the connection, and close it before the next."""
    sound(exchange)
    exchange.close()


@fault(SECOND, warm_up=True)
def reset_when_the_second_event_comes(exchange: Exchange) -> None:
    """Reset a kept connection when the next request begins, and read none of it."""
    exchange.reset()


@fault(SECOND, warm_up=True)
def closed_when_the_second_event_is_taken(exchange: Exchange) -> None:
    """Take what comes over a kept connection, close without a word."""
    closed_after_taking(exchange)


@fault(ALL)
def connection_close(exchange: Exchange) -> None:
    """Take the events, say so, and close each time, as announced."""
    exchange.take()
    exchange.accept("Connection: close")
    exchange.close()


@fault(ALL)
def closed_unannounced(exchange: Exchange) -> None:
    """Take the events, say so, and close each time without announcing it."""
    sound(exchange)
    exchange.close()


@fault(ALL)
def gone_after_taking(exchange: Exchange) -> None:
    """Take the events, close without a word, and listen no more."""
    exchange.take()
    exchange.server.stop_listening()
    exchange.close()


@fault(ALL, speaks_first=True)
def answers_before_the_request(exchange: Exchange) -> None:
    """Refuse as soon as somebody connects; then read the request."""
    exchange.refuse("503 Service Unavailable")
    exchange.take_none()


@fault(ALL)
def answers_before_the_body(exchange: Exchange) -> None:
    """Refuse when the headers are there; then read the body."""
    _ = exchange.head
    exchange.refuse("400 Bad Request")
    exchange.take_none()


@fault(ALL)
def sets_a_cookie(exchange: Exchange) -> None:
    """Take the events, say so, and ask for a cookie to come back."""
    exchange.take()
    exchange.accept("Set-Cookie: session=1; Path=/", "Set-Cookie: other=2")


@fault(ALL, timeout_s=SHORT_S)
def silent_after_taking(exchange: Exchange) -> None:
    """Take the events, and never say a word."""
    exchange.take()
    exchange.wait()


@fault(ALL, timeout_s=SHORT_S)
def never_reads(exchange: Exchange) -> None:
    """Read nothing, and never say a word."""
    exchange.wait_unread()


@fault(ALL, timeout_s=SHORT_S)
def headers_drip(exchange: Exchange) -> None:
    """Take the events, and say so one byte after the other, far too slowly."""
    exchange.take()
    exchange.drip(opening(exchange.status, f"Content-Length: {len(exchange.acceptance)}") + exchange.acceptance)


@fault(ALL, timeout_s=SHORT_S)
def body_drips(exchange: Exchange) -> None:
    """Take the events, send the headers, and then one byte after the other, far too slowly."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {len(exchange.acceptance)}"))
    exchange.drip(exchange.acceptance)


@fault(ALL, timeout_s=SHORT_S)
def content_length_too_large_and_kept_open(exchange: Exchange) -> None:
    """Take the events, announce one byte more than there is, and wait."""
    exchange.take()
    exchange.send(opening(exchange.status, f"Content-Length: {len(exchange.acceptance) + 1}") + exchange.acceptance)
    exchange.wait()


@fault(ALL, timeout_s=SHORT_S)
def continues_without_end(exchange: Exchange) -> None:
    """Take some of the events, and say nothing but 100 Continue."""
    exchange.take_some()
    exchange.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, step=25)
