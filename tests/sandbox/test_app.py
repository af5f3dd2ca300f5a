from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from runner import __version__
from runner.sandbox.arrival import Received, Record
from runner.sandbox.server import Sandbox
from runner.secrets import Secret
from runner.suprsend.auth import ApiKey, WorkspaceKey
from tests.sandbox.conftest import TOKEN

if TYPE_CHECKING:
    from tests.sandbox.conftest import Answered, Api, Caller

SINGLE, BULK, LEGACY = "/v2/event/", "/v2/bulk/event/", "/event/"
EVENTS = "/_sandbox/events"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
UNAUTHORIZED = (401, "invalid workspace key, secret or signature", "authentication_error")
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
CONTENT_TYPE = "application/json; charset=utf-8"


def bad(message: str) -> tuple[int, str, str]:
    return 400, message, "bad_request"


def nothing_stored(api: Api) -> bool:
    """Return whether no event was accepted; refused ones are stored with their reason."""
    return api.store.events() == [] and api.store.total == 0


# Accepting


def test_an_event_is_accepted_and_stored(api: Api, caller: Caller) -> None:
    answered = caller.post(SINGLE, caller.event())
    [stored] = api.store.events()
    assert (answered.status, answered.json) == (202, {"status": "success", "message_id": stored.message_id})
    assert answered.headers["content-type"] == "application/json"
    assert (stored.workspace, stored.endpoint, stored.duplicate, stored.body) == (
        "sandbox-workspace-key",
        SINGLE,
        False,
        caller.event(),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"properties": ...},
        {"properties": {}},
        {"properties": {"$attachments": [{"url": "https://example.com/a.pdf"}], "$ss_sdk_version": "x/1"}},
        {"properties": {"$attachments": [{"url": None, "data": "eA==", "filename": "x.txt", "ignore_if_error": True}]}},
        {"properties": {"big": 2**80, "deep": [{"$a": None}], "text": "Zoë 👍"}},
        {"event": "$identify"},
        {"event": "ab"},
        {"$idempotency_key": "k" * 255, "tenant_id": "t" * 64, "brand_id": "default"},
        {"$idempotency_key": None, "tenant_id": None, "brand_id": None},
        {"$time": 1640995200000},
        {"$insert_id": "x" * 40},
        {"distinct_id": "é"},
    ],
)
def test_what_the_platform_allows_is_accepted(api: Api, caller: Caller, changes: dict[str, Any]) -> None:
    assert caller.post(SINGLE, caller.event(**changes)).status == 202
    assert [stored.body for stored in api.store.events()] == [caller.event(**changes)]


def test_a_bearer_token_is_accepted(api: Api, caller: Caller) -> None:
    for env in ("sandbox-workspace-uid", "sandbox"):
        raw = json.dumps(caller.event(env=env)).encode()
        assert caller.send("POST", SINGLE, raw, {"Authorization": "Bearer sandbox-api-key"}).status == 202
    assert [stored.workspace for stored in api.store.events()] == ["sandbox-workspace-uid"] * 2


# Who asks


@pytest.mark.parametrize("path", [SINGLE, BULK, LEGACY])
def test_a_wrong_secret_is_401(api: Api, caller: Caller, path: str) -> None:
    wrong = caller.as_workspace("sandbox-workspace-key", "wrong")
    assert wrong.post(path, [caller.event()]).refusal == UNAUTHORIZED
    assert nothing_stored(api)


def test_a_wrong_key_is_401(api: Api, caller: Caller) -> None:
    wrong = caller.as_workspace("wrong", "sandbox-workspace-secret")
    assert wrong.post(SINGLE, caller.event()).refusal == UNAUTHORIZED
    assert nothing_stored(api)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "sandbox-workspace-key",
        "sandbox-workspace-key:",
        "sandbox-workspace-key:sandbox-workspace-secret",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer sandbox-workspace-secret",
        "sandbox-api-key",
        "Basic c2FuZGJveDpzYW5kYm94",
        "Bearer sandbox-api-k\xe9y",
    ],
)
def test_a_wrong_authorization_is_401(api: Api, caller: Caller, authorization: str | None) -> None:
    headers = {"Date": DATE, "Content-Type": CONTENT_TYPE}
    headers |= {} if authorization is None else {"Authorization": authorization}
    assert caller.send("POST", SINGLE, json.dumps(caller.event()).encode(), headers).refusal == UNAUTHORIZED
    assert nothing_stored(api)


