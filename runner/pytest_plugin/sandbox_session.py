"""One session of a sandbox, for the test of an application: its credentials, what arrived in it, and assertions.

It does not need pytest. Its failures are AssertionErrors whose text shows the event that came nearest.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import urlsplit

from runner.config import SANDBOX_API_KEY, SANDBOX_KEY
from runner.errors import NotFound, Problem, RunnerError
from runner.pytest_plugin.sandbox_texts import arrived_text, differing_text, instead_text, wanted_text
from runner.testing.arrivals import ReceivedEvent, RefusedRequest
from runner.testing.control import Address, SandboxControl
from runner.testing.wanted import Wanted, expected_node, wanted_by_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.suprsend import Suprsend

__tracebackhide__ = methodcaller("errisinstance", (AssertionError, RunnerError))
"""pytest shows the line of the test for these errors, without the frames of this module."""
WITHIN_S = 5.0
"""Default for the time to wait for an event."""
MAX_COUNT = 1000
_NAME = re.compile("[A-Za-z0-9_-]{0,64}")
_NOT_IN_NAMES = re.compile("[^A-Za-z0-9_-]+")
_LONGEST_TITLE = 48


class WorkspaceCredentials(TypedDict):
    """Arguments of `Suprsend`, of this package and of the platform's SDK."""

    workspace_key: str
    workspace_secret: str
    base_url: str


class ApiKeyCredentials(TypedDict):
    """Arguments of `Suprsend.with_workspace_api_key`, of this package and of the platform's SDK."""

    workspace_uid: str
    api_key: str
    base_url: str


