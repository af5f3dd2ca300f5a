"""The quick check of an event and the complete one agree; a request without an answer has no status in the log."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from runner.report.sandbox import log_lines
from runner.report.style import Style
from runner.sandbox import checks
from runner.sandbox.arrival import Arrival
from runner.sandbox.callers import Caller
from runner.sandbox.refusals import Refusal
from runner.sandbox.rules import SandboxRules

CALLER = Caller("", "w", ("env",))
RULES = SandboxRules(tenants=frozenset({"acme"}))
SOUND: dict[str, Any] = {
    "event": "paid",
    "distinct_id": "u1",
    "env": "env",
    "$insert_id": str(uuid4()),
    "$time": 1767225600000,
    "properties": {"a": [1, {"b": 2.5}], "$ss_sdk_version": "python/0.20.0"},
}


def is_refused(event: dict[str, Any]) -> bool:
    try:
        checks._check(event, b"{}", CALLER, RULES)
    except Refusal:
        return True
    return False


def test_a_usual_event_needs_only_the_quick_check() -> None:
    for event in (SOUND, SOUND | {"$idempotency_key": "k", "tenant_id": "acme"}):
        assert checks._is_valid(event, 2, CALLER, RULES)
        assert not is_refused(event)


@pytest.mark.parametrize("name", [*SOUND, "$idempotency_key", "tenant_id", "brand_id"])
@pytest.mark.parametrize(
    "value",
    ["", " ", "x", "$x", "ss_x", "\ud800", "x" * 256, 0, 2**70, True, None, [], {}, {"ss_x": 1}, {"a": float("nan")}],
    ids=repr,
)
def test_what_the_quick_check_takes_breaks_no_rule(name: str, value: object) -> None:
    event = SOUND | {name: value}
    assert not (checks._is_valid(event, 2, CALLER, RULES) and is_refused(event))


def test_the_log_shows_no_status_for_a_request_without_an_answer() -> None:
    reset = Arrival(
        1, 1, "", 0, "refused", 0, "reset", None, "w", "/v2/event/", None, None, None, None, None, None, b""
    )
    [line] = log_lines([reset], Style(on=False))
    assert line.split()[1:3] == ["-", "/v2/event/:"]
