"""The official SDK and ours, each in a process of its own with the same clock and ids, asked to send the same events."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.secrets import Secret
from runner.suprsend.auth import sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.capturing import CapturingServer, Received
    from tests.suprsend.conftest import Driver

KEY = "workspace_key_0123456789"
SECRET = "workspace_secret"
UID = "workspace-uid-0123456789"
API_KEY = "api-key"
NOW = 1767225600.0
LIBRARIES = ("suprsend-py-sdk/", "suprsend-runner/")
WAYS = pytest.mark.parametrize(
    ("sdk", "auth"), [("0.20.0", "hmac"), ("0.20.0", "bearer"), ("0.19.7", "hmac")], indirect=["sdk"]
)


def command(base_url: str, auth: str = "hmac", **more: Any) -> dict[str, Any]:
    credentials = [KEY, SECRET] if auth == "hmac" else [UID, API_KEY]
    return {"send": "single", "auth": auth, "credentials": credentials, "base_url": base_url, "now": NOW} | more


def said(request: Received) -> str:
    """Return a body's values with their types, in their order and with repeated keys, without the library's name."""

    def members(pairs: list[tuple[str, Any]]) -> tuple[str, Any]:
        return "object", [(key, "…" if str(value).startswith(LIBRARIES) else value) for key, value in pairs]

    return repr(json.loads(request.body, object_pairs_hook=members))


def check_same(our: Received, their: Received, auth: str, signature_of: Callable[[Received, str], str]) -> None:
    """Compare a request of ours with one of the SDK in all that the platform looks at."""
    assert (our.method, our.path) == (their.method, their.path)
    for name in ("Content-Type", "Date"):
        assert our.headers.get(name) == their.headers.get(name)
    assert said(our) == said(their)
    if auth == "bearer":
        assert our.headers["Authorization"] == their.headers["Authorization"] == f"Bearer {API_KEY}"
        assert "Date" not in their.headers
        return
    for request in (our, their):
        assert request.headers["Authorization"] == f"{KEY}:{signature_of(request, SECRET)}"
    content_type, date = their.headers["Content-Type"], their.headers["Date"]
    signature = sign(Secret(SECRET), their.method, their.path, content_type, date, their.body)
    assert f"{KEY}:{signature}" == their.headers["Authorization"]


def ask(driver: Driver, server: CapturingServer, given: dict[str, Any]) -> tuple[list[Any], list[Received]]:
    """Return what the library returned or raised for each call, and the requests that arrived."""
    server.received.clear()
    outcomes = driver.ask(given)["outcomes"]
    return outcomes, list(server.received)


def sent(driver: Driver, server: CapturingServer, event: dict[str, Any], **more: Any) -> Any:
    """Return the body that arrived of one event, or as text what was raised instead."""
    given = command(server.base_url, events=[{"distinct_id": "u1", "event_name": "ordered"} | event]) | more
    [outcome], requests = ask(driver, server, given)
    if "raised" in outcome:
        assert requests == []
        return f"{outcome['raised']}: {outcome['text']}"
    assert outcome["returned"]["success"]
    [request] = requests
    return request.json
