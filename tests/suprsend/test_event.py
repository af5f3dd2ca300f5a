from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import InvalidEvent, __version__
from runner.suprsend.encoding import encode
from runner.suprsend.event import Event, Stamp
from runner.suprsend.rules import Breach

if TYPE_CHECKING:
    from collections.abc import Callable

STAMP = Stamp("11111111-1111-4111-8111-111111111111", 1767225600000)
ENV = "wskey_0123456789abcdef"
USER_AGENT = f"suprsend-runner/{__version__}"
Refusal = tuple[str, str | None, str, str | None]


def body_of(event: Event, max_event_kb: int = 100) -> bytes:
    return encode(event, ENV, STAMP, max_event_kb).body


def sent(event: Event, max_event_kb: int = 100) -> Any:
    return json.loads(body_of(event, max_event_kb))


def refusal(event: Event) -> Refusal:
    """Give code, path, message and hint of the rule for which an event is refused."""
    with pytest.raises(InvalidEvent) as caught:
        body_of(event)
    return caught.value.code, caught.value.at, caught.value.message, caught.value.hint


def property_refusal(value: object) -> Refusal:
    return refusal(Event("u1", "ordered", {"value": value}))


# Shape


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


# The event's name


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


# Properties


@pytest.mark.parametrize("key", ["$a", "$", "ss_a", "SS_a", "Ss_", "$ss_sdk_version"])
def test_a_reserved_property_is_refused(key: str) -> None:
    hint = "keys that begin with $ or ss_ are reserved for the platform"
    assert refusal(Event("u1", "ordered", {"a": 1, key: 1})) == (
        "reserved-name",
        f"properties.{key}",
        f"property '{key}' is reserved",
        hint,
    )


def test_attachments_among_the_properties_are_refused_with_the_way_to_attach() -> None:
    assert refusal(Event("u1", "ordered", {"$attachments": []})) == (
        "reserved-name",
        "properties.$attachments",
        "property '$attachments' is reserved",
        "attach files with add_attachment, or with attachments: in a spec",
    )


def test_property_names_are_reserved_at_the_top_only() -> None:
    properties = {"nested": {"$a": 1, "ss_b": 2}, "list": [{"SS_c": 3}], "s_s": 4, "a$": 5, "sss_": 6, " $d": 7}
    assert sent(Event("u1", "ordered", properties))["properties"] == {**properties, "$ss_sdk_version": USER_AGENT}


@pytest.mark.parametrize(
    ("properties", "kind"), [([], "list"), ("a", "str"), (5, "int"), (False, "bool"), ([("a", 1)], "list")]
)
def test_properties_that_are_no_dict_are_refused(properties: Any, kind: str) -> None:
    message = f"properties must be a dict, not {kind}"
    assert refusal(Event("u1", "ordered", properties)) == ("property-type", "properties", message, None)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_refused(value: float) -> None:
    assert property_refusal(value) == ("not-finite", "properties.value", f"{value} is not a JSON number", None)


@pytest.mark.parametrize(
    ("value", "name", "hint"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime", "write it as text: {{ … | isoformat }}, or value.isoformat()"),
        (date(2026, 1, 1), "date", "write it as text: {{ … | isoformat }}, or value.isoformat()"),
        (Decimal("1.5"), "Decimal", "write it as text: str(value), or as a number: float(value)"),
        (UUID(int=1), "UUID", "write it as text: str(value)"),
        ({1, 2}, "set", "make a list of it"),
        (b"x", "bytes", "JSON has no bytes; write base64 text"),
        ((x for x in "ab"), "generator", "make a list of it: {{ … | list }}"),
        (1j, "complex", None),
    ],
)
def test_a_value_that_json_does_not_have_is_refused_with_its_path(value: object, name: str, hint: str | None) -> None:
    message = f"a {name} is not a JSON value"
    assert property_refusal(value) == ("property-type", "properties.value", message, hint)
    deep = [{"a": 1}, {"b": (0, value)}]
    assert property_refusal(deep) == ("property-type", "properties.value[1].b[1]", message, hint)


@pytest.mark.parametrize("key", [1, None, True, 1.5, (1, 2)])
def test_a_key_that_is_no_text_is_refused_with_the_way_to_its_dict(key: object) -> None:
    message = f"key {key!r} must be text, not {type(key).__name__}"
    assert property_refusal([{"a": {key: 1}}]) == ("property-type", "properties.value[0].a", message, None)


def test_a_key_at_the_top_that_is_no_text_is_refused() -> None:
    properties: dict[Any, Any] = {7: 1}
    message = "key 7 must be text, not int"
    assert refusal(Event("u1", "ordered", properties)) == ("property-type", "properties", message, None)


def nested(levels: int, make: Callable[[Any], Any]) -> dict[str, Any]:
    """Nest containers: the properties themselves are the first level."""
    value: Any = 1
    for _ in range(levels - 1):
        value = make(value)
    return {"a": value}


