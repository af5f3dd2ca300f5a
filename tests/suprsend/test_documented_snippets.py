"""The platform's documented Python, run as it stands but for the import and the base URL."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from runner import __version__
from runner.sandbox.server import Sandbox
from runner.secrets import Secret
from runner.suprsend.auth import WorkspaceKey

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = {"$ss_sdk_version": f"suprsend-runner/{__version__}"}
DOCUMENTED_PROPERTIES = {
    "first_name": "User",
    "spend_amount": "$10",
    "nested_key_example": {"nested_key1": "some_value_1", "nested_key2": {"nested_key3": "some_value_3"}},
}


@pytest.fixture
def workspace() -> Iterator[Sandbox]:
    """Start a sandbox that knows the credentials of the documentation."""
    with Sandbox(credentials=(WorkspaceKey("workspace_key", Secret("workspace_secret")),)) as sandbox:
        yield sandbox


def run(snippet: str, workspace: Sandbox) -> dict[str, Any]:
    names: dict[str, Any] = {"BASE_URL": workspace.base_url}
    exec(dedent(snippet), names)  # noqa: S102 - the snippet is the text of this file
    return names


def stored(workspace: Sandbox) -> list[dict[str, object]]:
    """List what the platform was told, without the ids and times of each call."""
    return [
        {key: value for key, value in event.body.items() if key not in ("$insert_id", "$time")}
        for event in workspace.store.events()
    ]


def test_an_event_is_tracked(workspace: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(
        """
        from runner import Suprsend, Event

        supr_client = Suprsend("workspace_key", "workspace_secret", base_url=BASE_URL)

        # who did it, and what they did
        distinct_id = "distinct_id"
        event_name = "event_name"

        properties = {
            "first_name": "User",
            "spend_amount": "$10",
            "nested_key_example": {
                "nested_key1": "some_value_1",
                "nested_key2": {"nested_key3": "some_value_3"},
            },
        }

        event = Event(
            distinct_id=distinct_id,
            event_name=event_name,
            properties=properties,
            idempotency_key="__uniq_request_id__",
            brand_id="default",
        )

        response = supr_client.track_event(event)
        print(response)
        """,
        workspace,
    )
    [event] = workspace.store.events()
    assert stored(workspace) == [
        {
            "event": "event_name",
            "env": "workspace_key",
            "distinct_id": "distinct_id",
            "properties": DOCUMENTED_PROPERTIES | VERSION,
            "$idempotency_key": "__uniq_request_id__",
            "brand_id": "default",
        }
    ]
    assert names["properties"] == DOCUMENTED_PROPERTIES
    assert names["response"] == {
        "success": True,
        "status": "success",
        "status_code": 202,
        "message": "OK",
        "message_id": event.message_id,
        "raw_response": {"status": "success", "message_id": event.message_id},
        "unknown": False,
    }
    assert capsys.readouterr().out == f"{names['response']}\n"


def test_an_event_needs_no_more_than_its_user_and_its_name(workspace: Sandbox) -> None:
    names = run(
        """
        from runner import Suprsend, Event

        supr_client = Suprsend("workspace_key", "workspace_secret", base_url=BASE_URL)
        event = Event("distinct_id", "event_name")
        response = supr_client.track_event(event)
        """,
        workspace,
    )
    assert names["response"]["success"] is True
    assert stored(workspace) == [
        {"event": "event_name", "env": "workspace_key", "distinct_id": "distinct_id", "properties": VERSION}
    ]


def test_a_file_is_attached_by_its_url(workspace: Sandbox) -> None:
    names = run(
        """
        from runner import Suprsend, Event

        supr_client = Suprsend("workspace_key", "workspace_secret", base_url=BASE_URL)
        event = Event(distinct_id="distinct_id", event_name="event_name", properties={})

        # a link that anybody can open
        event.add_attachment("https://attachment-url")
        event.add_attachment("https://attachment-url", file_name="invoice.pdf", ignore_if_error=True)

        response = supr_client.track_event(event)
        """,
        workspace,
    )
    assert names["response"]["success"] is True
    attachment = {"contentType": None, "data": None, "url": "https://attachment-url"}
    assert [event["properties"] for event in stored(workspace)] == [
        {
            "$attachments": [
                attachment | {"filename": None, "ignore_if_error": False},
                attachment | {"filename": "invoice.pdf", "ignore_if_error": True},
            ]
        }
        | VERSION
    ]


def test_many_events_are_sent_in_bulk(workspace: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    names = run(
        """
        from runner import Suprsend, Event

        supr_client = Suprsend("workspace_key", "workspace_secret", base_url=BASE_URL)
        bulk_ins = supr_client.bulk_events.new_instance()

        event1 = Event("distinct_id1", "event_name1", {"k1": "v1"})
        event2 = Event("distinct_id2", "event_name2", {"k1": "v2"}, idempotency_key="key2", tenant_id="tenant1")
        event3 = Event("distinct_id3", "event_name3", {})

        # one
        bulk_ins.append(event1)
        # several
        bulk_ins.append(event2, event3)

        response = bulk_ins.trigger()
        print(response)
        """,
        workspace,
    )
    assert stored(workspace) == [
        {
            "event": "event_name1",
            "env": "workspace_key",
            "distinct_id": "distinct_id1",
            "properties": {"k1": "v1"} | VERSION,
        },
        {
            "event": "event_name2",
            "env": "workspace_key",
            "distinct_id": "distinct_id2",
            "properties": {"k1": "v2"} | VERSION,
            "$idempotency_key": "key2",
            "tenant_id": "tenant1",
        },
        {
            "event": "event_name3",
            "env": "workspace_key",
            "distinct_id": "distinct_id3",
            "properties": VERSION,
        },
    ]
    response = names["response"]
    assert (response.status, response.total, response.success, response.failure, response.failed_records) == (
        "success",
        3,
        3,
        0,
        [],
    )
    assert capsys.readouterr().out == (
        "BulkResponse(status='success', total=3, success=3, failure=0, failed_records=[])\n"
    )


def test_all_events_of_a_list_are_sent_in_bulk(workspace: Sandbox) -> None:
    names = run(
        """
        from runner import Suprsend, Event

        supr_client = Suprsend("workspace_key", "workspace_secret", base_url=BASE_URL)
        bulk_ins = supr_client.bulk_events.new_instance()
        all_events = [Event(f"distinct_id{i}", "event_name", {"k": i}) for i in range(10)]
        bulk_ins.append(*all_events)
        response = bulk_ins.trigger()
        """,
        workspace,
    )
    assert (names["response"].status, names["response"].total) == ("success", 10)
    assert [event["distinct_id"] for event in stored(workspace)] == [f"distinct_id{index}" for index in range(10)]
