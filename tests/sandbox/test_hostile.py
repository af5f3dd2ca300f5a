"""What clients that are broken, slow or hostile do to `runner sandbox`: the next one is served, and not a word is printed."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.conftest import CONTENT_TYPE, DATE, Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

SINGLE = "/v2/event/"
HOST = b"Host: 127.0.0.1\r\n"
GET = b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /v2/event/ HTTP/1.1\r\n" + HOST

LAST_LINE = "  export SUPRSEND_WORKSPACE_KEY=sandbox-workspace-key SUPRSEND_WORKSPACE_SECRET=sandbox-workspace-secret\n"


@dataclass(frozen=True)
class Serving:
    """A sandbox in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    token: str

    @property
    def caller(self) -> Caller:
        return Caller(self.port)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def asking(self, path: str) -> bytes:
        """Return a request that has the token."""
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n\r\n".encode()

    def get(self, path: str) -> Any:
        return self.caller.send("GET", path, headers={"Authorization": f"Bearer {self.token}"}).json

    def peak_mb(self) -> float:
        return self._status_mb("VmHWM")

    def now_mb(self) -> float:
        return self._status_mb("VmRSS")

    def _status_mb(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith(name))) / 1024

    def serves(self) -> bool:
        return self.caller.post(SINGLE, self.caller.event()).status == 202


