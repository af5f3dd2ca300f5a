"""One command → its spans: a span for the command, and below it one for each event, request or case.

Spans are made here from values, after the fact: who sends requests writes down when they began and ended, and a worker on
another machine needs neither the library nor the collector. Attributes follow OpenTelemetry's semantic conventions; names of
our own begin with `runner.`. Nothing of an event is in a span but its name, and no text of an error but its code.

Source: OpenTelemetry semantic conventions 1.44.0: HTTP client spans, messaging spans (in development), test attributes (in
development).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.version import __version__ as sdk_version
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from runner import __version__
from runner.errors import ExitCode
from runner.suprsend.attempts import TraceContext
from runner.suprsend.statuses import is_success
from runner.tracing.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.trace import Span
    from opentelemetry.util.types import AttributeValue

    from runner.suprsend.attempts import Attempt
    from runner.tracing.event import TracedEvent

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
SERVICE = "suprsend-runner"
_MAX_LINKS = 100
_NS = 1_000_000_000


class Trace:
    """The spans of one command. Its methods are called from one thread.

    `mask` hides secrets in all texts. `environ` may name the span that the command belongs to, in TRACEPARENT. The collector
    and its headers come from the variables OTEL_* of the process. Raises ValueError if they are invalid.
    """

    def __init__(self, name: str, environ: Mapping[str, str], mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._ids = _Ids()
        provider = TracerProvider(resource=_resource(), shutdown_on_exit=False, id_generator=self._ids)
        self._outbox = Outbox(OTLPSpanExporter())
        provider.add_span_processor(self._outbox)
        self._tracer = provider.get_tracer("runner", __version__, SCHEMA_URL)
        carrier = {key.lower(): value for key, value in environ.items() if key in ("TRACEPARENT", "TRACESTATE")}
        parent = TraceContextTextMapPropagator().extract(carrier)
        self._root = self._tracer.start_span(name, parent)
        self._below = set_span_in_context(self._root)
        self._server: dict[str, AttributeValue] = {}
        self._base_url = ""

    @property
    def context(self) -> TraceContext | None:
        """The trace, for those who send requests; None if OTEL_SDK_DISABLED is set."""
        context = self._root.get_span_context()
        return TraceContext(f"{context.trace_id:032x}", context.trace_flags.sampled) if context.is_valid else None

    def sends_to(self, base_url: str) -> None:
        """Set the server of the following requests."""
        parts = urlsplit(base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._server = {"server.address": self._mask(parts.hostname or ""), "server.port": port}
        self._base_url = base_url.rstrip("/")

    def set_run(self, run: str) -> None:
        """Set the run of rows that the command sends."""
        self._root.set_attribute("runner.run.id", run)

    def add_events(self, events: Sequence[TracedEvent], attempts: Sequence[Attempt]) -> None:
        """Add a span for each event, with its requests: below it, or for requests with several events linked to each."""
        spans: list[Span] = []
        for index, event in enumerate(events):
            own = [attempt for attempt in attempts if index in attempt.indexes]
            spans.append(self._event(event, own))
        for attempt in attempts:
            within = [spans[index] for index in attempt.indexes]
            if attempt.is_array:
                self._request(attempt, self._below, [Link(span.get_span_context()) for span in within[:_MAX_LINKS]])
            else:
                self._request(attempt, set_span_in_context(within[0]), [])

    def add_requests(self, attempts: Sequence[Attempt]) -> None:
        """Add a span for each request of a run of rows."""
        for attempt in attempts:
            self._request(attempt, self._below, [])

    def add_case(self, spec: str, case: str, state: str, code: str, began_s: float, ended_s: float) -> None:
        """Add the span of a case. `code` is that of its first problem, "" if it has none."""
        result = {"passed": "pass", "failed": "fail"}.get(state, state)
        attributes: dict[str, AttributeValue] = {
            "test.suite.name": self._mask(spec),
            "test.case.name": self._mask(case),
            "test.case.result.status": result,
        }
        began_ns = round(began_s * _NS)
        span = self._tracer.start_span(
            f"case {self._mask(case)}", self._below, start_time=began_ns, attributes=attributes
        )
        if state == "failed":
            _fail(span, code or "failed")
        span.end(max(began_ns, round(ended_s * _NS)))

    def end(self, code: ExitCode) -> tuple[int, int]:
        """End the command's span, and wait a moment for the collector. Return the number of lost spans, and of all."""
        self._root.set_attribute("process.exit.code", int(code))
        if code is not ExitCode.OK:
            _fail(self._root, code.name.lower())
        self._root.end()
        self._outbox.close()
        return self._outbox.lost, self._outbox.taken

    def _event(self, event: TracedEvent, attempts: Sequence[Attempt]) -> Span:
        name = self._mask(event.name)
        attributes: dict[str, AttributeValue] = {
            **_MESSAGING,
            **self._server,
            "messaging.destination.name": name,
            "runner.spec": self._mask(event.spec),
            "runner.event.state": event.state,
            "runner.event.retries": max(0, len(attempts) - 1),
        }
        if event.message_id is not None:
            attributes["messaging.message.id"] = self._mask(event.message_id)
        began_ns = min((attempt.began_ns for attempt in attempts), default=None)
        span = self._tracer.start_span(f"send {name}", self._below, SpanKind.PRODUCER, attributes, start_time=began_ns)
        if event.state != "accepted":
            _fail(span, event.code or event.state)
        span.end(max((attempt.ended_ns for attempt in attempts), default=None))
        return span

    def _request(self, attempt: Attempt, parent: Any, links: Sequence[Link]) -> None:
        attributes: dict[str, AttributeValue] = {
            **_MESSAGING,
            **self._server,
            "http.request.method": "POST",
            "http.request.body.size": attempt.size_bytes,
            "url.full": self._mask(f"{self._base_url}/{attempt.path}"),
            "url.template": f"/{attempt.path}",
            "runner.events.accepted": attempt.accepted,
        }
        if attempt.retry:
            attributes["http.request.resend_count"] = attempt.retry
        if attempt.is_array:
            attributes["messaging.batch.message_count"] = attempt.events
        if attempt.status_code:
            attributes["http.response.status_code"] = attempt.status_code
        self._ids.next_span_id = int(attempt.span_id, 16)
        span = self._tracer.start_span(
            f"POST /{attempt.path}", parent, SpanKind.CLIENT, attributes, links, start_time=attempt.began_ns
        )
        if error := attempt.error or ("" if is_success(attempt.status_code) else str(attempt.status_code)):
            _fail(span, error)
        span.end(attempt.ended_ns)


class _Ids(RandomIdGenerator):
    """Random ids, but for a span whose id was sent to the server already."""

    next_span_id: int | None = None

    def generate_span_id(self) -> int:
        given, self.next_span_id = self.next_span_id, None
        return super().generate_span_id() if given is None else given


_MESSAGING: dict[str, AttributeValue] = {
    "messaging.system": "suprsend",
    "messaging.operation.type": "send",
    "messaging.operation.name": "send",
}


def _fail(span: Span, error: str) -> None:
    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))


def _resource() -> Resource:
    """Return what the variables OTEL_* say of this service. Other detectors are not asked: one tells the command line."""
    own = {
        "service.name": SERVICE,
        "service.version": __version__,
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": sdk_version,
    }
    return Resource(own).merge(OTELResourceDetector().detect())
