"""A loopback server that answers like the event API as fast as it can, and counts what it takes.

usage: python tests/servers/counting.py [LATENCY_MS]; prints its port. GET /count tells requests and events.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING
from urllib.request import urlopen

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECORD = b'{"status":"success","status_code":202,"message_id":"01J9Z8QK5T3M7W2X4Y6V8B0C1D"}'


class CountingServer:
    """A server in a process of its own, so that what is measured has a core for itself."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/"

    def count(self) -> dict[str, int]:
        """How many `requests`, `events` and `connections` came so far."""
        with urlopen(f"{self.base_url}count") as answer:  # noqa: S310 - our own server
            counts: dict[str, int] = orjson.loads(answer.read())
        return counts


@contextmanager
def counting_server(latency_ms: float = 0) -> Iterator[CountingServer]:
    """Run a server whose answers each take `latency_ms`, without holding up the others."""
    with Popen([sys.executable, __file__, str(latency_ms)], stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield CountingServer(int(process.stdout.readline()))
        finally:
            process.terminate()


class _Connection(asyncio.Protocol):
    counts = {"requests": 0, "events": 0, "connections": 0}  # noqa: RUF012 - one server a process
    latency_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.received = bytearray()
        self.counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.received[:end]).lower()
            _, _, length = head.partition(b"content-length:")
            size = end + 4 + int(length.split(b"\r\n", 1)[0] or 0)
            if len(self.received) < size:
                return
            body = bytes(self.received[end + 4 : size])
            del self.received[:size]
            self.answer(head.split(b" ", 2)[1], body)

    def answer(self, path: bytes, body: bytes) -> None:
        if path == b"/count":
            self.write(b"200 OK", orjson.dumps(self.counts))
            return
        document = orjson.loads(body)
        self.counts["requests"] += 1
        if isinstance(document, list):
            self.counts["events"] += len(document)
            records = b",".join([_RECORD] * len(document))
            told = b"207 Multi-Status", b'{"status":"success","records":[' + records + b"]}"
        else:
            self.counts["events"] += 1
            told = b"202 Accepted", _RECORD
        if self.latency_s:
            asyncio.get_running_loop().call_later(self.latency_s, self.write, *told)
        else:
            self.write(*told)

    def write(self, status: bytes, body: bytes) -> None:
        if not self.transport.is_closing():
            head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            self.transport.write(head + body)


async def _serve(latency_ms: float) -> None:
    _Connection.latency_s = latency_ms / 1000
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
