"""Lists of messages are asked for as the official SDK asks for them, with the same signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.secrets import Secret
from runner.suprsend.auth import ApiKey, WorkspaceKey
from runner.suprsend.connection import Connection
from runner.suprsend.messages_api import messages_path
from tests.suprsend.oracle.conftest import API_KEY, KEY, NOW, SECRET, UID, WAYS, ask, command

if TYPE_CHECKING:
    from tests.servers.capturing import CapturingServer
    from tests.suprsend.conftest import Driver

FILTERS: list[dict[str, Any]] = [
    {},
    {"idempotency_key": "order-1"},
    {"idempotency_key": "käse & co/ü?#+%20 ~"},
    {"recipient_id": ["u1", "a b@example.com"], "status": ["delivered"], "category": ["x/y"]},
    {"is_campaign": False, "include_content": True, "created_at_gte": "2026-01-02T03:04:05Z"},
    {"object_type": "TEAMS", "object_id": "t 1", "channel": "email", "workflow_slug": "w", "tenant_id": "acme"},
]


@WAYS
def test_a_list_is_asked_for_as_the_official_sdk_does(server: CapturingServer, sdk: Driver, auth: str) -> None:
    base_url = f"{server.base_url}hub/"
    given = command(base_url, auth, send="list", lists=[{"limit": 1000} | filters for filters in FILTERS])
    _, theirs = ask(sdk, server, given)
    credentials = WorkspaceKey(KEY, Secret(SECRET)) if auth == "hmac" else ApiKey(UID, Secret(API_KEY))
    connection = Connection(credentials, base_url, clock=lambda: NOW)
    server.received.clear()
    for filters in FILTERS:
        connection.get(messages_path(filters))
    connection.close()
    assert len(theirs) == len(FILTERS)
    for our, their in zip(server.received, theirs, strict=True):
        assert (our.method, our.path) == (their.method, their.path)
        for name in ("Authorization", "Content-Type", "Date"):
            assert our.headers.get(name) == their.headers.get(name), (name, our.path)
