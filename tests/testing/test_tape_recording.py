"""A recording is what really passed."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from runner.config import SANDBOX_KEY
from runner.errors import Problem
from runner.secrets import Mask, Secret
from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.auth import ApiKey, WorkspaceKey
from runner.suprsend.connection import Connection
from runner.suprsend.delivery import bulk_deliveries, single_delivery
from runner.suprsend.encoding import encode
from runner.suprsend.event import Event, Stamp
from runner.suprsend.transport import Transport
from runner.testing.cassette import SANDBOX, SANDBOX_URL, CassetteError
from runner.testing.cassette_reader import load
from runner.testing.cassette_writer import save
from runner.testing.request_diff import Request
from runner.testing.tape import Recorder, Replay
from tests.servers.listeners import closed_url
from tests.testing.tapes import AGAIN, JSON, TODAY, event, post, raw, recorded

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sandbox.server import Sandbox
    from runner.suprsend.answer import Result
    from runner.suprsend.auth import Credentials
    from runner.suprsend.sockets import Exchange
    from runner.suprsend.transport import Http
    from tests.servers.capturing import CapturingServer


# Through the client


def send(
    tape: Http, base_url: str, *events: Event, credentials: Credentials = SANDBOX_KEY, path: str = ""
) -> list[Result]:
    """Send events as the client does: one alone, several together."""
    connection = Connection(credentials, base_url + path, sleep=lambda _: None, random=lambda: 0.0, transport=tape)
    encoded = [
        encode(each, credentials.env, Stamp(f"{index:036}", 1767225600000), 100) for index, each in enumerate(events)
    ]
    deliveries = [single_delivery(encoded[0])] if len(events) == 1 else bulk_deliveries(encoded)
    for delivery in deliveries:
        connection.deliver(delivery)
    connection.close()
    return [result for delivery in deliveries for result in delivery.results]


def ordered(user: str = "u1", **properties: Any) -> Event:
    return Event(user, "ordered", properties, idempotency_key="k")


def test_what_was_recorded_from_the_sandbox_is_replayed_without_it(sandbox: Sandbox, tmp_path: Path) -> None:
    events = ordered(amount=10), Event("u2", "refunded", {"amount": 10})
    recorder = Recorder(Transport(sandbox.base_url), SANDBOX, TODAY)
    results = send(recorder, sandbox.base_url, *events) + send(recorder, sandbox.base_url, events[0])
    assert recorder.problems() == []
    save(tmp_path / "c.yaml", recorder.cassette(), Mask(), tmp_path)
    replay = Replay(load(tmp_path / "c.yaml"))
    assert send(replay, SANDBOX_URL, *events) + send(replay, SANDBOX_URL, events[0]) == results
    assert replay.problems() == []
    assert {result.state for result in results} == {"accepted"}


def test_a_changed_event_is_not_tried_again(sandbox: Sandbox) -> None:
    recorder = Recorder(Transport(sandbox.base_url), SANDBOX, TODAY)
    send(recorder, sandbox.base_url, ordered(amount=10))
    replay = Replay(recorder.cassette())
    [result] = send(replay, SANDBOX_URL, ordered(amount=11))
    assert (result.state, result.attempts, result.transient) == ("failed", 1, False)
    assert [each.message for each in replay.problems()] == [
        "properties.amount: recorded 10 (a number), sent 11 (a number)"
    ]


def test_refusals_and_retries_are_recorded_as_they_were(server: CapturingServer) -> None:
    server.answers += [(429, {"status": "error"}, {"Retry-After": "0"}), (500, b"oops", {}), (202, b"OK", {})]
    recorder = Recorder(Transport(server.base_url), server.base_url, TODAY)
    [result] = send(recorder, server.base_url, ordered(), path="api/")
    assert (result.state, result.attempts) == ("accepted", 3)
    cassette = recorder.cassette()
    assert (cassette.source, cassette.recorded_at, cassette.base_url) == (server.base_url, TODAY, server.base_url)
    assert [interaction.answer for interaction in cassette.interactions] == [
        Answer(429, b'{"status": "error"}', "0"),
        Answer(500, b"oops"),
        Answer(202, b"OK"),
    ]
    assert {interaction.request for interaction in cassette.interactions} == {
        Request("POST", f"{server.base_url}api/v2/event/", JSON, server.received[0].body)
    }
    assert send(Replay(cassette), server.base_url, ordered(), path="api/") == [result]


def test_the_port_of_the_sandbox_is_not_recorded(sandbox: Sandbox) -> None:
    recorder = Recorder(Transport(sandbox.base_url), SANDBOX, TODAY)
    send(recorder, sandbox.base_url, ordered())
    assert [each.request.uri for each in recorder.cassette().interactions] == ["http://127.0.0.1:7788/v2/event/"]


def test_recording_twice_gives_the_same_bytes_but_for_the_date(server: CapturingServer, tmp_path: Path) -> None:
    files = []
    for day in (24, 25):
        recorder = Recorder(Transport(server.base_url), SANDBOX, date(2026, 11, day))
        send(recorder, server.base_url, ordered(name="Zoë"), ordered("u2"))
        save(tmp_path / "c.yaml", recorder.cassette(), Mask(), tmp_path)
        files.append((tmp_path / "c.yaml").read_bytes())
    assert files[0].startswith(b"# recorded 2026-11-24 from the sandbox by suprsend-runner ")
    assert files[1] == files[0].replace(b"2026-11-24", b"2026-11-25", 1)


def test_of_an_authorization_that_a_server_repeats_nothing_is_kept(server: CapturingServer) -> None:
    class Repeating(Transport):
        def request(self, method: str, path: str, headers: Any, body: bytes, exchange: Exchange) -> Answer | NoAnswer:
            echo = json.dumps({"error": headers["Authorization"], "parts": headers["Authorization"].split(":")})
            server.answers[0] = (server.answers[0][0], echo.replace("/", "\\/").encode())
            return super().request(method, path, headers, body, exchange)

    for credentials in (WorkspaceKey("key", Secret("a-secret")), ApiKey("uid", Secret("an-api-key"))):
        for status in (202, 403):
            server.answers.append((status, b""))
            recorder = Recorder(Repeating(server.base_url), server.base_url, TODAY)
            send(recorder, server.base_url, ordered(), credentials=credentials)
            [interaction] = recorder.cassette().interactions
            parts = ["key", "***"] if isinstance(credentials, WorkspaceKey) else ["***"]
            assert json.loads(interaction.answer.body) == {"error": "***", "parts": parts}


def test_a_request_without_an_answer_leaves_nothing_to_save() -> None:
    dead_url = closed_url()
    recorder = Recorder(Transport(dead_url), dead_url, TODAY)
    send(recorder, dead_url, Event("u1", "ordered", {}))
    message = "POST /v2/event/ ('ordered' for 'u1') had no answer to record: Connection refused"
    assert recorder.problems() == [Problem("cassette-unrecorded", message)]
    with pytest.raises(CassetteError) as refused:
        recorder.cassette()
    assert list(refused.value.problems) == recorder.problems()


def test_new_requests_are_recorded_behind_those_that_are_there(server: CapturingServer) -> None:
    before = Replay(recorded(event()), again=AGAIN)
    recorder = Recorder(Transport(server.base_url), SANDBOX, date(2027, 1, 1), before)
    bodies = [event(), event(distinct_id="u2"), event()]
    for body in bodies:
        post(recorder, body)
    assert [received.body for received in server.received] == [raw(bodies[1]), raw(bodies[2])]
    cassette = recorder.cassette()
    assert [each.request.body for each in cassette.interactions] == [raw(body) for body in bodies]
    assert (cassette.recorded_at, cassette.path, recorder.problems()) == (TODAY, "cassettes/purchase/a-case.yaml", [])


def test_what_is_there_and_not_sent_is_told_while_recording_more(server: CapturingServer) -> None:
    recorder = Recorder(Transport(server.base_url), SANDBOX, TODAY, Replay(recorded(event()), again=AGAIN))
    assert [each.code for each in recorder.problems()] == ["cassette-unplayed"]


def test_recordings_of_two_servers_are_not_mixed(server: CapturingServer) -> None:
    with pytest.raises(CassetteError) as refused:
        Recorder(Transport(server.base_url), "https://example.com/", TODAY, Replay(recorded(event())))
    message = "cassettes/purchase/a-case.yaml was recorded from the sandbox, not from https://example.com/"
    assert refused.value.problems == (
        Problem("cassette-unrecorded", message, hint="rewrite it completely: --record rewrite"),
    )
