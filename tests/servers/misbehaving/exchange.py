"""One request to the server, and the means to read and to answer it in any way."""

from __future__ import annotations

import re
import select
import socket
import struct
from functools import cached_property
from typing import TYPE_CHECKING

from tests.servers.misbehaving.answers import accepted, encoded, opening, refusal
from tests.servers.misbehaving.request import Copy, Request

if TYPE_CHECKING:
    from tests.servers.misbehaving.server import Server


GIVE_UP_S = 5.0


MANY = 64 * 1024


_FAR_TOO_MANY = 64 * 1024 * 1024


class GoneError(Exception):
    """The client closed the connection."""


class Exchange:
    """One request to the server, as far as its fault reads it, and the means to answer it.

    `turn` counts the requests under the fault, from 0. `part` is what was read of the body, and `is_read` says that
    this is all of it; `is_cut_up` says that several events were refused together as too large; `settled` are those that
    the client was plainly told to be taken.
    """

    def __init__(self, server: Server, connection: socket.socket, turn: int) -> None:
        self.server = server
        self.turn = turn
        self.part = b""
        self.is_read = False
        self.is_cut_up = False
        self.settled: list[Copy] = []
        self.is_over = False
        self._connection = connection

    @cached_property
    def request(self) -> Request:
        """The whole request, read when it is asked for."""
        self.part += self._receive(_length(self.head) - len(self.part))
        self.is_read = True
        return Request(self.head, self.part)

    @cached_property
    def copies(self) -> list[Copy]:
        """The events of the request."""
        return self.request.copies()

    @cached_property
    def head(self) -> str:
        """The request line and the headers, read when they are asked for, and no byte further."""
        read = b""
        while b"\r\n\r\n" not in read:
            seen = self._connection.recv(MANY, socket.MSG_PEEK)
            if not seen:
                raise GoneError
            end = (read + seen).find(b"\r\n\r\n")
            read += self._receive(len(seen) if end < 0 else end + 4 - len(read))
        return read[:-4].decode("latin-1")

    def read_half(self) -> None:
        """Read the headers and half of the body."""
        self.part = self._receive(_length(self.head) // 2)

    def _receive(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            part = self._connection.recv(count - len(received))
            if not part:
                raise GoneError
            received += part
        return received

    @property
    def is_bulk(self) -> bool:
        """Whether the events came in an array."""
        return self.request.body.startswith(b"[")

    @property
    def is_known(self) -> bool:
        """Whether the same events came together before."""
        return any(
            other.copies == self.copies for other in self.server.exchanges if other.is_read and other is not self
        )

    def take(self) -> None:
        """Take every event of the request."""
        self.server.took.update(copy.insert_id for copy in self.copies)

    def take_some(self) -> None:
        """Take the events of u1 and u3, and not those of u2."""
        self.server.took.update(copy.insert_id for copy in self.copies if copy.user != "u2")

    def take_none(self) -> None:
        """Read the request, and let it be."""
        _ = self.request

    @property
    def acceptance(self) -> bytes:
        """The platform's words for having taken every event."""
        return self.told([accepted(copy) for copy in self.copies])

    def told(self, records: list[object]) -> bytes:
        """Wrap what became of each event as the platform does for this endpoint."""
        if self.is_bulk:
            return encoded({"status": "success", "records": records})
        return encoded(records[0] if records else {"status": "success"})  # a GET brings no event

    @property
    def status(self) -> str:
        """What the platform's status line says of events that it took."""
        return "207 Multi-Status" if self.is_bulk else "202 Accepted"

    def accept(self, *lines: str) -> None:
        """Answer as the platform does when it took every event."""
        self.answer(self.status, self.acceptance, *lines)

    def refuse(self, status: str, *lines: str) -> None:
        """Answer as the platform does when it took nothing."""
        self.answer(status, refusal(status), *lines)

    def answer(self, status: str, body: bytes, *lines: str) -> None:
        """Send a whole answer, with its length."""
        self.send(opening(status, f"Content-Length: {len(body)}", *lines) + body)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._connection.sendall(data)

    def send_forever(self, first: bytes, again: bytes) -> None:
        """Send bytes until the client closes, or until there are far too many."""
        self.send(first)
        for _ in range(_FAR_TOO_MANY // len(again)):
            self.send(again)
        self.close()

    def drip(self, data: bytes, step: int = 1) -> None:
        """Send bit by bit, with pauses that are each far shorter than the client's patience and together far longer."""
        for place in range(0, len(data), step):
            self.send(data[place : place + step])
            if is_readable(self._connection, 30):
                break
        self.wait()

    def wait(self) -> None:
        """Say nothing until the client closes."""
        while self._connection.recv(MANY):
            pass
        raise GoneError

    def wait_unread(self) -> None:
        """Read nothing and say nothing until the client closes."""
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        poll.poll(GIVE_UP_S * 1000)
        self.reset()

    def close(self) -> None:
        """Close the connection, as one does that has said everything."""
        self.is_over = True

    def reset(self) -> None:
        """Close the connection with a reset, as a machine does that knows of none."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.is_over = True


def is_readable(connection: socket.socket, wait_ms: int = 0) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(wait_ms))


def _length(head: str) -> int:
    return sum(int(value) for value in re.findall(r"(?im)^content-length: *(\d+)\r?$", head))
