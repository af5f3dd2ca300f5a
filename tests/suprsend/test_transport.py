"""A connection posts through whatever transport it is given, and over HTTP when it is given none."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runner.secrets import Secret
from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.auth import WorkspaceKey
from runner.suprsend.connection import Connection
from runner.suprsend.delivery import single_delivery
from runner.suprsend.encoding import encode
from runner.suprsend.event import Event, Stamp
from runner.suprsend.sockets import Exchange
from runner.suprsend.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from tests.servers.capturing import CapturingServer

KEY = WorkspaceKey("workspace_key", Secret("workspace_secret"))
EVENT = encode(Event("u1", "ordered"), KEY.env, Stamp("1" * 36, 1767225600000), 100)


class Echo:
    """Keeps what it is given, and refuses it with the Authorization in its answer."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, Mapping[str, str], bytes, float]] = []
        self.is_closed = False

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, exchange: Exchange
    ) -> Answer | NoAnswer:
        assert method == "POST"
        self.posts.append((path, headers, body, exchange.limit_s))
        return Answer(400, f'{{"message": "not {headers["Authorization"]}"}}'.encode())

    def close(self) -> None:
        self.is_closed = True


def test_a_connection_posts_signed_requests_through_the_transport_that_it_is_given() -> None:
    echo = Echo()
    connection = Connection(KEY, "https://example.com/api", clock=lambda: 1767225600.0, timeout_s=5, transport=echo)
    delivery = single_delivery(EVENT)
    connection.deliver(delivery)
    connection.close()
    [(path, headers, body, limit_s)] = echo.posts
    assert (path, body, limit_s, echo.is_closed) == ("/api/v2/event/", EVENT.body, 5, True)
    assert {name: value for name, value in headers.items() if name not in ("Authorization", "User-Agent")} == {
        "Content-Type": "application/json; charset=utf-8",
        "Accept": "application/json",
        "Date": "Thu, 01 Jan 2026 00:00:00 GMT",
    }
    assert [result.message for result in delivery.results] == ["not ***"]


def test_an_answer_tells_what_of_its_head_is_worth_recording(server: CapturingServer) -> None:
    server.answers.append((429, b"later", {"Content-Type": "text/plain", "Retry-After": "7", "X-Other": "1"}))
    transport = Transport(server.base_url)
    with Exchange(time.monotonic() + 10, 10) as exchange:
        answer = transport.request("POST", "/v2/event/", {}, b"{}", exchange)
    transport.close()
    assert answer == Answer(429, b"later", "7", "text/plain")


def test_a_transport_tells_whom_it_connects_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Transport("https://hub.example.com/").peers == (("hub.example.com", 443),)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example.com:3128")
    assert Transport("https://hub.example.com/").peers == (("hub.example.com", 443), ("proxy.example.com", 3128))
    assert Transport("http://127.0.0.1:7788/").peers == (("127.0.0.1", 7788),)
