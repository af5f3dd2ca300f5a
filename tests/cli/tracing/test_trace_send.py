"""`runner send --trace otlp`: the spans that a collector receives, and what never is in one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from runner import __version__
from tests.servers.listeners import free_port, silent_listener, url_of

if TYPE_CHECKING:
    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer
    from tests.servers.collector import Collector

SPEC = """\
version: 1
vars:
  user: {type: string}
  token: {type: string, secret: true}
event: ordered_{{ token }}
distinct_id: "{{ user }}"
idempotency_key: "{{ user }}-key"
properties: {color: "very-purple", token: "{{ token }}"}
"""
MESSAGING = {"messaging.system": "suprsend", "messaging.operation.type": "send", "messaging.operation.name": "send"}


@pytest.fixture
def spec(cli: CommandLine, to_server: CapturingServer, in_tmp: Path) -> str:
    (in_tmp / "ordered.yaml").write_text(SPEC)
    cli.environ["RUNNER_VAR_user"] = "somebody"
    cli.environ["RUNNER_VAR_token"] = "hidden-token-123"
    del to_server
    return "ordered.yaml"


def test_a_span_of_an_event_has_a_span_for_each_request_below_it(
    cli: CommandLine, spec: str, to_server: CapturingServer, spans: Collector
) -> None:
    to_server.answers.append((503, {"status": "error", "error": {"message": "very-purple overload"}}))
    ended = cli("send", spec, "--trace", "otlp")
    assert (ended.code, ended.err.splitlines()[-1]) == (0, "1 event: 1 accepted")
    [root], [event], [first, second] = spans.named("runner send"), spans.named("send "), spans.named("POST")
    server = {"server.address": "127.0.0.1", "server.port": int(to_server.base_url.rstrip("/").rpartition(":")[2])}
    assert (root.kind, root.parent_id, dict(root.attributes)) == ("INTERNAL", "", {"process.exit.code": 0})
    assert (event.name, event.kind, event.parent_id, event.is_error) == (
        "send ordered_***",
        "PRODUCER",
        root.span_id,
        False,
    )
    assert event.attributes == MESSAGING | server | {
        "messaging.destination.name": "ordered_***",
        "messaging.message.id": "m0",
        "runner.spec": "ordered.yaml",
        "runner.event.state": "accepted",
        "runner.event.retries": 1,
    }
    assert [(each.name, each.kind, each.parent_id, each.is_error) for each in (first, second)] == [
        ("POST /v2/event/", "CLIENT", event.span_id, True),
        ("POST /v2/event/", "CLIENT", event.span_id, False),
    ]
    assert first.attributes == MESSAGING | server | {
        "http.request.method": "POST",
        "http.request.body.size": len(to_server.received[0].body),
        "http.response.status_code": 503,
        "url.full": to_server.base_url.rstrip("/") + "/v2/event/",
        "url.template": "/v2/event/",
        "runner.events.accepted": 0,
        "error.type": "503",
    }
    assert second.attributes["http.request.resend_count"] == 1
    assert root.began_ns <= event.began_ns == first.began_ns <= first.ended_ns <= second.began_ns
    assert second.ended_ns == event.ended_ns <= root.ended_ns
    assert {each.trace_id for each in spans.spans} == {root.trace_id}
    assert spans.resource["service.name"] == "suprsend-runner"
    assert spans.resource["service.version"] == __version__
    assert spans.schemas == {"https://opentelemetry.io/schemas/1.44.0"}
    assert spans.headers[0]["authorization"] == "Bearer collector-token"


def test_requests_name_their_span_and_stay_signed(cli: CommandLine, spec: str, spans: Collector) -> None:
    ended = cli("send", spec, "--trace", "otlp", "--sandbox")
    assert ended.code == 0, ended.err  # the sandbox checks the signature
    assert len(spans.named("POST")) == 1


def test_the_header_traceparent_names_the_span_of_the_request(
    cli: CommandLine, spec: str, to_server: CapturingServer, spans: Collector
) -> None:
    cli("send", spec, "--trace", "otlp")
    [request] = spans.named("POST")
    assert to_server.received[0].headers["traceparent"] == f"00-{request.trace_id}-{request.span_id}-01"


def test_without_the_option_nothing_is_traced(
    cli: CommandLine, spec: str, to_server: CapturingServer, spans: Collector
) -> None:
    assert cli("send", spec).code == 0
    assert "traceparent" not in to_server.received[0].headers
    assert spans.spans == []


def test_a_command_joins_the_trace_of_its_caller(cli: CommandLine, spec: str, spans: Collector) -> None:
    cli.environ["TRACEPARENT"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    cli("send", spec, "--trace", "otlp")
    [root] = spans.named("runner send")
    assert (root.trace_id, root.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


def test_no_value_of_an_event_and_no_secret_is_in_a_span(
    cli: CommandLine, spec: str, to_server: CapturingServer, spans: Collector
) -> None:
    refusal = {"status": "error", "error": {"message": "very-purple is no color of hidden-token-123 for somebody"}}
    to_server.answers.append((400, refusal))
    assert cli("send", spec, "--trace", "otlp").code == 1
    [event] = spans.named("send ")
    assert (event.is_error, event.attributes["error.type"]) == (True, "refused")
    exported = b"".join(spans.bodies)
    for text in (
        "somebody",
        "very-purple",
        "hidden-token-123",
        "the-workspace-secret",
        "collector-token",
        "is no color",
    ):
        assert text.encode() not in exported


def test_events_of_one_request_are_linked_to_it(
    cli: CommandLine, spec: str, to_server: CapturingServer, spans: Collector
) -> None:
    records = [
        {"status": "success", "status_code": 202, "message_id": "m0"},
        {"status": "error", "status_code": 400, "error": {"message": "no"}},
    ]
    to_server.answers.append((207, {"status": "success", "records": records}))
    Path("second.yaml").write_text(SPEC)
    ended = cli("send", spec, "second.yaml", "--trace", "otlp")
    assert ended.code == 1, ended.err
    [root], events, [request] = spans.named("runner send"), spans.named("send "), spans.named("POST")
    assert [(each.parent_id, each.is_error) for each in events] == [(root.span_id, False), (root.span_id, True)]
    assert request.parent_id == root.span_id
    assert request.links == tuple(each.span_id for each in events)
    assert request.attributes["messaging.batch.message_count"] == 2
    assert request.attributes["runner.events.accepted"] == 1
    assert (root.is_error, root.attributes["process.exit.code"], root.attributes["error.type"]) == (True, 1, "refused")


def test_a_collector_that_refuses_changes_nothing_but_a_message(cli: CommandLine, spec: str, spans: Collector) -> None:
    plain = cli("send", spec, "-o", "json")
    spans.status = 400
    ended = cli("send", spec, "-o", "json", "--trace", "otlp")
    assert (ended.code, ended.json["accepted"]) == (plain.code, plain.json["accepted"]) == (0, 1)
    assert ended.err == plain.err + "trace: 3 spans did not reach the collector; see OTEL_EXPORTER_OTLP_ENDPOINT\n"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["absent", "silent"])
def test_a_collector_that_does_not_answer_delays_the_end_by_seconds_at_most(
    cli: CommandLine, spec: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with silent_listener() as listener:
        url = url_of(listener) if kind == "silent" else f"http://127.0.0.1:{free_port()}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        began_s = monotonic()
        ended = cli("send", spec, "--trace", "otlp")
    assert ended.code == 0
    assert ended.err.endswith("trace: 3 spans did not reach the collector; see OTEL_EXPORTER_OTLP_ENDPOINT\n")
    assert monotonic() - began_s < 6


def test_an_invalid_endpoint_does_not_fail_a_send(cli: CommandLine, spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere at all")
    ended = cli("send", spec, "--trace", "otlp")
    assert ended.code == 0
    assert ended.err.endswith("trace: 3 spans did not reach the collector; see OTEL_EXPORTER_OTLP_ENDPOINT\n")


def test_without_the_extra_nothing_is_sent_and_the_way_to_it_is_named(
    cli: CommandLine, spec: str, to_server: CapturingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    monkeypatch.delitem(sys.modules, "runner.tracing.trace", raising=False)
    ended = cli("send", spec, "--trace", "otlp")
    assert (ended.code, to_server.received) == (2, [])
    assert ended.err == (
        "error[usage]: for --trace, OpenTelemetry must be installed\n  = pip install 'suprsend-runner[otel]'\n"
    )


def test_a_protocol_that_is_not_spoken_is_refused_before_anything_is_sent(
    cli: CommandLine, spec: str, to_server: CapturingServer
) -> None:
    cli.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
    ended = cli("send", spec, "--trace", "otlp")
    assert (ended.code, to_server.received) == (64, [])
    assert ended.err == (
        "error[usage]: --trace otlp speaks http/protobuf, and OTEL_EXPORTER_OTLP_PROTOCOL is grpc\n"
        "  = set it to http/protobuf, with the collector's port for HTTP\n"
    )


def test_an_invalid_setting_is_refused_without_its_value(
    cli: CommandLine, spec: str, to_server: CapturingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "s3cret")
    ended = cli("send", spec, "--trace", "otlp")
    assert (ended.code, to_server.received) == (64, [])
    assert "s3cret" not in ended.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", "Bearer collector-s3cret"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "s3cret"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "s3cret"),
        ("OTEL_RESOURCE_ATTRIBUTES", "s3cret"),
        ("OTEL_TRACES_SAMPLER", "s3cret"),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--log-format", "json")])
def test_a_setting_that_the_library_ignores_is_a_message_without_its_value(
    cli: CommandLine,
    spec: str,
    spans: Collector,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    flags: tuple[str, ...],
) -> None:
    """In a process without handlers, the library's texts go to stderr."""
    monkeypatch.setenv(variable, value)
    ended = cli("send", spec, "--trace", "otlp", *flags)
    assert (ended.code, len(spans.spans)) == (0, 3), ended.err
    first = ended.err.splitlines()[0]
    message = json.loads(first)["message"] if flags else first
    assert message == "trace: a variable OTEL_* has an invalid value, which OpenTelemetry ignores"
    printed = capfd.readouterr()
    assert "s3cret" not in ended.err + caplog.text + printed.err + printed.out