def altered(caller: Caller, **changes: Any) -> Answered:
    """Sign an event, then change one part of the request."""
    raw = json.dumps(caller.event()).encode()
    headers = {"Content-Type": CONTENT_TYPE, "Date": DATE, "Authorization": caller.sign("POST", SINGLE, raw)}
    for name in ("Date", "Content-Type"):
        if (value := changes.get(name, headers[name])) is None:
            del headers[name]
        else:
            headers[name] = value
    return caller.send("POST", changes.get("path", SINGLE), changes.get("body", raw), headers)


def test_an_unaltered_request_is_accepted(caller: Caller) -> None:
    assert altered(caller).status == 202


@pytest.mark.parametrize(
    "changes",
    [
        {"Date": None},
        {"Date": "Thu, 01 Jan 2026 00:00:01 GMT"},
        {"Content-Type": None},
        {"Content-Type": "application/json"},
        {"path": BULK},
        {"path": LEGACY},
        {"path": "/v2/event/?x=1"},
        {"path": "/v2/%65vent/"},
        {"body": b"{}"},
        {"body": b""},
    ],
)
def test_an_altered_request_is_401(api: Api, caller: Caller, changes: dict[str, Any]) -> None:
    assert altered(caller, **changes).refusal == UNAUTHORIZED
    assert nothing_stored(api)


@pytest.mark.parametrize(
    "respell",
    [
        lambda event: json.dumps(event, indent=1),
        lambda event: json.dumps(event, separators=(",", ":")),
        lambda event: json.dumps(event, sort_keys=True),
        lambda event: json.dumps(event) + "\n",
        lambda event: json.dumps(event, ensure_ascii=False),
    ],
)
def test_a_signature_is_of_the_bytes_and_not_of_the_json(api: Api, caller: Caller, respell: Any) -> None:
    event = caller.event(properties={"name": "Zoë"})
    raw = respell(event).encode()
    signed = {"Content-Type": CONTENT_TYPE, "Date": DATE}
    other = caller.sign("POST", SINGLE, json.dumps(event).encode())
    assert caller.send("POST", SINGLE, raw, signed | {"Authorization": other}).refusal == UNAUTHORIZED
    assert nothing_stored(api)
    own = caller.sign("POST", SINGLE, raw)
    assert caller.send("POST", SINGLE, raw, signed | {"Authorization": own}).status == 202
    assert [stored.body for stored in api.store.events()] == [event]


def test_a_query_is_signed(caller: Caller) -> None:
    assert caller.post("/v2/event/?x=a%20b&y", caller.event()).status == 202


def test_env_must_be_the_workspace_of_the_credentials(api: Api, caller: Caller) -> None:
    message = "error: env is not the workspace of these credentials"
    assert caller.post(SINGLE, caller.event(env="sandbox")).refusal == bad(message)
    assert caller.post(SINGLE, caller.event(env=...)).refusal == bad(message)
    assert nothing_stored(api)


# What is refused


@pytest.mark.parametrize("body", [b"", b" \n"])
@pytest.mark.parametrize("path", [SINGLE, BULK, LEGACY])
def test_an_empty_body_is_refused(caller: Caller, path: str, body: bytes) -> None:
    assert caller.post(path, body).refusal == bad("Request body must not be empty")


@pytest.mark.parametrize(
    "body",
    [b"{", b"ordered", b"{'a': 1}", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1,}', b"\xff\xfe", b'{"a": "\xe9"}', b"[" * 100_000],
)  # fmt: skip
@pytest.mark.parametrize("path", [SINGLE, BULK, LEGACY])
def test_what_is_no_json_is_a_bad_request(caller: Caller, path: str, body: bytes) -> None:
    assert caller.post(path, body).refusal == bad("BAD REQUEST")