class SandboxSession:
    """A part of a sandbox with events, idempotency keys and a clock of its own: what other tests send never arrives here.

    An application sends to it with the credentials of the session: `environ` for another process, `credentials` for a client
    in this one. All methods may be called from several threads. They raise RunnerError if the sandbox does not answer.

    `address` is the one that the sandbox printed, with its token; without the token, `token` must have it. `name` is the name of
    the session, by default a new one; "" is the part of the sandbox that senders without a session use. `specs_in` are the folders in which specs are looked up, one after the other.
    """

    def __init__(
        self,
        address: str,
        name: str | None = None,
        *,
        token: str | None = None,
        specs_in: Sequence[Path] = (),
        config: Path | None = None,
    ) -> None:
        self._control = SandboxControl(Address.read(address, token))
        self.name = session_name("session") if name is None else name
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a session is named by at most 64 letters, digits, - and _, not {self.name!r}")
        self._suffix = f".{self.name}" if self.name else ""
        self._specs_in = [*specs_in] or [Path.cwd()]
        self._config = config
        self._since_ms = int(time.time() * 1000)

    @property
    def url(self) -> str:
        """The base URL of the sandbox, for SUPRSEND_BASE_URL or the argument `base_url`."""
        return self._control.base_url

    @property
    def credentials(self) -> WorkspaceCredentials:
        """Arguments of an SDK that signs: `Suprsend(**session.credentials)`."""
        return {
            "workspace_key": SANDBOX_KEY.key + self._suffix,
            "workspace_secret": SANDBOX_KEY.secret.reveal(),
            "base_url": self.url,
        }

    @property
    def api_key_credentials(self) -> ApiKeyCredentials:
        """Arguments of an SDK with an API key: `Suprsend.with_workspace_api_key(**session.api_key_credentials)`."""
        return {
            "workspace_uid": SANDBOX_API_KEY.workspace_uid,
            "api_key": SANDBOX_API_KEY.key.reveal() + self._suffix,
            "base_url": self.url,
        }

    @property
    def environ(self) -> dict[str, str]:
        """Environment variables with the base URL and both kinds of credentials.

        NO_PROXY is that of this process, with the host of the sandbox: an SDK must not send to it through a proxy.
        """
        not_proxied = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        hosts = ",".join(filter(None, [not_proxied, urlsplit(self.url).hostname]))
        return {
            "SUPRSEND_BASE_URL": self.url,
            "SUPRSEND_WORKSPACE_KEY": self.credentials["workspace_key"],
            "SUPRSEND_WORKSPACE_SECRET": self.credentials["workspace_secret"],
            "SUPRSEND_WORKSPACE_UID": self.api_key_credentials["workspace_uid"],
            "SUPRSEND_API_KEY": self.api_key_credentials["api_key"],
            "NO_PROXY": hosts,
            "no_proxy": hosts,
        }

    def suprsend(self) -> Suprsend:
        """Return a client of this package that sends to the session."""
        from runner.suprsend import Suprsend  # noqa: PLC0415 - most tests send from their application

        return Suprsend(**self.credentials)

    def events(
        self, event: str | None = None, user: str | None = None, *, tenant: str | None = None
    ) -> list[ReceivedEvent]:
        """Return the accepted events that arrived, the oldest first, duplicates included; all, or those of these values."""
        records = self._control.events(self._query(_names(event, user, tenant)))
        return [ReceivedEvent.of(record) for record in records if record["outcome"] != "refused"]

    def messages(
        self, event: str | None = None, user: str | None = None, *, tenant: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the messages that have come of events, as the platform's messages API lists them, the oldest event first.

        `workflows:` in `runner.yaml` makes them; `advance` moves their statuses. Each has its `timeline` beside it.
        """
        records = self._control.events(self._query(_names(event, user, tenant)))
        return [each for record in records for each in self._control.messages(record["id"]) if each["exists"]]

    def refused(self) -> list[RefusedRequest]:
        """Return the requests of which all or some events were refused, the newest hundred, the oldest first."""
        return [RefusedRequest.of(request) for request in self._control.refused({"session": self.name})]

    def wait_for(
        self,
        event: str | None = None,
        user: str | None = None,
        *,
        tenant: str | None = None,
        count: int = 1,
        timeout: float = WITHIN_S,
    ) -> list[ReceivedEvent]:
        """Return the first `count` accepted events of these values as soon as they have arrived; duplicates do not count.

        Raises AssertionError if there are fewer after `timeout` seconds.
        """
        if not 1 <= count <= MAX_COUNT:
            raise ValueError(f"count is {count}, not between 1 and {MAX_COUNT}")
        names = _names(event, user, tenant)
        until_s = time.monotonic() + timeout
        while True:
            left_s = until_s - time.monotonic()
            waited = self._control.wait(self._query(names), count, left_s)
            found = [ReceivedEvent.of(record) for record in waited.found]
            if len(found) >= count:
                return found
            if time.monotonic() >= until_s:
                break
        wanted = wanted_text(Wanted(names))
        number = f"{len(found)} of {count} events" if count > 1 else "no event"
        raise AssertionError(
            f"{number} arrived within {timeout:g} s: expected {wanted}\n{self._instead(waited.instead)}"
        )

    def assert_sent(
        self,
        spec: str | os.PathLike[str],
        *,
        case: str | None = None,
        event: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        idempotency_key: str | None = None,
        properties: Mapping[str, object] | None = None,
        within: float = WITHIN_S,
    ) -> ReceivedEvent:
        """Return the first event that fits a spec, as soon as it has arrived: its name, and the schema of its properties.

        With `case`, it must also be as that case of the spec expects, in `expect: event`. `properties` are a part of the
        expected properties, in which the matchers of cases count. Raises AssertionError if none has arrived after `within`
        seconds.
        """
        names = _names(event, user, tenant, idempotency_key)
        shown = str(spec)
        wanted = wanted_by_spec(self._spec(spec), shown, case, names, expected_node(properties), self._config)
        of_name = {"event": wanted.names["event"]} if "event" in wanted.names else {}
        until_s = time.monotonic() + within
        last = 0
        nearest: tuple[list[Problem], ReceivedEvent] | None = None
        while True:
            records = self._control.events({**self._query(of_name), "outcome": "accepted", "after": str(last)})
            for found in map(ReceivedEvent.of, records):
                differences = wanted.differences(found)
                if not differences:
                    return found
                if nearest is None or len(differences) <= len(nearest[0]):
                    nearest = differences, found
                last = found.id
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                break
            self._control.wait({**self._query(of_name), "after": str(last)}, 1, left_s)
        text = f"no event fits {shown} after {within:g} s: expected {wanted_text(wanted)}"
        if nearest is None:
            instead = self._control.wait(self._query(dict(wanted.names)), 1, 0).instead
            raise AssertionError(f"{text}\n{self._instead(instead)}")
        raise AssertionError(f"{text}\n{differing_text(nearest[1], nearest[0], wanted.mask)}")

    def assert_not_sent(
        self,
        spec: str | os.PathLike[str] | None = None,
        *,
        event: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        within: float = 0.0,
    ) -> None:
        """Raise AssertionError if an accepted event of these values has arrived, or of the name in a spec; without any, any event.

        Only what has arrived already counts. For an application that may still be sending, `within` is the number of seconds to wait.
        """
        names = _names(event, user, tenant)
        if spec is not None:
            names = dict(wanted_by_spec(self._spec(spec), str(spec), None, names, None, self._config).names)
        if within > 0:
            self._control.wait(self._query(names), 1, within)
        found = [record for record in self._control.events(self._query(names)) if record["outcome"] != "refused"]
        if found:
            number = f"{len(found)} events" if len(found) > 1 else "an event"
            raise AssertionError(
                f"{number} arrived, but expected no {wanted_text(Wanted(names)).removeprefix('any ')}\n{arrived_text(found)}"
            )

    def advance(self, seconds: float) -> None:
        """Set the clock of the session forward, for example by 25 hours, after which idempotency keys are forgotten."""
        self._control.advance(self.name, seconds)

    def clear(self) -> None:
        """Delete what arrived in the session, and its idempotency keys. Its clock remains as it is."""
        self._control.clear(self.name)

    def report(self) -> str:
        """Return what arrived in the session as text, with the requests that were refused; empty if nothing arrived."""
        return arrived_text(self._control.events({"session": self.name}))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r}, {self.name!r})"

    def _query(self, names: Mapping[str, str]) -> dict[str, str]:
        return {"session": self.name, **names}

    def _instead(self, nearest: Sequence[Mapping[str, object]]) -> str:
        """Return what arrived instead. If nothing did, say whether something arrived outside of all sessions."""
        strays = []
        if not nearest:
            records = self._control.events({"session": ""})
            strays = [record for record in records if record["received_ms"] >= self._since_ms]
        return instead_text(nearest, strays, self.credentials["workspace_key"])

    def _spec(self, spec: str | os.PathLike[str]) -> Path:
        """Return the path of a spec. Raises NotFound if it is in none of the folders."""
        for folder in self._specs_in:
            if (path := folder / spec).is_file():
                here = Path.cwd()
                return path.relative_to(here) if path.is_relative_to(here) else path
        message = f"no such file: {spec}"
        raise NotFound(Problem("file-not-found", message, hint=f"it was looked up in {self._specs_in[-1]}"))


def session_name(title: str) -> str:
    """Return a new name for a session, in which a title can be recognized."""
    return f"{_NOT_IN_NAMES.sub('-', title)[:_LONGEST_TITLE].strip('-')}-{secrets.token_hex(6)}"


def _names(
    event: str | None, user: str | None, tenant: str | None, idempotency_key: str | None = None
) -> dict[str, str]:
    names = {"event": event, "distinct_id": user, "tenant_id": tenant, "idempotency_key": idempotency_key}
    return {name: str(value) for name, value in names.items() if value is not None}
