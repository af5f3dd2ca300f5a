"""A client of the messages of a sandbox, and messages of three recipients."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.conftest import CONTENT_TYPE, DATE, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Answered, Api, Caller

    Ruled = Callable[[str], Api]


SINGLE = "/v2/event/"
WORKFLOWS = """
  workflows:
    ordered: {slug: order-confirmation, name: Order confirmation, channels: [email, inbox], after: 2h, status_every: 1h}
    paid: {channels: [sms, androidpush], category: billing, status_every: 0s, outcome: clicked}
"""
NUMBERS = count(1)
HOUR_S = 3600


class Client:
    """Calls the messages API of a sandbox, and sets its clock forward."""

    def __init__(self, caller: Caller, session: str = "") -> None:
        self.caller = caller.as_workspace(f"{caller.key}.{session}", caller.secret) if session else caller
        self.session = session

    def send(self, **changes: Any) -> None:
        fresh = {"$insert_id": f"{next(NUMBERS):036}", "env": "sandbox-workspace-key"}
        assert self.caller.post(SINGLE, self.caller.event(**(fresh | changes))).status == 202

    def call(self, method: str, target: str, body: bytes = b"") -> Answered:
        """Call signed as the official SDKs sign: over the raw target, with an empty digest for a GET."""
        signature = self.caller.sign(method, target, body)
        headers = {"Content-Type": CONTENT_TYPE, "Date": DATE, "Authorization": signature}
        return self.caller.send(method, target, body, headers)

    def page(self, *query: tuple[str, str], path: str = "/v1/message/") -> Any:
        target = path + (f"?{urlencode(query)}" if query else "")
        answered = self.call("GET", target)
        assert answered.status == 200, answered.text
        return answered.json

    def messages(self, *query: tuple[str, str]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = self.page(*query)["results"]
        return results

    def statuses(self, *query: tuple[str, str]) -> list[tuple[str, str]]:
        return sorted((each["channel"], each["status"]) for each in self.messages(*query))

    def refused(self, *query: tuple[str, str]) -> str:
        answered = self.call("GET", f"/v1/message/?{urlencode(query)}")
        text: str = answered.json["message"]
        assert (answered.status, answered.json) == (
            400,
            {"code": 400, "error_code": "bad_request", "type": "bad_request", "message": text, "detail": text},
        )
        return text

    def act(self, *actions: tuple[str, str]) -> list[tuple[int, str | None]]:
        body = json.dumps({"messages": [{"message_id": id_, "action": action} for id_, action in actions]}).encode()
        answered = self.call("PATCH", "/v1/bulk/message/", body)
        assert answered.status == 202, answered.text
        records = answered.json["records"]
        assert [each["message_id"] for each in records] == [id_ for id_, _ in actions]
        return [(each["status_code"], each["error"] and each["error"]["type"]) for each in records]

    def advance(self, seconds: float) -> None:
        body = json.dumps({"advance_s": seconds, "session": self.session}).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        assert self.caller.send("POST", "/_sandbox/clock", body, headers).status == 200


U1 = ["u1 androidpush", "u1 sms"]
U2 = ["bounce+u2 androidpush", "bounce+u2 sms"]
U3 = ["u3 email", "u3 inbox"]


def shown(message: dict[str, Any]) -> str:
    return f"{message['recipient']['distinct_id']} {message['channel']}"


@pytest.fixture
def client(ruled: Ruled) -> Client:
    return Client(ruled(WORKFLOWS).caller)


@pytest.fixture
def many(client: Client) -> Client:
    client.send(event="paid", distinct_id="u1", tenant_id="acme", **{"$idempotency_key": "k1"})
    client.advance(10)
    client.send(event="paid", distinct_id="bounce+u2", brand_id="umbrella")
    client.advance(10)
    client.send(event="ordered", distinct_id="u3")
    client.advance(3 * HOUR_S)
    return client
