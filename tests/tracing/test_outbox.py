"""The queue between a command and its collector: bounded, and never waited for."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider

from runner.tracing.outbox import LAST_S, MAX_WAITING, Outbox
from tests.servers.collector import collector
from tests.servers.listeners import silent_listener, url_of

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer


def tracer_into(outbox: Outbox) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(outbox)
    return provider.get_tracer("test")


def test_spans_arrive_in_batches_and_in_order() -> None:
    with collector() as server:
        outbox = Outbox(OTLPSpanExporter(f"{server.base_url}/v1/traces"))
        tracer = tracer_into(outbox)
        for number in range(1300):
            tracer.start_span(str(number)).end()
        outbox.close()
    assert [span.name for span in server.spans] == list(map(str, range(1300)))
    assert (outbox.taken, outbox.lost, len(server.bodies) <= 4) == (1300, 0, True)


@pytest.mark.slow
def test_a_silent_collector_is_not_waited_for_and_takes_no_more_memory_than_the_queue() -> None:
    with silent_listener() as listener:
        outbox = Outbox(OTLPSpanExporter(url_of(listener)))
        tracer = tracer_into(outbox)
        longest_s = 0.0
        for _ in range(MAX_WAITING * 2):
            span, began_s = tracer.start_span("a"), monotonic()
            span.end()
            longest_s = max(longest_s, monotonic() - began_s)
        began_s = monotonic()
        outbox.close()
        assert (outbox.taken, outbox.lost) == (MAX_WAITING * 2, MAX_WAITING * 2)
        assert longest_s < LAST_S / 2
        assert monotonic() - began_s < LAST_S + 2