@pytest.mark.parametrize("body", [[], ["x"], "x", 7, None, True])
def test_the_single_endpoint_takes_an_object_only(api: Api, caller: Caller, body: object) -> None:
    assert caller.post(SINGLE, body).refusal == bad("Request body must only contain a single JSON object")
    assert caller.post(SINGLE, [caller.event()]).status == 400
    assert nothing_stored(api)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"distinct_id": ...}, "error: must pass value for distinct_id"),
    (
        {"distinct_id": ..., "event": ...},
        "error: must pass value for either event or distinct_id/anonymous_id",
    ),
    ({"distinct_id": " "}, "error: distinct_id is blank"),
    ({"distinct_id": None}, "error: distinct_id is missing"),
    ({"distinct_id": True}, "error: distinct_id is bool, not text"),
    ({"event": "x"}, "error: the event's name 'x' is shorter than 2 characters"),
    ({"event": 7}, "error: the event's name must be text, not int"),
    ({"event": "$purchase"}, "error: event name '$purchase' is reserved"),
    ({"event": "SS_purchase"}, "error: event name 'SS_purchase' is reserved"),
    ({"properties": []}, 'Request body contains an invalid value for the "properties" field'),
    ({"properties": None}, 'Request body contains an invalid value for the "properties" field'),
    ({"properties": "x"}, 'Request body contains an invalid value for the "properties" field'),
    ({"properties": {"$a": 1}}, "error: property '$a' is reserved"),
    ({"properties": {"ss_a": 1}}, "error: property 'ss_a' is reserved"),
    ({"properties": {"$attachments": {}}}, "error: $attachments must be a list"),
    ({"properties": {"$attachments": ["a.pdf"]}}, "error: an attachment must be an object with a url"),
    ({"properties": {"$attachments": [{}]}}, "error: the attachment has no URL"),
    ({"properties": {"$attachments": [{"url": "a.pdf"}]}}, "error: 'a.pdf' is not an http(s) URL"),
    (
        {"properties": {"$attachments": [{"url": "https://example.com/a", "ignore_if_error": 1}]}},
        "error: ignore_if_error must be true or false",
    ),
    ({"$idempotency_key": "k" * 256}, "error: the idempotency key has 256 characters"),
    ({"$idempotency_key": " "}, "error: the idempotency key is blank"),
    ({"$idempotency_key": 7}, "error: the idempotency key must be text, not int"),
    ({"tenant_id": "a b"}, "error: tenant_id 'a b' is not an id of a tenant"),
    ({"brand_id": 7}, "error: brand_id must be text, not int"),
    ({"$insert_id": ...}, "error: $insert_id must be a string of 36 characters or more"),
    ({"$insert_id": "x" * 35}, "error: $insert_id must be a string of 36 characters or more"),
    ({"$insert_id": 10**40}, "error: $insert_id must be a string of 36 characters or more"),
    ({"$time": ...}, "error: $time must be milliseconds since 1970, in 2022 or later"),
    ({"$time": 1640995199999}, "error: $time must be milliseconds since 1970, in 2022 or later"),
    ({"$time": "1767225600000"}, "error: $time must be milliseconds since 1970, in 2022 or later"),
    ({"$time": 1767225600000.0}, "error: $time must be milliseconds since 1970, in 2022 or later"),
    ({"$time": True}, "error: $time must be milliseconds since 1970, in 2022 or later"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_an_event_that_breaks_a_rule_is_refused_with_its_text(
    api: Api, caller: Caller, changes: dict[str, Any], message: str
) -> None:
    assert caller.post(SINGLE, caller.event(**changes)).refusal == bad(message)
    assert nothing_stored(api)


def test_a_distinct_id_on_the_wire_is_text(api: Api, caller: Caller) -> None:
    assert caller.post(SINGLE, caller.event(distinct_id=7)).status == 400
    assert nothing_stored(api)


def of_size(caller: Caller, size_bytes: int) -> dict[str, Any]:
    room = size_bytes - len(json.dumps(caller.event(properties={"x": ""}), separators=(",", ":")))
    return caller.event(properties={"x": "x" * room})


def test_an_event_of_102400_bytes_is_accepted_and_one_more_is_413(api: Api, caller: Caller) -> None:
    assert caller.post(SINGLE, of_size(caller, 102_400)).status == 202
    message = "error: the event has 102,401 bytes, more than 100 KB"
    assert caller.post(SINGLE, of_size(caller, 102_401)).refusal == (413, message, "too_large")
    assert api.store.total == 1


def test_a_body_of_819200_bytes_is_read_and_one_more_is_413(api: Api, caller: Caller) -> None:
    assert caller.post(BULK, b"[]".ljust(819_200)).status == 207
    message = "Request body is larger than 800KB"
    assert caller.post(BULK, b"[]".ljust(819_201)).refusal == (413, message, "too_large")
    assert nothing_stored(api)


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
