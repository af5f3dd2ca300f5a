"""HTTP connections that give up at a deadline, however slowly an answer drips.

The timeout of the HTTP library begins anew with every byte that arrives: a server that sends one now and then, or one
`100 Continue` after the other, would hold a caller for ever.
"""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from socket import socket

    from urllib3.poolmanager import PoolManager, ProxyManager

_thread = threading.local()


def set_deadline(at_s: float) -> None:
    """Let every read of this thread's connections end at an instant of `time.monotonic`."""
    _thread.deadline = at_s


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections keep the deadline of the thread that reads from them."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, of connections that keep deadlines."""
        super().init_poolmanager(*args, **kwargs)
        _keep(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> ProxyManager:
        """Make the pools behind a proxy, too."""
        manager: ProxyManager = super().proxy_manager_for(*args, **kwargs)
        _keep(manager)
        return manager


def _keep(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = _POOLS


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)  # counted: the socket stays open until it is closed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _thread.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Socket:
    """A socket whose files keep the deadline."""

    def __init__(self, sock: socket) -> None:
        self._sock = sock

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._sock))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Socket(self.sock)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Socket(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS: Any = {"http": _Pool, "https": _SecurePool}