@pytest.mark.parametrize("make", [lambda inner: {"a": inner}, lambda inner: [inner], lambda inner: (inner,)])
def test_64_levels_are_sent_and_the_65th_is_refused(make: Callable[[Any], Any]) -> None:
    assert sent(Event("u1", "ordered", nested(64, make)))["properties"]["a"] == json.loads(
        json.dumps(nested(64, make)["a"])
    )
    code, at, message, hint = refusal(Event("u1", "ordered", nested(65, make)))
    assert (code, message, hint) == ("property-depth", "nested more than 64 levels deep", None)
    assert at is not None
    assert at.startswith("properties.a")


def test_a_list_in_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert property_refusal(loop) == (
        "property-depth",
        "properties.value" + "[0]" * 63,
        "nested more than 64 levels deep",
        None,
    )


class Level(IntEnum):
    HIGH = 3


class Colour(str, Enum):  # noqa: UP042 - as above
    RED = "red"


class Text(str):
    __slots__ = ()


class Number(float):
    __slots__ = ()


@pytest.mark.parametrize(
    ("value", "as_text"),
    [
        (2**63, "9223372036854775808"),
        (2**64, "18446744073709551616"),
        (-(2**63) - 1, "-9223372036854775809"),
        (10**300, "1" + "0" * 300),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (True, "true"),
        (None, "null"),
        ("\x00\u2028</script>✓", '"\\u0000\u2028</script>✓"'),
        ((1, 2), "[1,2]"),
        (Level.HIGH, "3"),
        (Colour.RED, '"red"'),
        (Text("x"), '"x"'),
        (Number(1.5), "1.5"),
    ],
)
def test_a_json_value_is_sent_exactly(value: object, as_text: str) -> None:
    body = body_of(Event("u1", "ordered", {"value": value})).decode()
    assert f'"properties":{{"value":{as_text},"$ss_sdk_version"' in body


def test_a_big_integer_changes_nothing_beside_it() -> None:
    properties = {"big": 2**64, "name": "Zoë", "list": [1, 1.5, None, True, {"é": "✓"}]}
    assert body_of(Event("u1", "ordered", properties)).endswith(
        '"properties":{"big":18446744073709551616,"name":"Zoë","list":[1,1.5,null,true,{"é":"✓"}],'
        f'"$ss_sdk_version":"{USER_AGENT}"}}}}'.encode()
    )


def test_an_integer_too_long_for_python_to_write_is_refused() -> None:
    code, at, _, _ = property_refusal(10**5000)
    assert (code, at) == ("number-too-large", "properties.value")


def test_a_distinct_id_too_long_for_python_to_write_is_refused() -> None:
    code, at, _, _ = refusal(Event(10**5000, "ordered"))
    assert (code, at) == ("distinct-id", "distinct_id")


# Unicode

HALF = "a\ud83d"
HALF_MESSAGE = "the text has half of a surrogate pair: it is not valid Unicode"


def attached(url: str, filename: str | None = None) -> Event:
    event = Event("u1", "ordered")
    event.add_attachment(url, filename)
    return event


@pytest.mark.parametrize(
    ("event", "at"),
    [
        (Event("u1", HALF), "event"),
        (Event(HALF, "ordered"), "distinct_id"),
        (Event("u1", "ordered", {"a": [HALF]}), "properties.a[0]"),
        (Event("u1", "ordered", {"a": {HALF: 1}}), "properties.a"),
        (Event("u1", "ordered", {HALF: 1}), "properties"),
        (Event("u1", "ordered", idempotency_key=HALF), "idempotency_key"),
        (attached(f"https://example.com/{HALF}"), "attachments[0].url"),
        (attached("https://example.com/a", HALF), "attachments[0].filename"),
    ],
)
def test_half_of_a_surrogate_pair_is_refused_with_its_path(event: Event, at: str) -> None:
    assert refusal(event) == ("unicode", at, HALF_MESSAGE, None)


def test_a_whole_emoji_is_sent() -> None:
    assert sent(Event("👤", "👍 given", {"👍": "👩‍👧"}, idempotency_key="🔑"))["properties"]["👍"] == "👩‍👧"


# Attachments


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a.pdf",
        "http://example.com/a.pdf",
        "HTTPS://example.com/a.pdf",
        "Http://EXAMPLE.com/A.pdf",
        "https://example.com:8443/a.pdf?token=x&y=%20#page=2",
        "https://[2001:db8::1]/a.pdf",
        "https://example.com",
        "https://example.com/ä.pdf",
    ],
)
def test_a_web_url_is_attached_as_it_stands(url: str) -> None:
    assert sent(attached(url))["properties"]["$attachments"][0]["url"] == url


