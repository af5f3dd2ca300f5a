"""The sandbox as a server: in a thread for one command, or on a port until it is stopped."""

from __future__ import annotations

import errno
import secrets
import signal
import socket
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple, Self

import uvicorn

from runner.config import SANDBOX_API_KEY, SANDBOX_KEY
from runner.errors import MachineError, Problem
from runner.sandbox.app import make_app
from runner.sandbox.connections import ACCEPTED_AT_ONCE, QUEUE, TimedConnection, TimedServer
from runner.sandbox.find import HOST
from runner.sandbox.hosts import is_loopback
from runner.sandbox.proof import Proof, new_key, page_token
from runner.sandbox.rules import SandboxRules, messages_of
from runner.sandbox.store import Limits, Store
from runner.secrets import Secret
from runner.suprsend.auth import ApiKey, WorkspaceKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from starlette.applications import Starlette

    from runner.sandbox.project_specs import ProjectSpecs
    from runner.suprsend.auth import Credentials

MEMORY_MB = 64
"""Limit for a store in memory."""
_OF_ALL = {"": HOST, "0.0.0.0": HOST, "::": "::1"}  # noqa: S104 - only --host listens there
"""Addresses of this machine for those that mean all of its addresses."""


class Sandbox:
    """A sandbox in a thread of this process, over real HTTP on a free port; ends with the `with` block.

    >>> with Sandbox() as sandbox:
    ...     sandbox.store.events()
    []
    """

    def __init__(
        self,
        credentials: Sequence[Credentials] = (SANDBOX_KEY, SANDBOX_API_KEY),
        port: int = 0,
        rules: SandboxRules = SandboxRules(),  # noqa: B008 - a frozen value
        specs: ProjectSpecs | None = None,
    ) -> None:
        self.store = Store(time.time, limits=Limits(mb=MEMORY_MB), messages=messages_of(rules))
        # The socket listens from here on: earlier requests wait until the loop runs.
        self._socket = listening_at(HOST, port)
        self.port: int = self._socket.getsockname()[1]
        self.proof = Proof(new_key(), self.port)
        self._token = _new_token()
        app = make_app(self.store, credentials, self._token, rules, proof=self.proof, specs=specs)
        self._server = server_of(app)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True)

    @property
    def base_url(self) -> str:
        """The base URL of the sandbox."""
        return f"http://{HOST}:{self.port}/"

    @property
    def events_url(self) -> str:
        """The URL of received events. It contains a secret, since all users of this machine can connect."""
        return _events_url(self.base_url, self._token)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._thread.join()
        self._socket.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sandbox listens and what it stores. A `database` of None is memory; `key` is this user's, if there is one.

    `token` is the token of the sandbox's own endpoints; None makes one.
    """

    port: int
    host: str = HOST
    database: Path | None = None
    limits: Limits | None = None
    key: Secret | None = None
    token: Secret | None = None


class Started(NamedTuple):
    """A sandbox that listens: its URLs, of which the page's contains a secret, its credentials and its store."""

    base_url: str
    page_url: str
    workspace: WorkspaceKey
    api: ApiKey
    store: Store


def serve(
    place: Place,
    announce: Callable[[Started], None],
    rules: SandboxRules = SandboxRules(),  # noqa: B008 - a frozen value
    specs: ProjectSpecs | None = None,
) -> None:
    """Run a sandbox until a signal ends it; `announce` is called once it listens.

    With a key it proves to be this user's, and its page keeps its address. At another address than loopback, others can
    connect too: then it has new credentials, and no proof, because it is not the one that `--sandbox` means.

    Raises MachineError if the port is taken, or the database can't be used.
    """
    is_local = is_loopback(place.host)
    with listening_at(place.host, place.port) as listening:
        port: int = listening.getsockname()[1]
        limits = place.limits or (Limits() if place.database else Limits(mb=MEMORY_MB))
        with closing(Store(time.time, place.database, limits, messages_of(rules))) as store:
            proof = Proof(place.key, port) if place.key is not None and is_local else None
            token = place.token or (page_token(place.key, port) if place.key is not None else _new_token())
            workspace, api = (SANDBOX_KEY, SANDBOX_API_KEY) if is_local else _new_credentials()
            app = make_app(store, (workspace, api), token, rules, proof=proof, host=place.host, specs=specs)
            base_url = f"http://{_shown(place.host)}:{port}/"
            server = server_of(app)
            with _stopped_by_signals(server):
                announce(Started(base_url, _events_url(base_url, token), workspace, api, store))
                server.run(sockets=[listening])


def server_of(app: Starlette) -> TimedServer:
    """Return a server for an application, not running yet."""
    return TimedServer(_config(app))


@contextmanager
def _stopped_by_signals(server: TimedServer) -> Iterator[None]:
    """Let signals stop the server, also before it runs, which is when uvicorn begins to handle them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        for number, handler in before.items():
            if not (number == signal.SIGHUP and handler == signal.SIG_IGN):
                signal.signal(number, server.handle_exit)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _shown(host: str) -> str:
    """Return the host of a URL for a client on this machine."""
    host = _OF_ALL.get(host, host)
    return f"[{host}]" if ":" in host else host


def _new_credentials() -> tuple[WorkspaceKey, ApiKey]:
    secret, api_key = Secret(secrets.token_urlsafe(24)), Secret(secrets.token_urlsafe(24))
    return WorkspaceKey(SANDBOX_KEY.key, secret), ApiKey(SANDBOX_API_KEY.workspace_uid, api_key)


def _new_token() -> Secret:
    return Secret(secrets.token_urlsafe(16))


def _events_url(base_url: str, token: Secret) -> str:
    return f"{base_url}#token={token.reveal()}"


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # Starlette's application is one; uvicorn's union is narrower
        http=TimedConnection,
        loop="asyncio",
        backlog=ACCEPTED_AT_ONCE,
        proxy_headers=False,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
    )


def listening_at(host: str, port: int) -> socket.socket:
    """Return a socket that listens. Raises MachineError if the port is taken, or the address is not of this machine."""
    listening = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        # Only for a socket that names its protocol, asyncio turns off Nagle's delay: 40 ms between a head and its body.
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(QUEUE)
    except OSError as error:
        if listening is not None:
            listening.close()
        message = f"can't listen on {host}:{port}: {error.strerror}"
        hint = "choose another with --port" if error.errno == errno.EADDRINUSE else None
        raise MachineError(Problem("port-taken", message, hint=hint)) from None
    return listening
