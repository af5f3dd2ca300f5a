"""Answers of today against recorded ones: status and shape, and how events are made new."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from runner.suprsend.answer import Answer
from runner.testing.verify import Again, drifts, endpoint_of

AGAIN = Again(UUID("00000000-0000-4000-8000-000000000001"), 1767323045000, "staging-key")


def answer(status: int, body: Any) -> Answer:
    return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())


TAKEN = {"status": "success", "message_id": "m1"}


@pytest.mark.parametrize(
    ("recorded", "now", "told"),
    [
        ((202, TAKEN), (202, {"message_id": "m2", "status": "success"}), []),
        ((202, TAKEN), (200, TAKEN), ["status: recorded 202, now 200"]),
        ((202, TAKEN), (202, {"status": "success"}), ["message_id: recorded text, now missing"]),
        ((202, TAKEN), (202, TAKEN | {"trace": {"id": 7}}), ["trace: not recorded, now a map"]),
        ((202, TAKEN), (202, TAKEN | {"message_id": None}), ["message_id: recorded text, now null"]),
        ((202, TAKEN), (202, TAKEN | {"status": "queued"}), ["status: recorded success, now queued"]),
        ((202, TAKEN), (202, TAKEN | {"status": 1}), ["status: recorded text, now a number"]),
        ((202, {"n": 1}), (202, {"n": 2.5}), []),
        ((202, {"n": 1}), (202, {"n": True}), ["n: recorded a number, now a boolean"]),
        ((202, b"OK"), (202, b"Accepted"), []),
        ((202, b"OK"), (202, TAKEN), ["the body: recorded something that is not JSON, now a map"]),
        ((202, TAKEN), (202, b""), ["the body: recorded a map, now nothing"]),
        ((202, {}), (202, []), ["the body: recorded a map, now a list"]),
        (
            (207, {"records": [{"status_code": 202}, {"status_code": 404, "error": {"message": "x"}}]}),
            (207, {"records": [{"status_code": 202}, {"status_code": 202}]}),
            [
                "records[1].status_code: recorded 404, now 202",
                "records[1].error: recorded a map, now missing",
            ],
        ),
        ((207, {"records": [{}, {}]}), (207, {"records": [{}]}), ["records: recorded 2 items, now 1 item"]),
        (
            (400, {"error": "BAD REQUEST"}),
            (422, {"error": {"code": 7}}),
            ["status: recorded 400, now 422", "error: recorded text, now a map"],
        ),
        ((202, b'{"a":' * 5000), (202, b'{"a":' * 5000), []),
    ],
)
def test_status_keys_and_types_are_compared_and_values_are_not(
    recorded: tuple[int, Any], now: tuple[int, Any], told: list[str]
) -> None:
    assert [f"{drift.at}: {drift.message}" for drift in drifts(answer(*recorded), answer(*now))] == told


def test_an_event_is_sent_under_new_ids_at_another_time_from_another_workspace() -> None:
    recorded = {
        "$insert_id": "e2732c2e-2775-5bb0-9a1b-e4ddb3538cc9",
        "$time": 1,
        "event": "order_placed",
        "env": "sandbox-workspace-key",
        "properties": {"$time": "kept", "amount": 12.5, "name": "Zoë"},
        "$idempotency_key": "order-1001",
    }
    body = AGAIN.body(json.dumps(recorded).encode())
    assert body is not None
    assert json.loads(body) == recorded | {
        "$insert_id": "d32b7a5e-57df-576c-bfda-eed2defea30b",
        "$time": 1767323045000,
        "env": "staging-key",
        "$idempotency_key": "047d2449-3ae5-53d9-a9af-6513dc1063b0",
    }


def test_what_was_one_key_stays_one_key_and_another_run_has_others() -> None:
    def keys(again: Again, *recorded: str) -> list[str]:
        body = again.body(json.dumps([{"$idempotency_key": key} for key in recorded]).encode())
        assert body is not None
        return [event["$idempotency_key"] for event in json.loads(body)]

    first, second, other = keys(AGAIN, "a", "a", "b")
    assert first == second != other
    assert keys(AGAIN._replace(seed=UUID(int=7)), "a") != [first]


def test_an_event_without_a_key_gets_none() -> None:
    assert AGAIN.body(b'{"event": "x", "$idempotency_key": null}') == (b'{"event":"x","$idempotency_key":null}')
    assert AGAIN.body(b'{"event": "x"}') == b'{"event":"x"}'


@pytest.mark.parametrize("body", [b"", b"OK", b"12", b"[]", b"[1]", b'[{"event": "x"}, null]', b"[" * 5000])
def test_what_holds_no_events_is_not_sent(body: bytes) -> None:
    assert AGAIN.body(body) is None


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/v2/event/", "v2/event/"),
        ("/suprsend/v2/event/", "v2/event/"),
        ("/v2/bulk/event/", "v2/bulk/event/"),
        ("/xv2/event/", None),
        ("/v2/events", None),
        ("/", None),
    ],
)
def test_an_endpoint_is_known_below_any_root(path: str, endpoint: str | None) -> None:
    assert endpoint_of(path) == endpoint
