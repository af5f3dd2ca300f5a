"""What a sandbox has acknowledged is there after its process was killed, and a damaged file is not the end."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sqlite3
import time
from contextlib import closing, suppress
from http.client import HTTPException
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from runner.errors import MachineError
from runner.sandbox.arrival import Received, Record
from runner.sandbox.server import Place, Started, serve
from runner.sandbox.store import Counts, Limits, Store
from tests.sandbox.conftest import Caller

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext, ForkServerProcess
    from pathlib import Path

KILLS = 20
EVENTS_BETWEEN = 60


def run(database: Path, started: Connection) -> None:
    """Serve, in a process of its own."""

    def announce(sandbox: Started) -> None:
        started.send(int(sandbox.base_url.rstrip("/").rpartition(":")[2]))

    serve(Place(0, database=database), announce)


def start(context: ForkServerContext, database: Path) -> tuple[ForkServerProcess, int]:
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(database, sending), daemon=True)
    process.start()
    assert receiving.poll(20)
    return process, receiving.recv()


def send_until_killed(port: int, acknowledged: list[str], enough: Flag) -> None:
    """Send single events and bulks in turn, until nobody answers."""
    caller = Caller(port)
    with suppress(OSError, HTTPException):
        while True:
            ids = [str(uuid4()) for _ in range(5)]
            events = [caller.event(**{"$insert_id": each, "$idempotency_key": each}) for each in ids]
            if caller.post("/v2/event/", events[0]).status == 202:
                acknowledged.append(ids[0])
            answered = caller.post("/v2/bulk/event/", events[1:])
            acknowledged += [
                insert_id
                for insert_id, record in zip(ids[1:], answered.json["records"], strict=True)
                if record["status"] == "success"
            ]
            if len(acknowledged) >= EVENTS_BETWEEN:
                enough.set()


@pytest.mark.slow
def test_twenty_kills_lose_no_acknowledged_event(tmp_path: Path) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.sandbox.test_durable"])
    database = tmp_path / ".runner" / "sandbox.sqlite3"
    acknowledged: list[str] = []
    for _ in range(KILLS):
        process, port = start(context, database)
        now: list[str] = []
        enough = Flag()
        senders = [Thread(target=send_until_killed, args=(port, now, enough)) for _ in range(2)]
        for sender in senders:
            sender.start()
        assert enough.wait(60)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(20)
        for sender in senders:
            sender.join(20)
        acknowledged += now
    with closing(Store(time.time, database)) as store:
        stored = {event.insert_id: event for event in store.events()}
        assert store.database.set_aside is None
        assert store.counts().total == len(stored)
        again = add(store, {"$insert_id": "new", "$idempotency_key": acknowledged[0]})
    assert len(acknowledged) >= KILLS * EVENTS_BETWEEN
    assert [insert_id for insert_id in acknowledged if insert_id not in stored] == []
    assert again == ("duplicate", stored[acknowledged[0]].message_id)


def add(store: Store, event: dict[str, Any]) -> tuple[str, str | None]:
    request = Received("", "sandbox-workspace-key", "POST", "/v2/event/", (), b"")
    [arrival] = store.add(request, [Record(event, json.dumps(event).encode())], 202)
    return arrival.outcome, arrival.message_id


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    event = {"event": "ordered", "distinct_id": "u1", "$insert_id": "i1", "$idempotency_key": "k"}
    with closing(Store(lambda: 1767225600.0, path)) as store:
        first = add(store, event)
        store.advance("t1", 90_000)
        before = store.events(), store.counts(), store.last_id, store.now_ms("t1")
    with closing(Store(lambda: 1767225600.0, path)) as store:
        assert (store.events(), store.counts(), store.last_id, store.now_ms("t1")) == before
        assert add(store, event | {"$insert_id": "i2"}) == ("duplicate", first[1])
        assert store.last_id == 2


def test_a_failed_transaction_leaves_memory_and_database_equal(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    event = {"event": "ordered", "distinct_id": "u1", "$insert_id": "i1", "$idempotency_key": "k"}
    with closing(Store(time.time, path)) as store:
        before = store.counts(), store.last_id
        store.database.writer.execute("PRAGMA max_page_count = 40")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            add(store, event | {"properties": {"x": "x" * 500_000}})
        assert (store.counts(), store.last_id) == before
        store.database.writer.execute("PRAGMA max_page_count = 4000")
        assert add(store, event)[0] == "accepted"
    with closing(Store(time.time, path)) as store:
        assert store.counts() == Counts(1, 1, 0, 0)


@pytest.mark.parametrize("start", [100, 4096, 8192], ids=["schema", "second page", "third page"])
def test_a_damaged_database_is_set_aside(tmp_path: Path, start: int) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with closing(Store(time.time, path)) as store:
        for number in range(100):
            add(store, {"$insert_id": str(number), "event": "ordered"})
    content = bytearray(path.read_bytes())
    content[start : start + 3000] = b"\xff" * 3000
    path.write_bytes(content)
    with closing(Store(time.time, path)) as store:
        assert store.events() == []
        assert store.database.set_aside is not None
        assert store.database.set_aside.read_bytes() == bytes(content)
        add(store, {"$insert_id": "new", "event": "ordered"})
        assert len(store.events()) == 1


def test_a_file_cut_off_at_any_length_is_set_aside_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with closing(Store(time.time, path)) as store:
        add(store, {"$insert_id": "i1", "event": "ordered"})
    content = path.read_bytes()
    for length in (50, 100, 1000, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        if length < 100:
            with pytest.raises(MachineError, match="is not the database of a sandbox"):
                Store(time.time, path)
            assert path.read_bytes() == content[:length]
        else:
            with closing(Store(time.time, path)) as store:
                assert store.events() == []


@pytest.mark.parametrize("content", [b"hello", b"SQLite format 3\0" + b"\0" * 200])
def test_a_file_of_something_else_is_never_changed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(MachineError, match="is not the database of a sandbox"):
        Store(time.time, path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]  # and nothing lies beside it


def test_a_database_with_something_added_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    Store(time.time, path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON arrivals BEGIN DELETE FROM keys; END")
    with pytest.raises(MachineError, match="contains something that runner does not write"):
        Store(time.time, path)


def test_links_and_files_that_others_can_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / ".runner" / "sandbox.sqlite3"
    Store(time.time, path).close()
    assert {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()} == {
        ".gitignore": 0o600,
        "sandbox.sqlite3": 0o600,
        "sandbox.sqlite3.lock": 0o600,
    }
    path.chmod(0o644)
    with pytest.raises(MachineError, match="other users can read"):
        Store(time.time, path)
    target = path.rename(tmp_path / "target")
    path.symlink_to(target)
    with pytest.raises(MachineError, match="is not a file"):
        Store(time.time, path)


def test_a_second_sandbox_with_the_same_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with closing(Store(time.time, path)), pytest.raises(MachineError, match="another sandbox uses"):
        Store(time.time, path)
    Store(time.time, path).close()


def test_dropping_one_session_leaves_the_others(tmp_path: Path) -> None:
    with closing(Store(time.time, tmp_path / "sandbox.sqlite3", Limits())) as store:
        for session in ("", "t1", "t2", "t1"):
            event = {"$insert_id": "i", "$idempotency_key": "k"}
            store.add(Received(session, "w", "POST", "/event/", (), b"{}"), [Record(event, b"{}")], 202)
        assert store.clear("t1") == 2
        assert [event.session for event in store.events()] == ["", "t2"]
        request = Received("t1", "w", "POST", "/event/", (), b"{}")
        [again] = store.add(request, [Record({"$insert_id": "i", "$idempotency_key": "k"}, b"{}")], 202)
        assert again.outcome == "accepted"
        assert store.clear() == 3
        assert (store.events(), store.counts().stored) == ([], 0)
