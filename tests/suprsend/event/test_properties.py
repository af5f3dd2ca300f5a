"""Properties: names, JSON values, nesting, Unicode."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from runner.suprsend.event import Event
from tests.suprsend.event.conftest import USER_AGENT, Level, Refusal, attached, body_of, refusal, sent

if TYPE_CHECKING:
    from collections.abc import Callable


def property_refusal(value: object) -> Refusal:
    return refusal(Event("u1", "ordered", {"value": value}))


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
