"""What a sandbox shows of what arrived, and to whom."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from runner import __version__
from runner.sandbox.arrival import Received, Record
from tests.sandbox.conftest import CONTENT_TYPE, DATE, TOKEN
from tests.sandbox.wire import (
    BULK,
    EVENTS,
    LEGACY,
    SINGLE,
    WITH_TOKEN,
    nothing_stored,
)

if TYPE_CHECKING:
    from tests.sandbox.conftest import Api, Caller


# Looking


def test_the_events_are_shown_with_the_newest_first(api: Api, caller: Caller) -> None:
    caller.post(SINGLE, caller.event(distinct_id="u1"))
    caller.post(SINGLE, caller.event(distinct_id="u2"))
    first, second = api.store.events()
    answered = caller.get(EVENTS)
    assert (answered.status, answered.json) == (
        200,
        {"events": [json.loads(each.as_json()) for each in (second, first)], "more": False},
    )
    assert answered.json["events"][0]["body"] == caller.event(distinct_id="u2")


def test_nothing_is_shown_as_nothing(caller: Caller) -> None:
    assert caller.get(EVENTS).json == {"events": [], "more": False}


@pytest.mark.parametrize(
    ("query", "users"),
    [
        ("", ["ü &", "u1", "u2", "u1"]),
        ("?event=ordered", ["u2", "u1"]),
        ("?event=paid", ["ü &", "u1"]),
        ("?event=order", []),
        ("?distinct_id=u1", ["u1", "u1"]),
        ("?distinct_id=%C3%BC%20%26", ["ü &"]),
        ("?event=paid&distinct_id=u1", ["u1"]),
        ("?limit=2", ["ü &", "u1"]),
        ("?limit=1&event=ordered", ["u2"]),
        ("?limit=0", []),
        ("?limit=99", ["ü &", "u1", "u2", "u1"]),
        ("?text=%C3%BC", ["ü &"]),
        ("?after=1&before=4", ["u1", "u2"]),
        ("?outcome=refused", []),
        ("?session=", ["ü &", "u1", "u2", "u1"]),
        ("?session=other", []),
    ],
)
def test_the_events_shown_can_be_chosen(caller: Caller, query: str, users: list[str]) -> None:
    chosen = [("ordered", "u1"), ("ordered", "u2"), ("paid", "u1"), ("paid", "ü &")]
    caller.post(BULK, [caller.event(event=name, distinct_id=user) for name, user in chosen])
    shown = caller.get(f"{EVENTS}{query}").json
    assert [event["body"]["distinct_id"] for event in shown["events"]] == users


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=x", "limit must be a whole number, for example limit=10"),
        ("limit=-1", "limit must be a whole number, for example limit=10"),
        ("limit=", "limit must be a whole number, for example limit=10"),
        ("limit=%D9%A3", "limit must be a whole number, for example limit=10"),
        ("limit=1&limit=2", "the parameter limit may be given only once"),
        ("event=a&event=b", "the parameter event may be given only once"),
        ("evnt=ordered", "unknown parameter 'evnt': did you mean event?"),
        (
            "other=1",
            (
                "unknown parameter 'other': known are session, event, distinct_id, tenant_id, outcome, status_code,"
                " idempotency_key, insert_id, message_id, event_has, distinct_id_has, tenant_id_has, after, before, since_ms,"
                " text, warned, limit"
            ),
        ),
    ],
)
def test_what_the_events_can_not_be_chosen_by_is_refused(caller: Caller, query: str, message: str) -> None:
    answered = caller.get(f"{EVENTS}?{query}")
    assert (answered.status, answered.json["error"]["message"]) == (400, message)


def test_a_hundred_events_are_shown_unless_more_are_asked_for_up_to_a_thousand(api: Api, caller: Caller) -> None:
    events = [{"$insert_id": f"i{index}", "distinct_id": f"u{index}"} for index in range(1001)]
    received = Received("", "w", "POST", SINGLE, (), b"")
    api.store.add(received, [Record(event, json.dumps(event).encode()) for event in events], 202)
    shown = caller.get(EVENTS).json
    assert (len(shown["events"]), shown["events"][0]["body"]["distinct_id"], shown["more"]) == (100, "u1000", True)
    older = caller.get(f"{EVENTS}?limit=2000&before={shown['events'][-1]['id']}").json
    assert (len(older["events"]), older["events"][0]["body"]["distinct_id"], older["more"]) == (901, "u900", False)
    assert len(caller.get(f"{EVENTS}?limit=2000").json["events"]) == 1000


@pytest.mark.parametrize("raw", [b'"extra": 1e400', b'"extra": "\\ud800"'])
def test_whatever_was_accepted_can_be_shown(caller: Caller, raw: bytes) -> None:
    caller.post(SINGLE, json.dumps(caller.event()).encode()[:-1] + b", " + raw + b"}")
    assert caller.get(EVENTS).status == 200


def test_an_attachment_that_was_accepted_can_be_shown(caller: Caller) -> None:
    caller.post(SINGLE, caller.event(properties={"$attachments": [{"url": "https://example.com/\ud800"}]}))
    assert caller.get(EVENTS).status == 200


def test_a_limit_of_15_digits_is_answered(caller: Caller) -> None:
    assert caller.get(f"{EVENTS}?limit={'9' * 15}").status == 200
    assert caller.get(f"{EVENTS}?limit={'9' * 5000}").status == 400


def test_a_sandbox_says_what_it_is(caller: Caller) -> None:
    caller.post(SINGLE, caller.event())
    answered = caller.get("/_sandbox")
    assert (answered.status, answered.json) == (
        200,
        {
            "name": "suprsend-runner sandbox",
            "version": __version__,
            "events": 1,
            "dropped_events": 0,
            "dropped_keys": 0,
        },
    )


SERVED = "POST /v2/event/, /v2/bulk/event/ and /event/, and GET /v1/message/"


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("/v2/", (404, f"the sandbox serves {SERVED}", "not_found")),
        ("/v2/events/", (404, f"the sandbox serves {SERVED}", "not_found")),
        ("/V2/event/", (404, f"the sandbox serves {SERVED}", "not_found")),
        ("/v1/users/u1", (404, f"the sandbox serves {SERVED}", "not_found")),
        ("/v2/event", (404, "the path is /v2/event/: the slash at its end is part of what is signed", "not_found")),
        ("/event", (404, "the path is /event/: the slash at its end is part of what is signed", "not_found")),
        ("/v1/user/u1/", (501, f"the sandbox does not serve users; it serves {SERVED}", "not_implemented")),
        ("/v1/object/a/b/", (501, f"the sandbox does not serve objects; it serves {SERVED}", "not_implemented")),
        ("/trigger/", (501, f"the sandbox does not serve workflow triggers; it serves {SERVED}", "not_implemented")),
    ],
)
def test_another_path_is_refused_with_what_there_is_and_stored(
    api: Api, caller: Caller, path: str, refused: tuple[int, str, str]
) -> None:
    assert caller.get(path).refusal == refused
    assert caller.post(path, caller.event()).refusal == refused
    stored = api.store.select("1 ORDER BY id", ())
    assert [(each.endpoint, each.outcome, each.status_code, each.reason) for each in stored] == [
        (path, "refused", *refused[:2])
    ] * 2
    details = caller.get(f"{EVENTS}/{stored[1].id}").json
    assert json.loads(details["request"]["body"]) == caller.event()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", SINGLE, "POST"),
        ("PUT", SINGLE, "POST"),
        ("GET", BULK, "POST"),
        ("DELETE", LEGACY, "POST"),
        ("POST", EVENTS, "GET, HEAD"),
        ("POST", "/_sandbox", "GET, HEAD"),
    ],
)
def test_another_method_is_405(api: Api, caller: Caller, method: str, path: str, allowed: str) -> None:
    answered = caller.send(method, path)
    assert answered.status == 405
    assert set(answered.headers["allow"].split(", ")) == set(allowed.split(", "))
    assert answered.json["error"] == {
        "message": f"the method must be {answered.headers['allow']}",
        "type": "method_not_allowed",
    }
    assert len(api.store.select("status_code = 405", ())) == (not path.startswith("/_sandbox"))


def test_what_a_browser_looks_for_is_not_stored(api: Api, caller: Caller) -> None:
    assert caller.send("GET", "/favicon.ico", headers={"Sec-Fetch-Mode": "no-cors"}).status == 404
    assert caller.get("/_sandbox/nowhere").status == 404
    assert api.store.select("1", ()) == []


# Who looks


@pytest.mark.parametrize(
    "path", [EVENTS, f"{EVENTS}?token={TOKEN}", "/_sandbox/wait", "/_sandbox/stream", "/_sandbox/events/1"]
)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer sandbox-api-key", "Bearer "])
def test_what_arrived_is_not_shown_without_the_token(caller: Caller, path: str, authorization: str | None) -> None:
    caller.post(SINGLE, caller.event())
    headers = {} if authorization is None else {"Authorization": authorization}
    assert caller.send("GET", path, headers=headers).refusal == (
        401,
        "the token is missing or wrong: open the address that `runner sandbox` prints",
        "authentication_error",
    )


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7788", "127.0.0.1.evil.example", "", "localhost.evil"])
def test_a_page_of_another_host_reads_nothing(caller: Caller, host: str) -> None:
    connection = HTTPConnection("127.0.0.1", caller.port, timeout=5)
    connection.request("GET", EVENTS, headers={"Host": host, "Authorization": f"Bearer {TOKEN}"})
    assert connection.getresponse().status == 400
    connection.close()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost", ""])
def test_a_page_of_another_origin_sends_and_reads_nothing(api: Api, caller: Caller, origin: str) -> None:
    raw = json.dumps(caller.event()).encode()
    signed = {"Content-Type": CONTENT_TYPE, "Date": DATE, "Authorization": caller.sign("POST", SINGLE, raw)}
    refused = (403, "requests from pages of other origins are refused", "forbidden")
    assert caller.send("POST", SINGLE, raw, signed | {"Origin": origin}).refusal == refused
    assert caller.send("GET", EVENTS, headers=WITH_TOKEN | {"Origin": origin}).refusal == refused
    assert caller.send("OPTIONS", SINGLE, headers={"Origin": origin}).refusal == refused
    assert nothing_stored(api)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("mode", ["no-cors", "navigate"])
def test_an_image_or_a_frame_of_another_page_is_not_stored(api: Api, caller: Caller, site: str, mode: str) -> None:
    embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
    for path in ("/v1/message/", "/v1/message/m1/content", SINGLE, EVENTS, "/page/main.js"):
        assert caller.send("GET", path, headers=embedded).status == 403
    assert nothing_stored(api)
    assert caller.send("GET", "/", headers=embedded).status == 200  # a link to the page


def test_a_page_of_the_sandbox_itself_may_send(caller: Caller) -> None:
    own = f"http://127.0.0.1:{caller.port}"
    assert caller.send("GET", EVENTS, headers=WITH_TOKEN | {"Origin": own}).status == 200


@pytest.mark.parametrize("id_", ["9" * 18, "9" * 19, "9" * 20, "9" * 5000, "-1", "x", "٣"])
def test_an_id_that_no_record_can_have_is_not_found(caller: Caller, id_: str) -> None:
    path = f"{EVENTS}/{quote(id_)}"
    assert caller.send("GET", path).status == 401
    for ending in ("", "/messages"):
        assert caller.send("GET", path + ending, headers=WITH_TOKEN).status == 404


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"advance_s": true}', b'{"advance_s": 1, "session": "a b"}'])
def test_the_clock_is_set_only_by_a_number_for_a_session(caller: Caller, body: bytes) -> None:
    headers = WITH_TOKEN | {"Content-Type": "application/json"}
    assert caller.send("POST", "/_sandbox/clock", body, headers).status == 400


def test_only_json_changes_a_sandbox(api: Api, caller: Caller) -> None:
    body = b'{"advance_s": 60}'
    for kind in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}):
        assert caller.send("POST", "/_sandbox/clock", body, WITH_TOKEN | kind).refusal[:2] == (
            400, "the body must be application/json",
        )  # fmt: skip
    assert api.store._ahead_ms == {}
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    assert caller.send("POST", "/_sandbox/clock", body, WITH_TOKEN | json_type).status == 200
