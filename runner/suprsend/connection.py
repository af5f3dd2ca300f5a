"""A workspace on a server: encoded events → signed requests → a result for each."""

from __future__ import annotations

import logging
import random
import time
from concurrent.futures import wait
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.secrets import Mask
from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.auth import Credentials, secrets_of, signed_headers
from runner.suprsend.delivery import Cancellation, Courier, Delivery, Wait
from runner.suprsend.endpoints import clean_base_url
from runner.suprsend.event import USER_AGENT
from runner.suprsend.retry import DEFAULT_RETRIES, DEFAULT_TIMEOUT_S, check_retries, check_timeout
from runner.suprsend.sockets import Exchange
from runner.suprsend.statuses import is_success
from runner.suprsend.threads import Threads
from runner.suprsend.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from runner.suprsend.admission import Admission
    from runner.suprsend.attempts import TraceContext
    from runner.suprsend.transport import Http
    from runner.suprsend.turns import Turns

logger = logging.getLogger("runner.suprsend")


class Connection:
    """Delivers encoded events; failures of the network and the platform are results, not exceptions.

    `timeout_s` limits the time of an event, from the start of its request to the end of the answer, with up to `retries`
    retries and their pauses. For proxies, threads and forks see `transport.Transport`.

    `admit` checks each new connection to a server on this machine, before anything is sent over it.
    Threads that take `turns` pass them while they wait for the network.
    With a `trace`, each request names its span, and deliveries keep their attempts.
    `transport` replaces HTTP to `base_url`, and receives each signed request. The connection closes it.
    """

    def __init__(
        self,
        credentials: Credentials,
        base_url: str | None = None,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        retries: int = DEFAULT_RETRIES,
        user_agent: str = USER_AGENT,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
        on_retry: Callable[[Wait], None] = lambda _: None,
        admit: Admission | None = None,
        may_retry: Callable[[], bool] = lambda: True,
        turns: Turns | None = None,
        transport: Http | None = None,
        trace: TraceContext | None = None,
    ) -> None:
        check_timeout(timeout_s)
        check_retries(retries)
        self.credentials = credentials
        self.base_url = clean_base_url(base_url)
        self._root = urlsplit(self.base_url).path
        self._user_agent = user_agent
        self._clock = clock
        self._timeout_s = timeout_s
        self._on_retry = on_retry
        self._turns = turns
        self._transport: Http = Transport(self.base_url, admit) if transport is None else transport
        self._courier = Courier(self._post, timeout_s, retries, clock, sleep, random, self._retrying, may_retry, trace)

    @property
    def env(self) -> str:
        """The `env` of events for this workspace."""
        return self.credentials.env

    def deliver(self, delivery: Delivery) -> None:
        """Send a delivery, which then has the results."""
        self._courier.deliver(delivery, Cancellation())

    def deliver_all(self, deliveries: Sequence[Delivery], concurrency: int = 1) -> Generator[Delivery]:
        """Send deliveries, several at once; yield each in order when it is done, or will not be sent.

        After the platform refuses the credentials, no more are sent. When this generator is closed or interrupted, no more
        are sent either, and those in flight are not awaited; the results of each delivery say what is known.
        """
        cancellation = Cancellation()
        if concurrency == 1 or len(deliveries) <= 1:
            for delivery in deliveries:
                self._courier.deliver(delivery, cancellation)
                yield delivery
            return
        threads = Threads(min(concurrency, len(deliveries)))
        try:
            under_way = [threads.submit(self._courier.deliver, delivery, cancellation) for delivery in deliveries]
            for delivery, future in zip(deliveries, under_way, strict=True):
                if (error := future.exception()) is not None:
                    cancellation.cancel()
                    wait(under_way)
                    raise error
                yield delivery
        finally:
            cancellation.cancel()
            threads.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.env!r}, base_url={self.base_url!r})"

    def get(self, path: str, timeout_s: float | None = None) -> Answer | NoAnswer:
        """Get a path below the base URL, with its query, once."""
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        return self._request("GET", path, b"", time.monotonic() + limit_s, limit_s)

    def target(self, path: str) -> str:
        """Return a path below the base URL as a path from the server's root."""
        return self._root + path

    def _post(self, path: str, body: bytes, until_s: float, traceparent: str) -> Answer | NoAnswer:
        return self._request("POST", path, body, until_s, self._timeout_s, traceparent)

    def _request(
        self, method: str, path: str, body: bytes, until_s: float, limit_s: float, traceparent: str = ""
    ) -> Answer | NoAnswer:
        began = time.monotonic()
        target = self._root + path
        headers = signed_headers(self.credentials, target, body, self._clock(), method)
        headers["User-Agent"] = self._user_agent
        if traceparent:
            headers["traceparent"] = traceparent
        with Exchange(until_s, limit_s, has_body=bool(body), turns=self._turns) as exchange:
            answer = self._transport.request(method, target, headers, body, exchange)
        answer = _without_authorization(answer, headers["Authorization"])
        if logger.isEnabledFor(logging.DEBUG):
            result = f"HTTP {answer.status_code}" if isinstance(answer, Answer) else _in_a_log(answer.message)
            took_s = time.monotonic() - began
            logger.debug("%s %s%s %d bytes: %s in %.3f s", method, self.base_url, path, len(body), result, took_s)
        return answer

    def _retrying(self, wait: Wait) -> None:
        logger.debug("retry %d of %d in %.3f s: %s", wait.retry, wait.retries, wait.pause_s, _in_a_log(wait.message))
        self._on_retry(wait)


def _in_a_log(text: str) -> str:
    """Escape a server's text, so that it is one line of a log and not a command for a terminal or a GitHub workflow."""
    line = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return line.replace("##[", "##\\[")


def _without_authorization(answer: Answer | NoAnswer, authorization: str) -> Answer | NoAnswer:
    """Mask the Authorization in an answer that echoes it; in messages, in every usual form."""
    secrets = secrets_of(authorization)
    if isinstance(answer, NoAnswer):
        return replace(answer, message=Mask(secrets).text(answer.message))
    if is_success(answer.status_code):
        body = answer.body
        for secret in secrets:
            body = body.replace(secret.encode(), b"***")
        return replace(answer, body=body) if body != answer.body else answer
    text = Mask(secrets).text(answer.body.decode("utf-8", "surrogateescape"))
    return replace(answer, body=text.encode("utf-8", "surrogateescape"))
