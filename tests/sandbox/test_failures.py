"""Failures that are rehearsed with the sandbox, on the wire and through the client."""

from __future__ import annotations

import json
import re
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner import Event, Suprsend
from runner.config import SANDBOX_KEY, load_profile
from runner.durations import duration_s
from runner.sandbox.failures import REFUSING, SPOILING, declared, latency, shares
from runner.sandbox.rules import SandboxRules, rules_of
from runner.sandbox.server import Sandbox
from tests.sandbox.conftest import CONTENT_TYPE, DATE, Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

SINGLE, BULK = "/v2/event/", "/v2/bulk/event/"
NAMES = [*REFUSING, *SPOILING, *(f"{name}-after" for name in REFUSING), "500", "500-after", "html502", "html502-after"]
HANGS = "silent", "slow", "silent-after"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def box(sandbox: Sandbox) -> Iterator[Sandbox]:
    sandbox.store.clear()
    yield sandbox
    control(sandbox, "DELETE")


def control(box: Sandbox, method: str, body: object = None, query: str = "") -> tuple[int, Any]:
    token = box.events_url.partition("token=")[2]
    raw = b"" if body is None else json.dumps(body).encode()
    answered = Caller(box.port).send(
        method,
        f"/_sandbox/faults{query}",
        raw,
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    return answered.status, answered.json


def rehearse(box: Sandbox, **plan: object) -> None:
    status, answer = control(box, "POST", plan)
    assert status == 200, answer


def raw_answer(box: Sandbox, body: bytes, path: str = SINGLE, *, session: str = "", seconds: float = 5) -> bytes | str:
    """Send a signed request and return all bytes until the end of the connection, or how it ended."""
    caller = Caller(box.port, SANDBOX_KEY.key + (f".{session}" if session else ""))
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {CONTENT_TYPE}\r\nDate: {DATE}\r\n"
        f"Authorization: {caller.sign('POST', path, body)}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    received = b""
    with socket.create_connection(("127.0.0.1", box.port), timeout=seconds) as connection:
        connection.sendall(head.encode() + body)
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            return "reset"
        except TimeoutError:
            return received or "silent"
    return received


def one(box: Sandbox, **changes: Any) -> bytes:
    return json.dumps(Caller(box.port).event(**changes)).encode()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in HANGS])
def test_an_event_is_taken_once_whatever_the_first_answer(box: Sandbox, name: str) -> None:
    """The client repeats the event with its key, unless the answer says that it was taken, or can't be trusted."""
    rehearse(box, fail=[name])
    client = Suprsend(SANDBOX_KEY.key, "sandbox-workspace-secret", base_url=box.base_url, retries=2, timeout=10)
    event = Event(distinct_id="u1", event_name="ordered", properties={}, idempotency_key=f"key-{name}")
    answer = client.track_event(event)
    taken = [stored for stored in box.store.events() if not stored.duplicate]
    assert len(taken) <= 1, answer
    assert len(taken) == 1 or not answer["success"], "a success whose event was not taken"
    if name.startswith(("reset", "closed", "500", "html502", "short")):
        assert (answer["success"], len(taken)) == (True, 1), answer


@pytest.mark.parametrize("takes", [False, True])
@pytest.mark.parametrize(
    ("name", "expected"),
    [("reset", "reset"), ("closed", b""), ("silent", "silent"), ("html502", b"HTTP/1.1 502 Bad Gateway")],
)
def test_a_failure_takes_the_event_only_with_after(box: Sandbox, name: str, expected: bytes | str, takes: bool) -> None:
    rehearse(box, fail=[f"{name}-after" if takes else name])
    answer = raw_answer(box, one(box), seconds=0.3 if name == "silent" else 5)
    assert answer == expected or (isinstance(expected, bytes) and expected and answer.startswith(expected))  # type: ignore[arg-type]
    assert [stored.outcome for stored in box.store.select("1 ORDER BY id", ())] == ["accepted" if takes else "refused"]


