"""What the client says of its events while the server misbehaves, against what the server took.

Each fault of `misbehaving.py` meets one event with an idempotency key, one without, three with, and three of which one
has none. A client retries twice; its pauses are noted and not made. A line says what the server took, what the client
said, how many requests came, and the pauses between them. Then the server behaves again, and the same client sends one
more event. They agree if

- what was said to be accepted was taken, and what was said to have failed was not; "unknown" is always allowed;
- every event is told of once, in order, and nothing is raised, nor goes on long after the timeout;
- no event came more than three times, nor again after it was accepted, nor one without a key twice once any of it was
  read (a chunk refused as too large is cut up, and counts anew);
- an event had the same bytes each time, and each request a fresh Date, a signature that verifies and no cookie;
- the further event is accepted under a message id of its own, and every connection is closed in the end;
- memory stayed within bounds.

Run it at the repository's root: `python tests/suprsend/misbehavior_matrix.py`. It ends with 1 when anything disagrees.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from base64 import b64encode
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from resource import RUSAGE_SELF, getrusage
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from runner import Event, Suprsend
from tests.servers.misbehaving.answers import id_of
from tests.servers.misbehaving.catalog import FAULTS
from tests.servers.misbehaving.fault import ALL, FIRST, FIRST_TWO, SECOND, Fault
from tests.servers.misbehaving.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.suprsend import BulkResponse
    from runner.suprsend.client import Response
    from tests.servers.misbehaving.exchange import Exchange
    from tests.servers.misbehaving.request import Request

_RETRIES = 2
_NOW_S = 1_767_323_045.0
_KEY, _SECRET = "workspace_key", "workspace_secret"
_MAX_GROWTH_MIB = 192
"""Four clients at once may each read 16 MiB, and put the parts together."""
_LATE_S = 2.0
_AT = {FIRST: "first", SECOND: "second", FIRST_TWO: "first two", ALL: "all"}


class Shape(NamedTuple):
    """What is sent: which users' events, and which of these have no key."""

    name: str
    path: str
    users: tuple[str, ...]
    keyless: str = ""

    def events(self) -> list[Event]:
        """Make the events anew."""
        keys = {user: f"order-{user}" for user in self.users if user != self.keyless}
        return [Event(user, "ordered", {"amount": 10}, idempotency_key=keys.get(user)) for user in self.users]


SHAPES = (
    Shape("single, key", "/v2/event/", ("u1",)),
    Shape("single, no key", "/v2/event/", ("u2",), "u2"),
    Shape("bulk, 3 keys", "/v2/bulk/event/", ("u1", "u2", "u3")),
    Shape("bulk, 2 keys of 3", "/v2/bulk/event/", ("u1", "u2", "u3"), "u3"),
)


class Surroundings:
    """A client's clock, pauses and ids. The clock stands still but in pauses, which last no time."""

    def __init__(self, server: Server) -> None:
        self.pauses: list[float] = []
        self.ids: list[str] = []
        self.now_s = _NOW_S
        self._server = server
        self._lock = Lock()

    def clock(self) -> float:
        """Tell the time."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Note a pause. A Date counts whole seconds, so the clock goes on by no less than one."""
        with self._lock:
            self.pauses.append(seconds)
            self.now_s += max(seconds, 1)
        self._server.paused()

    def new_id(self) -> str:
        """Give the next id."""
        self.ids.append(f"00000000-0000-4000-8000-{len(self.ids):012}")
        return self.ids[-1]


@dataclass(frozen=True, slots=True)
class Report:
    """What the client said of each event: `accepted`, `unknown` or `failed` with a code; and what is wrong with how."""

    said: Mapping[str, str]
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Meeting:
    """What came of one shape of events under a fault. `ids` are the events' insert ids; `beside` is wrong beside."""

    shape: Shape
    ids: Mapping[str, str]
    report: Report
    took: frozenset[str]
    exchanges: list[Exchange]
    pauses: list[float]
    beside: list[str]

    def taken(self, user: str) -> bool:
        """Tell whether the server took this user's event."""
        return self.ids[user] in self.took


