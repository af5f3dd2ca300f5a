"""Messages of events over real HTTP, on a clock that the tests set forward."""

from __future__ import annotations

import json
import re
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.sandbox.conftest import CONTENT_TYPE, DATE, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Answered, Api, Caller

    Ruled = Callable[[str], Api]

SINGLE = "/v2/event/"
WORKFLOWS = """
  workflows:
    ordered: {slug: order-confirmation, name: Order confirmation, channels: [email, inbox], after: 2h, status_every: 1h}
    paid: {channels: [sms, androidpush], category: billing, status_every: 0s, outcome: clicked}
"""
NUMBERS = count(1)
HOUR_S = 3600


class Client:
    """Calls the messages API of a sandbox, and sets its clock forward."""

    def __init__(self, caller: Caller, session: str = "") -> None:
        self.caller = caller.as_workspace(f"{caller.key}.{session}", caller.secret) if session else caller
        self.session = session

    def send(self, **changes: Any) -> None:
        fresh = {"$insert_id": f"{next(NUMBERS):036}", "env": "sandbox-workspace-key"}
        assert self.caller.post(SINGLE, self.caller.event(**(fresh | changes))).status == 202

    def call(self, method: str, target: str, body: bytes = b"") -> Answered:
        """Call signed as the official SDKs sign: over the raw target, with an empty digest for a GET."""
        signature = self.caller.sign(method, target, body)
        headers = {"Content-Type": CONTENT_TYPE, "Date": DATE, "Authorization": signature}
        return self.caller.send(method, target, body, headers)

    def page(self, *query: tuple[str, str], path: str = "/v1/message/") -> Any:
        target = path + (f"?{urlencode(query)}" if query else "")
        answered = self.call("GET", target)
        assert answered.status == 200, answered.text
        return answered.json

    def messages(self, *query: tuple[str, str]) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = self.page(*query)["results"]
        return results

    def statuses(self, *query: tuple[str, str]) -> list[tuple[str, str]]:
        return sorted((each["channel"], each["status"]) for each in self.messages(*query))

    def refused(self, *query: tuple[str, str]) -> str:
        answered = self.call("GET", f"/v1/message/?{urlencode(query)}")
        text: str = answered.json["message"]
        assert (answered.status, answered.json) == (
            400,
            {"code": 400, "error_code": "bad_request", "type": "bad_request", "message": text, "detail": text},
        )
        return text

    def act(self, *actions: tuple[str, str]) -> list[tuple[int, str | None]]:
        body = json.dumps({"messages": [{"message_id": id_, "action": action} for id_, action in actions]}).encode()
        answered = self.call("PATCH", "/v1/bulk/message/", body)
        assert answered.status == 202, answered.text
        records = answered.json["records"]
        assert [each["message_id"] for each in records] == [id_ for id_, _ in actions]
        return [(each["status_code"], each["error"] and each["error"]["type"]) for each in records]

    def advance(self, seconds: float) -> None:
        body = json.dumps({"advance_s": seconds, "session": self.session}).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        assert self.caller.send("POST", "/_sandbox/clock", body, headers).status == 200


@pytest.fixture
def client(ruled: Ruled) -> Client:
    return Client(ruled(WORKFLOWS).caller)


def test_statuses_move_on_the_clock_of_the_session(client: Client) -> None:
    client.send()
    assert client.messages() == []
    seen = []
    for hours in (2, 1, 1, 100):
        client.advance(hours * HOUR_S)
        seen.append(client.statuses())
    assert seen == [
        [("email", status), ("inbox", status)] for status in ("triggered", "sent_by_vendor", "delivered", "delivered")
    ]


