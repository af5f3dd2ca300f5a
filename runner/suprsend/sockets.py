"""HTTP connections with a deadline, however slowly an answer arrives, that know whether bytes were sent.

The timeout of the HTTP library restarts with every address of a host and every byte that arrives: a server that sends a
byte now and then, or one `100 Continue` after the other, would block a caller forever.
"""

from __future__ import annotations

import io
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, LocationParseError, NameResolutionError, NewConnectionError

from runner.suprsend.kept import host_of, send_kept
from runner.suprsend.turns import Turns

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from urllib3.poolmanager import PoolManager, ProxyManager
    from urllib3.response import BaseHTTPResponse

    from runner.suprsend.admission import Admission
    from runner.suprsend.kept import PlainResponse

_thread = threading.local()
_NO_TURNS = Turns()


class Exchange:
    """A request in flight in this thread, whose reads end at `until_s` of `time.monotonic`.

    `limit_s` is the total time of the event in seconds, with earlier attempts, for messages. `wrote` says whether any byte
    of the request, after the handshakes with proxy and server, was sent. With `has_body`, the head of the request is held
    back until the body is written, so that both go out in one write, which takes a quarter of a request's time less.
    Whatever waits for the network passes its turn among `turns`.
    """

    __slots__ = ("_outer", "has_body", "held", "limit_s", "turns", "until_s", "wrote")

    def __init__(self, until_s: float, limit_s: float, *, has_body: bool = False, turns: Turns | None = None) -> None:
        self.until_s = until_s
        self.limit_s = limit_s
        self.has_body = has_body
        self.turns = turns or _NO_TURNS
        self.held = b""
        self.wrote = False
        self._outer: Exchange | None = None

    def __enter__(self) -> Self:
        self._outer = getattr(_thread, "exchange", None)  # a signal's handler may send while another request waits
        _thread.exchange = self
        return self

    def __exit__(self, *_: object) -> None:
        _thread.exchange = self._outer

    @property
    def left_s(self) -> float:
        """Return the seconds that are left. Raises TimeoutError if there are none."""
        left = self.until_s - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        return left


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections keep the deadline of their current exchange.

    They share one TLS context, because the library would read the CA bundle for each connection.
    """

    def __init__(self, tls: ssl.SSLContext | None, kept_connections: int) -> None:
        self._tls = tls
        super().__init__(pool_maxsize=kept_connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of connections with deadlines."""
        super().init_poolmanager(*args, ssl_context=self._tls, **kwargs)
        _keep(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> ProxyManager:
        """Make the pools behind a proxy, too."""
        contexts = {"ssl_context": self._tls, "proxy_ssl_context": self._tls}
        manager: ProxyManager = super().proxy_manager_for(proxy, **contexts, **kwargs)
        _keep(manager)
        return manager


def _keep(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = _POOLS


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, received: bytes) -> None:
        self._sock = sock
        self._received = received
        self._raw = sock.makefile("rb", buffering=0)  # counted: the socket stays open until it is closed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._received:
            part, self._received = self._received[: len(buffer)], self._received[len(buffer) :]
            buffer[: len(part)] = part
            return len(part)
        exchange: Exchange = _thread.exchange
        self._sock.settimeout(exchange.left_s)
        with exchange.turns.passed():
            return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """A connected socket whose files keep the deadline, and which records writes. `host` is that of its first request."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.host = b""

    def sendall(self, data: Any) -> None:
        exchange: Exchange = _thread.exchange
        if exchange.has_body and not exchange.held:
            exchange.held = data
            return
        self._sock.settimeout(exchange.left_s)
        exchange.wrote = True
        exchange.has_body, exchange.held, head = False, b"", exchange.held
        self.host = self.host or host_of(head)
        with exchange.turns.passed():
            self._sock.sendall(head + data)

    def write(self, request: bytes) -> None:
        exchange: Exchange = _thread.exchange
        left_s = exchange.left_s
        exchange.wrote = True
        written = self._written_at_once(request)
        if written < len(request):
            self._sock.settimeout(left_s)
            with exchange.turns.passed():
                self._sock.sendall(memoryview(request)[written:])

    def receive(self, at_most: int) -> bytes:
        exchange: Exchange = _thread.exchange
        self._sock.settimeout(exchange.left_s)
        with exchange.turns.passed():
            received: bytes = self._sock.recv(at_most)
        return received

    def _written_at_once(self, request: bytes) -> int:
        """Write what the operating system takes without a wait, and so without passing the turn; return its size."""
        if type(self._sock) is not socket.socket:  # TLS would have to be told of a write that ended early
            return 0
        self._sock.settimeout(0)
        try:
            return self._sock.send(request)
        except BlockingIOError:
            return 0

    def makefile(self, *_: object, received: bytes = b"", **__: object) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock, received))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def _connected(connection: HTTPConnection) -> socket.socket:
    """Try the addresses of a connection's host until the deadline, each for its share of the time."""
    exchange: Exchange = _thread.exchange
    try:
        found = socket.getaddrinfo(connection.host.strip("[]"), connection.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except UnicodeError:
        raise LocationParseError("the host's name has a part that is empty or too long") from None
    failure = OSError("the host has no address")
    for index, (family, kind, protocol, _, address) in enumerate(found):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # this machine does not support this kind of address
            failure = error
            continue
        with ExitStack() as on_failure:
            on_failure.enter_context(sock)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(exchange.left_s / (len(found) - index))
                sock.connect(address)
                sock.settimeout(exchange.left_s)
            except OSError as error:
                failure = error
            else:
                on_failure.pop_all()
                return sock
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, "no connection in time") from failure
    raise NewConnectionError(connection, str(failure)) from failure


class _Connection(HTTPConnection):
    def __init__(self, *args: Any, admit: Admission | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._admit = admit

    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def connect(self) -> None:
        with _thread.exchange.turns.passed():
            super().connect()
        raw: Any = self.sock
        if self._admit is not None:
            self._admit(raw, _thread.exchange.until_s)
        self.sock: Any = _Socket(raw)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def _tunnel(self) -> None:
        raw, exchange = self.sock, _thread.exchange
        self.sock = _Socket(raw)
        has_body, exchange.has_body = exchange.has_body, False
        try:
            super()._tunnel()
        finally:
            exchange.has_body = has_body
            exchange.wrote = False  # only the proxy received something so far
            if self.sock is not None:  # a refusal closes the socket
                self.sock = raw
        raw.settimeout(_thread.exchange.left_s)

    def connect(self) -> None:
        with _thread.exchange.turns.passed():
            super().connect()
        self.sock: Any = _Socket(self.sock)

    @property
    def is_connected(self) -> bool:
        """Return whether the connection can be reused: no more bytes of the last answer have arrived."""
        # The library does not check the bytes that TLS has already decrypted.
        return super().is_connected and not (isinstance(self.sock, _Socket) and self.sock.pending())


class KeepingPool(HTTPConnectionPool):
    """A pool that sends over its kept connections without the library."""

    def send_kept(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> PlainResponse | BaseHTTPResponse | None:
        """Send a request over a kept connection. Return None if nothing was sent, so that the library is to send it.

        Raises OSError and HTTPError.
        """
        if self.proxy is not None or not body:
            return None
        connection = self._get_conn()

        def release(is_whole: bool) -> None:
            if not is_whole:
                connection.close()
            self._put_conn(connection)

        response = None
        is_kept = True
        try:
            sock = getattr(connection, "sock", None)
            if isinstance(sock, _Socket) and sock.host:
                is_kept = False
                response = send_kept(sock, method, path, headers, body, release)
                is_kept = True
        finally:
            if response is None:
                release(is_kept)
        return response


class _Pool(KeepingPool):
    ConnectionCls = _Connection


class _SecurePool(KeepingPool, HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: Any = {"http": _Pool, "https": _SecurePool}
