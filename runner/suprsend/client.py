"""`Suprsend`: the platform's Python API for events, under its own names."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypedDict
from uuid import uuid4

from runner.errors import InvalidInput, Problem
from runner.secrets import Secret
from runner.suprsend.auth import ApiKey, Credentials, WorkspaceKey, check_credential
from runner.suprsend.bulk import BulkEventsFactory
from runner.suprsend.connection import DEFAULT_TIMEOUT_S, Connection
from runner.suprsend.event import MAX_BODY_BYTES, MAX_EVENT_KB, Event, Stamp, body_of

if TYPE_CHECKING:
    from collections.abc import Callable


class Response(TypedDict):
    """What `track_event` returns. `status_code` is 0, and `success` False, when no answer came."""

    success: bool
    status: str
    status_code: int
    message: str
    message_id: str | None
    raw_response: object


class Suprsend:
    """A client of one workspace.

    `timeout` is in seconds and bounds one request, from its start to the answer's end; `max_event_kb` raises the
    documented limit of 100 KB (of 1,024 bytes) an event, up to 800. `clock` gives seconds since 1970, `new_id` a UUID
    for each event. May be used from several threads, not across a fork.

    Raises CredentialsError when a credential is missing or has a character that none has, or `base_url` is plain http
    to another machine; InvalidInput for a base URL, timeout or size that is none.

    >>> Suprsend("workspace_key", "workspace_secret", base_url="http://127.0.0.1:7788/")
    Suprsend('workspace_key', base_url='http://127.0.0.1:7788/')
    """

    def __init__(
        self,
        workspace_key: str,
        workspace_secret: str,
        base_url: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        max_event_kb: int = MAX_EVENT_KB,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        _require(workspace_key=workspace_key, workspace_secret=workspace_secret)
        credentials = WorkspaceKey(workspace_key, Secret(workspace_secret))
        self._connect(credentials, base_url, timeout, max_event_kb, clock, new_id)

    @classmethod
    def with_workspace_api_key(
        cls,
        workspace_uid: str,
        api_key: str,
        base_url: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        max_event_kb: int = MAX_EVENT_KB,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> Suprsend:
        """Authenticate with an API key, sent as a bearer token, instead of signing with the workspace's secret."""
        _require(workspace_uid=workspace_uid, api_key=api_key)
        credentials = ApiKey(workspace_uid, Secret(api_key))
        client = cls.__new__(cls)
        client._connect(credentials, base_url, timeout, max_event_kb, clock, new_id)  # noqa: SLF001 - its own class
        return client

    def _connect(
        self,
        credentials: Credentials,
        base_url: str | None,
        timeout: float,
        max_event_kb: int,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        if not 0 < max_event_kb <= MAX_BODY_BYTES // 1024:
            raise InvalidInput(Problem("max-event-kb", f"max_event_kb is {max_event_kb}, not between 1 and 800"))
        self._connection = Connection(credentials, base_url, timeout_s=timeout, clock=clock)
        self._max_event_kb = max_event_kb
        self._clock = clock
        self._new_id = new_id

    @property
    def bulk_events(self) -> BulkEventsFactory:
        """Where `new_instance()` makes collections of events to send together."""
        return BulkEventsFactory(self._connection, self._encode)

    def track_event(self, event: Event) -> Response:
        """Send one event. Acceptance is not delivery: the workflow runs later.

        Raises InvalidEvent for an event that breaks a rule, TypeError for what is no event. Whatever the network or the
        platform does is in the response.
        """
        result = self._connection.send_one(self._encode(event))
        accepted = result.state == "accepted"
        return {
            "success": accepted,
            "status": "success" if accepted else "fail",
            "status_code": result.status_code,
            "message": result.message,
            "message_id": result.message_id,
            "raw_response": result.raw,
        }

    def close(self) -> None:
        """Close the kept connections."""
        self._connection.close()

    def _encode(self, event: Event) -> bytes:
        if not isinstance(event, Event):
            raise TypeError(f"an Event is needed, not {type(event).__name__}")
        stamp = Stamp(self._new_id(), int(self._clock() * 1000))
        return body_of(event, self._connection.env, stamp, self._max_event_kb)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.env!r}, base_url={self._connection.base_url!r})"


def _require(**credentials: str) -> None:
    for name, value in credentials.items():
        check_credential(name, value)
