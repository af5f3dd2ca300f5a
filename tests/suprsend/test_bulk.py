from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from runner import BulkResponse, Event, Suprsend, __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.sandbox.server import Sandbox
    from runner.suprsend import BulkEvents
    from tests.servers.capturing import CapturingServer, Received

VERSION = {"$ss_sdk_version": f"suprsend-runner/{__version__}"}


def bulk_of(base_url: str, **options: Any) -> BulkEvents:
    """Start a collection at a fixed instant whose events are numbered by their ids, and which go out one after the other."""
    numbers = count()
    ordered: dict[str, Any] = {"concurrency": 1, "sleep": lambda _: None}
    client = Suprsend(
        "workspace_key",
        "workspace_secret",
        base_url=base_url,
        clock=lambda: 1767225600.0,
        new_id=lambda: f"{next(numbers):036}",
        **ordered | options,
    )
    return client.bulk_events.new_instance()


def events(number: int, name: str = "ordered") -> list[Event]:
    return [Event(f"u{index}", name) for index in range(number)]


def shape(response: BulkResponse) -> tuple[str, int, int, int]:
    return response.status, response.total, response.success, response.failure


def users(request: Received) -> list[str]:
    return [event["distinct_id"] for event in request.json]


# What is sent


def test_events_go_out_together_and_signed(
    server: CapturingServer, signature_of: Callable[[Received, str], str]
) -> None:
    bulk = bulk_of(server.base_url)
    bulk.append(Event("u1", "ordered", {"name": "Zoë"}, idempotency_key="k"))
    bulk.append(Event("u2", "paid"), Event("u3", "shipped", brand_id="acme"))
    assert shape(bulk.trigger()) == ("success", 3, 3, 0)
    [request] = server.received
    start = {"$time": 1767225600000, "env": "workspace_key"}
    assert request.json == [
        start
        | {"$insert_id": f"{0:036}", "event": "ordered", "distinct_id": "u1", "$idempotency_key": "k"}
        | {"properties": {"name": "Zoë"} | VERSION},
        start | {"$insert_id": f"{1:036}", "event": "paid", "distinct_id": "u2", "properties": VERSION},
        start
        | {"$insert_id": f"{2:036}", "event": "shipped", "distinct_id": "u3", "properties": VERSION}
        | {"brand_id": "acme"},
    ]
    assert (request.method, request.path) == ("POST", "/v2/bulk/event/")
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert request.headers["Authorization"] == f"workspace_key:{signature_of(request, 'workspace_secret')}"


def test_an_api_key_goes_out_as_a_bearer_token(server: CapturingServer) -> None:
    bulk = Suprsend.with_workspace_api_key("uid", "my-api-key", server.base_url).bulk_events.new_instance()
    bulk.append(Event("u1", "ordered"))
    assert bulk.trigger().status == "success"
    assert server.received[0].headers["Authorization"] == "Bearer my-api-key"
    assert server.received[0].json[0]["env"] == "uid"


