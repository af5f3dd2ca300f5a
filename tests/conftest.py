"""What tests of every room share: the command line in this process, and real servers on loopback."""

from __future__ import annotations

import io
import json
import os
import signal
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, count
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import pytest

from runner.cli.main import run
from runner.commands.world import World
from runner.sandbox.server import Sandbox
from tests.projects import project, templates  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORY = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SEED = UUID("00000000-0000-4000-8000-000000000001")


def pytest_configure() -> None:
    """Have signals heard by what tests start, also where the tests run in the background: a shell and nohup ignore some."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs `runner` in this process, at a fixed instant, in an environment of its own.

    Each command has ids of its own, the same each time the tests are run: `SEED` the first, others those after it.
    """

    def __init__(self) -> None:
        self.environ: dict[str, str] = {}
        self._seeds = chain([SEED], (uuid5(SEED, str(number)) for number in count(2)))

    def __call__(self, *args: str | Path, stdin: str = "") -> Ended:
        out, err = io.StringIO(), io.StringIO()
        streams = io.StringIO(stdin), out, err
        world = World(
            self.environ, *streams, lambda: NOW, lambda: next(self._seeds), sleep=lambda _: None, random=lambda: 0.5
        )
        code = run([str(arg) for arg in args], world)
        return Ended(code, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def _on_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide from the commands that tests start what CI sets: some behave differently there."""
    for name in [name for name in os.environ if name == "CI" or name.startswith("GITHUB_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def fixed() -> tuple[datetime, UUID]:
    """Give the instant and the seed of every run in tests."""
    return NOW, SEED


@pytest.fixture
def cli() -> CommandLine:
    return CommandLine()


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def in_repository(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the repository the working directory."""
    monkeypatch.chdir(REPOSITORY)
    return REPOSITORY


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@dataclass(frozen=True)
class Received:
    """A request as it came over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class CapturingServer:
    """A loopback server that keeps every request and gives the answers it was told, else 202 for what it got.

    An answer is (status, body) or (status, body, headers).
    """

    base_url: str = ""
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    answers: deque[tuple[Any, ...]] = field(default_factory=deque)

    def answer_to(self, request: Received) -> tuple[int, bytes, dict[str, str]]:
        if self.answers:
            status, body, *headers = self.answers.popleft()
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            return status, raw, headers[0] if headers else {"Content-Type": "application/json"}
        records = [
            {"status": "success", "status_code": 202, "message_id": f"m{index}"}
            for index in range(len(request.json) if isinstance(request.json, list) else 0)
        ]
        single = {"status": "success", "message_id": "m0"}
        document = {"status": "success", "records": records} if isinstance(request.json, list) else single
        return 207 if records else 202, json.dumps(document).encode(), {"Content-Type": "application/json"}


@pytest.fixture
def server() -> Iterator[CapturingServer]:
    state = CapturingServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            state.connections += 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Received("POST", self.path, dict(self.headers.items()), body)
            state.received.append(request)
            status, raw, headers = state.answer_to(request)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def do_GET(self) -> None:
            state.received.append(Received("GET", self.path, dict(self.headers.items()), b""))
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    httpd = Server(("127.0.0.1", 0), Handler)
    state.base_url = f"http://127.0.0.1:{httpd.server_address[1]}/"
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()
