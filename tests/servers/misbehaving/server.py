"""A server that misbehaves in one way until it is healed, and remembers what it took."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Condition, Thread
from threading import Event as Flag
from typing import TYPE_CHECKING

from tests.servers.misbehaving.exchange import GIVE_UP_S, Exchange, GoneError, is_readable
from tests.servers.misbehaving.fault import Fault, sound

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self


_HERE = "127.0.0.1"


class Server:
    """Listens on a port of its own while its block runs, under one fault until it is `healed`."""

    def __init__(self, fault: Fault) -> None:
        self.took: set[str] = set()
        self.exchanges: list[Exchange] = []
        self._fault: Fault | None = fault
        self._connections: dict[socket.socket, bool] = {}  # and whether it waits for a request
        self._changed = Condition()
        self._threads: list[Thread] = []
        self._listener: socket.socket | None = None
        self._marker: object = None
        self._marked = Flag()
        # Bound and never listening: the port stays ours, and refuses, while nobody listens.
        self._place = _bound(0)
        self.port: int = self._place.getsockname()[1]
        if fault.listens == "always":
            self.listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_listening()
        with self._changed:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(GIVE_UP_S)
        self._place.close()

    def listen(self) -> None:
        """Begin to listen, if it doesn't yet."""
        if self._listener is None:
            self._listener = _bound(self.port)
            self._listener.listen(64)
            self._start(self._accept, self._listener)

    def stop_listening(self) -> None:
        """Refuse every further connection."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # closing alone wakes nobody who waits in accept
            listener.close()

    def paused(self) -> None:
        """Take note that the client pauses before it tries again."""
        if self._fault is not None and self._fault.listens == "after a pause":
            self.listen()

    def heal(self) -> None:
        """Behave from now on."""
        self._fault = None
        self.listen()

    def arrivals(self, insert_id: str) -> int:
        """How often an event came whole."""
        return sum(
            copy.insert_id == insert_id for exchange in self.exchanges if exchange.is_read for copy in exchange.copies
        )

    def settle(self) -> bool:
        """Wait until all that the client sent is read, and all exchanges are over; tells whether they are."""
        self._mark()
        with self._changed:
            return self._changed.wait_for(self._is_quiet, GIVE_UP_S)

    def is_left(self) -> bool:
        """Tell whether the client has closed every connection: on loopback, each can be told at once."""
        self._mark()
        with self._changed:
            return all(map(is_readable, self._connections))

    def _mark(self) -> None:
        """Come last in the row of those that want to connect: when it's our turn, all others had theirs."""
        if self._listener is not None:
            with socket.socket() as marker:
                marker.bind((_HERE, 0))
                self._marked.clear()
                self._marker = marker.getsockname()
                marker.connect((_HERE, self.port))
                self._marked.wait(GIVE_UP_S)

    def _is_quiet(self) -> bool:
        return all(waits and not is_readable(connection) for connection, waits in self._connections.items())

    def _start(self, target: Callable[[socket.socket], None], given: socket.socket) -> None:
        self._threads.append(Thread(target=target, args=[given], daemon=True))
        self._threads[-1].start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:  # closed
                return
            if peer == self._marker:
                connection.close()
                self._marked.set()
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._changed:
                self._connections[connection] = False
            self._start(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        fault = self._fault
        try:
            while (fault is not None and fault.speaks_first and not self.exchanges) or self._hears(connection):
                if self._exchange(connection).is_over:
                    break
        except (OSError, GoneError):
            pass
        finally:
            with self._changed:
                del self._connections[connection]
                connection.close()
                self._changed.notify_all()

    def _hears(self, connection: socket.socket) -> bool:
        """Wait for a request; tells whether one begins. Reads none of it."""
        self._tell(connection, waits=True)
        is_there = bool(connection.recv(1, socket.MSG_PEEK))
        self._tell(connection, waits=False)
        return is_there

    def _tell(self, connection: socket.socket, *, waits: bool) -> None:
        with self._changed:
            self._connections[connection] = waits
            self._changed.notify_all()

    def _exchange(self, connection: socket.socket) -> Exchange:
        fault = self._fault
        with self._changed:
            number = len(self.exchanges)
            turn = number - fault.at.start if fault else number
            exchange = Exchange(self, connection, turn)
            self.exchanges.append(exchange)
        misbehave = fault.misbehave if fault is not None and number in fault.at else sound
        misbehave(exchange)
        return exchange


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((_HERE, port))
    return bound