def test_the_exporters_variables_for_traces_come_first_and_compression_is_honored(
    cli: CommandLine, spec: str, spans: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{spans.base_url}/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    assert cli("send", spec, "--trace", "otlp").err == "1 event: 1 accepted\n"
    assert (len(spans.spans), spans.headers[0]["Content-Encoding"]) == (3, "gzip")


def test_the_sdk_can_be_switched_off(
    cli: CommandLine, spec: str, to_server: CapturingServer, spans: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    ended = cli("send", spec, "--trace", "otlp")
    assert (ended.code, ended.err) == (0, "1 event: 1 accepted\n")
    assert ("traceparent" in to_server.received[0].headers, spans.spans) == (False, [])


def test_a_sampler_that_takes_nothing_exports_nothing(
    cli: CommandLine, spec: str, to_server: CapturingServer, spans: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert cli("send", spec, "--trace", "otlp").code == 0
    assert to_server.received[0].headers["traceparent"].endswith("-00")
    assert spans.spans == []


def test_a_send_without_the_option_does_not_load_the_library(
    spec: str, to_server: CapturingServer, cli: CommandLine
) -> None:
    code = (
        "import sys\n"
        "from runner.cli.main import run\n"
        "from runner.commands.world import World\n"
        "code = run(sys.argv[1:], World.real())\n"
        "sys.exit(code or any(name.startswith(('opentelemetry', 'runner.tracing.trace')) for name in sys.modules))\n"
    )
    given = os.environ | cli.environ
    ended = subprocess.run([sys.executable, "-c", code, "send", spec], env=given, check=False, capture_output=True)
    assert (ended.returncode, len(to_server.received)) == (0, 1), ended.stderr
