"""`--trace otlp` of runs of rows and of cases: a span for each request, and for each case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import CommandLine
    from tests.servers.capturing import CapturingServer
    from tests.servers.collector import Collector

SPEC = """\
version: 1
vars: {user: {type: string}}
event: ordered
distinct_id: "{{ user }}"
idempotency_key: "{{ user }}-key"
properties: {user: "{{ user }}"}
tests:
  - name: as it should
    vars: {user: somebody}
    expect: {event: {event: ordered}}
  - name: not so
    vars: {user: somebody}
    expect: {event: {event: bought}}
  - name: each
    parametrize: [{user: purple-one}, {user: purple-two}]
    expect: {event: {event: ordered}}
  - name: later
    skip: not yet
    expect: {event: {event: ordered}}
"""


@pytest.fixture
def rows(in_tmp: Path, to_server: CapturingServer) -> str:
    (in_tmp / "ordered.yaml").write_text(SPEC)
    (in_tmp / "users.csv").write_text("user\n" + "".join(f"somebody-{number}\n" for number in range(250)))
    del to_server
    return "users.csv"


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_run_has_a_span_for_each_request(
    cli: CommandLine, rows: str, to_server: CapturingServer, spans: Collector, processes: str
) -> None:
    to_server.answers.append((503, b"down"))
    ended = cli("send", "ordered.yaml", "--rows", rows, "--processes", processes, "--trace", "otlp", "-o", "json")
    assert ended.code == 0, ended.err
    [root] = spans.named("runner send")
    requests = sorted(spans.named("POST"), key=lambda span: span.began_ns)
    assert len(spans.spans) == 1 + len(requests) == 1 + 4
    assert root.attributes == {"process.exit.code": 0, "runner.run.id": ended.json["run"]}
    assert sum(each.attributes["runner.events.accepted"] for each in requests) == 250
    assert {each.attributes["messaging.batch.message_count"] for each in requests} == {50, 100}
    assert [each.attributes.get("http.request.resend_count") for each in requests].count(1) == 1
    assert {each.attributes["error.type"] for each in requests if each.is_error} == {"503"}
    assert {(each.trace_id, each.parent_id) for each in requests} == {(root.trace_id, root.span_id)}
    named = {f"00-{each.trace_id}-{each.span_id}-01" for each in requests}
    assert {request.headers["traceparent"] for request in to_server.received} == named
    assert all(b"somebody" not in body for body in spans.bodies)


def test_a_resumed_run_is_a_trace_of_its_own(
    cli: CommandLine, rows: str, to_server: CapturingServer, spans: Collector
) -> None:
    to_server.answers += [(401, b"")]
    sending = ("send", "ordered.yaml", "--rows", rows, "--processes", "1", "--concurrency", "1", "--trace", "otlp")
    assert cli(*sending).code == 3
    assert cli("send", "--resume", "last", "--trace", "otlp").code == 0
    first, second = spans.named("runner send")
    assert first.attributes["runner.run.id"] == second.attributes["runner.run.id"]
    assert (first.is_error, second.is_error, first.trace_id != second.trace_id) == (True, False, True)


@pytest.mark.slow
def test_workers_of_a_cluster_write_down_their_requests(
    cli: CommandLine, rows: str, to_server: CapturingServer, spans: Collector
) -> None:
    ended = cli("send", "ordered.yaml", "--rows", rows, "--cluster", "local:1", "--trace", "otlp")
    assert ended.code == 0, ended.err
    requests = spans.named("POST")
    assert sum(each.attributes["runner.events.accepted"] for each in requests) == 250
    named = {f"00-{each.trace_id}-{each.span_id}-01" for each in requests}
    assert {request.headers["traceparent"] for request in to_server.received} == named


@pytest.mark.usefixtures("rows")
def test_each_case_has_a_span(cli: CommandLine, spans: Collector) -> None:
    ended = cli("test", "ordered.yaml", "--trace", "otlp")
    assert ended.code == 1
    [root] = spans.named("runner test")
    cases = spans.named("case ")
    assert [dict(each.attributes) for each in cases] == [
        {"test.suite.name": "ordered.yaml", "test.case.name": name, "test.case.result.status": status} | more
        for name, status, more in (
            ("as it should", "pass", {}),
            ("not so", "fail", {"error.type": "case-mismatch"}),
            ("each", "pass", {}),
            ("each", "pass", {}),
            ("later", "skipped", {}),
        )
    ]
    assert [(each.name, each.is_error) for each in cases] == [
        ("case as it should", False),
        ("case not so", True),
        ("case each", False),
        ("case each", False),
        ("case later", False),
    ]
    assert all(root.began_ns <= each.began_ns <= each.ended_ns <= root.ended_ns for each in cases)
    assert {each.parent_id for each in cases} == {root.span_id}
    assert all(b"purple" not in body and b"somebody" not in body for body in spans.bodies)
