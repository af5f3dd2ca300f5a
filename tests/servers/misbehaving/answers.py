"""Parts of answers: what the platform says, and how HTTP frames it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.servers.misbehaving.exchange import Exchange
    from tests.servers.misbehaving.request import Copy


def opening(status: str, *lines: str) -> bytes:
    """Write a status line and headers."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *lines, "", ""]).encode("latin-1")


def encoded(value: object) -> bytes:
    """Write JSON."""
    return json.dumps(value).encode()


def accepted(copy: Copy) -> dict[str, object]:
    """Say that an event was taken. Its message id is made of its own id: no other event can claim it."""
    return {"status": "success", "status_code": 202, "message_id": id_of(copy.insert_id)}


def id_of(insert_id: str) -> str:
    """Give the message id under which an event is taken."""
    return f"m-{insert_id}"


def refusal(status: str) -> bytes:
    """Say in the platform's words that nothing was taken."""
    return encoded({"status": "error", "error": {"message": f"no: {status}", "type": "refused"}})


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def framed_acceptance(exchange: Exchange) -> bytes:
    body = exchange.acceptance
    return opening(exchange.status, f"Content-Length: {len(body)}") + body
