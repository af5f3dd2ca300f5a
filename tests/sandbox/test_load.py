"""Slow and many clients, large events: a sandbox keeps answering, within its memory."""

from __future__ import annotations

import json
import resource
import select
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.serving import GET, HOST, POST, end, started, statuses

if TYPE_CHECKING:
    import socket
    from pathlib import Path

# Clients that are slow


@pytest.mark.slow
def test_each_part_of_a_request_has_its_time_however_slowly_it_drips(tmp_path: Path) -> None:
    serving = started(tmp_path)
    begins = {
        "nothing": b"",
        "head": b"GET /_sandbox HTTP/1.1\r\nX: ",
        "body": POST + b"Content-Length: 1000\r\n\r\n",
        "chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n",
        "second head": GET + b"GET /_sandbox HTTP/1.1\r\nX: ",
    }
    try:
        with ExitStack() as stack:
            connections = {name: stack.enter_context(serving.connect()) for name in begins}
            for name, begin in begins.items():
                connections[name].sendall(begin)
            closed_after, answers = drip(connections)
        assert serving.serves()
    finally:
        said = end(serving)
    assert said == ""
    assert {name: 9 < seconds < 14 for name, seconds in closed_after.items()} == dict.fromkeys(begins, True)
    assert {name: statuses(answer) for name, answer in answers.items()} == {
        "nothing": [],
        "head": [408],
        "body": [408],
        "chunk": [408],
        "second head": [200, 408],
    }


def drip(connections: dict[str, socket.socket]) -> tuple[dict[str, float], dict[str, bytes]]:
    """Send a byte on each connection now and then, until the server closes it: after how many seconds, and its answers."""
    began = time.monotonic()
    closed_after: dict[str, float] = {}
    answers = dict.fromkeys(connections, b"")
    while len(closed_after) < len(connections) and time.monotonic() < began + 20:
        open_ = [connection for name, connection in connections.items() if name not in closed_after]
        readable, _, _ = select.select(open_, [], [], 0.5)
        for name, connection in connections.items():
            if name in closed_after:
                continue
            with suppress(ConnectionError):
                if connection in readable and (part := connection.recv(65536)):
                    answers[name] += part
                    continue
                if connection not in readable:
                    if name != "nothing":
                        connection.sendall(b"x")
                    continue
            closed_after[name] = time.monotonic() - began
    return closed_after, answers


# Many clients


@pytest.mark.slow
@pytest.mark.parametrize("begin", [b"", b"GET /_sandbox HTTP/1.1\r\nX: ", POST + b"Content-Length: 1000\r\n\r\nx"])
def test_1100_half_open_connections_stop_nobody(tmp_path: Path, begin: bytes) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("this process may not open so many connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    serving = started(tmp_path)
    try:
        with ExitStack() as stack:
            first = stack.enter_context(serving.connect())
            first.sendall(b"GET /_sandbox HTTP/1.1\r\n" + HOST)
            for _ in range(1100):
                stack.enter_context(serving.connect()).sendall(begin)
            began = time.monotonic()
            assert [serving.serves() for _ in range(20)] == [True] * 20
            assert time.monotonic() - began < 3
            with suppress(ConnectionError):
                assert first.recv(1) == b""  # the oldest made room
    finally:
        said = end(serving)
    assert said == ""


@pytest.mark.slow
def test_with_few_descriptors_there_are_fewer_connections_and_no_complaints(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        serving = started(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    try:
        with ExitStack() as stack:
            for _ in range(500):
                stack.enter_context(serving.connect())
            assert serving.serves()
    finally:
        said = end(serving)
    assert said == ""


@pytest.mark.slow
def test_1600_large_events_stay_within_300_mb(tmp_path: Path) -> None:
    serving = started(tmp_path)
    caller = serving.caller
    try:
        bulk = [caller.event(properties={"x": "x" * 100_000}) for _ in range(8)]
        body = json.dumps(bulk).encode()
        assert {caller.post("/v2/bulk/event/", body).status for _ in range(200)} == {207}
        about = caller.send("GET", "/_sandbox").json
        shown = serving.get("/_sandbox/events?limit=100000")
        peak_mb = serving.peak_mb()
    finally:
        said = end(serving)
    assert said == ""
    assert (about["events"], about["dropped_events"]) == (1600, 0)
    assert 100 < len(shown["events"]) < 400
    assert peak_mb < 300


@pytest.mark.slow
def test_bodies_that_never_end_are_bounded_together(tmp_path: Path) -> None:
    serving = started(tmp_path)
    head = POST + b"Content-Length: 800000\r\n\r\n"
    try:
        with ExitStack() as stack:
            for _ in range(250):
                with suppress(ConnectionError):
                    stack.enter_context(serving.connect()).sendall(head + b"x" * 700_000)
            peak_mb = serving.peak_mb()
        assert serving.serves()
    finally:
        said = end(serving)
    assert (said, peak_mb < 300) == ("", True)


@pytest.mark.slow
def test_memory_is_flat_over_60000_events(tmp_path: Path) -> None:
    serving = started(tmp_path, "--max-events", "5000")
    caller = serving.caller
    body = json.dumps([caller.event(properties={"x": "x" * 300})] * 100).encode()
    measured: list[float] = []
    try:
        for index in range(600):
            assert caller.post("/v2/bulk/event/", body).status == 207
            if index % 120 == 119:
                measured.append(serving.now_mb())
        about = caller.send("GET", "/_sandbox").json
    finally:
        said = end(serving)
    assert (said, about["events"]) == ("", 60_000)
    assert about["dropped_events"] >= 55_000
    assert max(measured) - measured[0] < 15
    assert (tmp_path / ".runner" / "sandbox.sqlite3").stat().st_size < 25 * 1024 * 1024


@pytest.mark.slow
def test_a_search_through_all_records_holds_up_no_request(tmp_path: Path) -> None:
    serving = started(tmp_path)
    caller = serving.caller
    body = json.dumps([caller.event(properties={"x": "x" * 1000})] * 100).encode()
    try:
        for _ in range(300):
            assert caller.post("/v2/bulk/event/", body).status == 207
        with serving.connect() as connection:
            connection.sendall(serving.asking("/_sandbox/events?text=nowhere"))
            waited = []
            while not select.select([connection], [], [], 0)[0]:
                began = time.monotonic()
                assert serving.serves()
                waited.append(time.monotonic() - began)
            answer = connection.recv(65536)
    finally:
        said = end(serving)
    assert (said, statuses(answer)) == ("", [200])
    assert len(waited) > 3
    assert max(waited) < 0.5
