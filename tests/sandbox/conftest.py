"""A client of the sandbox that shares no code with it, and one server under the application for all tests."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import time
from base64 import b64encode
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from runner.config import SANDBOX_API_KEY, SANDBOX_KEY, load_profile
from runner.sandbox.app import make_app
from runner.sandbox.rules import messages_of, rules_of
from runner.sandbox.store import Store
from runner.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

KEY = "sandbox-workspace-key"
SECRET = "sandbox-workspace-secret"
TOKEN = "sandbox-token"
CONTENT_TYPE = "application/json; charset=utf-8"
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


@dataclass(frozen=True)
class Answered:
    """An answer of the sandbox."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def refusal(self) -> tuple[int, str, str]:
        """Status, message and type of a refusal, which has nothing else."""
        body = self.json
        assert body == {
            "status": "error",
            "error": {"message": body["error"]["message"], "type": body["error"]["type"]},
        }
        return self.status, body["error"]["message"], body["error"]["type"]


@dataclass(frozen=True)
class Caller:
    """Calls a sandbox over HTTP, signing with the given workspace's secret."""

    port: int
    key: str = KEY
    secret: str = SECRET

    def sign(self, method: str, path: str, body: bytes, date: str = DATE, content_type: str = CONTENT_TYPE) -> str:
        md5 = hashlib.md5(body).hexdigest() if body or method != "GET" else ""
        text = f"{method}\n{md5}\n{content_type}\n{date}\n{path}"
        digest = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()
        return f"{self.key}:{b64encode(digest).decode()}"

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answered:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answered(response.status, response.read().decode(), names)
        finally:
            connection.close()

    def post(self, path: str, body: Any) -> Answered:
        """Post JSON, or bytes as they stand, signed."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = {"Content-Type": CONTENT_TYPE, "Date": DATE, "Authorization": self.sign("POST", path, raw)}
        return self.send("POST", path, raw, signed)

    def get(self, path: str) -> Answered:
        return self.send("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})

    def as_workspace(self, key: str, secret: str) -> Caller:
        return replace(self, key=key, secret=secret)

    def event(self, **changes: Any) -> dict[str, Any]:
        """Make an event that the platform accepts, but for the changes; `...` takes a member out."""
        event: dict[str, Any] = {
            "$insert_id": "11111111-1111-4111-8111-111111111111",
            "$time": 1767225600000,
            "event": "ordered",
            "env": self.key,
            "distinct_id": "u1",
            "properties": {"amount": 10},
        } | changes
        return {key: value for key, value in event.items() if value is not ...}


@dataclass(frozen=True)
class Api:
    """The sandbox's application over an empty store of its own."""

    port: int
    store: Store

    @property
    def caller(self) -> Caller:
        return Caller(self.port)


class Changeable:
    """An application that hands everything to another."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def changeable() -> Iterator[tuple[int, Changeable]]:
    """One server for all tests: ending one takes uvicorn a fifth of a second."""
    app = Changeable()
    # Silent: a traceback formatted here while pytest formats another crashes CPython 3.11 (ast.parse is not thread-safe).
    config = uvicorn.Config(app, log_config=None, log_level="critical", access_log=False, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1], app
        server.should_exit = True
        thread.join()


@pytest.fixture
def api(changeable: tuple[int, Changeable]) -> Api:
    port, app = changeable
    store = Store(time.time)
    app.app = make_app(store, (SANDBOX_KEY, SANDBOX_API_KEY), Secret(TOKEN))
    return Api(port, store)


@pytest.fixture
def caller(api: Api) -> Caller:
    return api.caller


@pytest.fixture
def ruled(changeable: tuple[int, Changeable], tmp_path: Path) -> Callable[[str], Api]:
    """Start an application of its own by the rules of a `sandbox:` section."""
    port, app = changeable

    def start(section: str) -> Api:
        (tmp_path / "runner.yaml").write_text(f"sandbox: {section}\n")
        rules = rules_of(load_profile(start=tmp_path))
        store = Store(time.time, messages=messages_of(rules))
        app.app = make_app(store, (SANDBOX_KEY, SANDBOX_API_KEY), Secret(TOKEN), rules)
        return Api(port, store)

    return start
