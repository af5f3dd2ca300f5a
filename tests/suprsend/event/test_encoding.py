"""The size of an event, its bytes, and how it is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import InvalidEvent
from runner.suprsend.event import Event
from tests.suprsend.event.conftest import body_of, refusal


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


@settings(max_examples=30)
@given(json_values)
def test_encoding_keeps_every_json_value(value: object) -> None:
    # Compared as text: 1, 1.0 and True are equal to Python, and so are 0.0 and -0.0, or dicts in another order.
    body = json.loads(body_of(Event("u1", "ordered", {"value": value})))
    assert json.dumps(body["properties"]["value"]) == json.dumps(value)


whole_values = st.recursive(
    st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@pytest.mark.slow
@settings(max_examples=50)
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
