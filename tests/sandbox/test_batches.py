"""A sandbox's answers to bulk and legacy requests, and to events that come twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.sandbox.server import Sandbox
from runner.secrets import Secret
from runner.suprsend.auth import ApiKey, WorkspaceKey
from tests.sandbox.wire import (
    BULK,
    LEGACY,
    REFUSED,
    SINGLE,
    bad,
    nothing_stored,
    of_size,
)

if TYPE_CHECKING:
    from tests.sandbox.conftest import Api, Caller


# Bulk


def test_a_bulk_tells_of_each_record_in_order(api: Api, caller: Caller) -> None:
    answered = caller.post(
        BULK,
        [
            caller.event(distinct_id="u1"),
            caller.event(event="$purchase"),
            "not an object",
            caller.event(distinct_id="u2"),
            of_size(caller, 102_401),
            caller.event(distinct_id=...),
        ],
    )
    first, second = api.store.events()
    assert (first.body["distinct_id"], second.body["distinct_id"]) == ("u1", "u2")

    def refused(code: int, message: str, kind: str) -> dict[str, object]:
        return {"status": "error", "status_code": code, "error": {"message": message, "type": kind}}

    assert (answered.status, answered.json) == (
        207,
        {
            "status": "success",
            "records": [
                {"status": "success", "status_code": 202, "message_id": first.message_id},
                refused(400, "error: event name '$purchase' is reserved", "bad_request"),
                refused(400, "BAD REQUEST", "bad_request"),
                {"status": "success", "status_code": 202, "message_id": second.message_id},
                refused(413, "error: the event has 102,401 bytes, more than 100 KB", "too_large"),
                refused(400, "error: must pass value for distinct_id", "bad_request"),
            ],
        },
    )


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_a_record_that_breaks_a_rule_is_refused_with_its_text(
    caller: Caller, changes: dict[str, Any], message: str
) -> None:
    assert caller.post(BULK, [caller.event(**changes)]).json["records"] == [
        {"status": "error", "status_code": 400, "error": {"message": message, "type": "bad_request"}}
    ]


def test_a_bulk_takes_100_records_and_not_101(api: Api, caller: Caller) -> None:
    assert [record["status"] for record in caller.post(BULK, [caller.event()] * 100).json["records"]] == [
        "success"
    ] * 100
    refusal = caller.post(BULK, [caller.event()] * 101).refusal
    assert refusal == bad("Request body must not have more than 100 events")
    assert api.store.total == 100


@pytest.mark.parametrize("body", [{}, "x", None])
def test_the_bulk_endpoint_takes_an_array_only(caller: Caller, body: object) -> None:
    assert caller.post(BULK, body).refusal == bad("Request body must be an array of events")


def test_an_empty_bulk_is_a_success_of_none(caller: Caller) -> None:
    answered = caller.post(BULK, [])
    assert (answered.status, answered.json) == (207, {"status": "success", "records": []})


# Legacy


def test_the_legacy_endpoint_takes_an_object(api: Api, caller: Caller) -> None:
    answered = caller.post(LEGACY, caller.event())
    assert (answered.status, answered.text) == (202, "OK")
    assert answered.headers["content-type"] == "text/plain; charset=utf-8"
    assert [(stored.endpoint, stored.body) for stored in api.store.events()] == [(LEGACY, caller.event())]


def test_the_legacy_endpoint_takes_an_array(api: Api, caller: Caller) -> None:
    events = [caller.event(distinct_id="u1"), caller.event(distinct_id="u2")]
    answered = caller.post(LEGACY, events)
    assert (answered.status, answered.text) == (202, "OK")
    assert [stored.body for stored in api.store.events()] == events


@pytest.mark.parametrize("body", ["x", 7, None, ["x"]])
def test_the_legacy_endpoint_takes_events_only(api: Api, caller: Caller, body: object) -> None:
    assert caller.post(LEGACY, body).refusal == bad("BAD REQUEST")
    assert nothing_stored(api)


def test_the_legacy_endpoint_refuses_all_events_if_one_is_bad_and_stores_why(api: Api, caller: Caller) -> None:
    events = [caller.event(**{"$idempotency_key": "k"}), caller.event(distinct_id=" ")]
    assert caller.post(LEGACY, events).refusal == bad("error: distinct_id is blank")
    assert [(each.body, each.reason) for each in api.store.select("1 ORDER BY id", ())] == [
        (events[0], "error: another event of the request is refused, and so are all"),
        (events[1], "error: distinct_id is blank"),
    ]
    assert caller.post(LEGACY, events[:1]).status == 202
    assert [each.duplicate for each in api.store.events()] == [False]


def test_the_legacy_endpoint_takes_at_most_100_events(caller: Caller) -> None:
    assert caller.post(LEGACY, [caller.event()] * 100).status == 202
    message = "Request body must not have more than 100 events"
    assert caller.post(LEGACY, [caller.event()] * 101).refusal == bad(message)


# Duplicates


def test_a_duplicate_is_answered_with_the_first_message_id_and_marked(api: Api, caller: Caller) -> None:
    keyed = [caller.event(**{"$idempotency_key": "k", "distinct_id": user, "$insert_id": user * 36}) for user in "ab"]
    answers = [caller.post(SINGLE, event) for event in keyed]
    assert [answered.status for answered in answers] == [202, 202]
    assert answers[0].json == answers[1].json
    assert [(stored.body["distinct_id"], stored.duplicate) for stored in api.store.events()] == [
        ("a", False),
        ("b", True),
    ]


def test_a_key_is_shared_by_single_bulk_and_legacy(api: Api, caller: Caller) -> None:
    events = [caller.event(**{"$idempotency_key": "k", "$insert_id": letter * 36}) for letter in "abcd"]
    first = caller.post(SINGLE, events[0]).json["message_id"]
    records = caller.post(BULK, events[1:3]).json["records"]
    assert [record["message_id"] for record in records] == [first, first]
    assert caller.post(LEGACY, events[3]).text == "OK"
    assert [stored.duplicate for stored in api.store.events()] == [False, True, True, True]


def test_spaces_at_the_ends_of_a_key_do_not_make_another(api: Api, caller: Caller) -> None:
    caller.post(SINGLE, caller.event(**{"$idempotency_key": "k"}))
    caller.post(SINGLE, caller.event(**{"$idempotency_key": " k "}))
    assert [stored.duplicate for stored in api.store.events()] == [False, True]


def test_the_key_of_a_refused_event_is_not_used_up(api: Api, caller: Caller) -> None:
    wrong = caller.event(**{"$idempotency_key": "k", "event": "x"})
    assert caller.post(SINGLE, wrong).status == 400
    assert caller.post(BULK, [wrong]).json["records"][0]["status"] == "error"
    assert caller.post(SINGLE, caller.event(**{"$idempotency_key": "k"})).status == 202
    assert [stored.duplicate for stored in api.store.events()] == [False]


def test_events_without_a_key_are_never_duplicates(api: Api, caller: Caller) -> None:
    insert_ids = [f"{number}".zfill(36) for number in (1, 2, 2)]
    sent = [caller.event(**{"$insert_id": insert_id}) for insert_id in insert_ids]
    first, second, again = [caller.post(SINGLE, event).json["message_id"] for event in sent]
    assert first != second == again
    assert [stored.duplicate for stored in api.store.events()] == [False] * 3


def test_keys_belong_to_the_workspace_of_the_credentials(caller: Caller) -> None:
    one, other = WorkspaceKey("one", Secret("s1")), ApiKey("other", Secret("s2"))
    with Sandbox((one, other)) as sandbox:
        first = type(caller)(sandbox.port, "one", "s1")
        event = first.event(**{"$idempotency_key": "k"})
        assert first.post(SINGLE, event).status == 202
        raw = json.dumps(event | {"env": "other"}).encode()
        assert first.send("POST", SINGLE, raw, {"Authorization": "Bearer s2"}).status == 202
        assert caller.as_workspace("one", "wrong").post(SINGLE, event).status == 401
        assert [(stored.workspace, stored.duplicate) for stored in sandbox.store.events()] == [
            ("one", False),
            ("other", False),
        ]
