"""Finished spans → a collector, from a thread of its own. It never raises, and never waits for the collector but at the end."""

from __future__ import annotations

import logging
from queue import Empty, Full, Queue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExportResult

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

MAX_WAITING = 8192
"""Spans that may wait for the collector; more are left out."""
_BATCH = 512
_EVERY_S = 2.0
LAST_S = 3.0
"""The longest wait for the collector at the end of a command."""
_GIVE_UP_S = 0.5


class Outbox(SpanProcessor):
    """Exports spans in batches. `lost` are those that did not reach the collector, of `taken`."""

    def __init__(self, exporter: SpanExporter) -> None:
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())  # an export that ends late may be logged
        self.taken = 0
        self._delivered = 0
        self._exporter = exporter
        self._spans: Queue[ReadableSpan | None] = Queue(MAX_WAITING)
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Return how many spans did not reach the collector, as far as is known."""
        return self.taken - self._delivered

    def on_end(self, span: ReadableSpan) -> None:
        """Take a finished span, unless too many wait."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        self.taken += 1
        try:
            self._spans.put_nowait(span)
        except Full:
            return

    def close(self) -> None:
        """Export what waits, within `LAST_S`."""
        until_s = monotonic() + LAST_S
        try:
            self._spans.put(None, timeout=LAST_S)
        except Full:
            pass
        else:
            self._thread.join(max(0.0, until_s - monotonic()))
        self._exporter.shutdown()  # it ends its own pauses between retries
        self._thread.join(_GIVE_UP_S)

    def _work(self) -> None:
        while True:
            batch, is_last = self._batch()
            if batch and self._is_exported(batch):
                self._delivered += len(batch)
            if is_last:
                return

    def _batch(self) -> tuple[list[ReadableSpan], bool]:
        """Return the next spans, and whether no more follow."""
        batch: list[ReadableSpan] = []
        until_s = monotonic() + _EVERY_S
        while len(batch) < _BATCH:
            try:
                span = self._spans.get(timeout=max(0.0, until_s - monotonic()) if batch else None)
            except Empty:
                break
            if span is None:
                return batch, True
            batch.append(span)
        return batch, False

    def _is_exported(self, batch: list[ReadableSpan]) -> bool:
        try:
            return self._exporter.export(batch) is SpanExportResult.SUCCESS
        except (OSError, ValueError, RuntimeError):  # an invalid address, a missing certificate
            return False
