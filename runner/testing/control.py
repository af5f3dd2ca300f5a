"""A client of a sandbox's own endpoints: what arrived, waits, and the clock of a session."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from operator import methodcaller
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

from runner.errors import CredentialsError, InvalidInput, MachineError, Problem, RunnerError
from runner.secrets import Secret
from runner.suprsend.endpoints import clean_base_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__tracebackhide__ = methodcaller("errisinstance", RunnerError)
"""pytest shows the caller's line for these errors, without the frames of this module."""
_ANSWER_S = 30.0
_MAX_WAIT_S = 250.0
"""Longest wait of one request; the sandbox allows 300 s."""
_MAX_LISTED = 1000


class Address(NamedTuple):
    """The base URL of a sandbox, and the token of its own endpoints."""

    base_url: str
    token: Secret

    @classmethod
    def read(cls, text: str, token: str | None) -> Address:
        """Return the address that `runner sandbox` prints: `http://127.0.0.1:7788/#token=…`.

        An address without a token needs `token`. Raises InvalidInput without either, or for another text.
        """
        base_url, _, fragment = text.strip().partition("#")
        [given] = parse_qs(fragment).get("token") or [token or ""]
        if not given:
            message = "the address of the sandbox has no token"
            hint = "copy the address that it printed, with all that follows #, or set RUNNER_SANDBOX_TOKEN"
            raise InvalidInput(Problem("credentials-missing", message, hint=hint))
        return cls(clean_base_url(base_url), Secret(given))


class Waited(NamedTuple):
    """The records that arrived, and if they are too few, the nearest other ones."""

    found: list[dict[str, Any]]
    instead: list[dict[str, Any]]


class SandboxControl:
    """Calls the endpoints of one sandbox; each call is a connection of its own, so that all threads may share this.

    All methods raise MachineError if the sandbox does not answer, CredentialsError for a wrong token.
    """

    def __init__(self, address: Address) -> None:
        self.base_url = address.base_url
        self._token = address.token

    def events(self, selection: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the selected records, the oldest first."""
        return list(self.newest(selection))[::-1]

    def newest(self, selection: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield the selected records, the newest first, a page of them at a time."""
        before: dict[str, str] = {}
        while True:
            query = {**selection, **before, "limit": str(_MAX_LISTED)}
            answer = self._call("GET", "events", query)
            page = answer["events"]
            yield from page
            if not page or not answer.get("more", len(page) == _MAX_LISTED):
                return
            before = {"before": str(page[-1]["id"])}

    def wait(self, selection: Mapping[str, str], count: int, timeout_s: float) -> Waited:
        """Wait for records, at most `timeout_s` or 250 seconds."""
        timeout_s = min(max(0.0, timeout_s), _MAX_WAIT_S)
        query = {**selection, "count": str(count), "timeout": f"{timeout_s:.3f}"}
        answer = self._call("GET", "wait", query, timeout_s)
        return Waited(answer["events"], answer.get("instead", []))

    def messages(self, arrival_id: int) -> list[dict[str, Any]]:
        """Return the messages that came of a record, and those that will, with their statuses in time."""
        found: list[dict[str, Any]] = self._call("GET", f"events/{arrival_id}/messages", {})["messages"]
        return found

    def refused(self, selection: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return the newest refused requests, the oldest of them first."""
        requests: list[dict[str, Any]] = self._call("GET", "requests", {**selection, "limit": "100"})["requests"]
        return requests[::-1]

    def clear(self, session: str) -> None:
        """Delete all records of a session."""
        self._call("DELETE", "events", {"session": session})

    def advance(self, session: str, seconds: float) -> None:
        """Set the clock of a session forward."""
        self._call("POST", "clock", {}, body={"session": session, "advance_s": seconds})

    def _call(self, method: str, path: str, query: Mapping[str, str], more_s: float = 0, body: object = None) -> Any:
        parts = urlsplit(self.base_url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=_ANSWER_S + more_s)
        headers = {"Authorization": f"Bearer {self._token.reveal()}", "Content-Type": "application/json"}
        target = f"{parts.path}_sandbox/{path}?{urlencode(query)}"
        try:
            connection.request(method, target, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            status, answer = response.status, json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            message = f"the sandbox at {self.base_url} does not answer: {error}"
            raise MachineError(Problem("machine-refused", message, hint="start it again")) from None
        finally:
            connection.close()
        if status in (HTTPStatus.OK, HTTPStatus.REQUEST_TIMEOUT):
            return answer
        refusal = answer.get("error") if isinstance(answer, dict) else None
        reason = str(refusal.get("message")) if isinstance(refusal, dict) else f"status {status}"
        if status == HTTPStatus.UNAUTHORIZED:
            raise CredentialsError(Problem("credentials-refused", f"the sandbox at {self.base_url}: {reason}"))
        raise InvalidInput(Problem("bad-value", f"the sandbox at {self.base_url}: {reason}"))
