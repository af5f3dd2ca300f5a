"""The earlier events on which stateful workflows depend: read from the store once, and then remembered."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import TYPE_CHECKING

from runner.workflows.event import event_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.sandbox.messages import History, Message
    from runner.workflows.reach import Part
    from runner.workflows.timeline import Event

MOST_EVENTS = 500
"""Limit for the events of a user that are interpreted together: at the limit, an event takes some 10 ms."""
_LOOK_BACK_MS = 90 * 86_400_000
"""How far back they are looked for."""
_MOST_READ = 10_000
"""Limit for the events of a session that are read, and half of the limit for those that are remembered."""
_MOST_SESSIONS = 16
"""Limit for sessions with parts of which events are remembered."""


class Past:
    """Events that are interpreted together, the oldest first, with their ids.

    `messages` are those that come of them, by their ids; None if they are not known.
    """

    __slots__ = ("_unread", "events", "ids", "messages")

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ids: list[int] = []
        self.messages: dict[str, Message] | None = None
        self._unread: list[tuple[int, int, bytes]] = []

    def store(self, number: int, at_ms: int, raw: bytes) -> None:
        """Add an event of the store, which is read when it is needed."""
        self._unread.append((number, at_ms, raw))

    def add(self, event: Event, number: int) -> None:
        """Add an event."""
        self.events.append(event)
        self.ids.append(number)

    def read(self, since_ms: int) -> None:
        """Read the events of the store, and forget those that are too many or older than a time."""
        for number, at_ms, raw in self._unread[-MOST_EVENTS:]:
            self.add(event_of(json.loads(raw), at_ms), number)
        self._unread.clear()
        # Some more than needed, because without the oldest all others are interpreted anew.
        surplus = len(self.events) - MOST_EVENTS + MOST_EVENTS // 10 if len(self.events) >= MOST_EVENTS else 0
        while surplus < len(self.events) and self.events[surplus].at_ms < since_ms:
            surplus += 1
        if surplus:
            del self.events[:surplus], self.ids[:surplus]
            self.messages = None


class Pasts:
    """The pasts of the users of sessions, or of whole sessions where users can't be told apart."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[tuple[str, int], _Session] = OrderedDict()

    def of(self, part: Part, event: Event, session: str, history: History) -> Past:
        """Return the past on which the workflows of a part depend at an event, to which the event is added then."""
        place = session, part.number
        known = self._sessions.pop(place, None)
        if known is None or known.count >= 2 * _MOST_READ:
            known = _Session(part, history.of_session(since(event), part.events, _MOST_READ))
        self._sessions[place] = known  # as the newest
        if len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        known.count += 1
        past = known.of(event.distinct_id)
        past.read(since(event))
        return past


class _Session:
    """The pasts of one session for one part. `count` is the number of all events."""

    def __init__(self, part: Part, stored: Sequence[tuple[int, int, str, bytes]]) -> None:
        self._is_of_user = part.is_of_user
        self._pasts: dict[str, Past] = {}
        self.count = len(stored)
        for number, at_ms, user, raw in stored:
            self.of(user.strip()).store(number, at_ms, raw)

    def of(self, user: str) -> Past:
        return self._pasts.setdefault(user if self._is_of_user else "", Past())


def since(event: Event) -> int:
    """Return the time up to which workflows look back at an event."""
    return event.at_ms - _LOOK_BACK_MS
