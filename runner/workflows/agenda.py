"""The virtual clock: tasks pause until a time or an event, and time jumps from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from runner.workflows.timeline import Event


@dataclass(frozen=True, slots=True)
class Pause:
    """What a task waits for: a time, or one of some `events` of a user before it."""

    until_ms: int
    user: str | None = None
    events: frozenset[str] = frozenset()


Steps: TypeAlias = "Generator[Pause, Event | None, None]"
"""A task: it yields what it waits for, and is sent the event that came, or None at the time."""

_TIMERS_FIRST, _THEN_EVENTS = 0, 1
"""At the same time, time-outs win over events."""


class _Task:
    __slots__ = ("pause", "steps")

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.pause: Pause | None = None


class Agenda:
    """Tasks and events in the order of time. `now_ms` is the virtual time."""

    def __init__(self, tick: Callable[[], None]) -> None:
        """`tick` is called for each step. It may raise to bound their number."""
        self.now_ms = 0
        self._tick = tick
        self._entries: list[tuple[int, int, int, _Task | tuple[int, Event], Pause | None]] = []
        self._count = 0
        self._listening: dict[tuple[str, str], dict[_Task, None]] = {}

    def expect(self, index: int, event: Event) -> None:
        """Put an event on the agenda, with its index."""
        self._push(event.at_ms, _THEN_EVENTS, (index, event), None)

    def spawn(self, steps: Steps) -> None:
        """Start a task at the present time, after the one that runs now has paused."""
        self._push(self.now_ms, _TIMERS_FIRST, _Task(steps), None)

    def run(self, receive: Callable[[int, Event, bool], None], until_ms: int | None) -> None:
        """Let time pass to the end of the agenda, or to `until_ms`.

        `receive` is called with the index of each event, the event, and whether a task waited for it, after those tasks.
        """
        while self._entries and (until_ms is None or self._entries[0][0] <= until_ms):
            at_ms, _, _, entry, pause = heappop(self._entries)
            self._tick()
            if not isinstance(entry, _Task):
                self.now_ms = at_ms
                receive(*entry, self._wake(entry[1]))
            elif entry.pause is pause:
                self.now_ms = at_ms
                self._leave(entry)
                self._advance(entry, None)

    def _wake(self, event: Event) -> bool:
        waiting = tuple(self._listening.get((event.distinct_id, event.name), ()))
        for task in waiting:
            self._leave(task)
            self._advance(task, event)
        return bool(waiting)

    def _advance(self, task: _Task, event: Event | None) -> None:
        try:
            pause = task.steps.send(event)
            while pause.until_ms <= self.now_ms:
                pause = task.steps.send(None)
        except StopIteration:
            return
        task.pause = pause
        self._push(pause.until_ms, _TIMERS_FIRST, task, pause)
        if pause.user is not None:
            for name in pause.events:
                self._listening.setdefault((pause.user, name), {})[task] = None

    def _leave(self, task: _Task) -> None:
        pause, task.pause = task.pause, None
        if pause is not None and pause.user is not None:
            for name in pause.events:
                waiting = self._listening[pause.user, name]
                del waiting[task]
                if not waiting:
                    del self._listening[pause.user, name]

    def _push(self, at_ms: int, rank: int, entry: _Task | tuple[int, Event], pause: Pause | None) -> None:
        self._count += 1
        heappush(self._entries, (at_ms, rank, self._count, entry, pause))
