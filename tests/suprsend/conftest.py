"""What these tests share: the platform's signature written a second time, raw servers, and no proxy of this machine."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import select
import subprocess
import sys
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

import runner
from tests.official_sdks import sdk_homes
from tests.servers.listeners import closed_url, silent_listener, url_of
from tests.servers.loopback import answering

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from threading import Event as Flag

    from tests.servers.capturing import Received

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
    return closed_url()


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Run a server that never answers."""
    with silent_listener() as listening:
        yield url_of(listening)


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket, Flag], None]], str]]:
    """Start a server that reads one request a connection and leaves the answer to a function, told when the test ends."""
    with ExitStack() as stack:

        def start(answer: Callable[[socket.socket, Flag], None]) -> str:
            return f"http://127.0.0.1:{stack.enter_context(answering(answer)).port}/"

        yield start


class Driver:
    """`sdk_driver.py` with one library in a process of its own, which starts when it is first asked something."""

    def __init__(self, library: str, version: str, import_from: Path | None = None) -> None:
        self.version = version
        self._command_line = [sys.executable, "-P", str(Path(__file__).parent / "sdk_driver.py"), library]
        # Nothing of this machine: no proxy, no locale, no .netrc, which would replace the SDK's Authorization.
        self._environ = {"NETRC": os.devnull, "PYTHONPATH": str(import_from or "")}
        self._process: subprocess.Popen[str] | None = None

    def ask(self, command: dict[str, Any], wait_s: float = 60.0) -> dict[str, Any]:
        """Have a command done; raises TimeoutError, and ends the process, when that takes longer than `wait_s`."""
        if self._process is None:
            self._process = subprocess.Popen(
                self._command_line, env=self._environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert self._read(60.0) == {"version": self.version}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._read(wait_s)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            with self._process:
                self._process = None

    def _read(self, wait_s: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], wait_s)[0]:
            self.stop()
            raise TimeoutError(f"no answer within {wait_s:g} s")
        line = self._process.stdout.readline()
        assert line, "the driver ended: its stderr says why"
        answer: dict[str, Any] = json.loads(line)
        return answer


@pytest.fixture(scope="session")
def sdk_drivers() -> Iterator[dict[str, Driver]]:
    """Keep a process for each version of the official SDK: importing it takes most of a second, and tests alternate."""
    drivers: dict[str, Driver] = {}
    yield drivers
    for driver in drivers.values():
        driver.stop()


@pytest.fixture(params=["0.20.0", "0.19.7"])
def sdk(
    request: pytest.FixtureRequest, sdk_drivers: dict[str, Driver], tmp_path_factory: pytest.TempPathFactory
) -> Driver:
    """Drive the platform's official SDK: the version that is installed, and the last one before API keys."""
    version: str = request.param
    if version not in sdk_drivers:
        homes = sdk_homes(request.config, tmp_path_factory)
        home = None if version == "0.20.0" else homes(f"suprsend-py-sdk=={version}")
        sdk_drivers[version] = Driver("suprsend", version, home)
    return sdk_drivers[version]


@pytest.fixture(scope="session")
def ours() -> Iterator[Driver]:
    """Drive our client in the same way."""
    driver = Driver("runner", runner.__version__, Path(runner.__file__).parent.parent)
    yield driver
    driver.stop()
