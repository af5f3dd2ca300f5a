"""The shape of an event: the documented order, and nothing that was not given."""

from __future__ import annotations

from copy import deepcopy

import pytest

from runner.suprsend.event import Event
from tests.suprsend.event.conftest import USER_AGENT, body_of, refusal, sent


def test_an_event_goes_out_as_compact_utf8_in_the_documented_order() -> None:
    event = Event("user-1", "order_placed", {"amount": 10, "name": "Zoë"}, "key-1", "acme", "old_acme")
    assert (
        body_of(event).decode()
        == '{"$insert_id":"11111111-1111-4111-8111-111111111111","$time":1767225600000,"event":"order_placed",'
        '"env":"wskey_0123456789abcdef","distinct_id":"user-1","properties":{"amount":10,"name":"Zoë",'
        f'"$ss_sdk_version":"{USER_AGENT}"}},'
        '"$idempotency_key":"key-1","tenant_id":"acme","brand_id":"old_acme"}'
    )


def test_what_was_not_given_does_not_go_out() -> None:
    assert sent(Event("u1", "ordered")) == {
        "$insert_id": "11111111-1111-4111-8111-111111111111",
        "$time": 1767225600000,
        "event": "ordered",
        "env": "wskey_0123456789abcdef",
        "distinct_id": "u1",
        "properties": {"$ss_sdk_version": USER_AGENT},
    }


@pytest.mark.parametrize("field", ["tenant_id", "brand_id"])
def test_tenant_and_brand_go_out_under_the_name_that_was_used(field: str) -> None:
    event = Event("u1", "ordered", tenant_id="a") if field == "tenant_id" else Event("u1", "ordered", brand_id="a")
    assert {key: value for key, value in sent(event).items() if key in ("tenant_id", "brand_id")} == {field: "a"}


def test_an_attachment_goes_out_by_its_url_behind_the_properties() -> None:
    event = Event("u1", "ordered", {"a": 1})
    event.add_attachment("https://example.com/a.pdf")
    event.add_attachment("https://example.com/b.pdf", file_name="invoice.pdf", ignore_if_error=True)
    assert list(sent(event)["properties"].items()) == [
        ("a", 1),
        (
            "$attachments",
            [
                {
                    "filename": None,
                    "contentType": None,
                    "data": None,
                    "url": "https://example.com/a.pdf",
                    "ignore_if_error": False,
                },
                {
                    "filename": "invoice.pdf",
                    "contentType": None,
                    "data": None,
                    "url": "https://example.com/b.pdf",
                    "ignore_if_error": True,
                },
            ],
        ),
        ("$ss_sdk_version", USER_AGENT),
    ]


def test_the_callers_dictionaries_are_not_changed() -> None:
    properties = {"nested": {"list": [1, {"a": None}]}, "text": " x "}
    before = deepcopy(properties)
    event = Event("u1", "ordered", properties)
    event.add_attachment("https://example.com/a.pdf")
    body_of(event)
    assert properties == before
    assert event.properties is properties


def test_the_same_stamp_gives_the_same_bytes() -> None:
    event = Event("u1", "ordered", {"b": 1, "a": 2}, idempotency_key="k")
    assert body_of(event) == body_of(event)


def test_the_first_broken_rule_is_raised_and_all_are_listed() -> None:
    event = Event("", "x", {"$a": float("nan")}, idempotency_key="", tenant_id="a b")
    event.add_attachment("a.pdf")
    assert [(breach.code, breach.path) for breach in event.breaches()] == [
        ("event-name", ("event",)),
        ("distinct-id", ("distinct_id",)),
        ("reserved-name", ("properties", "$a")),
        ("not-finite", ("properties", "$a")),
        ("attachment-url", ("attachments", 0, "url")),
        ("idempotency-key", ("idempotency_key",)),
        ("tenant-id", ("tenant_id",)),
    ]
    assert refusal(event) == ("event-name", "event", "the event's name 'x' is shorter than 2 characters", None)


def test_a_refusal_is_a_value_error_that_reads_in_one_line() -> None:
    with pytest.raises(ValueError, match="reserved") as caught:
        body_of(Event("u1", "$purchase"))
    assert str(caught.value) == (
        "event name '$purchase' is reserved (names that begin with $ or ss_ are reserved for the platform)"
    )
