"""A server that is not ours on a port: it keeps all that it gets, and answers or relays it."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread


class Foreign:
    """A listener of another program; with `relays_to`, it passes requests on to that port, and the answers back."""

    def __init__(self, port: int, relays_to: int | None = None) -> None:
        self.received = bytearray()
        self._relays_to = relays_to
        self._listening = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listening.getsockname()[1]
        Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Stop listening. A thread that waits in `accept` would take one more connection, also that of the next program on the port."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                Thread(target=self._serve, args=self._listening.accept()[:1], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while part := connection.recv(65536):
                self.received += part
                connection.sendall(self._answer(part))

    def _answer(self, request: bytes) -> bytes:
        if self._relays_to is not None:
            with socket.create_connection(("127.0.0.1", self._relays_to)) as there:
                there.sendall(request)
                return there.recv(65536)
        body = b'{"name": "suprsend-runner sandbox", "version": "0.1.0", "events": 0, "proof": "%s"}' % (b"0" * 64)
        return b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    @property
    def requests(self) -> list[bytes]:
        """The first lines of what came, without the nonce."""
        return [line.partition(b"?")[0] for line in bytes(self.received).splitlines() if line.endswith(b" HTTP/1.1")]
