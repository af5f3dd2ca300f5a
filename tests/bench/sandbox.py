"""How fast the sandbox takes events: signatures checked, duplicates found, stored in its file, answered.

usage: python tests/bench/sandbox.py [REVISION]. Against the official SDK sending ready-made events to a server that checks
nothing, and against the same application that stores nothing. Bulk requests of 100 events, signed before, over one kept
connection. An event of a workflow that collects events is timed after many others, in this process. With a REVISION of this repository, such as 6d040ae, also `send --sandbox` against that revision's.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tarfile
import time
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

from runner.config import SANDBOX_API_KEY, SANDBOX_KEY, load_profile
from runner.sandbox.app import make_app
from runner.sandbox.arrival import Received, Record
from runner.sandbox.find import HOST
from runner.sandbox.rules import messages_of, rules_of
from runner.sandbox.server import listening_at, server_of
from runner.sandbox.store import MAX_EVENTS, Store
from runner.secrets import Secret
from runner.suprsend.auth import signed_headers
from tests.bench.client import measure_bulk
from tests.bench.timing import REPOSITORY, Row, Turns, conclude, faster, run, script, take_turns, within
from tests.servers.counting import counting_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.sandbox.arrival import Arrival

EVENTS, TURNS = 10_000, 5
SERVE = "--serve"
"""The first argument of this file's own processes."""
BULK_PATH = "/v2/bulk/event/"
READY_S = 1.0
COLLECTED = 2000
SHOP = REPOSITORY / "tests" / "workflows" / "shop"
SEND = ("send", "specs/purchase.yaml", "--var", "user=u1")


class _Forgetful(Store):
    """Takes events, and stores nothing."""

    def add(self, request: Received, records: Sequence[Record], status_code: int) -> list[Arrival]:
        del status_code
        return [self._arrival(index, 0, 0, request, record) for index, record in enumerate(records)]


