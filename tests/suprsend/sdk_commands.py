"""Commands for an SDK, and what comes of them, in the tests of its defects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.suprsend.conftest import Driver


def events(number: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"distinct_id": f"u{index}", "event_name": "ordered"} | fields for index in range(number)]


def command(base_url: str, given: list[Any], send: str = "single", **more: Any) -> dict[str, Any]:
    credentials = ["workspace_key_0123456789", "workspace_secret"]
    client = {"auth": "hmac", "credentials": credentials, "base_url": base_url, "now": 1767225600.0}
    return client | {"send": send, "events": given} | more


def outcome(driver: Driver, *args: Any, **more: Any) -> Any:
    """Give what the library returned, or as text what it raised."""
    [one] = driver.ask(command(*args, **more))["outcomes"]
    return one.get("returned") or f"{one['raised']}: {one['text']}"