def test_a_message_has_the_documented_fields(client: Client) -> None:
    client.send(**{"$idempotency_key": " k-1 ", "tenant_id": "acme"})
    client.advance(3 * HOUR_S)
    [email, inbox] = sorted(client.messages(), key=itemgetter("channel"))
    created = email["created_at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created)
    assert email == {
        "message_id": email["message_id"],
        "created_at": created,
        "updated_at": email["updated_at"],
        "triggered_at": created,
        **dict.fromkeys(
            f"{name}_at"
            for name in ("delivered", "seen", "clicked", "dismissed", "read", "unread", "archived", "unarchived")
        ),
        "is_read": False,
        "is_archived": False,
        "status": "sent_by_vendor",
        "channel": "email",
        "category": "transactional",
        "idempotency_key": "k-1",
        "failure_reason": None,
        "recipient": {"$type": "user", "distinct_id": "u1"},
        "parent_entity_id": None,
        "parent_entity_type": None,
        "vendor": {"name": "sandbox", "nickname": "sandbox"},
        "execution_id": inbox["execution_id"],
        "parent_execution_id": None,
        "is_campaign": False,
        "tenant_id": "acme",
        "workflow": {
            "slug": "order-confirmation",
            "name": "Order confirmation",
            "version_id": "wf_v_1",
            "node_ref": "email_1",
        },
        "template": {
            "name": "Order confirmation",
            "slug": "order-confirmation",
            "version_no": 1,
            "variant_id": "default",
        },
        "channel_identity": {"email": "u1@example.test"},
    }
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", email["message_id"])
    assert email["updated_at"] > created
    assert inbox["vendor"]["name"] == "suprsend_inbox"


RECIPIENTS = {
    "u1": {"androidpush": "clicked", "sms": "delivered"},
    "bounce+u1": dict.fromkeys(("androidpush", "sms"), "delivery_failure"),
    "fail+u1": dict.fromkeys(("androidpush", "sms"), "trigger_failed"),
    "block+u1": dict.fromkeys(("androidpush", "sms"), "trigger_blocked"),
    "skip+u1": dict.fromkeys(("androidpush", "sms"), "not_to_be_triggered"),
    "queue+u1": dict.fromkeys(("androidpush", "sms"), "to_be_triggered"),
    "sent+u1": dict.fromkeys(("androidpush", "sms"), "sent_by_vendor"),
    "deliver+u1": dict.fromkeys(("androidpush", "sms"), "delivered"),
    "see+u1": {"androidpush": "seen", "sms": "delivered"},
    "read+u1": {"androidpush": "seen", "sms": "delivered"},
    "dismiss+u1": {"androidpush": "dismissed", "sms": "delivered"},
    "late+u1": {},
    "never+u1": {},
    "bounce": {"androidpush": "clicked", "sms": "delivered"},
    "Bounce+u1": {"androidpush": "clicked", "sms": "delivered"},
}
FAILING = {"bounce+u1", "fail+u1", "block+u1", "skip+u1"}


def test_a_recipient_chooses_an_outcome(client: Client) -> None:
    for user in RECIPIENTS:
        client.send(event="paid", distinct_id=user)

    def by_user() -> dict[str, dict[str, str]]:
        return {user: dict(client.statuses(("recipient_id[]", user))) for user in RECIPIENTS}

    assert by_user() == RECIPIENTS
    failed = {each["recipient"]["distinct_id"] for each in client.messages(("limit", "100")) if each["failure_reason"]}
    assert failed == FAILING
    client.advance(HOUR_S)
    assert by_user() == RECIPIENTS | {"late+u1": {"androidpush": "clicked", "sms": "delivered"}}


def test_only_accepted_events_of_known_users_that_a_workflow_knows_make_messages(ruled: Ruled) -> None:
    api = ruled(WORKFLOWS + "  users: [u1]\n")
    client = Client(api.caller)
    client.send(event="paid", **{"$idempotency_key": "k"})
    client.send(event="paid", **{"$idempotency_key": "k"})  # a duplicate
    client.send(event="unknown")
    client.send(event="paid", distinct_id="u2")
    client.send(event="paid", distinct_id=" bounce+u1 ")
    assert api.caller.post(SINGLE, api.caller.event(event="paid", properties=1)).status == 400
    found = [(each["recipient"]["distinct_id"], each["idempotency_key"]) for each in client.messages()]
    assert found == [("bounce+u1", None)] * 2 + [("u1", "k")] * 2
    assert [stored.warning for stored in api.store.events()] == [
        None, None, None, "discarded: no user found with distinct_id 'u2'", None
    ]  # fmt: skip


# The list


@pytest.fixture
def many(client: Client) -> Client:
    client.send(event="paid", distinct_id="u1", tenant_id="acme", **{"$idempotency_key": "k1"})
    client.advance(10)
    client.send(event="paid", distinct_id="bounce+u2", brand_id="umbrella")
    client.advance(10)
    client.send(event="ordered", distinct_id="u3")
    client.advance(3 * HOUR_S)
    return client


def shown(message: dict[str, Any]) -> str:
    return f"{message['recipient']['distinct_id']} {message['channel']}"


U1 = ["u1 androidpush", "u1 sms"]
U2 = ["bounce+u2 androidpush", "bounce+u2 sms"]
U3 = ["u3 email", "u3 inbox"]


FILTERS: list[tuple[list[tuple[str, str]], list[str]]] = [
    ([], [*U2, *U1, *U3]),
    ([("status[]", "delivered")], ["u1 sms"]),
    ([("status[]", "triggered")], U3),
    ([("status[]", "delivery_failed"), ("status[]", "clicked")], [*U2, "u1 androidpush"]),
    ([("status[]", "read")], []),
    ([("status[]", "unread"), ("channel", "sms")], ["bounce+u2 sms", "u1 sms"]),
    ([("status[]", "archived")], []),
    ([("channel", "email")], ["u3 email"]),
    ([("recipient_id[]", "u1"), ("recipient_id[]", "u3")], [*U1, *U3]),
    ([("recipient_id[]", "u1"), ("channel", "sms")], ["u1 sms"]),
    ([("category[]", "billing")], [*U2, *U1]),
    ([("category[]", "billing"), ("category[]", "transactional")], [*U2, *U1, *U3]),
    ([("workflow_slug", "paid")], [*U2, *U1]),
    ([("tenant_id", "acme")], U1),
    ([("tenant_id", "umbrella")], U2),
    ([("tenant_id", "default")], U3),
    ([("idempotency_key", "k1")], U1),
    ([("idempotency_key", "")], []),
    ([("object_type", "teams"), ("object_id", "t")], []),
    ([("is_campaign", "true")], []),
    ([("is_campaign", "false"), ("recipient_id", "u1"), ("x", "y")], [*U2, *U1, *U3]),  # unknown ones are ignored
    ([("created_at_gte", "2026-01-02T03:04:05.999+05:30")], [*U2, *U1, *U3]),
    ([("created_at_lte", "2026-01-02T03:04:05Z")], []),
]


def test_each_filter_selects(many: Client) -> None:
    for query, expected in FILTERS:
        page = many.page(*query)
        found = page["meta"]["count"], sorted(map(shown, page["results"]))
        assert (query, *found) == (query, len(expected), sorted(expected))


def test_messages_are_found_by_what_an_answer_says_of_them(many: Client) -> None:
    message = many.messages(("recipient_id[]", "u1"))[0]
    assert many.messages(("message_id", message["message_id"])) == [message]
    assert len(many.messages(("execution_id", message["execution_id"]))) == 2
    second = message["created_at"][:19] + "Z"
    assert [shown(each) for each in many.messages(("created_at_gte", second), ("created_at_lte", second))] == [
        shown(each) for each in many.messages(("recipient_id[]", "u1"))
    ]


INVALID: list[tuple[dict[str, str], str]] = [
        ({"limit": "0"}, "limit must be a whole number from 1 to 1000"),
        ({"limit": "1001"}, "limit must be a whole number from 1 to 1000"),
        ({"limit": "\u0663"}, "limit must be a whole number from 1 to 1000"),
        ({"status[]": "deliverd"}, "invalid status[] 'deliverd': did you mean delivered?"),
        ({"channel": "fax"}, "invalid channel 'fax': known are sms, email, whatsapp, inbox, androidpush, iospush, webpush, slack, ms_teams"),
        ({"created_at_gte": "2026-01-02"}, "created_at_gte must be a time in RFC 3339, for example 2026-01-02T03:04:05Z, with + encoded as %2B"),
        ({"created_at_lte": "2026-02-30T00:00:00Z"}, "created_at_lte must be a time in RFC 3339, for example 2026-01-02T03:04:05Z, with + encoded as %2B"),
        ({"created_at_gte": "2026-01-02T00:00:01Z", "created_at_lte": "2026-01-02T00:00:00Z"}, "created_at_lte must not be before created_at_gte"),
        ({"object_type": "teams"}, "object_type and object_id must be given together"),
        ({"is_campaign": "True"}, "is_campaign must be true or false"),
        ({"include_content": "1"}, "include_content must be true or false"),
        ({"after": "x"}, "after is not a cursor of an earlier answer"),
        ({"before": "W10="}, "before is not a cursor of an earlier answer"),
]  # fmt: skip


def test_an_invalid_value_is_refused_in_the_newer_form(client: Client) -> None:
    assert [(query, client.refused(*query.items())) for query, _ in INVALID] == INVALID


def test_a_walk_sees_each_message_once_although_new_ones_arrive(client: Client) -> None:
    for index in range(12):
        client.send(event="paid", distinct_id=f"u{index}")
    expected = [shown(each) for each in client.messages(("limit", "1000"))]
    assert len(expected) == 24
    walked: list[str] = []
    pages = [client.page(("limit", "7"))]
    while pages[-1]["meta"]["has_next"]:
        client.send(event="paid", distinct_id="new")
        pages.append(client.page(("limit", "7"), ("after", pages[-1]["meta"]["after"]), ("before", "ignored")))
    for page in pages:
        walked += map(shown, page["results"])
    assert walked == expected
    assert [len(page["results"]) for page in pages] == [7, 7, 7, 3]
    assert [page["meta"]["has_prev"] for page in pages] == [False, True, True, True]
    assert pages[-1]["meta"] == {
        "count": 30,
        "limit": 7,
        "has_prev": True,
        "before": pages[-1]["meta"]["before"],
        "has_next": False,
        "after": None,
    }
    back = client.page(("limit", "7"), ("before", pages[-1]["meta"]["before"]))
    assert (back["results"], back["meta"]["has_next"]) == (pages[-2]["results"], True)
    newest = client.page(("limit", "1000"), ("before", pages[0]["meta"]["after"]))
    assert ([shown(each) for each in newest["results"]][-6:], newest["meta"]["has_prev"]) == (expected[:6], False)


# Who asks


def test_bearer_and_signatures_over_path_and_raw_query_are_checked(client: Client) -> None:
    client.send(event="paid")
    target = "/v1/message?recipient_id%5B%5D=u1&limit=5"
    assert client.call("GET", target).json["meta"]["count"] == 2
    signature = client.caller.sign("GET", target, b"")
    headers = {"Content-Type": CONTENT_TYPE, "Date": DATE, "Authorization": signature}
    wrong = client.caller.send("GET", "/v1/message?recipient_id[]=u1&limit=5", headers=headers)
    message = "invalid workspace key, secret or signature"
    assert (wrong.status, wrong.json) == (
        401,
        {
            "code": 401,
            "error_code": "authentication_error",
            "type": "authentication_error",
            "message": message,
            "detail": message,
        },
    )
    bearer = client.caller.send("GET", target, headers={"Authorization": "Bearer sandbox-api-key"})
    assert (bearer.status, bearer.json["meta"]["count"]) == (200, 2)
    refused = client.caller.get("/_sandbox/events?outcome=refused").json["events"]
    assert [(each["endpoint"], each["reason"]) for each in refused] == [
        ("/v1/message?recipient_id[]=u1&limit=5", message)
    ]


def test_sessions_have_messages_and_a_clock_of_their_own(ruled: Ruled) -> None:
    caller = ruled(WORKFLOWS).caller
    one, two = Client(caller, "one"), Client(caller, "two")
    for client in (one, two):
        client.send(env=client.caller.key)
    one.advance(4 * HOUR_S)
    assert (len(one.messages()), len(two.messages())) == (2, 0)
    [message, _] = one.messages()
    two.advance(4 * HOUR_S)
    assert message not in two.messages()
    assert two.call("GET", f"/v1/message/{message['message_id']}/content").status == 404
    assert two.act((message["message_id"], "seen")) == [(404, "not_found")]
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert caller.send("DELETE", "/_sandbox/events?session=one", headers=headers).json == {"deleted": 1}
    assert (len(one.messages()), len(two.messages())) == (0, 2)


# Content and changes


def test_content_shows_the_names_of_the_properties_and_no_value(many: Client) -> None:
    [email] = many.messages(("channel", "email"), ("include_content", "true"))
    content = {"subject": "Order confirmation", "body": "amount"}
    assert email["content"] == content
    answered = many.call("GET", f"/v1/message/{email['message_id']}/content")
    assert (answered.status, answered.json) == (200, {"channel": "email", "content": content})
    missing = many.call("GET", "/v1/message/nothing/content")
    assert (missing.status, missing.json["error_code"]) == (404, "not_found")


def test_changes_in_bulk_are_those_of_a_recipient(many: Client) -> None:
    ids = {shown(each): each["message_id"] for each in many.messages()}
    inbox, email, failed = ids["u3 inbox"], ids["u3 email"], ids["bounce+u2 sms"]
    assert many.act((inbox, "read"), (email, "read"), (failed, "seen"), ("nothing", "seen")) == [
        (202, None), (422, "action_not_supported"), (422, "status_blocked"), (404, "not_found")
    ]  # fmt: skip
    assert many.act((email, "clicked"), (ids["u1 androidpush"], "seen"), (ids["u1 sms"], "dismissed")) == [
        (202, None), (202, None), (422, "action_not_supported")
    ]  # fmt: skip
    [message] = many.messages(("status[]", "read"))
    assert (message["message_id"], message["status"], message["is_read"]) == (inbox, "read", True)
    assert many.statuses(("recipient_id[]", "u3")) == [("email", "clicked"), ("inbox", "read")]
    assert many.statuses(("recipient_id[]", "u1")) == [("androidpush", "clicked"), ("sms", "delivered")]
    assert many.act((inbox, "unread")) == many.act((inbox, "archived")) == [(202, None)]
    [message] = many.messages(("status[]", "archived"))
    assert (message["status"], message["is_read"], message["is_archived"]) == ("read", False, True)
    many.act((inbox, "unarchived"))
    assert many.messages(("status[]", "archived"), ("status[]", "read")) == []


INVALID_CHANGES = [
    (b"{}", "messages must be an array of 1 to 1000 items"),
    (b"[]", "messages must be an array of 1 to 1000 items"),
    (b'{"messages": []}', "messages must be an array of 1 to 1000 items"),
    (b'{"messages": [1]}', "messages[0]: missing message_id"),
    (
        b'{"messages": [{"message_id": "a", "action": "x"}]}',
        "messages[0]: action must be one of seen, clicked, dismissed, read, unread, archived, unarchived",
    ),
    (
        b'{"messages": [{"message_id": "a", "action": "seen"}, {"message_id": "a", "action": "read"}]}',
        "messages[1]: message_id is given twice",
    ),
    (b"{", "BAD REQUEST"),
]


def test_an_invalid_change_is_refused(client: Client) -> None:
    answers = [(body, client.call("PATCH", "/v1/bulk/message", body)) for body, _ in INVALID_CHANGES]
    assert [(body, answered.json["message"]) for body, answered in answers] == INVALID_CHANGES
    assert {answered.status for _, answered in answers} == {400}


def test_the_time_line_of_an_event_has_its_future_too(client: Client) -> None:
    client.send()
    shown = client.caller.get("/_sandbox/events/1/messages").json
    [email, inbox] = sorted(shown["messages"], key=itemgetter("channel"))
    assert [each["status"] for each in email["timeline"]] == ["triggered", "sent_by_vendor", "delivered"]
    times = [each["at_ms"] for each in email["timeline"]]
    assert (times[1] - times[0], times[2] - times[1]) == (HOUR_S * 1000, HOUR_S * 1000)
    assert times[0] > shown["now_ms"]
    assert (email["status"], inbox["channel"]) == ("to_be_triggered", "inbox")
    assert client.caller.get("/_sandbox/events/2/messages").status == 404
    assert client.caller.send("GET", "/_sandbox/events/1/messages").status == 401


HOSTILE = [
    *(
        "%00",
        "%ED%A0%80",
        "%FF",
        "'%20OR%201=1--",
        "%F0%9F%98%80",
        "a" * 5000,
        "%E2%80%AE",
        "-1",
        "1e400",
        "NaN",
        "[]",
        "%25",
    ),
    *("0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00%2B99:99", "\u0663"),
    *("WzFlNDAwLCAiYSJd", "WzEsICJcdWQ4MDAiXQ", "WzkyMjMzNzIwMzY4NTQ3NzU4MDgsICJhIl0", "W10", "bnVsbA", "e30"),
]


def test_hostile_queries_get_an_answer(client: Client) -> None:
    client.send(event="paid")
    names = ("limit", "after", "before", "status[]", "channel", "recipient_id[]", "category[]", "created_at_gte")
    more = ("created_at_lte", "workflow_slug", "tenant_id", "message_id", "idempotency_key", "execution_id")
    headers = {"Authorization": "Bearer sandbox-api-key"}
    for name in (*names, *more, "object_type", "is_campaign", "include_content", "session", "now"):
        for value in (each.encode("ascii", "ignore").decode() for each in HOSTILE):
            answered = client.caller.send("GET", f"/v1/message?{name}={value}", headers=headers)
            assert answered.status in (200, 400), (name, value, answered)
    many_ids = "&".join(f"recipient_id[]={number}" for number in range(2500))
    assert client.caller.send("GET", f"/v1/message?{many_ids}", headers=headers).status == 200
    for value in HOSTILE:
        path = f"/v1/message/{value.encode('ascii', 'ignore').decode()}/content"
        assert client.caller.send("GET", path, headers=headers).status == 404
        change = {"messages": [{"message_id": value, "action": "seen"}]}
        body = json.dumps(change).encode()
        assert client.caller.send("PATCH", "/v1/bulk/message/", body, headers).status == 202
    for body in (
        b'{"messages": [{"message_id": "\\ud800", "action": "seen"}]}',
        b"\xff",
        b"[" * 100_000,
        b'{"messages": 1e400}',
    ):
        assert client.caller.send("PATCH", "/v1/bulk/message/", body, headers).status == 400
    assert len(client.messages()) == 2
