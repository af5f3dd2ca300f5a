"""What tests of events share: a stamp, and an event as it is sent or refused."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

import pytest

from runner import InvalidEvent, __version__
from runner.suprsend.encoding import encode
from runner.suprsend.event import Event, Stamp

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


class Level(IntEnum):
    HIGH = 3


def attached(url: str, filename: str | None = None) -> Event:
    event = Event("u1", "ordered")
    event.add_attachment(url, filename)
    return event
