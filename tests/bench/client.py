"""`Suprsend` against the official SDK: single events, and bulk.

usage: python tests/bench/client.py. Both send to a server of their machine that only counts, in turns. Events are made
before the clock starts; what each client does with them, encoding and checking included, is inside, for ours in
`append` and for the SDK in `trigger`.
"""

from __future__ import annotations

import json
import os
import sys
from itertools import count
from subprocess import PIPE, Popen
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import suprsend

import runner
from tests.bench.timing import MIB, Row, Turns, conclude, faster, take_turns
from tests.servers.counting import CountingServer, counting_server

if TYPE_CHECKING:
    from collections.abc import Callable


SINGLE_EVENTS = 1_000
BULK_EVENTS = 90_000
MANY_EVENTS = 250_000
ROUND_TRIP_MS = 50
ROUND_TRIP_EVENTS = 5_000
CLIENTS: dict[str, Any] = {"ours": runner, "theirs": suprsend}


def event_of(package: Any, number: int) -> Any:
    return package.Event(
        distinct_id=f"user-{number}",
        event_name="product_purchased",
        properties={
            "first_name": f"User {number}",
            "spend_amount": f"${number % 1000}",
            "amount": number % 1000,
            "premium": number % 2 == 0,
            "nested_key_example": {"nested_key1": f"v{number}", "nested_key2": {"nested_key3": "some_value_3"}},
        },
        idempotency_key=f"user-{number}-purchase-{number * 7}",
        tenant_id="acme",
    )


def client_of(package: Any, base_url: str) -> Any:
    return package.Suprsend("workspace_key_0123456789abcdef", "workspace_secret", base_url=base_url)


def singles(package: Any, base_url: str) -> Callable[[], None]:
    """Prepare to send events one by one."""
    client, numbers = client_of(package, base_url), count()

    def send() -> None:
        for _ in range(SINGLE_EVENTS):
            assert client.track_event(event_of(package, next(numbers)))["success"]

    return send


class Bulk(NamedTuple):
    """What one process measured of one bulk. `error` is the exception that ended it."""

    append_s: float
    trigger_s: float
    accepted: int
    error: str | None
    peak_bytes: int = 0

    @property
    def whole_s(self) -> float:
        """Seconds from the first `append` to the end of `trigger`."""
        return self.append_s + self.trigger_s


def measure_bulk(name: str, events: int, base_url: str) -> Bulk:
    """Send one bulk in a process of its own: memory that was once used does not count for the next."""
    args = [sys.executable, __file__, name, str(events), base_url]
    with Popen(args, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Bulk(*json.loads(printed))._replace(peak_bytes=usage.ru_maxrss * 1024)


def send_bulk(package: Any, events: int, base_url: str) -> Bulk:
    """Send one bulk in this process."""
    made = [event_of(package, number) for number in range(events)]
    bulk = client_of(package, base_url).bulk_events.new_instance()
    began = perf_counter()
    for event in made:
        bulk.append(event)
    appended = perf_counter()
    try:
        accepted, error = bulk.trigger().success, None
    except RecursionError as raised:
        accepted, error = 0, type(raised).__name__
    return Bulk(appended - began, perf_counter() - appended, accepted, error)


def rows(server: CountingServer, distant: CountingServer) -> list[Row]:
    single = take_turns(singles(runner, server.base_url), singles(suprsend, server.base_url), turns=5)
    table = [faster(f"track_event, {SINGLE_EVENTS:,} events", single, at_least=2.5, aim=4, per=SINGLE_EVENTS)]

    ours, theirs = zip(*(bulks(server, BULK_EVENTS) for _ in range(3)), strict=True)
    assert {bulk.accepted for bulk in (*ours, *theirs)} == {BULK_EVENTS}
    whole = Turns(*(tuple(bulk.whole_s for bulk in side) for side in (ours, theirs)))
    trigger = Turns(*(tuple(bulk.trigger_s for bulk in side) for side in (ours, theirs)))
    table += [
        faster(f"append and trigger, {BULK_EVENTS:,} events", whole, at_least=5, per=BULK_EVENTS),
        faster("trigger alone", trigger, at_least=5, per=BULK_EVENTS),
    ]
    peaks = [max(bulk.peak_bytes for bulk in side) for side in (ours, theirs)]
    share = peaks[0] / peaks[1]
    ours_mib, theirs_mib = (f"{peak / MIB:.0f} MiB" for peak in peaks)
    table.append(Row("peak memory of the process", ours_mib, theirs_mib, f"{share:.2f}x", "≤ 0.33x", share <= 1 / 3))

    far = [bulks(distant, ROUND_TRIP_EVENTS) for _ in range(3)]
    turns = Turns(*(tuple(bulk.whole_s for bulk in side) for side in zip(*far, strict=True)))
    what = f"{ROUND_TRIP_EVENTS:,} events, answers take {ROUND_TRIP_MS} ms"
    table.append(faster(what, turns, per=ROUND_TRIP_EVENTS))

    before = server.count()["events"]
    mine, other = bulks(server, MANY_EVENTS)
    arrived = server.count()["events"] - before
    is_met = mine.accepted == MANY_EVENTS
    table.append(Row(f"{MANY_EVENTS:,} events", told(mine), told(other), f"{arrived:,} arrived", "complete", is_met))
    return table


def told(bulk: Bulk) -> str:
    return bulk.error or f"{bulk.accepted:,} in {bulk.whole_s:.1f} s"


def bulks(server: CountingServer, events: int) -> tuple[Bulk, Bulk]:
    return measure_bulk("ours", events, server.base_url), measure_bulk("theirs", events, server.base_url)


def main() -> int:
    with counting_server() as server, counting_server(ROUND_TRIP_MS) as distant:
        head = Row(
            "per event", f"runner {runner.__version__}", f"suprsend-py-sdk {suprsend.__version__}", "ratio", "target"
        )
        return conclude(head, rows(server, distant))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        name, events, base_url = sys.argv[1:]
        sys.stdout.write(json.dumps(send_bulk(CLIENTS[name], int(events), base_url)))
    else:
        sys.exit(main())
