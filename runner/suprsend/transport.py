"""Bytes out, `Answer` or `NoAnswer` back: one POST over a kept connection."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, LocationParseError, ReadTimeoutError

from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.endpoints import is_loopback
from runner.suprsend.sockets import DeadlineAdapter, Exchange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from urllib3.connectionpool import HTTPConnectionPool
    from urllib3.response import BaseHTTPResponse

MAX_ANSWER_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024
_KEPT_CONNECTIONS = 64
_FINAL_ANSWERS = 200


class Transport:
    """Posts to one server. Never raises for what the network does.

    Proxies and CA bundles come from the environment, looked up once, when this is made; what goes to this machine goes
    there directly. `.netrc` is not read, since it would replace the Authorization. Redirects are not followed: a POST
    would become a GET. Nothing is sent twice. May be used from several threads; after a fork, the child opens
    connections of its own.
    """

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        # The library looks all of this up anew for each request, which takes as long as the request itself.
        settings = requests.Session().merge_environment_settings(base_url, {}, None, None, None)
        self._settings: dict[str, Any] = {**settings}
        if is_loopback(urlsplit(base_url).hostname or ""):
            self._settings["proxies"] = {}
        self._connect()

    def post(self, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange) -> Answer | NoAnswer:
        """Post once, within the time that the exchange has left. An answer counts only if all of it arrives."""
        if self._process != os.getpid():
            self._connect()
        if isinstance(self._pool, NoAnswer):
            return self._pool
        try:
            response = self._pool.urlopen(
                "POST",
                path,
                body=body,
                headers=dict(headers),
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=exchange.left_s,
            )
        except (HTTPError, OSError) as error:
            return _no_answer(error, exchange)
        try:
            return _read(response)
        except (HTTPError, OSError) as error:
            if isinstance(_innermost(error), TimeoutError | ReadTimeoutError):
                return NoAnswer(f"no whole answer within {exchange.limit_s:g} s", sent=True)
            return NoAnswer(f"the answer broke off: {_reason(error)}", sent=True)
        finally:
            response.close()

    def close(self) -> None:
        """Close the kept connections; the next post opens new ones."""
        self._adapter.close()
        self._connect()

    def _connect(self) -> None:
        self._adapter = DeadlineAdapter(pool_maxsize=_KEPT_CONNECTIONS)
        self._pool = _pool(self._adapter, self._base_url, self._settings)
        self._process = os.getpid()


def _pool(adapter: DeadlineAdapter, base_url: str, settings: Mapping[str, Any]) -> HTTPConnectionPool | NoAnswer:
    """Find the server's pool of connections, or say why there can be none."""
    prepared = requests.Request("POST", base_url).prepare()
    try:
        pool: Any = adapter.get_connection_with_tls_context(prepared, settings["verify"], proxies=settings["proxies"])
        adapter.cert_verify(pool, base_url, settings["verify"], settings["cert"])  # type: ignore[no-untyped-call]
    except OSError as error:
        if isinstance(error, requests.RequestException):  # its text may quote a proxy's password
            return NoAnswer("the proxy that the environment names can't be used", sent=False, is_final=True)
        return NoAnswer(f"the CA bundle that the environment names is missing: {settings['verify']}", False, True)
    except HTTPError:
        return NoAnswer("the proxy that the environment names can't be used", sent=False, is_final=True)
    made: HTTPConnectionPool = pool
    return made


def _read(response: BaseHTTPResponse) -> Answer | NoAnswer:
    """Read an answer whole, unless it is larger than any answer of the platform."""
    if response.status < _FINAL_ANSWERS:
        return Answer(response.status, b"")  # what follows it on this connection is not waited for
    parts: list[bytes] = []
    size = 0
    while part := response.read1(_READ_BYTES, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return NoAnswer(f"the answer is larger than {MAX_ANSWER_BYTES:,} bytes", sent=True, is_final=True)
    return Answer(response.status, b"".join(parts), response.headers.get("Retry-After"))


def _no_answer(error: HTTPError | OSError, exchange: Exchange) -> NoAnswer:
    cause = _innermost(error)
    if isinstance(cause, TimeoutError | ReadTimeoutError):
        missing = "answer" if exchange.wrote else "connection"
        return NoAnswer(f"no {missing} within {exchange.limit_s:g} s", sent=exchange.wrote)
    if exchange.wrote:
        return NoAnswer(f"the connection broke off: {_reason(error)}", sent=True)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return NoAnswer(f"the server's certificate is not trusted: {cause.verify_message}", sent=False, is_final=True)
    return NoAnswer(_reason(error), sent=False, is_final=isinstance(error, LocationParseError))


def _reason(error: BaseException) -> str:
    """Say in a few words what the outer errors wrap in many."""
    cause = _innermost(error)
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(cause) or type(cause).__name__


def _innermost(error: BaseException) -> BaseException:
    """Find the first cause of an error."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (arg for arg in error.args if isinstance(arg, BaseException)), None
        )
        inner = inner if isinstance(inner, BaseException) else error.__cause__
        if inner is None or inner is error:
            return error
        error = inner
