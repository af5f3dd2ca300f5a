"""The sandbox as a server: in a thread for one command, or on a port until it is stopped."""

from __future__ import annotations

import secrets
import signal
import socket
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple, Self

import uvicorn

from runner.config import SANDBOX_API_KEY, SANDBOX_KEY
from runner.errors import MachineError, Problem
from runner.sandbox.app import make_app
from runner.sandbox.connections import ACCEPTED_AT_ONCE, QUEUE, TimedConnection, TimedServer
from runner.sandbox.find import HOST
from runner.sandbox.proof import Proof, new_key
from runner.sandbox.rules import SandboxRules
from runner.sandbox.store import Store
from runner.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.sandbox.project_specs import ProjectSpecs
    from runner.suprsend.auth import Credentials


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
        self.store = Store(time.time)
        # The socket listens from here on: earlier requests wait until the loop runs.
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self.proof = Proof(new_key(), self.port)
        self._token = _new_token()
        app = make_app(self.store, credentials, self._token, rules, self.proof, specs)
        self._server = TimedServer(_config(app))
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
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


class Addresses(NamedTuple):
    """The base URL of a sandbox, and the URL of received events, which is secret."""

    base_url: str
    events_url: str


def serve(
    port: int,
    announce: Callable[[Addresses], None],
    rules: SandboxRules = SandboxRules(),  # noqa: B008 - a frozen value
    key: Secret | None = None,
    specs: ProjectSpecs | None = None,
) -> None:
    """Run a sandbox on a port of this machine until a signal ends it; `announce` receives its addresses.

    With the `key` it proves to be this user's. Raises MachineError if the port is taken.
    """
    token = _new_token()
    with _listen(port) as listening:
        listens_on: int = listening.getsockname()[1]
        proof = Proof(key, listens_on) if key is not None else None
        app = make_app(Store(time.time), (SANDBOX_KEY, SANDBOX_API_KEY), token, rules, proof, specs)
        base_url = f"http://{HOST}:{listens_on}/"
        announce(Addresses(base_url, _events_url(base_url, token)))
        server = TimedServer(_config(app))
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # uvicorn handles Ctrl-C and SIGTERM
            signal.signal(signal.SIGHUP, server.handle_exit)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


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
        timeout_graceful_shutdown=2,
    )


def _listen(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(QUEUE)
    except OSError as error:
        listening.close()
        message = f"can't listen on {HOST}:{port}: {error.strerror}"
        raise MachineError(Problem("port-taken", message, hint="choose another with --port")) from None
    return listening