def main(revision: str | None = None) -> int:
    """Measure, and write the table."""
    with TemporaryDirectory() as folder, counting_server() as sink:
        with _sandbox("file", folder) as durable, _sandbox("none", folder) as forgetful:
            ours, official, unstored = [], [], []
            for _ in range(TURNS):
                ours.append(_send(durable, _requests(durable)))
                unstored.append(_send(forgetful, _requests(forgetful)))
                official.append(measure_bulk("theirs", EVENTS, sink.base_url).whole_s)
        with _sandbox("file", folder) as port:
            assert _stored(port) == TURNS * EVENTS, "events that were answered are missing after the restart"
            for _ in range(MAX_EVENTS // EVENTS - TURNS):
                _send(port, _requests(port))
        ready = [_ready(folder, 0), _ready(folder, MAX_EVENTS)]
    rows = [
        faster(
            f"bulk, {EVENTS:,} events / the SDK sending", Turns(tuple(ours), tuple(official)), at_least=2, per=EVENTS
        ),
        within("stored / not stored", Turns(tuple(ours), tuple(unstored)), at_most=2),
        *ready,
        _collected(users=1, at_most_ms=20),
        _collected(users=100, at_most_ms=2),
        within("send --sandbox / send --dry-run", _one_send(), at_most=2),
    ]
    if revision is not None:
        rows.append(within(f"send --sandbox / that of {revision}", _one_send_of(revision), at_most=1))
    return conclude(Row("sandbox", "ours", "theirs", "ratio", "target"), rows)


def _one_send() -> Turns:
    ours, theirs = (partial(run, [script("runner"), *SEND, flag]) for flag in ("--sandbox", "--dry-run"))
    return take_turns(ours, theirs, 11, warm_ups=2)


def _one_send_of(revision: str) -> Turns:
    """Take turns with a revision, whose files are read from git into a folder."""
    with TemporaryDirectory() as folder:
        with Popen(["git", "archive", revision, "runner", "specs"], cwd=REPOSITORY, stdout=PIPE) as archive:
            assert archive.stdout is not None
            with tarfile.open(fileobj=archive.stdout, mode="r|") as files:
                files.extractall(folder, filter="data")
        # `-m` finds the package in the working directory first.
        args = [sys.executable, "-m", "runner", *SEND, "--sandbox"]
        return take_turns(partial(run, args), partial(run, args, cwd=Path(folder)), 11, warm_ups=2)


def _collected(users: int, at_most_ms: float) -> Row:
    """Return the time of the processor to store an event that joins the digest of its user, after many by some users."""
    with TemporaryDirectory() as folder:
        shutil.copytree(SHOP, folder, dirs_exist_ok=True)
        known = {f"u{number}": {"email": f"u{number}@example.com"} for number in range(users)}
        Path(folder, "runner.yaml").write_text(json.dumps({"users": known}), "utf-8")
        rules = rules_of(load_profile(start=Path(folder)))
    store = Store(time.time, messages=messages_of(rules))
    times = []
    for number in range(COLLECTED):
        event = {
            "$insert_id": str(number),
            "event": "product_viewed",
            "distinct_id": f"u{number % users}",
            "properties": {"product": "cup"},
        }
        record = Record(event, json.dumps(event).encode())
        request = Received("", "w", "POST", "/v2/event/", (), record.raw)
        began = time.process_time()
        store.add(request, [record], 202)
        times.append(time.process_time() - began)
    assert store.rows("SELECT COUNT(*) FROM messages", ()) == [(users,)], "not a digest for each user"
    took_ms = median(times[-100:]) * 1000
    what = f"collected event, {COLLECTED:,} of {users} user{'s' * (users > 1)}"
    return Row(what, f"{took_ms:.2f} ms", "", "", f"≤ {at_most_ms:g} ms", took_ms <= at_most_ms)


def _requests(port: int) -> list[bytes]:
    return [_request(port) for _ in range(EVENTS // 100)]


def _request(port: int) -> bytes:
    events = [
        {
            "$insert_id": str(uuid4()),
            "$time": 1767225600000,
            "event": "product_purchased",
            "env": SANDBOX_KEY.key,
            "distinct_id": f"user-{index}",
            "$idempotency_key": str(uuid4()),
            "properties": {
                "amount": 10.5,
                "order": str(index),
                "items": [{"name": "Tea", "price": 3}, {"name": "Zoë"}],
            },
        }
        for index in range(100)
    ]
    body = json.dumps(events).encode()
    headers = signed_headers(SANDBOX_KEY, BULK_PATH, body, time.time()) | {"Host": f"127.0.0.1:{port}"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {BULK_PATH} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _send(port: int, requests: Sequence[bytes]) -> float:
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answers:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as clients of HTTP do
        began = time.perf_counter()
        for request in requests:
            connection.sendall(request)
            status = answers.readline()
            assert b" 207 " in status, status
            length = 0
            while line := answers.readline().strip():
                name, _, value = line.lower().partition(b":")
                length = int(value) if name == b"content-length" else length
            assert answers.read(length).count(b'"status_code":202') == 100
        return time.perf_counter() - began


def _stored(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"GET /_sandbox HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(partial(connection.recv, 65536), b""))
    return int(json.loads(answer.partition(b"\r\n\r\n")[2])["events"])


def _ready(folder: str, events: int) -> Row:
    """Return the longest time from the start of `runner sandbox` to its first line, with a file of some events."""
    file = Path(folder) / ("sandbox.sqlite3" if events else "empty.sqlite3")
    slowest = max(_ready_s(file, events) for _ in range(TURNS))
    return Row(f"ready with {events:,} events", f"{slowest:.2f} s", "", "", f"< {READY_S:g} s", slowest < READY_S)


def _ready_s(file: Path, events: int) -> float:
    args = [script("runner"), "sandbox", "--port", "0", "--db", str(file)]
    began = time.perf_counter()
    with Popen(args, stderr=PIPE, text=True, env=os.environ) as process:
        assert process.stderr is not None
        try:
            assert "listening" in process.stderr.readline()
            took_s = time.perf_counter() - began
            assert any(f": {events:,} record" in line for line in islice(process.stderr, 4))
        finally:
            process.terminate()
    return took_s


@contextmanager
def _sandbox(kind: str, folder: str) -> Iterator[int]:
    """Run this file as a sandbox in a process of its own."""
    with Popen([sys.executable, __file__, SERVE, kind, folder], stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def _serve(kind: str, folder: str) -> None:
    store = Store(time.time, Path(folder) / "sandbox.sqlite3") if kind == "file" else _Forgetful(time.time)
    app = make_app(store, (SANDBOX_KEY, SANDBOX_API_KEY), Secret("token"))
    with listening_at(HOST, 0) as listening:
        print(listening.getsockname()[1], flush=True)
        server_of(app).run(sockets=[listening])


if __name__ == "__main__":
    if sys.argv[1:2] == [SERVE]:
        _serve(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))
