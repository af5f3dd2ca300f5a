"""A loopback server that answers as the event API, and writes down every event that it takes.

usage: python tests/servers/recording.py RECORD [--before MS] [--after MS] [--refuse KEY_END] [--turn-away]

It prints its port. RECORD gets the events of each request in one append: the request's number, and of each event the
insert id, the idempotency key and the SHA-256 of its bytes, with tabs between. A request that came in whole is taken,
also when its sender is dead by then: `--before` and `--after` milliseconds pass before and after it is written down.
With `--refuse`, events whose keys end so are not taken. With `--turn-away`, half of the events are answered with 429 the
first time that they come. An event without a key has an empty one in RECORD. When its standard input ends it finishes what came, and exits.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE, Popen
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAKEN = b'{"status":"success","status_code":202,"message_id":"01J9Z8QK5T3M7W2X4Y6V8B0C1D"}'
_TURNED_AWAY = b'{"status":"error","status_code":429,"error":{"message":"slow down","type":"rate_limited"}}'
_REFUSED = b'{"status":"error","status_code":400,"error":{"message":"no such user","type":"invalid_request"}}'
_DECODER = json.JSONDecoder()
_BOUND_S = 30


class Taken(NamedTuple):
    """An event that the server took, in a request of a number."""

    request: int
    insert_id: str
    key: str
    digest: str


class RecordingServer:
    """The recording server, as a test sees it."""

    def __init__(self, base_url: str, record: Path, process: Popen[str]) -> None:
        self.base_url = base_url
        self._record = record
        self._process = process

    def requests(self) -> int:
        """Give the number of the request that was written down last."""
        with self._record.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 1000))
            return int((b"0\n" + file.read()).splitlines()[-1].split(b"\t")[0])

    def taken(self) -> list[Taken]:
        lines = self._record.read_text("ascii").rpartition("\n")[0].splitlines()  # the last one may still be coming
        return [Taken(int(request), *others) for request, *others in (line.split("\t") for line in lines)]

    def kill(self) -> None:
        self._process.kill()


@contextmanager
def recording_server(*options: str) -> Iterator[RecordingServer]:
    """Run the server in a process of its own; in the end it has written down all that came, in `record.tsv` here."""
    record = Path("record.tsv").resolve()
    record.touch()
    # In a session of its own, so that what is done to the group of a sender does not come to it.
    with Popen(
        [sys.executable, __file__, str(record), *options], stdin=PIPE, stdout=PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            yield RecordingServer(f"http://127.0.0.1:{int(process.stdout.readline())}/", record, process)
            process.communicate(timeout=_BOUND_S)
        finally:
            process.kill()


@dataclass
class Api:
    """What all connections share: the record, how long things take, and the requests under way."""

    record: int
    before_s: float
    after_s: float
    refuse: str | None
    turns_away: bool
    met: set[str] = field(default_factory=set)
    """Insert ids of the events that were turned away once."""
    requests: int = 0
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(self, body: bytes, connection: Connection) -> None:
        self.requests += 1
        number = self.requests
        await asyncio.sleep(self.before_s)
        is_bulk = body.startswith(b"[")
        records, lines = [], []
        for raw in _elements(body.decode()) if is_bulk else [body]:
            event = orjson.loads(raw)
            key, insert_id = event.get("$idempotency_key", ""), event["$insert_id"]
            if self.turns_away and insert_id[-1] in "02468ace" and insert_id not in self.met:
                self.met.add(insert_id)
                records.append(_TURNED_AWAY)
                continue
            if self.refuse and key.endswith(self.refuse):
                records.append(_REFUSED)
                continue
            records.append(_TAKEN)
            lines.append(f"{number}\t{insert_id}\t{key}\t{hashlib.sha256(raw).hexdigest()}\n")
        told = "".join(lines).encode()
        if os.write(self.record, told) != len(told):
            os._exit(74)
        await asyncio.sleep(self.after_s)
        if is_bulk:
            connection.answer(b"207 Multi-Status", b'{"status":"success","records":[' + b",".join(records) + b"]}")
        else:
            connection.answer(b"202 Accepted", records[0])


class Connection(asyncio.Protocol):
    """A kept connection: one request after the other."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            _, _, length = bytes(self._received[:end]).lower().partition(b"\r\ncontent-length:")
            size = end + 4 + int(length.split(b"\r\n", 1)[0])
            if len(self._received) < size:
                return
            task = asyncio.ensure_future(self._api.take(bytes(self._received[end + 4 : size]), self))
            self._api.under_way.add(task)
            task.add_done_callback(self._api.under_way.discard)
            del self._received[:size]

    def answer(self, status: bytes, body: bytes) -> None:
        if not self._transport.is_closing():
            head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            self._transport.write(head + body)


def _elements(array: str) -> list[bytes]:
    """Cut an array of objects into the very bytes of each."""
    elements, at = [], 1
    while array[at] != "]":
        _, end = _DECODER.raw_decode(array, at)
        elements.append(array[at:end].encode())
        at = end + (array[end] == ",")
    return elements


async def _serve(api: Api) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", 0, backlog=1024)
    over = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), over.set)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await over.wait()
    server.close()
    while api.under_way:
        await asyncio.wait(api.under_way)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("record")
    parser.add_argument("--before", type=float, default=0)
    parser.add_argument("--after", type=float, default=0)
    parser.add_argument("--refuse")
    parser.add_argument("--turn-away", action="store_true")
    given = parser.parse_args()
    record = os.open(given.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    asyncio.run(_serve(Api(record, given.before / 1000, given.after / 1000, given.refuse, given.turn_away)))


if __name__ == "__main__":
    main()
