"""What an application does with the official Python SDK: `python sdk_calls.py BASE_URL AUTH KEY SECRET`.

Prints what the SDK returned, or the error that it raised, for each call, as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from suprsend import Event, Suprsend, __version__

if TYPE_CHECKING:
    from collections.abc import Callable


def main(base_url: str, auth: str, key: str, secret: str) -> None:
    """Make each call."""
    make = Suprsend if auth == "hmac" else Suprsend.with_workspace_api_key
    client = make(key, secret, base_url=base_url)
    attached = Event("u1", "attached")
    attached.add_attachment("https://example.com/a.pdf", file_name="a.pdf", ignore_if_error=True)
    bulk = client.bulk_events.new_instance()
    bulk.append(*(Event(f"u{number}", "bulk", {"n": number}, tenant_id="acme") for number in range(1, 4)))
    bulk.append(Event("u4", "bulk", tenant_id="nobody"))
    answers: dict[str, Any] = {
        "version": __version__,
        "single": client.track_event(Event("u1", "ordered", {"amount": 10, "name": "Zoë"})),
        "first": client.track_event(Event("u1", "ordered", idempotency_key="k1")),
        "again": client.track_event(Event("u1", "ordered", idempotency_key="k1")),
        "attached": client.track_event(attached),
        "bulk": _bulk(bulk.trigger()),
        "wrong": make(key, f"wrong-{secret}", base_url=base_url).track_event(Event("u1", "ordered")),
    }
    if hasattr(client, "messages"):
        options = {"recipient_id": ["u1", "u9"], "status": ["delivered"], "channel": "inbox", "limit": 10}
        [message] = client.messages.list({**options, "idempotency_key": "k1", "include_content": True})["results"]
        answers |= {
            "message": message,
            "count": client.messages.list({**options, "is_campaign": False})["meta"]["count"],
            "updated": client.messages.bulk_update([{"message_id": message["message_id"], "action": "read"}]),
            "read": client.messages.list({"status": "read"})["meta"]["count"],
            "invalid": _raised(lambda: client.messages.list({"limit": 0})),
        }
    print(json.dumps(answers))


def _bulk(response: Any) -> dict[str, Any]:
    return {name: getattr(response, name) for name in ("status", "total", "success", "failure", "failed_records")}


def _raised(call: Callable[[], object]) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - which one it is, is the answer
        return f"{type(error).__name__}: {error}"
    return "nothing"


if __name__ == "__main__":
    main(*sys.argv[1:])
