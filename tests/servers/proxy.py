"""A proxy for CONNECT that leads the names it knows to servers of the tests."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread

from tests.servers.event_api import read_request
from tests.servers.loopback import WAIT_S, Loopback


class Proxy(Loopback):
    """A proxy that leads the names it knows to servers of these tests, and refuses all others."""

    def __init__(self, refusal: str = "403 Forbidden", **ports: int) -> None:
        super().__init__()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.carried = b""
        self._refusal = refusal
        self._ports = {name.replace("_", "."): port for name, port in ports.items()}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb", buffering=0) as stream:
            request = read_request(stream, 0)
        if not request:
            return
        self.asked.append((f"{request.method} {request.path}", request.headers))
        port = self._ports.get(request.path.rpartition(":")[0])
        if port is None:
            connection.sendall(f"HTTP/1.1 {self._refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        with socket.create_connection(("127.0.0.1", port), WAIT_S) as onward:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = Thread(target=_pump, args=(onward, connection, []))
            back.start()
            there: list[bytes] = []
            _pump(connection, onward, there)
            self.carried += b"".join(there)
            back.join(WAIT_S)


def _pump(source: socket.socket, sink: socket.socket, seen: list[bytes]) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            seen.append(part)
            sink.sendall(part)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
