"""A server that accepts connections on loopback, and leaves each to a function or a subclass."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_S = 10
"""How long anything here waits for what must come at once: nothing hangs, whatever breaks."""


class Loopback:
    """Listens on loopback and serves each connection in a thread; once it is left, all that came is counted."""

    def __init__(
        self,
        serve: Callable[[socket.socket, Flag], None] | None = None,
        host: str = "127.0.0.1",
        options: tuple[tuple[int, int, int], ...] = (),
    ) -> None:
        self.connections: list[int] = []
        self.ended = Flag()
        self._serve_with = serve
        self._options = options
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._host = host
        self._threads: list[Thread] = []
        self._sockets: list[socket.socket] = []
        self._knock = 0

    def __enter__(self) -> Self:
        self._listening = socket.create_server((self._host, 0), family=self._family, backlog=64)
        for option in self._options:
            self._listening.setsockopt(*option)
        self.port: int = self._listening.getsockname()[1]
        self._accepting = Thread(target=self._accept)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        with socket.socket(self._family) as knock:  # all that connected before it is accepted before it
            knock.bind((self._host, 0))
            self._knock = knock.getsockname()[1]
            knock.connect(self._listening.getsockname())
            self._accepting.join(WAIT_S)
        self._listening.close()
        for connection in self._sockets:
            _hear_no_more(connection)
        for thread in self._threads:
            thread.join(WAIT_S)
        assert not [thread for thread in (self._accepting, *self._threads) if thread.is_alive()]

    def _accept(self) -> None:
        while True:
            connection, peer = self._listening.accept()
            if peer[1] == self._knock:
                connection.close()
                return
            connection.settimeout(WAIT_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.append(peer[1])
            self.keep(connection)
            self._threads.append(Thread(target=self._serve_one, args=(connection,)))
            self._threads[-1].start()

    def keep(self, connection: socket.socket) -> None:
        """Remember a connection, so that nothing is read from it once this is left but what has come."""
        self._sockets.append(connection)
        if self.ended.is_set():
            _hear_no_more(connection)

    def _serve_one(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self.serve(connection)

    def serve(self, connection: socket.socket) -> None:
        """Do with one connection what this server is for."""
        if self._serve_with:
            self._serve_with(connection, self.ended)


def _hear_no_more(connection: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of an SSLSocket: that forgets its TLS, while its thread may be reading.
        socket.socket.shutdown(connection, socket.SHUT_RD)


def answering(answer: Callable[[socket.socket, Flag], None]) -> Loopback:
    """Return a server that reads the first request of each connection, leaves the answer to a function, and closes."""

    def serve(connection: socket.socket, ended: Flag) -> None:
        with connection.makefile("rb") as request:
            # Read whole: closing on what is unread resets the connection.
            headers = iter(request.readline, b"\r\n")
            request.read(
                sum(int(line.split(b":")[1]) for line in headers if line.lower().startswith(b"content-length:"))
            )
        answer(connection, ended)

    return Loopback(serve)