def main() -> int:
    """Let every fault meet every shape, and write the table."""
    lines = [("fault", "in requests", "sent", "server took", "client said", "requests", "pauses", "agree")]
    disagreeing = 0
    for fault in FAULTS:
        with ThreadPoolExecutor() as pool:
            meetings = list(pool.map(partial(meet, fault), SHAPES))
        for meeting in meetings:
            shape = meeting.shape
            wrong = list(disagreements(meeting))
            disagreeing += bool(wrong)
            lines.append((
                fault.name,
                _AT[fault.at],
                shape.name,
                f"{sum(map(meeting.taken, shape.users))} of {len(shape.users)}",
                ", ".join(f"{times} {said}" for said, times in sorted(Counter(meeting.report.said.values()).items())),
                str(len(meeting.exchanges)),
                " ".join(f"{pause:g}" for pause in meeting.pauses),
                f"NO: {'; '.join(wrong)}" if wrong else "yes",
            ))  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    names = len({fault.name for fault in FAULTS})
    sys.stdout.write(f"{names} faults, {len(lines) - 1} meetings, {disagreeing or 'no'} disagreements\n")
    return int(bool(disagreeing))


def meet(fault: Fault, shape: Shape) -> Meeting:
    """Send a shape of events to a server under a fault, and one more event after it."""
    beside: list[str] = []
    peak_mib = _peak_mib()
    with Server(fault) as server:
        around = Surroundings(server)
        client = Suprsend(
            _KEY,
            _SECRET,
            base_url=f"http://127.0.0.1:{server.port}/",
            timeout=fault.timeout_s,
            retries=_RETRIES,
            clock=around.clock,
            new_id=around.new_id,
            sleep=around.sleep,
            random=lambda: 0.5,
        )
        if fault.warm_up:
            beside += _one_more("the first event", client, around)
            beside += _settled(server)
        ids_before, requests_before = len(around.ids), len(server.exchanges)
        began = monotonic()
        report = _reported(client, shape, around)
        if monotonic() - began > fault.timeout_s + _LATE_S:
            beside.append("it went on long after the timeout")
        beside += _settled(server)
        ids = dict(zip(shape.users, around.ids[ids_before:], strict=True))
        took, exchanges, pauses = frozenset(server.took), server.exchanges[requests_before:], list(around.pauses)
        server.heal()
        beside += _one_more("the next event", client, around)
        client.close()
        if not server.is_left():
            beside.append("a connection was not closed")
    if (growth := _peak_mib() - peak_mib) > _MAX_GROWTH_MIB:
        beside.append(f"{growth} MiB more memory")
    return Meeting(shape, ids, report, took, exchanges, pauses, beside)


def _one_more(name: str, client: Suprsend, around: Surroundings) -> Iterator[str]:
    """Send an event to a server that behaves."""
    response = client.track_event(Event(name, "ordered"))
    if response["message_id"] != id_of(around.ids[-1]):
        yield f"{name}: {response['message']}, {response['message_id']}"


def _settled(server: Server) -> Iterator[str]:
    if not server.settle():
        yield "an exchange went on"


def _reported(client: Suprsend, shape: Shape, around: Surroundings) -> Report:
    """Send the events; give what the client says of each."""
    ids = len(around.ids)
    try:
        if len(shape.users) == 1:
            return _single_report(client.track_event(shape.events()[0]), shape.users[0], around.ids[ids])
        bulk = client.bulk_events.new_instance()
        bulk.append(*shape.events())
        return _bulk_report(bulk.trigger(), dict(zip(around.ids[ids:], shape.users, strict=True)))
    except Exception as error:  # noqa: BLE001 - that nothing is raised is what this script is to find out
        return Report({}, (f"raised {type(error).__name__}: {error}",))