def test_events_go_out_by_hundreds_in_order(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    bulk.append(*events(250))
    assert shape(bulk.trigger()) == ("success", 250, 250, 0)
    assert [len(request.json) for request in server.received] == [100, 100, 50]
    assert [user for request in server.received for user in users(request)] == [f"u{index}" for index in range(250)]


def test_a_request_has_at_most_800_kb(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    bulk.append(*(Event(f"u{index}", "ordered", {"text": "x" * 100_000}) for index in range(20)))
    assert bulk.trigger().success == 20
    assert [len(request.json) for request in server.received] == [8, 8, 4]
    assert max(len(request.body) for request in server.received) <= 819_200


def test_the_sandbox_takes_250_events(sandbox: Sandbox) -> None:
    client = Suprsend("sandbox-workspace-key", "sandbox-workspace-secret", base_url=sandbox.base_url, concurrency=1)
    bulk = client.bulk_events.new_instance()
    bulk.append(*events(250))
    assert shape(bulk.trigger()) == ("success", 250, 250, 0)
    stored = sandbox.store.events()
    assert [event.body["distinct_id"] for event in stored] == [f"u{index}" for index in range(250)]
    assert {(event.endpoint, event.duplicate) for event in stored} == {("/v2/bulk/event/", False)}


def test_thousands_of_events_need_no_recursion(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    bulk.append(*events(3000))
    assert shape(bulk.trigger()) == ("success", 3000, 3000, 0)
    assert len(server.received) == 30


def test_nothing_is_a_success_of_0_and_sends_nothing(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    bulk.append()
    response = bulk.trigger()
    assert (shape(response), response.failed_records) == (("success", 0, 0, 0), [])
    assert server.received == []


# What is appended


@pytest.mark.parametrize(("thing", "kind"), [({"event": "ordered"}, "dict"), (None, "NoneType"), ("x", "str")])
def test_what_is_no_event_raises_and_keeps_nothing_of_the_call(server: CapturingServer, thing: Any, kind: str) -> None:
    bulk = bulk_of(server.base_url)
    with pytest.raises(TypeError) as caught:
        bulk.append(Event("u1", "ordered"), thing)
    assert str(caught.value) == f"an Event is needed, not {kind}"
    assert shape(bulk.trigger()) == ("success", 0, 0, 0)
    assert server.received == []


def test_a_list_of_events_is_no_event(server: CapturingServer) -> None:
    several: Any = events(2)
    with pytest.raises(TypeError) as caught:
        bulk_of(server.base_url).append(several)
    assert str(caught.value) == "an Event is needed, not list"


def test_what_happens_to_an_event_after_it_was_appended_does_not_matter(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    properties: dict[str, Any] = {"list": [1]}
    event = Event("u1", "ordered", properties)
    bulk.append(event)
    properties["list"].append(2)
    event.event_name = "x"
    event.add_attachment("not-a-url")
    assert shape(bulk.trigger()) == ("success", 1, 1, 0)
    [sent] = server.received[0].json
    assert (sent["event"], sent["properties"]) == ("ordered", {"list": [1]} | VERSION)


def test_what_happens_to_a_wrong_event_after_it_was_appended_does_not_matter(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    properties: dict[str, Any] = {"list": [1]}
    bulk.append(Event("", "ordered", properties))
    properties["list"].append(2)
    assert bulk.trigger().failed_records[0]["record"]["properties"] == {"list": [1]}


def test_one_event_appended_twice_is_sent_twice_under_two_ids(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    event = Event("u1", "ordered")
    bulk.append(event, event)
    assert bulk.trigger().success == 2
    assert [sent["$insert_id"] for sent in server.received[0].json] == [f"{0:036}", f"{1:036}"]


def test_an_integer_too_long_to_write_is_a_failed_record(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    bulk.append(Event("u1", "ordered", {"n": 10**5000}), Event("u2", "ordered"))
    assert shape(bulk.trigger()) == ("partial", 2, 1, 1)


def test_a_list_in_itself_is_a_failed_record(server: CapturingServer) -> None:
    loop: list[object] = []
    loop.append(loop)
    bulk = bulk_of(server.base_url)
    bulk.append(Event("u1", "ordered", {"loop": loop}), Event("u2", "ordered"))
    response = bulk.trigger()
    assert shape(response) == ("partial", 2, 1, 1)
    assert [(record["error"], record["code"]) for record in response.failed_records] == [
        (f"properties.loop{'[0]' * 11}…{'[0]' * 12}: nested more than 64 levels deep", 0)
    ]


# What failed


def test_failed_records_keep_the_order_of_the_input_with_local_mistakes_as_code_0(server: CapturingServer) -> None:
    refusal = {"status": "error", "status_code": 404, "error": {"message": "no such tenant", "type": "not_found"}}
    accepted = {"status": "success", "status_code": 202, "message_id": "m"}
    server.answers.append((207, {"status": "success", "records": [accepted, refusal, accepted]}))
    bulk = bulk_of(server.base_url)
    bulk.append(
        Event("u1", "ordered"),
        Event("u2", "$reserved", {"a": 1}, idempotency_key="k", tenant_id="t", brand_id="b"),
        Event("u3", "ordered", {"big": 2**70}, tenant_id="nobody"),
        Event("u4", "ordered"),
        Event(" ", "ordered"),
    )
    response = bulk.trigger()
    assert shape(response) == ("partial", 5, 2, 3)
    assert response.failed_records == [
        {
            "record": {
                "event": "$reserved",
                "distinct_id": "u2",
                "properties": {"a": 1},
                "$idempotency_key": "k",
                "tenant_id": "t",
                "brand_id": "b",
            },
            "error": "event name '$reserved' is reserved (names that begin with $ or ss_ are reserved for the platform)",
            "code": 0,
            "unknown": False,
        },
        {
            "record": {
                "$insert_id": f"{2:036}",
                "$time": 1767225600000,
                "event": "ordered",
                "env": "workspace_key",
                "distinct_id": "u3",
                "properties": {"big": 2**70} | VERSION,
                "tenant_id": "nobody",
            },
            "error": "no such tenant",
            "code": 404,
            "unknown": False,
        },
        {
            "record": {"event": "ordered", "distinct_id": " ", "properties": {}},
            "error": "distinct_id is blank (it identifies one user in your application)",
            "code": 0,
            "unknown": False,
        },
    ]
    assert [users(request) for request in server.received] == [["u1", "u3", "u4"]]


def test_the_record_of_a_wrong_event_names_its_attachments(server: CapturingServer) -> None:
    event = Event("", "ordered", {"a": 1})
    event.add_attachment("https://example.com/a.pdf")
    bulk = bulk_of(server.base_url)
    bulk.append(event)
    attachment = {"filename": None, "contentType": None, "data": None, "ignore_if_error": False}
    assert bulk.trigger().failed_records[0]["record"] == {
        "event": "ordered",
        "distinct_id": "",
        "properties": {"a": 1, "$attachments": [attachment | {"url": "https://example.com/a.pdf"}]},
    }


def test_local_mistakes_alone_send_nothing(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    bulk.append(Event("", "ordered"), Event("u1", "x"))
    response = bulk.trigger()
    assert shape(response) == ("fail", 2, 0, 2)
    assert [(record["error"], record["code"]) for record in response.failed_records] == [
        ("distinct_id is blank (it identifies one user in your application)", 0),
        ("the event's name 'x' is shorter than 2 characters", 0),
    ]
    assert server.received == []


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"status": "error", "error": {"message": "no", "type": "authentication_error"}}, "no"),
        (400, {"status": "fail", "message": "BAD REQUEST"}, "BAD REQUEST"),
        (500, b"", "HTTP 500 with no text"),
        (502, b"<html><title>Bad Gateway</title></html>", "an HTML page: Bad Gateway"),
        (207, {"status": "success", "records": []}, "2 events were sent, but the answer has 0 records"),
        (202, b"OK", "not the platform's answer: OK"),
    ],
)
def test_a_refused_bulk_fails_each_of_its_events(
    server: CapturingServer, status: int, body: object, error: str
) -> None:
    server.answers.append((status, body))
    bulk = bulk_of(server.base_url)
    bulk.append(*events(2))
    response = bulk.trigger()
    assert shape(response) == ("fail", 2, 0, 2)
    assert [
        (record["record"]["distinct_id"], record["error"], record["code"]) for record in response.failed_records
    ] == [
        ("u0", error, status),
        ("u1", error, status),
    ]


def test_a_dead_port_fails_each_event_with_code_0(dead_url: str) -> None:
    bulk = bulk_of(dead_url)
    bulk.append(*events(2))
    response = bulk.trigger()
    assert shape(response) == ("fail", 2, 0, 2)
    assert [(record["error"], record["code"]) for record in response.failed_records] == [("Connection refused", 0)] * 2


# Triggering again


def test_a_second_trigger_sends_nothing_twice(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    bulk.append(Event("u1", "ordered"), Event("", "ordered"))
    assert shape(bulk.trigger()) == ("partial", 2, 1, 1)
    assert shape(bulk.trigger()) == ("partial", 2, 1, 1)
    assert len(server.received) == 1


def test_what_is_appended_between_two_triggers_is_sent_by_the_second(server: CapturingServer) -> None:
    bulk = bulk_of(server.base_url)
    bulk.append(Event("u1", "ordered"))
    bulk.trigger()
    bulk.append(Event("u2", "ordered"))
    assert shape(bulk.trigger()) == ("success", 2, 2, 0)
    assert [users(request) for request in server.received] == [["u1"], ["u2"]]


def test_two_collections_of_one_client_do_not_mix(server: CapturingServer) -> None:
    client = Suprsend("k", "s", base_url=server.base_url)
    one, other = client.bulk_events.new_instance(), client.bulk_events.new_instance()
    one.append(Event("u1", "ordered"))
    other.append(Event("u2", "ordered"))
    assert (one.trigger().total, other.trigger().total) == (1, 1)
    assert [users(request) for request in server.received] == [["u1"], ["u2"]]


# What is shown


def test_a_bulk_response_shows_its_sums() -> None:
    assert repr(BulkResponse(total=3, success=3)) == (
        "BulkResponse(status='success', total=3, success=3, failure=0, failed_records=[])"
    )


def test_a_bulk_response_shows_the_first_three_failures(server: CapturingServer) -> None:
    server.answers.append((404, {"error": "no such tenant"}))
    bulk = bulk_of(server.base_url)
    bulk.append(Event("", "ordered"), *events(4))
    assert repr(bulk.trigger()) == (
        "BulkResponse(status='fail', total=5, success=0, failure=5, failed_records="
        "[distinct_id is blank (it identifies one user in your application), "
        "404 no such tenant, 404 no such tenant, … 2 more])"
    )