def test_a_short_answer_announces_more_than_it_has(box: Sandbox) -> None:
    rehearse(box, fail=["short"])
    answer = raw_answer(box, one(box))
    assert isinstance(answer, bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
    assert 0 < len(body) < length


def test_a_slow_answer_comes_by_bytes(box: Sandbox) -> None:
    rehearse(box, fail=["slow"])
    answer = raw_answer(box, one(box), seconds=0.3)
    assert isinstance(answer, bytes)
    assert answer.startswith(b"HTTP/1.1 202")
    assert not answer.endswith(b"}")


def test_the_same_seed_fails_the_same_requests(box: Sandbox) -> None:
    def outcomes() -> list[int]:
        rehearse(box, fail="429:0.3,500:0.3", seed=7)
        return [Caller(box.port).post(SINGLE, Caller(box.port).event()).status for _ in range(40)]

    first = outcomes()
    assert set(first) == {202, 429, 500}
    assert outcomes() == first


def test_a_status_is_given_for_single_records_of_a_bulk(box: Sandbox) -> None:
    rehearse(box, fail=[{"status": 404, "distinct_id": "u2"}, {"fault": "503", "event": "paid", "times": 1}])
    caller = Caller(box.port)
    events = [caller.event(), caller.event(distinct_id="u2"), caller.event(event="paid"), caller.event(event="paid")]
    answered = caller.post(BULK, events)
    assert [each["status_code"] for each in answered.json["records"]] == [202, 404, 503, 202]
    assert [each.outcome for each in box.store.select("1 ORDER BY id", ())] == [
        "accepted",
        "refused",
        "refused",
        "accepted",
    ]


def test_a_reset_for_one_user_concerns_the_whole_request(box: Sandbox) -> None:
    rehearse(box, fail=[{"fault": "reset", "distinct_id": "u2"}])
    caller = Caller(box.port)
    assert raw_answer(box, json.dumps([caller.event(), caller.event(distinct_id="u2")]).encode(), BULK) == "reset"
    assert caller.post(SINGLE, caller.event()).status == 202


def test_a_session_has_failures_of_its_own(box: Sandbox) -> None:
    rehearse(box, fail="500:1")
    rehearse(box, fail=[], session="t1")
    other = Caller(box.port, f"{SANDBOX_KEY.key}.t1")
    assert other.post(SINGLE, other.event()).status == 202
    assert Caller(box.port).post(SINGLE, Caller(box.port).event()).status == 500
    control(box, "DELETE", query="?session=t1")
    assert other.post(SINGLE, other.event()).status == 500


def test_a_failure_says_when_to_come_again(box: Sandbox) -> None:
    rehearse(box, fail=["429/7", "503/1", "429"])
    caller = Caller(box.port)
    answers = [caller.post(SINGLE, caller.event()).headers.get("retry-after") for _ in range(4)]
    assert answers == ["7", "1", "0", None]


def test_answers_wait_for_the_latency(box: Sandbox) -> None:
    rehearse(box, latency="150ms-200ms")
    started = time.monotonic()
    assert Caller(box.port).post(SINGLE, Caller(box.port).event()).status == 202
    assert 0.15 <= time.monotonic() - started < 2


def test_what_is_left_of_the_plan_is_shown(box: Sandbox) -> None:
    rehearse(box, fail=["reset", {"fault": "404", "event": "paid", "times": 2}], latency="1ms", seed=3)
    raw_answer(box, one(box))
    Caller(box.port).post(SINGLE, Caller(box.port).event(event="paid"))
    assert control(box, "GET") == (
        200,
        {"latency_s": [0.001, 0.001], "seed": 3, "fail": [{"name": "404", "event": "paid", "times": 1}]},
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "the body must be an object"),
        ({"fial": "429:1"}, "the body must be an object with session, fail, latency, seed"),
        ({"fail": "rest:0.1"}, "unknown failure 'rest': did you mean reset?"),
        ({"fail": "429:2"}, "'429:2' needs a share from 0 to 1, as in 429:0.1"),
        ({"fail": "429:0.6,500:0.6"}, "the shares of all failures add up to more than 1"),
        ({"fail": "short-after:1"}, "unknown failure 'short-after'"),
        ({"fail": ["200"]}, "unknown failure '200'"),
        ({"fail": [True]}, "a failure is a status, a name"),
        ({"fail": [{"fault": "reset", "times": 0}]}, "a failure can't have times = 0"),
        ({"fail": [{"fault": "reset", "user": "u1"}]}, "a failure can't have user = u1"),
        ({"fail": 5}, "fail must be a text"),
        ({"fail": ["reset"] * 1001}, "a list of at most 1000"),
        ({"latency": "soon"}, "'soon' is not a duration"),
        ({"latency": "1h"}, "the latency must be at most 300 s"),
        ({"latency": "2s-1s"}, "the smaller one first"),
        ({"seed": "x"}, "seed must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0 to"),
        ({"seed": 10**4000}, "seed must be a whole number from 0 to"),
        ({"session": "a b"}, "session must be the name of a session"),
    ],
)
def test_an_unclear_plan_is_refused_and_changes_nothing(box: Sandbox, body: object, message: str) -> None:
    rehearse(box, fail="500:1")
    status, answer = control(box, "POST", body)
    assert status == 400
    assert message in answer["error"]["message"]
    assert control(box, "GET")[1]["fail"] == [{"name": "500", "share": 1.0}]


