"""The event's name, its user, its idempotency key, its tenant."""

from __future__ import annotations

from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from runner.suprsend.event import Event
from tests.suprsend.event.conftest import Level, refusal, sent


@pytest.mark.parametrize(
    ("name", "on_the_wire"),
    [("ab", "ab"), (" ab\n", "ab"), ("é✓", "é✓"), ("s_s", "s_s"), ("sss_", "sss_"), ("a$b", "a$b"), ("ss", "ss")],
)
def test_a_name_of_two_characters_after_trimming_is_sent(name: str, on_the_wire: str) -> None:
    assert sent(Event("u1", name))["event"] == on_the_wire


@pytest.mark.parametrize(("name", "shown"), [("", ""), ("   ", ""), ("a", "a"), (" a ", "a"), ("\ta\n", "a")])
def test_a_name_shorter_than_two_characters_after_trimming_is_refused(name: str, shown: str) -> None:
    message = f"the event's name '{shown}' is shorter than 2 characters"
    assert refusal(Event("u1", name)) == ("event-name", "event", message, None)


@pytest.mark.parametrize(("name", "kind"), [(None, "NoneType"), (7, "int"), (b"ordered", "bytes")])
def test_a_name_that_is_no_text_is_refused(name: Any, kind: str) -> None:
    message = f"the event's name must be text, not {kind}"
    assert refusal(Event("u1", name)) == ("event-name", "event", message, None)


@pytest.mark.parametrize(
    "name",
    [
        "$purchase",
        "$$",
        "ss_order",
        "SS_order",
        "Ss_order",
        "sS_",
        "$Identify",
        "$identify2",
        "$notification_dismissed",
    ],
)
@pytest.mark.parametrize("space", ["", " "])
def test_a_reserved_name_is_refused(name: str, space: str) -> None:
    hint = "names that begin with $ or ss_ are reserved for the platform"
    assert refusal(Event("u1", space + name)) == ("reserved-name", "event", f"event name '{name}' is reserved", hint)


@pytest.mark.parametrize(
    "name",
    [
        "$identify",
        "$notification_delivered",
        "$notification_dismiss",
        "$notification_clicked",
        "$app_launched",
        "$user_login",
        "$user_logout",
    ],
)
@pytest.mark.parametrize("space", ["", " "])
def test_the_seven_system_events_are_sent(name: str, space: str) -> None:
    assert sent(Event("u1", name + space))["event"] == name


# Who it is about


class Kind(str, Enum):  # noqa: UP042 - what users have; StrEnum would hide the difference
    USER = "user-7"


@pytest.mark.parametrize(
    ("value", "on_the_wire"),
    [
        ("u1", "u1"),
        ("  u1\t", "u1"),
        ("0", "0"),
        (0, "0"),
        (-7, "-7"),
        (2**70, "1180591620717411303424"),
        (UUID("6BA7B810-9DAD-11D1-80B4-00C04FD430C8"), "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ],
)
def test_a_distinct_id_is_sent_as_trimmed_text(value: str | int | UUID, on_the_wire: str) -> None:
    assert sent(Event(value, "ordered"))["distinct_id"] == on_the_wire


def test_a_distinct_id_from_an_enum_is_sent_by_its_value() -> None:
    assert sent(Event(Kind.USER, "ordered"))["distinct_id"] == "user-7"
    assert sent(Event(Level.HIGH, "ordered"))["distinct_id"] == "3"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (True, "bool, not text"),
        (False, "bool, not text"),
        (1.0, "float, not text"),
        (None, "missing"),
        ("", "blank"),
        (" \t\n", "blank"),
        (b"u1", "bytes, not text"),
        (["u1"], "list, not text"),
        ({"id": 1}, "dict, not text"),
    ],
)
def test_what_identifies_nobody_is_refused(value: Any, found: str) -> None:
    hint = "it identifies one user in your application"
    assert refusal(Event(value, "ordered")) == ("distinct-id", "distinct_id", f"distinct_id is {found}", hint)


# The idempotency key


@pytest.mark.parametrize(
    ("key", "on_the_wire"),
    [("k", "k"), (" k ", "k"), ("k" * 255, "k" * 255), (f"  {'k' * 255}\n", "k" * 255), ("é" * 255, "é" * 255)],
)
def test_a_key_of_255_characters_after_trimming_is_sent(key: str, on_the_wire: str) -> None:
    assert sent(Event("u1", "ordered", idempotency_key=key))["$idempotency_key"] == on_the_wire


@pytest.mark.parametrize("key", ["k" * 256, f" {'k' * 256} "])
def test_a_key_of_256_characters_is_refused(key: str) -> None:
    hint = "at most 255; {{ … | sha256 }} shortens a long key"
    assert refusal(Event("u1", "ordered", idempotency_key=key)) == (
        "idempotency-key",
        "idempotency_key",
        "the idempotency key has 256 characters",
        hint,
    )


@pytest.mark.parametrize("key", ["", " ", "\t\n"])
def test_a_blank_key_is_refused(key: str) -> None:
    message, hint = "the idempotency key is blank", "it needs a character other than white space"
    assert refusal(Event("u1", "ordered", idempotency_key=key)) == (
        "idempotency-key",
        "idempotency_key",
        message,
        hint,
    )


def test_a_key_that_is_no_text_is_refused() -> None:
    key: Any = 42
    message = "the idempotency key must be text, not int"
    assert refusal(Event("u1", "ordered", idempotency_key=key)) == ("idempotency-key", "idempotency_key", message, None)


# Tenant and brand


def with_tenant(field: str, value: Any) -> Event:
    return Event("u1", "ordered", tenant_id=value) if field == "tenant_id" else Event("u1", "ordered", brand_id=value)


@pytest.mark.parametrize("field", ["tenant_id", "brand_id"])
@pytest.mark.parametrize("value", ["a", "A-z_0-9", "t" * 64])
def test_a_tenant_of_64_letters_digits_and_dashes_is_sent(field: str, value: str) -> None:
    assert sent(with_tenant(field, value))[field] == value


@pytest.mark.parametrize("field", ["tenant_id", "brand_id"])
@pytest.mark.parametrize("value", ["t" * 65, "a b", " acme", "acme\n", "acmé", "a.b", "a/b", " ", "٣"])
def test_what_is_no_id_of_a_tenant_is_refused(field: str, value: str) -> None:
    message, hint = f"{field} '{value}' is not an id of a tenant", "at most 64 letters, digits, _ and -"
    assert refusal(with_tenant(field, value)) == ("tenant-id", field, message, hint)


@pytest.mark.parametrize("field", ["tenant_id", "brand_id"])
@pytest.mark.parametrize(("value", "kind"), [(7, "int"), (False, "bool"), (["acme"], "list")])
def test_a_tenant_that_is_no_text_is_refused(field: str, value: object, kind: str) -> None:
    assert refusal(with_tenant(field, value)) == ("tenant-id", field, f"{field} must be text, not {kind}", None)


@pytest.mark.parametrize("field", ["tenant_id", "brand_id"])
@pytest.mark.parametrize("value", [None, ""])
def test_no_tenant_is_not_sent(field: str, value: object) -> None:
    assert field not in sent(with_tenant(field, value))
