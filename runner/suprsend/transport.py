"""One request over a persistent connection → `Answer` or `NoAnswer`."""

from __future__ import annotations

import os
import socket
import ssl
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH, select_proxy
from urllib3.exceptions import ClosedPoolError, HTTPError, LocationParseError, ProxyError, ReadTimeoutError
from urllib3.util.ssl_ import create_urllib3_context

from runner.suprsend.admission import NotAdmitted
from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.endpoints import is_loopback
from runner.suprsend.sockets import DeadlineAdapter, Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3.response import BaseHTTPResponse

    from runner.suprsend.admission import Admission
    from runner.suprsend.answer import Stage
    from runner.suprsend.kept import PlainResponse
    from runner.suprsend.sockets import KeepingPool

MAX_ANSWER_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
_KEPT_CONNECTIONS = 64
_FINAL_ANSWERS = 200


class Http(Protocol):
    """The transport of a connection: `Transport`, or one that replays or records answers."""

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange
    ) -> Answer | NoAnswer:
        """Send a request once; `path` is complete, with its query. Failures of the network are returned as NoAnswer."""

    def close(self) -> None:
        """Close the connections; the next request opens them again."""


class Transport:
    """Sends requests to one server. Failures of the network are returned as NoAnswer.

    Proxies and CA bundles come from the environment, read once, when this is made; requests to this machine use no proxy.
    `.netrc` is not read, since it would replace the Authorization. Redirects are not followed, since a POST would become a
    GET. Nothing is sent twice. It may be used from several threads; after a fork, the child opens its own connections (but
    no thread may be in a TLS handshake at the fork, a limit of OpenSSL).

    `admit` checks each new connection to a server on this machine before anything is sent.
    """

    def __init__(self, base_url: str, admit: Admission | None = None) -> None:
        self._base_url = base_url
        self._admit = admit
        # The library would read all of this for each request, which takes as long as the request itself.
        settings = requests.Session().merge_environment_settings(base_url, {}, None, None, None)
        self._settings: dict[str, Any] = {**settings}
        if is_loopback(urlsplit(base_url).hostname or ""):
            self._settings["proxies"] = {}
        self._tls = _tls_context(self._settings["verify"]) if base_url.startswith("https:") else None
        self._connect()

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange
    ) -> Answer | NoAnswer:
        """Send a request once, within the remaining time of the exchange. Only a complete answer counts."""
        if self._process != os.getpid():
            self._connect()
        pool = self._pool
        if isinstance(pool, NoAnswer):
            return pool
        try:
            response = pool.send_kept(method, path, headers, body) or pool.urlopen(
                method,
                path,
                body=body or None,
                headers=dict(headers),
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=exchange.left_s,
            )
        except (HTTPError, OSError) as error:
            if isinstance(error, ClosedPoolError) and pool is not self._pool:  # `close` by another thread
                return self.request(method, path, headers, body, exchange)
            return _no_answer(error, exchange)
        try:
            return _read(response)
        except (HTTPError, OSError) as error:
            if isinstance(_innermost(error), TimeoutError | ReadTimeoutError):
                return NoAnswer(f"no complete answer within {exchange.limit_s:g} s", sent=True)
            return NoAnswer(f"the answer was cut off: {_reason(error)}", sent=True)
        finally:
            response.close()

    @property
    def peers(self) -> tuple[tuple[str, int], ...]:
        """Hosts and ports that it connects to: the server's, and those of its proxy, if that can be used."""
        if isinstance(self._pool, NoAnswer):
            return (_address(self._base_url),)
        proxy = select_proxy(self._base_url, self._settings["proxies"])
        urls = [self._base_url, *([proxy if "://" in proxy else f"http://{proxy}"] if proxy else [])]
        return tuple(_address(url) for url in urls)

    def close(self) -> None:
        """Close the connections; the next post opens new ones."""
        before = self._pool
        self._connect()
        if not isinstance(before, NoAnswer):
            before.close()

    def _connect(self) -> None:
        self._pool = self._tls if isinstance(self._tls, NoAnswer) else _pool(self._tls, self._base_url, self._settings)
        if self._admit is not None and not isinstance(self._pool, NoAnswer):
            self._pool.conn_kw["admit"] = self._admit
        self._process = os.getpid()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (_HTTPS_PORT if parts.scheme == "https" else _HTTP_PORT)


_HTTP_PORT, _HTTPS_PORT = 80, 443