def _single_report(response: Response, user: str, insert_id: str) -> Report:
    wrong = []
    if response["success"] and response["message_id"] not in (None, id_of(insert_id)):
        wrong.append(f"accepted under {response['message_id']}")
    if response["status"] != ("success" if response["success"] else "fail") or (
        response["success"] and response["unknown"]
    ):
        wrong.append("a contradiction in itself")
    state = "accepted" if response["success"] else _state(unknown=response["unknown"], code=response["status_code"])
    return Report({user: state}, tuple(wrong))


def _bulk_report(response: BulkResponse, users: Mapping[str, str]) -> Report:
    records = [(str(record["record"]["$insert_id"]), record) for record in response.failed_records]
    told = {users[insert_id]: _state(unknown=record["unknown"], code=record["code"]) for insert_id, record in records}
    wrong = []
    if [insert_id for insert_id, _ in records] != [insert_id for insert_id, user in users.items() if user in told]:
        wrong.append("failed records out of order, or told twice")
    sums = (response.total, response.success, response.failure, response.unknown)
    if sums != (len(users), len(users) - len(told), len(told), list(told.values()).count("unknown")):
        wrong.append("a wrong sum")
    if response.status != ("fail" if len(told) == len(users) else "partial" if told else "success"):
        wrong.append(f"status {response.status}")
    return Report({user: told.get(user, "accepted") for user in users.values()}, tuple(wrong))


def _state(*, unknown: bool, code: int) -> str:
    return "unknown" if unknown else f"failed {code}" if code else "failed"


def disagreements(meeting: Meeting) -> Iterator[str]:
    """Say what the client got wrong."""
    yield from meeting.beside
    yield from meeting.report.wrong
    for user, said in meeting.report.said.items():
        if said == "accepted" and not meeting.taken(user):
            yield f"{user} was not taken"
        if said.startswith("failed") and meeting.taken(user):
            yield f"{user} was taken"
    for user in meeting.shape.users:
        yield from _repetitions(meeting, user)
    requests = [exchange.request for exchange in meeting.exchanges if exchange.is_read]
    for request in requests:
        yield from _slips(request, meeting.shape)
    if not any(exchange.is_cut_up for exchange in meeting.exchanges):
        dates = {request.only("Date") for request in requests}
        if len(dates) < min(len(requests), 1 + len(meeting.pauses)):
            yield "an old Date"


def _repetitions(meeting: Meeting, user: str) -> Iterator[str]:
    """Say whether an event came too often, or in other bytes than before."""
    insert_id = meeting.ids[user]
    times = 0
    is_settled = False
    for exchange in meeting.exchanges:
        if insert_id.encode() in exchange.part:
            if is_settled:
                yield f"{user} came again after it was accepted"
            is_settled = any(copy.insert_id == insert_id for copy in exchange.settled)
            times += 1
            if times > (1 if user == meeting.shape.keyless else 1 + _RETRIES):
                yield f"{user} came once too often"
            if exchange.is_cut_up:
                times = 0
    whole = [copy for exchange in meeting.exchanges if exchange.is_read for copy in exchange.copies]
    copies = {copy.text for copy in whole if copy.insert_id == insert_id}
    if len(copies) > 1:
        yield f"{user} came in other bytes"


def _slips(request: Request, shape: Shape) -> Iterator[str]:
    """Say what in a request is not as the platform wants it."""
    if request.line != f"POST {shape.path} HTTP/1.1":
        yield f"the request {request.line}"
    if request.all_of("Cookie"):
        yield "a cookie came back"
    words = (
        "POST",
        hashlib.md5(request.body).hexdigest(),
        request.only("Content-Type"),
        request.only("Date"),
        shape.path,
    )
    digest = hmac.digest(_SECRET.encode(), "\n".join(words).encode(), "sha256")
    if request.only("Authorization") != f"{_KEY}:{b64encode(digest).decode()}":
        yield "a signature that doesn't verify"


def _peak_mib() -> int:
    return getrusage(RUSAGE_SELF).ru_maxrss // 1024  # Linux counts in KiB


if __name__ == "__main__":
    sys.exit(main())
