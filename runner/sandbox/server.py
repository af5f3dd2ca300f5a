"""The sandbox as a server: inside this process for one command, or on its port until it is stopped."""

from __future__ import annotations

import signal
import socket
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Self

import uvicorn

from runner.config import SANDBOX_API_KEY, SANDBOX_KEY, SandboxRules
from runner.errors import MachineError, Problem
from runner.sandbox.app import make_app
from runner.sandbox.find import HOST
from runner.sandbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    ) -> None:
        self.store = Store(time.time)
        # Listening begins here: a request that comes before the loop runs waits in the socket.
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(_config(make_app(self.store, credentials, rules)))
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, name="sandbox", daemon=True)

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def serve(
    port: int,
    announce: Callable[[str], None],
    rules: SandboxRules = SandboxRules(),  # noqa: B008 - a frozen value
) -> None:
    """Run a sandbox on a port of this machine until a signal ends it; `announce` hears its base URL once it listens.

    Raises MachineError when the port is taken.
    """
    app = make_app(Store(time.time), (SANDBOX_KEY, SANDBOX_API_KEY), rules)
    with _listen(port) as listening:
        announce(f"http://{HOST}:{listening.getsockname()[1]}/")
        server = uvicorn.Server(_config(app))
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # uvicorn sees to Ctrl-C and SIGTERM
            signal.signal(signal.SIGHUP, server.handle_exit)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type] # Starlette's application is one; uvicorn's union is narrower
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
    except OSError as error:
        listening.close()
        message = f"can't listen on {HOST}:{port}: {error.strerror}"
        raise MachineError(Problem("port-taken", message, hint="choose another with --port")) from None
    listening.listen(256)
    return listening
