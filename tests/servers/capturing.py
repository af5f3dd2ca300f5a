"""A server that answers as the event API does, or as a test says beforehand, and keeps every request."""

from __future__ import annotations

import json
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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

    def answer_to_get(self, request: Received) -> tuple[int, bytes, dict[str, str]]:  # noqa: ARG002 - of subclasses
        return 404, b"", {}

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


@contextmanager
def capturing_server(server: CapturingServer | None = None) -> Iterator[CapturingServer]:
    """Run a capturing server while the block runs; a subclass has answers of its own."""
    state = server or CapturingServer()

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
            self.answer(*state.answer_to(request))

        def do_GET(self) -> None:
            request = Received("GET", self.path, dict(self.headers.items()), b"")
            state.received.append(request)
            self.answer(*state.answer_to_get(request))

        def answer(self, status: int, raw: bytes, headers: Mapping[str, str]) -> None:
            """Send an answer; with a Content-Length of its own, it is cut off there, and with status 0 there is none."""
            self.close_connection = status == 0 or "Content-Length" in headers
            if status == 0:
                return
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(raw))} | dict(headers)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    httpd = Server(("127.0.0.1", 0), Handler)
    state.base_url = f"http://127.0.0.1:{httpd.server_address[1]}/"
    thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