@pytest.mark.parametrize(
    "url",
    [
        "/srv/invoice.pdf",
        "invoice.pdf",
        "~/invoice.pdf",
        "./a b.pdf",
        "C:\\invoice.pdf",
        "file:///srv/invoice.pdf",
        "ftp://example.com/a.pdf",
        "data:text/plain,x",
        "httpsx://example.com/a.pdf",
        "//example.com/a.pdf",
    ],
)
def test_what_is_no_web_url_is_not_attached(url: str) -> None:
    hint = "the platform fetches attachments itself: use a public http(s) URL"
    message = f"'{url}' is not an http(s) URL"
    assert refusal(attached(url)) == ("attachment-url", "attachments[0].url", message, hint)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/a b.pdf",
        " https://example.com/a.pdf",
        "https://example.com/a.pdf ",
        "https://example.com/a.pdf\n",
        "https://exa\tmple.com/a.pdf",
        "https://example.com/\x7f",
        "https://example.com/\x00",
    ],
)
def test_a_url_with_spaces_or_control_characters_is_not_attached(url: str) -> None:
    message = f"'{url}' is not a URL"
    assert refusal(attached(url)) == ("attachment-url", "attachments[0].url", message, "spaces must be written %20")


@pytest.mark.parametrize("url", ["https:///a.pdf", "https://", "https:a.pdf", "http://?x=1", "https://:443/a.pdf"])
def test_a_url_without_a_host_is_not_attached(url: str) -> None:
    code, at, message, _ = refusal(attached(url))
    assert (code, at, message) == ("attachment-url", "attachments[0].url", f"'{url}' has no host")


def test_a_url_without_a_host_is_not_blamed_on_spaces() -> None:
    assert refusal(attached("https:///a.pdf"))[3] != "spaces must be written %20"


def test_a_url_that_can_not_be_split_is_not_attached() -> None:
    assert refusal(attached("https://[::1/a.pdf")) == (
        "attachment-url",
        "attachments[0].url",
        "'https://[::1/a.pdf' is not a URL: its host or its port can't be read",
        None,
    )


@pytest.mark.parametrize("url", ["", "  ", None, 7, b"https://example.com/a.pdf"])
def test_an_attachment_needs_a_url(url: Any) -> None:
    assert refusal(attached(url)) == ("attachment-url", "attachments[0].url", "the attachment has no URL", None)


def test_the_second_attachment_is_named_by_its_place() -> None:
    event = attached("https://example.com/a.pdf")
    event.add_attachment("b.pdf")
    assert refusal(event)[1] == "attachments[1].url"


def test_an_attachments_options_have_types() -> None:
    name: Any = 7
    flag: Any = "yes"
    event = Event("u1", "ordered")
    event.add_attachment("https://example.com/a.pdf", file_name=name, ignore_if_error=flag)
    assert list(event.breaches()) == [
        Breach("attachment-filename", ("attachments", 0, "filename"), "the file's name must be text"),
        Breach("attachment-ignore", ("attachments", 0, "ignore_if_error"), "ignore_if_error must be true or false"),
    ]


# Size


def of_size(size_bytes: int, filler: str = "x") -> Event:
    room = size_bytes - len(body_of(Event("u1", "ordered", {"x": ""})))
    wide = len(filler.encode())
    return Event("u1", "ordered", {"x": filler * (room // wide) + "x" * (room % wide)})


@pytest.mark.parametrize("filler", ["x", "é", "👍"])
def test_an_event_of_102400_bytes_is_sent_and_one_more_is_refused(filler: str) -> None:
    assert len(body_of(of_size(102_400, filler))) == 102_400
    assert refusal(of_size(102_401, filler)) == (
        "event-too-large",
        "properties",
        "the event has 102,401 bytes, more than 100 KB",
        "send less, or raise max_event_kb in a profile (at most 800)",
    )


def test_max_event_kb_moves_the_limit() -> None:
    assert len(body_of(of_size(819_200), 800)) == 819_200
    with pytest.raises(InvalidEvent) as caught:
        body_of(of_size(1025), 1)
    assert caught.value.message == "the event has 1,025 bytes, more than 1 KB"


def test_attachments_count_for_the_size() -> None:
    event = of_size(102_300)
    event.add_attachment("https://example.com/a.pdf")
    assert refusal(event)[0] == "event-too-large"


# Encoding

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_encoding_keeps_every_json_value(value: object) -> None:
    # Compared as text: 1, 1.0 and True are equal to Python, and so are 0.0 and -0.0, or dicts in another order.
    body = json.loads(body_of(Event("u1", "ordered", {"value": value})))
    assert json.dumps(body["properties"]["value"]) == json.dumps(value)


whole_values = st.recursive(
    st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(whole_values)
def test_encoding_is_compact(value: object) -> None:
    canonical = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    room = len(body_of(Event("u1", "ordered", {"value": 0}))) - 1
    assert len(body_of(Event("u1", "ordered", {"value": value}))) - room <= len(canonical.encode())


# What is shown


def test_an_event_shows_who_what_and_how_much() -> None:
    event = Event("u1", "ordered", {"secret": "s3cr3t"})
    assert repr(event) == "Event('u1', 'ordered', 1 property)"
    event.add_attachment("https://example.com/a.pdf?token=s3cr3t")
    assert repr(event) == "Event('u1', 'ordered', 1 property, 1 attached)"
    assert repr(Event(7, "ordered")) == "Event(7, 'ordered', 0 properties)"


def test_an_event_with_wrong_properties_can_be_shown() -> None:
    wrong: Any = 5
    assert "ordered" in repr(Event("u1", "ordered", wrong))