def started(home: Path, *options: str) -> Serving:
    command = [sys.executable, "-m", "runner", "sandbox", "--port", "0", "-q", *options]
    environ = os.environ | {"HOME": str(home), "XDG_STATE_HOME": ""}
    process = subprocess.Popen(command, cwd=home, env=environ, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = list(iter(process.stderr.readline, LAST_LINE))
    base_url, _, token = said[3].split()[-1].partition("#token=")
    return Serving(process, int(base_url.rstrip("/").rpartition(":")[2]), token)


def end(serving: Serving) -> str:
    """End a sandbox, and give what it said since it started."""
    serving.process.send_signal(signal.SIGINT)
    try:
        return serving.process.communicate(timeout=20)[1]
    finally:
        serving.process.kill()


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = started(tmp_path_factory.mktemp("home"))
    try:
        yield serving
    finally:
        said = end(serving)
    assert said == ""


def exchanged(serving: Serving, *parts: bytes, answers: int = 1) -> list[int]:
    """Send parts while reading, and give the statuses of the answers: so many as expected, or until the server hangs up."""
    answer = b""
    with serving.connect() as connection, suppress(ConnectionError):
        connection.setblocking(False)
        unsent = b"".join(parts)
        while len(statuses(answer)) < answers:
            readable, writable, _ = select.select([connection], [connection] if unsent else [], [], 20)
            if writable:
                unsent = unsent[connection.send(unsent[:65536]) :]
            if readable:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
            assert readable or writable
    return statuses(answer)


def statuses(answer: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def signed(caller: Caller, body: bytes, path: str = SINGLE, length: int | None = None) -> bytes:
    authorization = caller.sign("POST", path, body)
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {CONTENT_TYPE}\r\nDate: {DATE}\r\n"
        f"Authorization: {authorization}\r\nContent-Length: {len(body) if length is None else length}\r\n"
    ).encode()


NOT_HTTP = {
    "garbage": b"\xff\x00\x01garbage\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x11" * 500,
    "HTTP/0.9": b"GET /_sandbox\r\n\r\n",
    "HTTP/2 with prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "blank lines at first": b"\r\n\r\n" + GET,
    "no host": b"GET /_sandbox HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /_sandbox HTTP/1.1\r\n" + HOST * 2 + b"\r\n",
    "NUL in the path": b"GET /sand\0box HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in a header": b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "a blank in the path": b"GET /sand box HTTP/1.1\r\n" + HOST + b"\r\n",
    "bytes in the path": "GET /é HTTP/1.1\r\n".encode() + HOST + b"\r\n",
    "a path of a megabyte": b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header of a megabyte": b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "a megabyte of headers": b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 170_000 + b"\r\n",
    "a header without a name": b"GET /_sandbox HTTP/1.1\r\n" + HOST + b": y\r\n\r\n",
    "a folded header at first": b"GET /_sandbox HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length that is none": POST + b"Content-Length: many\r\n\r\n",
    "a length of 100 digits": POST + b"Content-Length: " + b"9" * 100 + b"\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "an unknown transfer encoding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "a chunk without a size": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk of 2**64 bytes": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\n",
    "a chunk with an extension of a megabyte": POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 1_000_000,
}


@pytest.mark.parametrize("name", NOT_HTTP)
def test_what_is_not_http_is_a_400(serving: Serving, name: str) -> None:
    assert exchanged(serving, NOT_HTTP[name]) == [400]
    assert serving.serves()


ODD = {
    "an escaped NUL in the path": (b"GET /_sandbox%00 HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "half an escape in the path": (b"GET /%c3%28%zz HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "a path of 15 KB": (b"GET /" + b"a" * 15_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "a whole URL": (b"GET http://127.0.0.1/_sandbox HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "a proxy's request": (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "options of all": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", [404]),
    "a method of one's own": (b"SPY /_sandbox HTTP/1.1\r\n" + HOST + b"\r\n", [405]),
    "no body wanted": (b"HEAD /_sandbox HTTP/1.1\r\n" + HOST + b"\r\n", [200]),
    "a body where none is read": (
        b"GET /_sandbox HTTP/1.1\r\n" + HOST + b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000,
        [200],
    ),
    "a broken body where none is read": (GET[:-2] + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", [400]),
    "a websocket": (GET[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", [200]),
    "an upgrade to HTTP/2": (GET[:-2] + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", [200]),
    "HTTP/1.0": (b"GET /_sandbox HTTP/1.0\r\n" + HOST + b"\r\n", [200]),
    "line feeds alone": (GET.replace(b"\r", b""), [200]),
    "a version of the future": (b"GET /_sandbox HTTP/9.9\r\n" + HOST + b"\r\n", [200]),
    "a thousand at once": (GET * 1000, [200] * 1000),
    "garbage behind a request": (GET + b"\0\0\0\r\n\r\n", [200, 400]),
    "more than the length says": (POST + b"Content-Length: 2\r\n\r\n{}{}{}\r\n\r\n", [401, 400]),
    "10 GB announced": (POST + b"Content-Length: 10000000000\r\n\r\n", [413]),
    "10 GB announced, and asked first": (
        POST + b"Content-Length: 10000000000\r\nExpect: 100-continue\r\n\r\n",
        [413],
    ),
    "2 bytes, and asked first": (POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", [100, 401]),
    "more than is taken, in chunks": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 20 + b"0\r\n\r\n",
        [413],
    ),
    "bytes one by one, in chunks": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n",
        [401],
    ),
    "trailers": (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", [401]),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd_gets_its_proper_answer(serving: Serving, name: str) -> None:
    request, expected = ODD[name]
    assert exchanged(serving, request, answers=len(expected)) == expected
    assert serving.serves()


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


BODIES = {
    "an open bracket 800,000 times": b"[" * 800_000,
    "90,000 levels": nested(90_000),
    "900 levels": nested(900),
    "a number of 100,000 digits": b"9" * 100_000,
    "an exponent": b'{"a": 1e999999}',
    "not a number": b"NaN",
    "half of a pair": b'{"a": "\\ud800"}',
    "half of a pair as a key": b'{"\\udfff": 1}',
    "a packed body": gzip.compress(b"x" * 10_000_000),
    "a bulk of 270,000 empty maps": b"[" + b"{}," * 270_000 + b"{}]",
    "a key 100,000 times": b"{" + b'"a":1,' * 100_000 + b'"a":1}',
    "zeros": b"\0" * 800_000,
    "a mark of the order of bytes": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
}


@pytest.mark.parametrize("path", [SINGLE, "/v2/bulk/event/", "/event/"])
@pytest.mark.parametrize("name", BODIES)
def test_a_signed_body_of_any_kind_is_refused(serving: Serving, name: str, path: str) -> None:
    body = BODIES[name]
    assert exchanged(serving, signed(serving.caller, body, path) + b"\r\n", body) == [400]
    assert serving.serves()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_an_event_in_another_encoding_is_refused(serving: Serving, encoding: str) -> None:
    body = json.dumps(serving.caller.event()).encode(encoding)
    assert exchanged(serving, signed(serving.caller, body) + b"\r\n", body) == [400]


def test_a_packed_event_is_not_unpacked(serving: Serving) -> None:
    body = gzip.compress(json.dumps(serving.caller.event()).encode())
    assert exchanged(serving, signed(serving.caller, body) + b"Content-Encoding: gzip\r\n\r\n", body) == [400]


@pytest.mark.parametrize("failure", ["silent", "slow"])
def test_a_sandbox_that_ends_while_clients_wait_prints_nothing_of_it(tmp_path: Path, failure: str) -> None:
    serving = started(tmp_path, "--memory", "--fail", f"{failure}:1")
    body = json.dumps(serving.caller.event()).encode()
    with serving.connect() as connection:
        connection.sendall(signed(serving.caller, body) + b"\r\n" + body)
        outcome = "refused" if failure == "silent" else "accepted"
        assert serving.get(f"/_sandbox/wait?outcome={outcome}")["count"] == 1
        assert end(serving) == ""


# Clients that go away


def gone(connection: socket.socket) -> None:
    """Break a connection off, as when the client is killed: what it has not read is lost."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.parametrize("hang_up", [gone, socket.socket.close])
@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"GET /_sand",
        POST + b"Content-Length: 500\r\n\r\nabc",
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        GET,
        GET * 200,
        GET * 200 + b"\0",
    ],
)
def test_a_client_that_goes_away_is_no_matter(serving: Serving, request_: bytes, hang_up: object) -> None:
    assert callable(hang_up)
    connection = serving.connect()
    connection.sendall(request_)
    hang_up(connection)
    assert serving.serves()


def test_a_client_that_goes_away_in_the_middle_of_an_answer_is_no_matter(serving: Serving) -> None:
    large = serving.caller.event(properties={"x": "x" * 100_000})
    assert [serving.caller.post(SINGLE, large).status for _ in range(60)] == [202] * 60
    connection = serving.connect()
    connection.sendall(serving.asking("/_sandbox/events?limit=60"))
    assert connection.recv(1000)
    gone(connection)
    assert serving.serves()


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
