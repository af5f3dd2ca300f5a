"""Idempotency keys of a file: whatever happens in between, a key counts once in 24 hours of its session's clock."""

from __future__ import annotations

import random
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from runner.sandbox.arrival import Received, Record
from runner.sandbox.keys import KEY_LIFETIME_MS
from runner.sandbox.message_store import Messages
from runner.sandbox.messages import Plan
from runner.sandbox.store import Limits, Store, message_id_of

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.messages import History

SESSIONS = ("", "t1", "t2")
STEPS = 300


def send(store: Store, session: str, *pairs: tuple[str, str]) -> list[str | None]:
    """Store a request of events with a key and an insert id each, and return their message ids."""
    records = [Record({"$insert_id": insert_id, "$idempotency_key": key}, b"{}") for key, insert_id in pairs]
    request = Received(session, "w", "POST", "/v2/bulk/event/", (), b"[]")
    return [arrival.message_id for arrival in store.add(request, records, 207)]


class World:
    """A clock, and a planner of messages that can fail, by which a transaction is undone."""

    now_s = 1_767_225_600.0
    is_failing = False

    def clock(self) -> float:
        return self.now_s

    def plan(self, arrival: Arrival, history: History) -> Plan:
        del arrival, history
        if self.is_failing:
            raise ZeroDivisionError
        return Plan()

    def opened(self, path: Path) -> Store:
        return Store(self.clock, path, messages=Messages(self.plan))


@pytest.mark.parametrize("seed", range(20))
def test_keys_are_those_of_a_plain_map_whatever_happens_in_between(tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - not for cryptography
    world = World()
    first: dict[tuple[str, str], tuple[int, str]] = {}
    store = world.opened(tmp_path / "sandbox.sqlite3")
    for step in range(STEPS):
        session = drawn.choice(SESSIONS)
        pairs = [(f"k{drawn.randrange(30)}", f"{step}-{index}") for index in range(drawn.randrange(1, 6))]
        match drawn.choice(("send", "send", "send", "fail", "later", "advance", "clear", "reopen")):
            case "send":
                now_ms = store.now_ms(session)
                expected = []
                for key, insert_id in pairs:
                    seen_ms, message_id = first.get((session, key), (0, ""))
                    if now_ms - seen_ms >= KEY_LIFETIME_MS:
                        message_id = message_id_of(insert_id)
                        first[session, key] = now_ms, message_id
                    expected.append(message_id)
                assert send(store, session, *pairs) == expected
            case "fail":
                world.is_failing = True
                with pytest.raises(ZeroDivisionError):
                    send(store, session, *pairs, (f"new {step}", "i"))
                world.is_failing = False
            case "later":
                world.now_s += drawn.choice((60, 3600, 12 * 3600))
            case "advance":
                store.advance(session, drawn.choice((60_000, KEY_LIFETIME_MS // 2, KEY_LIFETIME_MS)))
            case "clear":
                cleared = drawn.choice((session, session, None))
                store.clear(cleared)
                first = {known: each for known, each in first.items() if cleared not in (None, known[0])}
            case "reopen":
                store.close()
                store = world.opened(tmp_path / "sandbox.sqlite3")
    store.close()


def test_surplus_keys_of_a_reopened_file_are_forgotten_from_the_oldest_on(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.sqlite3"
    with closing(Store(time.time, path)) as store:
        send(store, "", *((f"k{index}", f"i{index}") for index in range(10)))
    with closing(Store(time.time, path, Limits(keys=4))) as store:
        store.add(Received("", "w", "POST", "/v2/event/", (), b"{}"), [Record({"$insert_id": "i"}, b"{}")], 202)
        assert store.counts().dropped_keys == 6
        assert send(store, "", ("k9", "new"), ("k6", "new"), ("k5", "again")) == [
            message_id_of(insert_id) for insert_id in ("i9", "i6", "again")
        ]
