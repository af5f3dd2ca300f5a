"""Messages of events over real HTTP, on a clock that the tests set forward."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import TYPE_CHECKING

from tests.sandbox.conftest import CONTENT_TYPE, DATE, TOKEN
from tests.sandbox.messages.conftest import HOUR_S, SINGLE, WORKFLOWS, Client, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api

    Ruled = Callable[[str], Api]


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
