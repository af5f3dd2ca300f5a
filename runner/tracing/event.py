"""What a span tells of an event: nothing of its values."""

from __future__ import annotations

from typing import NamedTuple


class TracedEvent(NamedTuple):
    """An event that was sent, or not. `code` is that of its problem, "" if it has none."""

    spec: str
    name: str
    state: str
    code: str = ""
    message_id: str | None = None
