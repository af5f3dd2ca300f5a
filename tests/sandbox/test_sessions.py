"""Sessions of a sandbox: what one test sends, waits for, clears or waits out never concerns another; and the log of refusals."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from runner.sandbox.request_api import MAX_SHOWN_BYTES

if TYPE_CHECKING:
    from tests.sandbox.conftest import Answered, Api, Caller

KEY, SECRET = "sandbox-workspace-key", "sandbox-workspace-secret"
TOKEN = "sandbox-token"


class Session:
    """A sender in one session, who sees what arrived there."""

    def __init__(self, caller: Caller, name: str) -> None:
        self.caller = caller.as_workspace(f"{KEY}.{name}", SECRET)
        self.name = name

    def send(self, **changes: Any) -> Answered:
        return self.caller.post("/v2/event/", self.caller.event(**changes))

    def get(self, path: str) -> Any:
        return self.caller.get(f"/_sandbox/{path}{'&' if '?' in path else '?'}session={self.name}").json

    def outcomes(self) -> list[tuple[str, str]]:
        return [(each["event"], each["outcome"]) for each in self.get("events")["events"]]

    def post(self, path: str, body: object) -> Answered:
        return self.caller.send("POST", path, json.dumps(body).encode(), HEADERS)

    def delete(self, path: str) -> Answered:
        return self.caller.send("DELETE", path, headers={"Authorization": f"Bearer {TOKEN}"})


HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}


@pytest.fixture
def pair(caller: Caller) -> tuple[Session, Session]:
    return Session(caller, "t1"), Session(caller, "t2")


def test_sessions_do_not_see_each_others_events(pair: tuple[Session, Session]) -> None:
    one, other = pair
    one.send(event="first")
    other.send(event="second")
    assert one.outcomes() == [("first", "accepted")]
    assert other.outcomes() == [("second", "accepted")]


def test_a_header_chooses_the_session_before_the_credentials_do(caller: Caller, pair: tuple[Session, Session]) -> None:
    one, other = pair
    raw = json.dumps(one.caller.event()).encode()
    signed = {"Content-Type": "application/json; charset=utf-8", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    signed["Authorization"] = one.caller.sign("POST", "/v2/event/", raw)
    assert caller.send("POST", "/v2/event/", raw, {**signed, "X-Sandbox-Session": "t2"}).status == 202
    assert (one.outcomes(), other.outcomes()) == ([], [("ordered", "accepted")])


@pytest.mark.parametrize("name", ["", "a/b", "a.b", "x" * 65, "é", "*", "a b"])
def test_what_is_no_name_of_a_session_is_refused(api: Api, caller: Caller, name: str) -> None:
    assert caller.as_workspace(f"{KEY}.{name}", SECRET).post("/v2/event/", caller.event()).status == 401
    assert api.store.total == 0


def test_a_key_counts_in_its_session_alone(pair: tuple[Session, Session]) -> None:
    one, other = pair
    for each in (one, other, one):
        assert each.send(**{"$idempotency_key": "k"}).status == 202
    assert [outcome for _, outcome in one.outcomes()] == ["duplicate", "accepted"]
    assert [outcome for _, outcome in other.outcomes()] == ["accepted"]


def test_clearing_a_session_leaves_the_others_and_frees_its_keys(pair: tuple[Session, Session]) -> None:
    one, other = pair
    for each in pair:
        each.send(**{"$idempotency_key": "k"})
    assert one.delete("/_sandbox/events?session=t1").json == {"deleted": 1}
    for each in pair:
        each.send(**{"$idempotency_key": "k"})
    assert one.outcomes() == [("ordered", "accepted")]
    assert other.outcomes() == [("ordered", "duplicate"), ("ordered", "accepted")]


def test_a_clock_set_forward_outdates_the_keys_of_its_session_alone(pair: tuple[Session, Session]) -> None:
    one, other = pair
    for each in pair:
        each.send(**{"$idempotency_key": "k"})
    assert one.post("/_sandbox/clock", {"session": "t1", "advance_s": 25 * 3600}).status == 200
    for each in pair:
        each.send(**{"$idempotency_key": "k"})
    assert [outcome for _, outcome in one.outcomes()] == ["accepted", "accepted"]
    assert [outcome for _, outcome in other.outcomes()] == ["duplicate", "accepted"]


def test_a_wait_ends_with_the_event_of_its_session_alone(pair: tuple[Session, Session]) -> None:
    one, other = pair
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(one.get, "wait?event=ordered&timeout=10")
        other.send()
        one.send(distinct_id="u9")
        assert [each["distinct_id"] for each in waiting.result()["events"]] == ["u9"]


def test_a_wait_that_times_out_names_what_arrived_instead_the_nearest_first(pair: tuple[Session, Session]) -> None:
    one, other = pair
    one.send(event="shipped", distinct_id="u3")
    one.send(event="orderd", distinct_id="u1")
    one.send(event="ordered", distinct_id="u2")
    one.send(event="ordered", distinct_id=" ")
    other.send()
    answered = one.caller.get("/_sandbox/wait?session=t1&event=ordered&distinct_id=u1&timeout=0")
    assert (answered.status, answered.json["count"], answered.json["events"]) == (408, 0, [])
    nearest = [(each["event"], each["distinct_id"], each["outcome"]) for each in answered.json["instead"]]
    assert nearest == [
        ("ordered", "u2", "accepted"),
        ("orderd", "u1", "accepted"),
        ("shipped", "u3", "accepted"),
        ("ordered", " ", "refused"),
    ]


@pytest.mark.parametrize("count", ["0", "1001", "-1", "x"])
def test_a_wait_for_another_number_than_it_can_return_is_refused(pair: tuple[Session, Session], count: str) -> None:
    one, _ = pair
    one.send()
    assert one.caller.get(f"/_sandbox/wait?count={count}").status == 400


@pytest.mark.parametrize("path", ["events", "events/1", "wait", "requests", "stream"])
def test_what_arrived_is_shown_for_the_token_alone(pair: tuple[Session, Session], path: str) -> None:
    one, _ = pair
    one.send()
    for authorization in ({}, {"Authorization": "Bearer wrong"}, {"X-Sandbox-Session": "t1"}):
        assert one.caller.send("GET", f"/_sandbox/{path}", headers=authorization).status == 401


# The log of refused requests


def refused(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = caller.get(f"/_sandbox/requests{query}").json["requests"]
    return found


def test_a_refused_request_is_logged_with_its_body_and_the_reason(pair: tuple[Session, Session]) -> None:
    one, other = pair
    one.send()
    other.send(distinct_id=" ")
    [request] = refused(one.caller)
    assert json.loads(request["body"]) == other.caller.event(distinct_id=" ")
    del request["received_ms"], request["headers"], request["body"], request["body_bytes"]
    assert request == {
        "id": 2,
        "session": "t2",
        "method": "POST",
        "target": "/v2/event/",
        "status_code": 400,
        "refused": [
            {
                "id": 2,
                "event": "ordered",
                "distinct_id": " ",
                "tenant_id": None,
                "status_code": 400,
                "reason": "error: distinct_id is blank",
            }
        ],
    }


def test_a_wrong_secret_is_logged_in_the_session_that_it_names_and_without_it(pair: tuple[Session, Session]) -> None:
    one, _ = pair
    one.caller.as_workspace(f"{KEY}.t1", "wrong").post("/v2/event/", one.caller.event())
    [request] = refused(one.caller, "?session=t1")
    assert (request["status_code"], dict(request["headers"])["authorization"]) == (401, "(hidden)")


def test_a_bulk_request_is_logged_with_its_refused_records(pair: tuple[Session, Session]) -> None:
    one, _ = pair
    event = one.caller.event
    one.caller.post("/v2/bulk/event/", [event(), event(distinct_id=" ", event="late"), event()])
    [request] = refused(one.caller, "?event=late")
    assert (request["status_code"], [each["event"] for each in request["refused"]]) == (207, ["late"])


def test_the_log_is_selected_by_values_and_by_the_text_of_a_body(pair: tuple[Session, Session]) -> None:
    one, other = pair
    one.send(env="staging", properties={"note": "ZOË 100%"})
    other.send(event="x")
    one.caller.post("/v2/event/", b"{")

    def ids(query: str) -> list[int]:
        return [request["id"] for request in refused(one.caller, query)]

    assert ids("?session=t1") == [3, 1]
    assert ids("?status_code=400&event=ordered") == [1]
    assert ids(f"?text={quote('100%')}") == [1]
    assert ids("?limit=1") == [3]
    assert ids("?before=3") == [2, 1]
    assert ids("?text=nowhere") == []
    assert one.caller.get("/_sandbox/requests?sesion=t1").status == 400


def test_the_log_shows_a_large_body_in_part(pair: tuple[Session, Session]) -> None:
    one, _ = pair
    raw = b'{"event": "' + b"x" * (2 * MAX_SHOWN_BYTES)
    one.caller.post("/v2/event/", raw)
    [request] = refused(one.caller)
    assert (request["body"], request["body_bytes"]) == (raw[:MAX_SHOWN_BYTES].decode(), len(raw))
