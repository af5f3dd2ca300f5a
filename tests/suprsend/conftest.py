"""What these tests share: the platform's signature written a second time, raw servers, and no proxy of this machine."""

from __future__ import annotations

import hashlib
import hmac
import socket
from base64 import b64encode
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Received

# Derandomised: a failure here must be a change of ours, not another draw. A fixture's server may be shared by all draws.
settings.register_profile(
    "suprsend",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("suprsend")


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "NETRC"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def signature_of() -> Callable[[Received, str], str]:
    """Sign what was received as the documentation says, from nothing but the bytes on the wire."""

    def signature(request: Received, secret: str) -> str:
        md5 = hashlib.md5(request.body).hexdigest()
        lines = (request.method, md5, request.headers["Content-Type"], request.headers["Date"], request.path)
        digest = hmac.new(secret.encode(), "\n".join(lines).encode(), hashlib.sha256).digest()
        return b64encode(digest).decode()

    return signature


@pytest.fixture
def dead_url() -> str:
    """Find a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Listen, take connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket, Flag], None]], str]]:
    """Start a server that reads one request a connection and leaves the answer to a function, told when the test ends."""
    ended = Flag()
    threads: list[Thread] = []
    listeners: list[socket.socket] = []

    def start(answer: Callable[[socket.socket, Flag], None]) -> str:
        listening = socket.create_server(("127.0.0.1", 0))
        listeners.append(listening)

        def serve() -> None:
            while True:
                connection, _ = listening.accept()
                with connection:
                    if ended.is_set():
                        return
                    _read_request(connection)
                    answer(connection, ended)

        threads.append(Thread(target=serve))
        threads[-1].start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield start
    ended.set()
    for listening in listeners:
        socket.create_connection(listening.getsockname()).close()
    for thread in threads:
        thread.join()
    for listening in listeners:
        listening.close()


def _read_request(connection: socket.socket) -> None:
    with connection.makefile("rb") as stream:
        length = 0
        while (line := stream.readline().strip().lower()) != b"":
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        stream.read(length)
