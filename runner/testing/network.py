"""A block on network access: while a context is open, this process can connect only to the hosts of the context.

An audit hook of Python sees each connection and look-up of its socket module, in all threads. It does not see other programs
or libraries with their own network code.
"""

from __future__ import annotations

import socket
import sys
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address
from threading import Lock
from typing import TYPE_CHECKING

from runner.errors import ExitCode, Problem, RunnerError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class NetworkBlocked(RunnerError):  # noqa: N818 - it names a state of the world, as its siblings do
    """Something tried to use the network while it was blocked.

    It is not an OSError, which callers would take for a failed connection and retry.
    """

    exit_code = ExitCode.CASSETTE

    def __init__(self, where: str) -> None:
        message = f"a connection to {where} was stopped: a case may only use its cassette"
        super().__init__(
            Problem("network-blocked", message, hint="while recording, a case may only connect to its target")
        )
        self.where = where


@contextmanager
def blocked(allowed: Collection[tuple[str, int]] = ()) -> Iterator[None]:
    """Block all connections and look-ups in all threads, except those to allowed hosts and ports.

    A blocked one raises NetworkBlocked. Contexts may be nested and open in several threads: all of them must allow a
    connection. A host given by name may be looked up, and then any address may be used with its port, since the hook does
    not see the result of the look-up. Unix sockets are allowed, since they do not leave this machine.
    """
    guard = _Guard(allowed)
    with _changing:
        _install()
        _guards[:] = [*_guards, guard]
    try:
        yield
    finally:
        with _changing:
            _guards[:] = [other for other in _guards if other is not guard]


class _Guard:
    """The allowed hosts and ports of one context."""

    def __init__(self, allowed: Collection[tuple[str, int]]) -> None:
        self._exact = {(_plain(host), port) for host, port in allowed}
        self._hosts = {host for host, _ in self._exact}
        self._named_ports = {port for host, port in self._exact if not _is_address(host)}

    def allows(self, host: str, port: int | None) -> bool:
        """Return whether a host may be looked up, or connected to with a port."""
        if port is None:
            return host in self._hosts
        return (host, port) in self._exact or (port in self._named_ports and _is_address(host))


_guards: list[_Guard] = []
"""The guards of open contexts. The list is replaced as a whole, so that hooks in other threads see a consistent one."""
_changing = Lock()


@cache
def _install() -> None:
    """Install the hook once; Python can't remove it."""
    sys.addaudithook(_hook)


def _hook(event: str, args: tuple[object, ...]) -> None:
    if not _guards or event not in _WATCHED:  # called for every import and every file that is opened
        return
    where = _address_of(event, args)
    if where is None:
        return
    host, port = where
    if not all(guard.allows(host, port) for guard in tuple(_guards)):
        raise NetworkBlocked(host if port is None else f"{host}:{port}")


_WATCHED = frozenset(
    {
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.getnameinfo",
        "socket.sendmsg",
        "socket.sendto",
    }
)


def _address_of(event: str, args: tuple[object, ...]) -> tuple[str, int | None] | None:
    """Return host and port of a connection, or the host of a look-up; None if it stays on this machine."""
    match event, args:
        case "socket.getaddrinfo", (host, port, *_):
            name = _plain(host)
            if not _is_address(name):
                return (name, None) if name else None
            # An address needs no look-up, but with a port a connection follows.
            return (name, port) if isinstance(port, int) and port else None
        case "socket.getnameinfo", ((host, *_),):
            return _plain(host), None
        case (("socket.gethostbyname" | "socket.gethostbyaddr"), (host, *_)):
            return _plain(host), None
        case _, (socket.socket(family=socket.AF_UNIX), *_):
            return None
        case _, (_, None):  # a message over a socket that is connected already
            return None
        case _, (_, (host, int(port), *_)):
            return _plain(host), port
        case _, (_, address):
            return repr(address), None
        case _:
            return event, None


def _plain(host: object) -> str:
    """Return a host in a normalized form."""
    text = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host or "")
    return text.lower().rstrip(".").strip("[]")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
