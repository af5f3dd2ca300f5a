"""HTTP connections that give up at a deadline, however slowly an answer drips, and know whether bytes went out.

The timeout of the HTTP library begins anew with every address of a host and with every byte that arrives: a server that
sends one now and then, or one `100 Continue` after the other, would hold a caller for ever.
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

if TYPE_CHECKING:
    import ssl

    from urllib3.poolmanager import PoolManager, ProxyManager

    from runner.suprsend.admission import Admission

_thread = threading.local()


class Exchange:
    """A request of this thread that is under way: every read of it ends at the instant `until_s` of `time.monotonic`.

    `limit_s` is what people were told: how many seconds the event has in all, earlier attempts included.
    `wrote` tells whether anything of the request, behind the handshakes with proxy and server, was given to the network.
    """

    __slots__ = ("_outer", "limit_s", "until_s", "wrote")

    def __init__(self, until_s: float, limit_s: float) -> None:
        self.until_s = until_s
        self.limit_s = limit_s
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
        """How many seconds are left. Raises TimeoutError when there are none."""
        left = self.until_s - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        return left


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections keep the deadline of the exchange that they work for.

    All of them share one TLS context: the library would read the CA bundle anew for each connection.
    """

    def __init__(self, tls: ssl.SSLContext | None, kept_connections: int) -> None:
        self._tls = tls
        super().__init__(pool_maxsize=kept_connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, of connections that keep deadlines."""
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
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)  # counted: the socket stays open until it is closed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_thread.exchange.left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """A connected socket whose files keep the deadline, and which notes what is written."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(_thread.exchange.left_s)
        _thread.exchange.wrote = True
        self._sock.sendall(data)

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock))

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
        except OSError as error:  # this machine knows no such addresses
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
        super().connect()
        raw: Any = self.sock
        if self._admit is not None:
            self._admit(raw, _thread.exchange.until_s)
        self.sock: Any = _Socket(raw)


class _SecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connected(self)

    def _tunnel(self) -> None:
        raw = self.sock
        self.sock = _Socket(raw)
        try:
            super()._tunnel()
        finally:
            _thread.exchange.wrote = False  # only the proxy was asked something
            if self.sock is not None:  # a refusal closes it
                self.sock = raw
        raw.settimeout(_thread.exchange.left_s)

    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Socket(self.sock)

    @property
    def is_connected(self) -> bool:
        """Tell whether the next answer can be read from here: nothing more of the last one has come."""
        # What TLS has unpacked already waits where the library does not look.
        return super().is_connected and not (isinstance(self.sock, _Socket) and self.sock.pending())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: Any = {"http": _Pool, "https": _SecurePool}
