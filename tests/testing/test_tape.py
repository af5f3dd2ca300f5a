"""Replay is strict: what is not sent as it was recorded is told, field by field. A recording is what really passed."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from runner.config import SANDBOX_KEY
from runner.errors import Position, Problem
from runner.secrets import Mask, Secret
from runner.suprsend.answer import Answer, NoAnswer
from runner.suprsend.auth import ApiKey, WorkspaceKey
from runner.suprsend.connection import Connection
from runner.suprsend.delivery import bulk_deliveries, single_delivery
from runner.suprsend.encoding import encode
from runner.suprsend.event import Event, Stamp
from runner.suprsend.sockets import Exchange
from runner.suprsend.transport import Transport
from runner.testing.cassette import SANDBOX, SANDBOX_URL, Cassette, CassetteError, Interaction
from runner.testing.cassette_reader import load
from runner.testing.cassette_writer import save
from runner.testing.request_diff import Request
from runner.testing.tape import Recorder, Replay
from tests.servers.listeners import closed_url

if TYPE_CHECKING:
    from pathlib import Path

    from runner.codes import Code
    from runner.sandbox.server import Sandbox
    from runner.suprsend.answer import Result
    from runner.suprsend.auth import Credentials
    from runner.suprsend.transport import Http
    from tests.servers.capturing import CapturingServer

TODAY = date(2026, 11, 24)
AGAIN = "runner test specs/purchase.yaml -k 'a case' --record rewrite --sandbox"
HINT = f"if that is right, record again: {AGAIN}"
JSON = "application/json; charset=utf-8"
EVENT: dict[str, Any] = {
    "$insert_id": "1" * 36,
    "$time": 1767225600000,
    "env": "workspace_key",
    "event": "ordered",
    "distinct_id": "u1",
    "properties": {"amount": 10, "premium": True, "tags": ["a", "b"], "$ss_sdk_version": "suprsend-runner/0.1.0"},
}


def event(**changes: Any) -> dict[str, Any]:
    """Change keys of the event; those of its properties by the name `properties__amount`; `...` takes one out."""
    made = json.loads(json.dumps(EVENT))
    for name, value in changes.items():
        *above, key = name.replace("dollar_", "$").split("__")
        target = made[above[0]] if above else made
        if value is ...:
            del target[key]
        else:
            target[key] = value
    return made  # type: ignore[no-any-return]


def recorded(*bodies: Any, path: str = "/v2/event/", answers: tuple[int, ...] = ()) -> Cassette:
    """Make a cassette of requests with these bodies, each on a line of its own."""
    statuses = answers or (202,) * len(bodies)
    interactions = (
        Interaction(Request("POST", f"http://127.0.0.1:7788{path}", JSON, raw(body)), Answer(status, b"{}"), line)
        for line, (body, status) in enumerate(zip(bodies, statuses, strict=True), 2)
    )
    return Cassette(SANDBOX, TODAY, tuple(interactions), "cassettes/purchase/a-case.yaml")


def raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def post(tape: Http, body: Any, path: str = "/v2/event/", content_type: str | None = JSON) -> Answer | NoAnswer:
    headers = {"Accept": "application/json"} | ({} if content_type is None else {"content-type": content_type})
    with Exchange(time.monotonic() + 10, 10) as exchange:
        return tape.request("POST", path, headers, raw(body), exchange)


def problem(code: Code, message: str, line: int, at: str | None = None) -> Problem:
    return Problem(code, message, Position("cassettes/purchase/a-case.yaml", line, 1, 2, ""), at=at, hint=HINT)


NOT_RECORDED = NoAnswer("the request is not in the cassette cassettes/purchase/a-case.yaml", sent=False, is_final=True)


# What is the same request


@pytest.mark.parametrize(
    "body",
    [
        event(),
        event(dollar_insert_id="2" * 36, dollar_time=1, env="another", properties__dollar_ss_sdk_version="x"),
        event(dollar_insert_id=..., dollar_time=..., env=..., properties__dollar_ss_sdk_version=...),
        dict(reversed(event().items())),
        json.dumps(event(), indent=1).encode(),
    ],
)
def test_what_changes_with_each_run_does_not_count(body: Any) -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    assert (post(replay, body), replay.problems()) == (Answer(202, b"{}"), [])


@pytest.mark.parametrize(
    ("body", "at", "message"),
    [
        (event(properties__amount="10"), "properties.amount", 'recorded 10 (a number), sent "10" (text)'),
        (event(properties__amount=10.0), "properties.amount", "recorded 10 (a number), sent 10.0 (a number)"),
        (event(properties__amount=11), "properties.amount", "recorded 10 (a number), sent 11 (a number)"),
        (event(properties__amount=None), "properties.amount", "recorded 10 (a number), sent null"),
        (event(properties__amount=...), "properties.amount", "recorded 10 (a number), not sent"),
        (event(properties__premium=1), "properties.premium", "recorded true (a boolean), sent 1 (a number)"),
        (event(properties__new=[1]), "properties.new", "not recorded, sent [1] (a list)"),
        (event(properties__tags=["a"]), "properties.tags[1]", 'recorded "b" (text), not sent'),
        (event(properties__tags={}), "properties.tags", 'recorded ["a", "b"] (a list), sent {} (a map)'),
        (event(distinct_id="u2"), "distinct_id", 'recorded "u1" (text), sent "u2" (text)'),
        (event(dollar_idempotency_key="k"), "$idempotency_key", 'not recorded, sent "k" (text)'),
        (b"{", "the body", f"recorded {len(json.dumps(EVENT))} bytes, sent 1 bytes, and not both are JSON"),
    ],
)
def test_every_other_change_is_told_with_its_types(body: Any, at: str, message: str) -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    assert post(replay, body) == NOT_RECORDED
    assert replay.problems() == [problem("cassette-changed", f"{at}: {message}", 2, at)]


def test_one_event_and_a_list_of_it_are_two_requests() -> None:
    replay = Replay(recorded({"event": "a"}), again=AGAIN)
    assert post(replay, [{"event": "a"}]) == NOT_RECORDED
    message = 'the body: recorded {"event": "a"} (a map), sent [{"event": "a"}] (a list)'
    assert replay.problems() == [problem("cassette-changed", message, 2, "the body")]


def test_the_order_of_a_list_counts() -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    post(replay, event(properties__tags=["b", "a"]))
    assert replay.problems() == [
        problem(
            "cassette-changed", 'properties.tags[0]: recorded "a" (text), sent "b" (text)', 2, "properties.tags[0]"
        ),
        problem(
            "cassette-changed", 'properties.tags[1]: recorded "b" (text), sent "a" (text)', 2, "properties.tags[1]"
        ),
    ]


@pytest.mark.parametrize(
    ("path", "content_type", "message"),
    [
        ("/v2/other/", JSON, "path: recorded /v2/event/, sent /v2/other/"),
        ("/v2/event/?a=1", JSON, "query: recorded none, sent a=1"),
        ("/v2/event/", "text/plain", f"Content-Type: recorded {JSON}, sent text/plain"),
        ("/v2/event/", None, f"Content-Type: recorded {JSON}, sent none"),
    ],
)
def test_another_address_or_content_type_is_another_request(path: str, content_type: str | None, message: str) -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    assert post(replay, event(), path, content_type) == NOT_RECORDED
    assert replay.problems() == [problem("cassette-changed", message, 2, message.partition(":")[0])]


@pytest.mark.parametrize(
    "volatile",
    [
        "properties.lines.id",
        "properties.lines[0].id",
        "properties.lines.0.id",
        "properties.lines",
        "properties.lines[0]",
    ],
)
@pytest.mark.parametrize("is_bulk", [False, True])
def test_volatile_paths_are_not_compared(volatile: str, is_bulk: bool) -> None:
    before, after = (event(properties__lines=[{"id": number, "sku": "x"}]) for number in (1, 2))
    if is_bulk:
        before, after = [before, before], [after, after]  # type: ignore[assignment]
    replay = Replay(recorded(before), [volatile, "properties.nobody.has.it", "properties.amount.neither"], AGAIN)
    assert (post(replay, after), replay.problems()) == (Answer(202, b"{}"), [])


def test_what_stands_beside_a_volatile_path_is_compared() -> None:
    before = event(properties__lines=[{"id": 1, "sku": "x"}, {"id": 1}])
    replay = Replay(recorded(before), ["properties.lines[0].id", ""], AGAIN)
    post(replay, event(properties__lines=[{"id": 2, "sku": "y"}, {"id": 2}]))
    assert replay.problems() == [
        problem("cassette-changed", f"{at}: {message}", 2, at)
        for at, message in (
            ("properties.lines[0].sku", 'recorded "x" (text), sent "y" (text)'),
            ("properties.lines[1].id", "recorded 1 (a number), sent 2 (a number)"),
        )
    ]


def test_events_of_a_bulk_request_are_told_apart_by_their_index() -> None:
    replay = Replay(recorded([event(), event()]), again=AGAIN)
    post(replay, [event(), event(properties__amount="10")])
    at = "[1].properties.amount"
    message = f'{at}: recorded 10 (a number), sent "10" (text)'
    assert replay.problems() == [problem("cassette-changed", message, 2, at)]


def test_long_texts_are_shown_from_where_they_differ() -> None:
    before, after = ("x" * 200 + tail + "y" * 200 for tail in ("1", "2"))
    replay = Replay(recorded(event(distinct_id=before)), again=AGAIN)
    post(replay, event(distinct_id=after))
    texts = [f'… "{"x" * 20}{tail}{"y" * 59}" … (text)' for tail in ("1", "2")]
    message = f"distinct_id: recorded {texts[0]}, sent {texts[1]}"
    assert replay.problems() == [problem("cassette-changed", message, 2, "distinct_id")]


def test_what_a_mask_knows_is_not_shown() -> None:
    secret = "s3cr3t" * 30
    replay = Replay(recorded(event(distinct_id=f"x{secret}")), again=AGAIN, mask=Mask([secret]))
    post(replay, event(distinct_id=f"y{secret}"))
    message = 'distinct_id: recorded "x***" (text), sent "y***" (text)'
    assert replay.problems() == [problem("cassette-changed", message, 2, "distinct_id")]


def test_a_secret_in_an_event_matches_the_stars_that_were_written_for_it(tmp_path: Path) -> None:
    mask = Mask(["s3cr3t"])
    save(tmp_path / "c.yaml", recorded(event(properties__token="s3cr3t")), mask, tmp_path)
    replay = Replay(load(tmp_path / "c.yaml"), mask=mask)
    assert (post(replay, event(properties__token="s3cr3t")), replay.problems()) == (Answer(202, b"{}"), [])
    replay = Replay(load(tmp_path / "c.yaml"), mask=mask)
    post(replay, event(properties__token="another"))
    message = 'properties.token: recorded "***" (text), sent "another" (text)'
    assert [each.message for each in replay.problems()] == [message]


def test_bodies_too_deep_to_compare_are_told_as_a_whole() -> None:
    deep = b"[" * 500 + b"]" * 500
    deeper = b"[" * 90_000 + b"]" * 90_000
    replay = Replay(recorded(deep), again=AGAIN)
    assert post(replay, deeper) == NOT_RECORDED
    message = "the body: recorded 1,000 bytes, sent 180,000 bytes, and not both are JSON"
    assert replay.problems() == [problem("cassette-changed", message, 2, "the body")]


# The order, and the number, of requests


def test_equal_requests_are_answered_in_the_order_of_recording() -> None:
    replay = Replay(recorded(event(), event(distinct_id="u2"), event(), answers=(429, 400, 202)), again=AGAIN)
    answers = [post(replay, body) for body in (event(distinct_id="u2"), event(), event())]
    assert answers == [Answer(400, b"{}"), Answer(429, b"{}"), Answer(202, b"{}")]
    message = "POST /v2/event/ ('ordered' for 'u2') is sent earlier than it was recorded"
    assert replay.problems() == [problem("cassette-changed", message, 3)]


def test_a_request_more_than_recorded_is_told() -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    assert [post(replay, event()), post(replay, event())] == [Answer(202, b"{}"), NOT_RECORDED]
    message = "POST /v2/event/ ('ordered' for 'u1') is sent, but was not recorded"
    assert replay.problems() == [problem("cassette-changed", message, 1)]


def test_requests_that_nobody_sends_are_told() -> None:
    cassette = recorded(event(), [event(), event()], [event()], event(distinct_id=1), b"x")
    assert Replay(cassette, again=AGAIN).problems() == [
        problem("cassette-unplayed", f"POST /v2/event/{what} was recorded, but is not sent", line)
        for line, what in enumerate(
            (" ('ordered' for 'u1')", " (2 events)", " (1 event)", " ('ordered')", " (1 bytes)"), 2
        )
    ]


def test_a_change_is_held_against_the_nearest_recorded_request_and_told_once() -> None:
    cassette = recorded(event(event="a"), event(event="b", properties__amount=1), event(event="c"))
    replay = Replay(cassette, again=AGAIN)
    for body in (event(event="b", properties__amount=2), event(event="a")):
        post(replay, body)
    assert replay.problems() == [
        problem(
            "cassette-changed", "properties.amount: recorded 1 (a number), sent 2 (a number)", 3, "properties.amount"
        ),
        problem("cassette-unplayed", "POST /v2/event/ ('c' for 'u1') was recorded, but is not sent", 4),
    ]


def test_a_request_to_another_address_is_the_farthest() -> None:
    here, elsewhere = recorded(event(event="a", distinct_id="u2")), recorded(event(), path="/v2/other/")
    replay = Replay(replace(here, interactions=(*elsewhere.interactions, *here.interactions)), again=AGAIN)
    post(replay, event())
    assert [each.message for each in replay.problems()] == [
        'event: recorded "a" (text), sent "ordered" (text)',
        'distinct_id: recorded "u2" (text), sent "u1" (text)',
        "POST /v2/other/ ('ordered' for 'u1') was recorded, but is not sent",
    ]


def test_of_many_problems_the_number_is_told() -> None:
    many = {f"k{number:02}": 0 for number in range(15)}
    replay = Replay(recorded(*(event(properties=many) for _ in range(15))), again=AGAIN)
    for number in range(12):
        post(replay, event(properties=dict.fromkeys(many, number + 1)))
    told = replay.problems()
    assert len(told) == 10 * 11 + 1 + 3
    assert told[10] == problem("cassette-changed", "and 5 more differences", 2)
    assert told[110] == problem("cassette-changed", "2 more requests are not as recorded", 1)
    assert [each.code for each in told[111:]] == ["cassette-unplayed"] * 3


def test_each_recorded_answer_is_given_once_however_many_threads_ask() -> None:
    replay = Replay(recorded(*[event()] * 50), again=AGAIN)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: post(replay, event()), range(60)))
    assert (answers.count(Answer(202, b"{}")), answers.count(NOT_RECORDED)) == (50, 10)


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
