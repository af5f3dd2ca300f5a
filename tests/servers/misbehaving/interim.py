"""Interim answers and redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.misbehaving.fault import ALL, FIRST, fault, faults, same, sound

if TYPE_CHECKING:
    from tests.servers.misbehaving.exchange import Exchange


@fault(ALL)
def continue_then_acceptance(exchange: Exchange) -> None:
    """Say 100 Continue, take the events, say so."""
    exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    sound(exchange)


@fault(ALL)
def continue_then_closed(exchange: Exchange) -> None:
    """Take the events, say 100 Continue, close."""
    exchange.take()
    exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    exchange.close()


@fault(ALL)
def many_continues_then_acceptance(exchange: Exchange) -> None:
    """Say 100 Continue a thousand times, take the events, say so."""
    exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)
    sound(exchange)


@faults("{} then acceptance", same("103 Early Hints", "199 Odd"), ALL)
def interim_then_acceptance(exchange: Exchange, status: str) -> None:
    """Give an interim answer, take the events, say so on the same connection."""
    exchange.send(f"HTTP/1.1 {status}\r\nLink: </a.css>\r\n\r\n".encode())
    sound(exchange)


@fault(ALL)
def switching_protocols_101(exchange: Exchange) -> None:
    """Take some of the events, and go on in another protocol."""
    exchange.take_some()
    exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02OK")


@faults("{}", same("301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"), FIRST)
def redirect(exchange: Exchange, status: str) -> None:
    """Take nothing, and name another place, where an acceptance waits for whoever follows."""
    exchange.take_none()
    exchange.answer(status, b"", f"Location: {exchange.request.line.split()[1]}?moved")


@faults("{}", same("300 Multiple Choices", "304 Not Modified", "308 Permanent Redirect"), ALL)
def redirect_to_nowhere(exchange: Exchange, status: str) -> None:
    """Take nothing, and answer 3xx without a Location."""
    exchange.take_none()
    exchange.answer(status, b"")
