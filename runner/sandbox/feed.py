"""Waits for records: a list as soon as enough have arrived, or a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.queries import Selection
    from runner.sandbox.store import Store

_EVERY_S = 0.1
"""Records that arrive within this time are sent together."""
_SENT_AT_ONCE = 500
_ALIVE_EVERY_S = 15.0


class Feed:
    """Wakes the requests that wait for new records of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: set[Callable[[], None]] = set()
        self._has_ended = False
        store.subscribe(self._wake)

    def end(self) -> None:
        """End all waits and streams, because the server stops."""
        self._has_ended = True
        self._wake(())

    async def wait(self, wanted: Selection, count: int, timeout_s: float) -> list[Arrival]:
        """Return the selected records as soon as there are `count`, or after `timeout_s`, however many there are.

        What is stored is searched once, in a thread, and then only what arrives.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        condition = f"({wanted.condition}) AND id > ? ORDER BY id LIMIT ?"
        found: list[Arrival] = []
        after = 0
        with _Signal(self._waiting) as signal:
            while True:
                newest = self._store.last_id
                values = (*wanted.values, after, count - len(found))
                found += await asyncio.to_thread(self._store.select, condition, values)
                after = _searched(found, newest)
                left_s = until_s - loop.time()
                if len(found) >= count or left_s <= 0 or self._has_ended:
                    return found
                await signal.wait(left_s)

    async def stream(self, wanted: Selection, after: int) -> AsyncIterator[bytes]:
        """Yield server-sent events with the summaries of selected records after the one with the id `after`."""
        condition = f"({wanted.condition}) AND id > ? ORDER BY id LIMIT ?"
        with _Signal(self._waiting) as signal:
            yield b": connected\n\n"
            while not self._has_ended:
                newest = self._store.last_id
                found = await asyncio.to_thread(
                    self._store.summaries, condition, (*wanted.values, after, _SENT_AT_ONCE)
                )
                after = found[-1].id if len(found) == _SENT_AT_ONCE else max(after, _searched(found, newest))
                if found:
                    summaries = json.dumps([each.summary() for each in found], separators=(",", ":"))
                    yield f"id: {found[-1].id}\nevent: arrivals\ndata: {summaries}\n\n".encode()
                    await asyncio.sleep(_EVERY_S)
                elif not await signal.wait(_ALIVE_EVERY_S):
                    yield b": alive\n\n"

    def _wake(self, arrivals: Sequence[Arrival]) -> None:
        del arrivals
        for wake in tuple(self._waiting):
            wake()


def _searched(found: Sequence[Arrival], newest: int) -> int:
    """Return the id up to which all records are searched: records may arrive during a search."""
    return max(newest, found[-1].id) if found else newest


class _Signal:
    """A signal that any thread can give to one task."""

    def __init__(self, waiting: set[Callable[[], None]]) -> None:
        self._waiting = waiting
        self._given = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Self:
        self._waiting.add(self._give)
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.discard(self._give)

    def _give(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._given.set)

    async def wait(self, timeout_s: float) -> bool:
        """Return whether the signal was given since the last call, within `timeout_s`."""
        try:
            await asyncio.wait_for(self._given.wait(), timeout_s)
        except TimeoutError:
            return False
        self._given.clear()
        return True