def test_a_project_declares_failures(tmp_path: Any) -> None:
    (tmp_path / "runner.yaml").write_text(
        "sandbox:\n  fail: [reset, {fault: html502-after, share: 0.5}, {status: 404, distinct_id: u2}]\n  latency: 20ms\n"
    )
    rules = rules_of(load_profile(start=tmp_path))
    assert [each.name for each in rules.failures] == ["reset", "html502-after", "404"]
    assert rules.latency == (0.02, 0.02)


def test_a_rehearsed_failure_leaves_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    rules = SandboxRules(failures=tuple(declared(name) for name in NAMES if name not in HANGS))
    with Sandbox(rules=rules) as running:
        for _ in rules.failures:
            raw_answer(running, one(running))
        assert Caller(running.port).post(SINGLE, Caller(running.port).event()).status == 202
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", [name for name in SPOILING if name not in HANGS])
def test_an_answer_of_the_legacy_endpoint_is_spoiled_too(
    box: Sandbox, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    rehearse(box, fail=[name])
    answer = raw_answer(box, one(box), "/event/")
    assert isinstance(answer, bytes)
    assert b" 500 " not in answer.partition(b"\r\n")[0]
    assert [each.outcome for each in box.store.events()] == ["accepted"]
    assert capfd.readouterr().err == ""


def test_the_texts_that_declare_failures() -> None:
    assert [
        (each.name, each.share, each.retry_after_s) for each in shares("429/3:0.5, reset:0.25 ,html502-after:0.25")
    ] == [
        ("429", 0.5, 3),
        ("reset", 0.25, None),
        ("html502-after", 0.25, None),
    ]
    assert [duration_s(text) for text in ("50ms", "2s", "1.5m", "24h", "7d")] == [0.05, 2, 90, 86400, 604800]
    assert latency("20ms-0.2s") == (0.02, 0.2)
    for text in ("", "20", "-1s", "1 s s", "٣s"):
        with pytest.raises(ValueError, match="is not a duration"):
            duration_s(text)


def test_the_manual_lists_every_failure() -> None:
    page = (Path(runner.__file__).parent / "manual" / "rehearse.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*) \| (.*) \|$", page, re.MULTILINE)
    assert {name.strip("`"): meaning for name, meaning in rows if "," not in name} == REFUSING | SPOILING
