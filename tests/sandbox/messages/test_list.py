"""The list of messages: filters, pages, and queries that are invalid or hostile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.sandbox.messages.conftest import U1, U2, U3, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api
    from tests.sandbox.messages.conftest import Client

    Ruled = Callable[[str], Api]


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
