"""A sandbox in a process of its own, and bytes that are sent to it as they are."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import Preloaded
from tests.sandbox.conftest import CONTENT_TYPE, DATE, Caller

SINGLE = "/v2/event/"
HOST = b"Host: 127.0.0.1\r\n"
GET = b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /v2/event/ HTTP/1.1\r\n" + HOST

LAST_LINE = "  export SUPRSEND_WORKSPACE_KEY=sandbox-workspace-key SUPRSEND_WORKSPACE_SECRET=sandbox-workspace-secret\n"


@dataclass(frozen=True)
class Serving:
    """A sandbox in a process of its own."""

    process: Preloaded[str]
    port: int
    token: str

    @property
    def caller(self) -> Caller:
        return Caller(self.port)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def asking(self, path: str) -> bytes:
        """Return a request that has the token."""
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()

    def get(self, path: str) -> Any:
        return self.caller.send("GET", path, headers={"Authorization": f"Bearer {self.token}"}).json

    def peak_mb(self) -> float:
        return self._status_mb("VmHWM")

    def now_mb(self) -> float:
        return self._status_mb("VmRSS")

    def _status_mb(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith(name))) / 1024

    def serves(self) -> bool:
        return self.caller.post(SINGLE, self.caller.event()).status == 202


def started(home: Path, *options: str) -> Serving:
    command = ["runner", "sandbox", "--port", "0", "-q", *options]
    environ = os.environ | {"HOME": str(home), "XDG_STATE_HOME": ""}
    process = Preloaded[str](command, cwd=home, env=environ, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = list(iter(process.stderr.readline, LAST_LINE))
    base_url, _, token = said[3].split()[-1].partition("#token=")
    return Serving(process, int(base_url.rstrip("/").rpartition(":")[2]), token)


def end(serving: Serving) -> str:
    """End a sandbox, and give what it said since it started."""
    serving.process.send_signal(signal.SIGINT)
    try:
        return serving.process.communicate(timeout=20)[1]
    finally:
        serving.process.kill()


def exchanged(serving: Serving, *parts: bytes, answers: int = 1) -> list[int]:
    """Send parts while reading, and give the statuses of the answers: so many as expected, or until the server hangs up."""
    answer = b""
    with serving.connect() as connection, suppress(ConnectionError):
        connection.setblocking(False)
        unsent = b"".join(parts)
        while len(statuses(answer)) < answers:
            readable, writable, _ = select.select([connection], [connection] if unsent else [], [], 20)
            if writable:
                unsent = unsent[connection.send(unsent[:65536]) :]
            if readable:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
            assert readable or writable
    return statuses(answer)


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def signed(caller: Caller, body: bytes, path: str = SINGLE, length: int | None = None) -> bytes:
    authorization = caller.sign("POST", path, body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {CONTENT_TYPE}\r\nDate: {DATE}\r\n"
        f"Authorization: {authorization}\r\nContent-Length: {len(body) if length is None else length}\r\n"
    ).encode()
