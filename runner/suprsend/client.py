"""`Suprsend`: the platform's Python API for events, under its own names."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, TypedDict
from uuid import uuid4

from runner.errors import InvalidInput, Problem
from runner.secrets import Secret
from runner.suprsend.auth import ApiKey, Credentials, WorkspaceKey, check_credential
from runner.suprsend.bulk import BulkEventsFactory
from runner.suprsend.connection import Connection, logger
from runner.suprsend.delivery import single_delivery
from runner.suprsend.encoding import Encoded, encode
from runner.suprsend.event import USER_AGENT, Event, Stamp
from runner.suprsend.retry import DEFAULT_RETRIES, DEFAULT_TIMEOUT_S
from runner.suprsend.rules import MAX_BODY_BYTES, MAX_EVENT_KB

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.suprsend.answer import Result

DEFAULT_CONCURRENCY = 4
MAX_CONCURRENCY = 64


class Response(TypedDict):
    """The result of `track_event`. `status_code` is the platform's, 0 if no answer came.

    `unknown` means that the event may have been accepted: it was sent, without a conclusive answer.
    """

    success: bool
    status: str
    status_code: int
    message: str
    message_id: str | None
    raw_response: object
    unknown: bool


class AppInfo(TypedDict, total=False):
    """The calling application, for the User-Agent. The platform's SDK has the same type."""

    name: str
    version: str
    url: str
    """Accepted for compatibility with the SDK, and not sent, as there."""


def _new_id() -> str:
    return str(uuid4())


class Suprsend:
    """A client of one workspace.

    `timeout`, in seconds, bounds an event from the start of its request to the end of the answer, with all retries (but
    for the look-up of the host's name, which takes as long as the system's resolver lets it);
    `retries` is the number of retries after transient failures (0 to 100): no answer, 408, 425, 429 and 5xx, with the
    same ids, and never without an idempotency key once bytes were written. `concurrency` limits the requests that
    `bulk_events` has in flight (1 to 64). `max_event_kb` raises the documented limit of 100 KB (of 1,024
    bytes) an event, up to 800. `debug` logs each request to the logger `runner.suprsend`, and to stderr if it has no
    handler; `app_info` names the caller in the User-Agent.

    `clock` returns seconds since 1970, `new_id` a UUID for each event, `sleep` waits for seconds, `random` returns a number
    from 0 to 1. Proxies and CA bundles come from the environment, read once, when the client is made. It may be used
    from several threads; after a fork, the child opens its own connections.

    Raises CredentialsError if a credential is missing or contains an invalid character, or if `base_url` is plain http to
    another machine; InvalidInput for an invalid base URL, timeout, number or size.

    >>> Suprsend("workspace_key", "workspace_secret", base_url="http://127.0.0.1:7788/")
    Suprsend('workspace_key', base_url='http://127.0.0.1:7788/')
    """

    def __init__(
        self,
        workspace_key: str,
        workspace_secret: str,
        base_url: str | None = None,
        debug: bool = False,
        app_info: AppInfo | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: int = DEFAULT_RETRIES,
        concurrency: int = DEFAULT_CONCURRENCY,
        max_event_kb: int = MAX_EVENT_KB,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = _new_id,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
    ) -> None:
        check_credential("workspace_key", workspace_key)
        check_credential("workspace_secret", workspace_secret)
        credentials = WorkspaceKey(workspace_key, Secret(workspace_secret))
        self._start(
            credentials, base_url, debug, app_info, timeout, retries, concurrency, max_event_kb, clock, new_id, sleep, random
        )  # fmt: skip

    @classmethod
    def with_workspace_api_key(
        cls,
        workspace_uid: str,
        api_key: str,
        base_url: str | None = None,
        debug: bool = False,
        app_info: AppInfo | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: int = DEFAULT_RETRIES,
        concurrency: int = DEFAULT_CONCURRENCY,
        max_event_kb: int = MAX_EVENT_KB,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = _new_id,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
    ) -> Suprsend:
        """Authenticate with an API key, sent as a bearer token, instead of signing with the workspace's secret."""
        check_credential("workspace_uid", workspace_uid)
        check_credential("api_key", api_key)
        credentials = ApiKey(workspace_uid, Secret(api_key))
        client = cls.__new__(cls)
        client._start(  # noqa: SLF001 - its own class
            credentials, base_url, debug, app_info, timeout, retries, concurrency, max_event_kb, clock, new_id, sleep, random
        )  # fmt: skip
        return client

    def _start(
        self,
        credentials: Credentials,
        base_url: str | None,
        debug: bool,
        app_info: AppInfo | None,
        timeout_s: float,
        retries: int,
        concurrency: int,
        max_event_kb: int,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        sleep: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        agent = _user_agent(app_info)
        self._connection = Connection(
            credentials, base_url, timeout_s=timeout_s, retries=retries, user_agent=agent,
            clock=clock, sleep=sleep, random=random,
        )  # fmt: skip
        kb = Problem("max-event-kb", f"max_event_kb is {max_event_kb}, not between 1 and 800")
        _check_number(max_event_kb, MAX_BODY_BYTES // 1024, kb)
        at_once = Problem("concurrency", f"concurrency is {concurrency}, not between 1 and {MAX_CONCURRENCY}")
        _check_number(concurrency, MAX_CONCURRENCY, at_once)
        self._concurrency = concurrency
        self._max_event_kb = max_event_kb
        self._clock = clock
        self._new_id = new_id
        if debug:
            _log_to_stderr()

    @property
    def bulk_events(self) -> BulkEventsFactory:
        """The factory of collections of events: `bulk_events.new_instance()`."""
        return BulkEventsFactory(self._connection, self._encoded, self._concurrency)

    def track_event(self, event: Event) -> Response:
        """Send one event. Acceptance is not delivery: the workflow runs later.

        Raises InvalidEvent for an event that breaks a rule, and TypeError for other objects. Failures of the network and the
        platform are part of the response.
        """
        delivery = single_delivery(self._encoded(event))
        self._connection.deliver(delivery)
        [result] = delivery.results
        return response_of(result)

    def close(self) -> None:
        """Close the connections; the next event opens a new one."""
        self._connection.close()

    def _encoded(self, event: Event) -> Encoded:
        if not isinstance(event, Event):
            raise TypeError(f"an Event is needed, not {type(event).__name__}")
        stamp = Stamp(self._new_id(), int(self._clock() * 1000))
        return encode(event, self._connection.env, stamp, self._max_event_kb)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.env!r}, base_url={self._connection.base_url!r})"


def response_of(result: Result) -> Response:
    """Return the result of one event in its documented form."""
    accepted = result.state == "accepted"
    return {
        "success": accepted,
        "status": "success" if accepted else "fail",
        "status_code": result.status_code,
        "message": result.message,
        "message_id": result.message_id,
        "raw_response": result.raw,
        "unknown": result.state == "unknown",
    }


def _check_number(number: object, most: int, otherwise: Problem) -> None:
    if not isinstance(number, int) or not 0 < number <= most:
        raise InvalidInput(otherwise)


def _user_agent(app_info: AppInfo | None) -> str:
    if not app_info or not app_info.get("name"):
        return USER_AGENT
    caller = "/".join(part for part in (app_info["name"], app_info.get("version")) if part)
    if not caller.isascii() or not caller.isprintable():
        raise InvalidInput(Problem("app-info", "app_info has a character that no header can carry"))
    return f"{USER_AGENT} ({caller})"


def _log_to_stderr() -> None:
    logger.setLevel(logging.DEBUG)
    if not logger.hasHandlers():
        logger.addHandler(logging.StreamHandler())