def _tls_context(verify: bool | str) -> ssl.SSLContext | NoAnswer:
    """Return a TLS context with the CA bundle from the environment, else the library's, or the reason why there is none."""
    bundle = verify if isinstance(verify, str) else DEFAULT_CA_BUNDLE_PATH
    context = create_urllib3_context()
    try:
        if Path(bundle).is_dir():
            context.load_verify_locations(capath=bundle)
        else:
            context.load_verify_locations(cafile=bundle)
    except OSError:
        message = f"the CA bundle from the environment can't be used: {bundle}"
        return NoAnswer(message, sent=False, is_final=True)
    return context


def _pool(tls: ssl.SSLContext | None, base_url: str, settings: Mapping[str, Any]) -> KeepingPool | NoAnswer:
    """Return the server's pool of connections, or the reason why there is none."""
    adapter = DeadlineAdapter(tls, _KEPT_CONNECTIONS)
    prepared = requests.Request("POST", base_url).prepare()
    try:
        pool: Any = adapter.get_connection_with_tls_context(prepared, verify=True, proxies=settings["proxies"])
    except (requests.RequestException, HTTPError, ValueError, TypeError):  # their texts may quote a password
        return _NO_PROXY
    made: KeepingPool = pool
    return made


_NO_PROXY = NoAnswer("the proxy from the environment can't be used", sent=False, is_final=True)


def _read(response: BaseHTTPResponse | PlainResponse) -> Answer | NoAnswer:
    """Read a complete answer, unless it is larger than any answer of the platform."""
    if response.status < _FINAL_ANSWERS:
        return Answer(response.status, b"")  # the rest of it on this connection is not read
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_READ_BYTES, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return NoAnswer(f"the answer is larger than {MAX_ANSWER_BYTES:,} bytes", sent=True, is_final=True)
    headers = response.headers
    body = b"".join(parts)
    return Answer(response.status, body, headers.get("Retry-After"), headers.get("Content-Type"), headers.get("Date"))


def _no_answer(error: HTTPError | OSError, exchange: Exchange) -> NoAnswer:
    cause = _innermost(error)
    if isinstance(cause, TimeoutError | ReadTimeoutError):
        missing = "answer" if exchange.wrote else "connection"
        stage: Stage | None = None if exchange.wrote else "connection"
        return NoAnswer(f"no {missing} within {exchange.limit_s:g} s", sent=exchange.wrote, stage=stage)
    if isinstance(cause, NotAdmitted):
        return NoAnswer(str(cause), sent=False, is_final=True)
    if exchange.wrote:
        return NoAnswer(f"the connection was lost: {_reason(error)}", sent=True)
    if isinstance(cause, ssl.SSLCertVerificationError):
        message = f"the server's certificate is not trusted: {cause.verify_message}"
        return NoAnswer(message, sent=False, is_final=True, stage="tls")
    if isinstance(error, LocationParseError):  # the base URL was checked when the client was made
        return _NO_PROXY
    who = "the proxy: " if isinstance(error, ProxyError) else ""
    return NoAnswer(f"{who}{_reason(error)}", sent=False, stage=_stage(error, cause))


def _stage(error: HTTPError | OSError, cause: BaseException) -> Stage:
    """Return what failed before anything was sent."""
    if isinstance(cause, ssl.SSLError):
        return "tls"
    if isinstance(error, ProxyError):
        return "proxy"
    return "name" if isinstance(cause, socket.gaierror) else "connection"


def _reason(error: BaseException) -> str:
    """Return a short reason from nested exceptions."""
    cause = _innermost(error)
    match cause:
        case ssl.SSLError(reason=str(reason)):  # such as WRONG_VERSION_NUMBER
            return f"no TLS connection: {reason.replace('_', ' ').lower()}"
        case IncompleteRead():
            came: bytes | int = cause.partial  # the two libraries count it in two ways
            return f"only {came if isinstance(came, int) else len(came):,} bytes of it arrived"
        case BadStatusLine() if not isinstance(cause, RemoteDisconnected):
            return f"the answer is not HTTP: {str(cause)!r}"  # a line of at most 64 KiB, which reports mask and cut
        case OSError(strerror=str(text)) if text:
            return text
        case _:
            return str(cause) or type(cause).__name__


def _innermost(error: BaseException) -> BaseException:
    """Return the first cause of an error."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (arg for arg in error.args if isinstance(arg, BaseException)), None
        )
        inner = inner if isinstance(inner, BaseException) else error.__cause__
        if inner is None or inner is error:
            return error
        error = inner
