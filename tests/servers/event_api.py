"""The event API over real connections, with or without TLS: a test decides each answer and how it ends."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from queue import Queue
from typing import TYPE_CHECKING, Any, Literal

from tests.servers.loopback import Loopback

if TYPE_CHECKING:
    import io
    from collections.abc import Callable


@dataclass(frozen=True)
class Arrived:
    """A request as it came over the wire, and the client's port on the connection it came over."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    peer: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def users(self) -> list[str]:
        document = self.json
        return [event["distinct_id"] for event in (document if isinstance(document, list) else [document])]


@dataclass(frozen=True)
class Reply:
    """What goes back, and what becomes of the connection then."""

    data: bytes = b""
    then: Literal["keep", "goodbye", "close", "reset"] = "keep"


def http(status: int, document: object = None, *headers: str) -> bytes:
    body = b"" if document is None else json.dumps(document).encode()
    lines = (f"HTTP/1.1 {status} Told", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join([*lines, "", ""]).encode() + body


def answer_naming(request: Arrived) -> bytes:
    """Accept each event under a message id that names its user, but refuse those whose user ends with '!'."""
    records = [
        {"status": "error", "status_code": 400, "error": {"message": f"no {user}"}}
        if user.endswith("!")
        else {"status": "success", "status_code": 202, "message_id": f"for {user}"}
        for user in request.users
    ]
    if isinstance(request.json, list):
        return http(207, {"status": "success", "records": records})
    return http(int(str(records[0]["status_code"])), records[0])


class Platform(Loopback):
    """An event API that keeps what came, and answers as it is told."""

    def __init__(
        self,
        answer: Callable[[Arrived], Reply] = lambda request: Reply(answer_naming(request)),
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        super().__init__(host=host)
        self.received: list[Arrived] = []
        self.refused_handshakes = 0
        self.closed: Queue[int] = Queue()
        self._answer = answer
        self._tls = tls

    def url(self, host: str = "127.0.0.1") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/"

    @property
    def users(self) -> list[str]:
        return [user for request in self.received for user in request.users]

    def serve(self, connection: socket.socket) -> None:
        if not self._tls:
            return self._talk(connection)
        try:
            secured = self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            self.refused_handshakes += 1
            return None
        self.keep(secured)
        with secured:
            return self._talk(secured)

    def _talk(self, connection: socket.socket) -> None:
        peer = connection.getpeername()[1]
        with connection.makefile("rb") as stream:
            while request := read_request(stream, peer):
                self.received.append(request)
                reply = self._answer(request)
                connection.sendall(reply.data)
                if reply.then != "keep":
                    break
            else:
                return
        end(connection, reply.then)
        self.closed.put(peer)


def read_request(stream: io.BufferedIOBase | io.RawIOBase, peer: int) -> Arrived | None:
    method, path, *_ = [*stream.readline().decode("latin-1").split(), "", ""]
    headers: dict[str, str] = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.title()] = value.strip()
    return Arrived(method, path, headers, stream.read(int(headers.get("Content-Length", 0))), peer) if method else None


def end(connection: socket.socket, how: str) -> None:
    if how == "goodbye" and isinstance(connection, ssl.SSLSocket):
        connection.setblocking(False)
        with suppress(OSError):  # the other side's goodbye is not waited for
            connection.unwrap()
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
