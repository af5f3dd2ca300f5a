"""One kept HTTP connection to the event API: bytes out, `Answer` or `NoAnswer` back."""

from __future__ import annotations

import re
import time
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ReadTimeoutError

from runner.errors import InvalidInput, Problem
from runner.secrets import Mask
from runner.suprsend.answer import Answer, NoAnswer, Result, bulk_results, single_result
from runner.suprsend.auth import (
    BULK_PATH,
    MAX_TIMEOUT_S,
    SINGLE_PATH,
    Credentials,
    clean_base_url,
    is_loopback,
    signed_request,
)
from runner.suprsend.chunks import array_of, chunks
from runner.suprsend.deadline import DeadlineAdapter, set_deadline
from runner.suprsend.event import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping
    from typing import Any

    from runner.suprsend.auth import Request

DEFAULT_TIMEOUT_S = 30.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024
_READ_BYTES = 64 * 1024


class Connection:
    """Sends encoded events and tells what became of each; never raises for what the network or the platform does.

    `timeout_s` bounds the wait for a connection, and from the request's start the answer's end. Redirects are not
    followed: a POST would become a GET. Proxies and CA bundles come from the environment, looked up once, but what goes
    to this machine goes there directly; `.netrc` is not read, since it would replace the Authorization. May be used
    from several threads; not across a fork.
    """

    def __init__(
        self,
        credentials: Credentials,
        base_url: str | None = None,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not 0 < timeout_s <= MAX_TIMEOUT_S:
            raise InvalidInput(
                Problem("timeout", f"a timeout of {timeout_s} seconds is no timeout", hint="give seconds > 0")
            )
        self.credentials = credentials
        self.base_url = clean_base_url(base_url)
        self._timeout_s = timeout_s
        self._clock = clock
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, DeadlineAdapter())
        self._settings: MutableMapping[str, Any] | None = None
        self._setting_up = Lock()

    @property
    def env(self) -> str:
        """What the `env` of an event must say here."""
        return self.credentials.env

    def send_one(self, body: bytes) -> Result:
        """Send one encoded event to the single endpoint."""
        return single_result(self._post(SINGLE_PATH, body))

    def send_many(self, bodies: Iterable[bytes]) -> Iterator[Result]:
        """Send encoded events through the bulk endpoint, in chunks; one result for each, in order, as the answers come."""
        for chunk in chunks(bodies):
            body = array_of(chunk)
            if len(body) > MAX_BODY_BYTES:
                yield Result("failed", 0, f"the event leaves no room in a bulk request of {MAX_BODY_BYTES:,} bytes")
            else:
                yield from bulk_results(self._post(BULK_PATH, body), len(chunk))

    def close(self) -> None:
        """Close the kept connections."""
        self._session.close()

    def _post(self, path: str, body: bytes) -> Answer | NoAnswer:
        return self._exchange(signed_request(self.credentials, self.base_url, path, body, self._clock()))

    def _exchange(self, request: Request) -> Answer | NoAnswer:
        prepared = requests.Request("POST", request.url, dict(request.headers), data=request.body).prepare()
        set_deadline(time.monotonic() + self._timeout_s)
        try:
            response = self._session.send(
                prepared, timeout=self._timeout_s, allow_redirects=False, **self._environment(request.url)
            )
        except requests.RequestException as error:
            return _no_answer(error, self._timeout_s)
        with response:
            try:
                content = _read(response)
            except (TimeoutError, ReadTimeoutError):
                return NoAnswer(f"no whole answer within {self._timeout_s:g} s", sent=True)
            except (requests.RequestException, HTTPError, OSError) as error:
                return NoAnswer(f"the answer broke off: {_reason(error)}", sent=True)
            if isinstance(content, NoAnswer):
                return content
            # A server that echoes the request must not have its signature printed.
            authorization = dict(request.headers)["Authorization"]
            return Answer(response.status_code, _without_signature(response.status_code, content, authorization))

    def _environment(self, url: str) -> MutableMapping[str, Any]:
        with self._setting_up:
            if self._settings is None:
                settings = self._session.merge_environment_settings(url, {}, None, None, None)
                self._session.trust_env = False
                if is_loopback(urlsplit(url).hostname or ""):
                    settings["proxies"] = {}
                self._settings = {**settings, "stream": True}
            return self._settings


def _without_signature(status_code: int, content: bytes, authorization: str) -> bytes:
    """Hide the Authorization where a server echoes it; in a refusal, which people read, in whatever form it does."""
    if status_code // 100 == _SUCCESS:
        return content.replace(authorization.encode(), b"***")
    signature = re.split("[ :]", authorization)[-1]
    text = Mask([authorization, signature]).text(content.decode("utf-8", "surrogateescape"))
    return text.encode("utf-8", "surrogateescape")


_SUCCESS = 2


def _read(response: requests.Response) -> bytes | NoAnswer:
    """Read an answer whole, unless it is larger than any answer of the platform."""
    parts: list[bytes] = []
    size = 0
    while True:
        part = response.raw.read1(_READ_BYTES, decode_content=True)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return NoAnswer(f"the answer is larger than {MAX_ANSWER_BYTES:,} bytes", sent=True)


def _no_answer(error: requests.RequestException, timeout_s: float) -> NoAnswer:
    if isinstance(error, requests.ConnectTimeout):
        return NoAnswer(f"no connection within {timeout_s:g} s", sent=False)
    if isinstance(error, requests.Timeout):
        return NoAnswer(f"no answer within {timeout_s:g} s", sent=True)
    if isinstance(error, requests.exceptions.InvalidURL):  # its text may quote a password
        return NoAnswer("the base URL, or a proxy's in the environment, can't be read", sent=False)
    if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return NoAnswer(_reason(error), sent=False)
    cause = error.args[0] if error.args else None
    inner = getattr(cause, "reason", cause)
    unsent = isinstance(inner, NewConnectionError | NameResolutionError)
    return NoAnswer(_reason(error) if unsent else f"the connection broke off: {_reason(error)}", sent=not unsent)


def _reason(error: BaseException) -> str:
    """Find the innermost cause, which says in a few words what the outer ones wrap in many."""
    seen: BaseException = error
    while True:
        inner = getattr(seen, "reason", None) or next(
            (arg for arg in seen.args if isinstance(arg, BaseException)), None
        )
        inner = inner if isinstance(inner, BaseException) else seen.__cause__
        if inner is None or inner is seen:
            break
        seen = inner
    if isinstance(seen, OSError) and seen.strerror:
        return seen.strerror
    return str(seen) or type(seen).__name__
