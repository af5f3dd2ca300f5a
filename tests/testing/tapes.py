"""What tests of replays and recordings share: an event, requests with it, and cassettes that have them."""

from __future__ import annotations

import json
import time
from datetime import date
from typing import TYPE_CHECKING, Any

from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.sockets import Exchange
from runner.testing.cassette import SANDBOX, Cassette, Interaction
from runner.testing.request_diff import Request

if TYPE_CHECKING:
    from runner.suprsend.transport import Http


TODAY = date(2026, 11, 24)
AGAIN = "runner test specs/purchase.yaml -k 'a case' --record rewrite --sandbox"
JSON = "application/json; charset=utf-8"
EVENT: dict[str, Any] = {
    "$insert_id": "1" * 36,
    "$time": 1767225600000,
    "env": "workspace_key",
    "event": "ordered",
    "distinct_id": "u1",
    "properties": {"amount": 10, "premium": True, "tags": ["a", "b"], "$ss_sdk_version": "suprsend-runner/0.1.0"},
}


def event(**changes: Any) -> dict[str, Any]:
    """Change keys of the event; those of its properties by the name `properties__amount`; `...` takes one out."""
    made = json.loads(json.dumps(EVENT))
    for name, value in changes.items():
        *above, key = name.replace("dollar_", "$").split("__")
        target = made[above[0]] if above else made
        if value is ...:
            del target[key]
        else:
            target[key] = value
    return made  # type: ignore[no-any-return]


def recorded(*bodies: Any, path: str = "/v2/event/", answers: tuple[int, ...] = ()) -> Cassette:
    """Make a cassette of requests with these bodies, each on a line of its own."""
    statuses = answers or (202,) * len(bodies)
    interactions = (
        Interaction(Request("POST", f"http://127.0.0.1:7788{path}", JSON, raw(body)), Answer(status, b"{}"), line)
        for line, (body, status) in enumerate(zip(bodies, statuses, strict=True), 2)
    )
    return Cassette(SANDBOX, TODAY, tuple(interactions), "cassettes/purchase/a-case.yaml")


def raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def post(tape: Http, body: Any, path: str = "/v2/event/", content_type: str | None = JSON) -> Answer | NoAnswer:
    headers = {"Accept": "application/json"} | ({} if content_type is None else {"content-type": content_type})
    with Exchange(time.monotonic() + 10, 10) as exchange:
        return tape.request("POST", path, headers, raw(body), exchange)
