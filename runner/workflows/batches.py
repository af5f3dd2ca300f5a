"""Open batches and digests: events of a recipient that are collected until a window ends."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runner.source import Json
    from runner.workflows.definition import Retained


class BatchKey(NamedTuple):
    """What events of one batch have in common: workflow, node, recipient and the value of the batch's own key."""

    workflow: str
    node: str
    recipient: str
    key: str


class OpenBatch:
    """A batch that is open until `closes_ms`. `run` is the index of the run that goes on at its end, if there is one yet."""

    __slots__ = ("_events", "_is_first", "_most", "closes_ms", "count", "run")

    def __init__(self, closes_ms: int, retained: Retained) -> None:
        self.closes_ms = closes_ms
        self.run: int | None = None
        self.count = 0
        self._is_first = retained.is_first
        self._most = retained.count
        self._events: deque[Mapping[str, Json]] = deque(maxlen=retained.count)

    def add(self, events: Iterable[Mapping[str, Json]], count: int) -> None:
        """Add `count` events. `events` are those of them that are known by now."""
        self.count += count
        for event in events:
            if not self._is_first or len(self._events) < self._most:
                self._events.append(event)

    def events(self) -> list[Mapping[str, Json]]:
        """Return the events that are retained."""
        return list(self._events)

    def payload(self, key: str | None) -> dict[str, Json]:
        """Return the payload with which the run goes on after the batch."""
        events: list[Json] = [dict(event) for event in self._events]
        payload: dict[str, Json] = {
            "$batched_events": events,
            "$batched_events_count": self.count,
            "$batched_event_count": self.count,
        }
        if key is not None:
            payload["$batch_key"] = key
        return payload


class BatchStore:
    """The open batches of an interpretation."""

    def __init__(self) -> None:
        self._open: dict[BatchKey, OpenBatch] = {}

    def find(self, key: BatchKey, now_ms: int) -> OpenBatch | None:
        """Return the open batch of a key; None if there is none, or if it has ended."""
        batch = self._open.get(key)
        return batch if batch is not None and batch.closes_ms > now_ms else None

    def open(self, key: BatchKey, batch: OpenBatch) -> None:
        """Keep a batch; it takes the place of one that has ended."""
        self._open[key] = batch
