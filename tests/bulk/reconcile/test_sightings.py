"""Items of exports in every form → what they show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.bulk.reconcile.sightings import (
    SeenMessage,
    SeenRequest,
    SeenStep,
    entries_of,
    instant_us,
    message_of,
    request_of,
    step_of,
)

OF_API: dict[str, Any] = {
    "message_id": "m1",
    "status": "delivered",
    "channel": "email",
    "idempotency_key": "k",
    "failure_reason": "",
    "created_at": "1970-01-01T00:00:01.5Z",
    "updated_at": "1970-01-01T01:00:02+01:00",
    "execution_id": "e1",
    "recipient": {"$type": "user", "distinct_id": "u1", "object_type": None, "id": None},
    "workflow": {"slug": "order", "version_id": "v", "name": "Order", "node_ref": "send"},
    "channel_identity": {"email": "a@example.test"},
    "parent_entity_id": None,
}
OF_S3: dict[str, Any] = {
    "message_id": "m1",
    "message_status": "delivered",
    "channel_slug": "email",
    "idempotency_key": "k",
    "delivery_failure_reason": None,
    "execution_failure_reason": None,
    "created_at": "1970-01-01T00:00:01.500000",
    "updated_at": "1970-01-01T00:00:02",
    "wf_execution_id": "e1",
    "recipient_distinct_id": "u1",
    "workflow_slug": "order",
    "node_id": "send",
    "channel_value": "a@example.test",
    "parent_object": None,
}


def seen(item: dict[str, Any], **changes: Any) -> Any:
    return message_of(entries_of(item | changes))


def test_the_api_and_the_table_of_s3_show_the_same() -> None:
    expected = ("k", "m1", "delivered", "email", "", 1_500_000, 2_000_000, "e1", "order\x1fu1\x1f")
    assert seen(OF_API)[:-1] == expected
    assert seen(OF_S3)[:-1] == expected
    assert seen(OF_API, recipient={"$type": "object", "object_type": "team", "id": "t1"}).slot == "order\x1ft1\x1f"


def test_a_message_without_a_key_shows_nothing() -> None:
    assert seen(OF_API, idempotency_key=None) is None
    assert seen(OF_S3, idempotency_key="", message_id=None) is None


@pytest.mark.parametrize(
    ("failure", "level", "reason"),
    [
        ('{"severity": "warning", "message": "opted out"}', "warning", "opted out"),
        ('[{"severity": "info", "message": "a"}, {"error_code": "x", "error_description": "b"}]', "error", "a; x: b"),
        ('[{"severity": "info", "message": "a"}, {"severity": "warning"}]', "warning", "a"),
        ('{"code": 7}', "error", '{"code": 7}'),
        ("no template", "error", "no template"),
        ("[" * 100_000, "error", "[" * 300),
        (None, "info", ""),
    ],
)
def test_a_row_without_a_message_is_an_execution_that_failed(failure: str | None, level: str, reason: str) -> None:
    item = seen(OF_S3, message_id=None, message_status=None, execution_failure_reason=failure)
    assert item == SeenStep("k", "e1", "message send email", level, reason, 1_500_000, 2_000_000, "order\x1fu1\x1f")


def test_a_row_with_a_status_and_no_id_is_a_message() -> None:
    webhook = seen(OF_S3, message_id=None, message_status="triggered")
    assert isinstance(webhook, SeenMessage)
    assert webhook.id == webhook.target


def test_without_executions_a_slot_needs_all_that_tells_messages_apart() -> None:
    assert seen(OF_API, execution_id=None).slot == seen(OF_API, execution_id=None).target
    assert seen(OF_API, execution_id=None, workflow=OF_API["workflow"] | {"node_ref": ""}).slot == ""
    assert seen(OF_API, workflow=None).slot == ""
    assert seen(OF_API, recipient=None).slot == ""


def test_both_names_of_a_failure_are_one() -> None:
    assert seen(OF_API, status="failure_by_vendor").status == "delivery_failure"


@pytest.mark.parametrize(
    ("text", "us"),
    [("1970-01-01", 0), ("1970-01-01T00:00:01.123456789Z", 1_123_456), ("soon", 0), ("1970-01-01 00:00:01", 1_000_000)],
)
def test_times_in_every_form_are_read(text: str, us: int) -> None:
    assert instant_us(text) == us


def test_errors_and_executions_of_a_request_are_read_as_lists_and_as_text() -> None:
    errors = [{"error_code": "c", "error_description": "d", "severity": "error"}]
    executions = [{"exec_id": "e1"}, {"exec_id": None}, {"exec_id": "e2"}]
    plain: dict[str, Any] = {"idempotency_key": "k", "errors": errors, "executions": executions}
    texts = plain | {"errors": json.dumps(errors), "executions": json.dumps(executions)}
    assert request_of(plain) == request_of(texts) == SeenRequest("k", 0, 0, "c: d", ("e1", "e2"))
    assert request_of({"idempotency_key": None}) is None
    assert request_of({"idempotency_key": "k", "errors": None, "executions": "x"}) == SeenRequest("k", 0, 0, "", ())


def test_a_step_has_the_level_of_its_status() -> None:
    row: dict[str, Any] = {
        "idempotency_key": "k",
        "execution_id": "e",
        "node_id": "n",
        "execution_stage": "s",
        "message": "m",
    }
    assert [getattr(step_of(row | {"status": status}), "level", None) for status in ("error", "WARNING", "done", None)] == [
        "error", "warning", "info", "info"
    ]  # fmt: skip
    assert step_of(row | {"execution_id": None}) is None
