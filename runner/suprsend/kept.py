"""A request over a kept connection → its response, in a fifth of the time that the HTTP library takes.

Only plain responses are read here: HTTP/1.1 with a Content-Length, without any coding, on a connection that stays open.
Any other response is left to the library, from its first byte. The first request of a connection is the library's as
well; the later ones have the same form.
"""

from __future__ import annotations

import re
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Protocol

import urllib3
from urllib3.exceptions import IncompleteRead, ProtocolError

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Mapping


_RECEIVED_BYTES = 64 * 1024
_MAX_HEADERS = 100
"""The library's limit."""
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: [ -~]*)?\r\n"
    rb"((?:[A-Za-z0-9!#$%&'*+.^_`|~-]+: ?[!-~](?:[ -~]*[!-~])?\r\n)*)\r\n"
)
_ENDED = re.compile(rb"\n\r?\n")
_HOST = re.compile(rb"\r\nHost: ([!-~]+)\r\n")
_PATH = re.compile("[A-Za-z0-9/._~-]+")
_LENGTH = re.compile("[0-9]{1,15}")
_WITHOUT_BODY = (204, 304)
_CODED = (b"transfer-encoding", b"content-encoding", b"upgrade", b"trailer")
"""Headers of responses that are left to the library."""
_READ = {
    b"content-length": "Content-Length",
    b"retry-after": "Retry-After",
    b"content-type": "Content-Type",
    b"date": "Date",
}


class KeptSocket(Protocol):
    """A connected socket with the deadline of its current exchange. `host` is that of its first request."""

    host: bytes

    def write(self, request: bytes) -> None:
        """Send a request, head and body in one write."""
        ...

    def receive(self, at_most: int) -> bytes:
        """Return bytes of the response; none at its end."""
        ...

    def makefile(self, *, received: bytes) -> io.BufferedReader:
        """Return a file of the response, whose first bytes were already received."""
        ...


class PlainResponse:
    """A response whose head was read. It has what `transport` uses of the library's. `release` receives whether it was read whole."""

    def __init__(
        self,
        sock: KeptSocket,
        status: int,
        headers: Mapping[str, str],
        begun: bytes,
        size: int,
        release: Callable[[bool], None],
    ) -> None:
        self.status = status
        self.headers = headers
        self._sock = sock
        self._begun = begun
        self._size = size
        self._left = size
        self._release = release

    def read1(self, at_most: int, *, decode_content: bool) -> bytes:  # noqa: ARG002 - the library's signature; it has no coding
        """Return bytes of the body; none at its end. Raises IncompleteRead if the connection ends before."""
        if not self._left:
            return b""
        part, self._begun = self._begun, b""
        part = part or self._sock.receive(min(at_most, self._left))
        if not part:
            raise IncompleteRead(self._size - self._left, self._left)
        self._left -= len(part)
        return part

    def close(self) -> None:
        """Release the connection."""
        self._release(not self._left)


def send_kept(
    sock: KeptSocket, method: str, path: str, headers: Mapping[str, str], body: bytes, release: Callable[[bool], None]
) -> PlainResponse | urllib3.HTTPResponse | None:
    """Send a request over a socket that had one before; return its response, whose `close` releases the connection.

    Return None if nothing was sent, since only the library can say what is wrong with the request. Raises OSError and
    HTTPError.
    """
    request = _request(sock.host, method, path, headers, body)
    if request is None:
        return None
    sock.write(request)
    received = sock.receive(_RECEIVED_BYTES)
    while not _ENDED.search(received) and len(received) < _RECEIVED_BYTES and (more := sock.receive(_RECEIVED_BYTES)):
        received += more
    found = _HEAD.match(received)
    plain = found and _plain(sock, found, received, release)
    return plain or _by_library(sock, method, received, release)


def host_of(head: bytes) -> bytes:
    """Return the host that a request names; none if it names none in the usual form."""
    found = _HOST.search(head)
    return found[1] if found else b""


def _request(host: bytes, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes | None:
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if (
        not _PATH.fullmatch(path)
        or "User-Agent" not in headers
        or not all(line.isascii() and line.isprintable() for line in lines)
    ):
        return None
    begin = f"{method} {path} HTTP/1.1\r\nHost: {host.decode()}\r\nAccept-Encoding: identity\r\nContent-Length: {len(body)}\r\n"
    return (begin + "\r\n".join(lines) + "\r\n\r\n").encode() + body


def _plain(
    sock: KeptSocket, found: re.Match[bytes], received: bytes, release: Callable[[bool], None]
) -> PlainResponse | None:
    headers: dict[str, str] = {}
    lines = found[2].split(b"\r\n")[:-1]
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in _READ:
            if _READ[name] in headers:
                return None
            headers[_READ[name]] = value.strip().decode()
        elif name in _CODED or (name == b"connection" and value.strip().lower() != b"keep-alive"):
            return None
    status, size = int(found[1]), headers.get("Content-Length", "")
    begun = received[found.end() :]
    is_sized = _LENGTH.fullmatch(size) is not None and len(begun) <= int(size)
    if not is_sized or status in _WITHOUT_BODY or len(lines) > _MAX_HEADERS:
        return None
    return PlainResponse(sock, status, headers, begun, int(size), release)


def _by_library(
    sock: KeptSocket, method: str, received: bytes, release: Callable[[bool], None]
) -> urllib3.HTTPResponse:
    """Let the library read a response."""
    response = HTTPResponse(_Begun(sock, received), method=method)  # type: ignore[arg-type]  # it only opens a file of it
    try:
        response.begin()
    except HTTPException as error:
        response.close()
        raise error if isinstance(error, OSError) else ProtocolError("Connection aborted.", error) from error
    return _LibraryResponse(response, method, release)


class _LibraryResponse(urllib3.HTTPResponse):
    """The library's response, which releases the connection as a plain one does."""

    def __init__(self, response: HTTPResponse, method: str, release: Callable[[bool], None]) -> None:
        super().__init__(
            response,
            urllib3.HTTPHeaderDict(response.msg.items()),
            response.status,
            preload_content=False,
            original_response=response,
            request_method=method,
        )
        self._stays_open = not response.will_close
        self._is_whole = False
        self._release: Callable[[bool], None] | None = release

    def read1(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:
        self._is_whole = False  # in case it raises
        part = super().read1(amt, decode_content)
        self._is_whole = not part
        return part

    def close(self) -> None:
        super().close()
        release, self._release = self._release, None
        if release is not None:
            release(self._is_whole and self._stays_open)


class _Begun:
    """A socket of which bytes were received that are still to be read."""

    def __init__(self, sock: KeptSocket, received: bytes) -> None:
        self._sock = sock
        self._received = received

    def makefile(self, _: str) -> io.BufferedReader:
        return self._sock.makefile(received=self._received)
