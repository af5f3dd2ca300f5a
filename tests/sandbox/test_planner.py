"""The seam from events to messages: planners that look back, in real stores on a clock of the test."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING

import pytest

from runner.sandbox.arrival import Received, Record
from runner.sandbox.message_store import Messages, find
from runner.sandbox.messages import Message, Plan, Workflow
from runner.sandbox.store import Limits, Store
from runner.sandbox.workflows import DIRECTIVES, RulePlanner, WorkflowRule
from runner.suprsend.messages import PATHS, STATUSES

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sandbox.arrival import Arrival
    from runner.sandbox.messages import History

WINDOW_MS = 60_000
NOW_S = 1_800_000_000.0
NUMBERS = count(1)


def batching(arrival: Arrival, history: History) -> Plan:
    """Plan one message for all events of a user within a minute; a cancellation withdraws it."""
    earlier = history.of_user(arrival.received_ms - WINDOW_MS)
    first, opened_ms = (earlier[0][0], earlier[0][1]) if earlier else (arrival.id, arrival.received_ms)
    if arrival.event == "cancelled":
        return Plan(withdrawn=(f"batch-{first}",))
    names = [name for _, _, name, _ in earlier] + [str(arrival.event)]
    closes_ms = opened_ms + WINDOW_MS
    return Plan((
        Message(
            f"batch-{first}",
            closes_ms,
            {"triggered": closes_ms, "delivered": closes_ms + 1000},
            Workflow("batch", " ".join(names), "1", "email"),
            "email",
            "system",
            str(arrival.distinct_id),
            f"run-{first}",
        ),
    ))  # fmt: skip


def record(event: str, user: str = "u1") -> Record:
    body = {
        "$insert_id": f"{next(NUMBERS):036}",
        "event": event,
        "distinct_id": user,
        "properties": {"text": "x" * 100},
    }
    return Record(body, json.dumps(body).encode())


def add(store: Store, *records: Record, session: str = "") -> None:
    store.add(Received(session, "w", "POST", "/v2/bulk/event/", (), b""), records, 207)


def listed(store: Store, session: str = "") -> list[tuple[str, str, str]]:
    now_ms = store.now_ms(session)
    found = find(
        store, "session = :session AND created_ms <= :now ORDER BY created_ms", {"session": session, "now": now_ms}
    )
    return [(each.recipient, each.details["name"], each.status(now_ms)) for each in found]


@pytest.fixture
def store() -> Store:
    return Store(lambda: NOW_S, messages=Messages(batching))


def test_later_events_join_a_planned_message_until_it_exists(store: Store) -> None:
    add(store, record("one"), record("two"), record("other", "u2"))
    store.advance("", WINDOW_MS - 1)
    add(store, record("three"))
    assert listed(store) == []
    store.advance("", 1)
    assert listed(store) == [("u1", "one two three", "triggered"), ("u2", "other", "triggered")]
    add(store, record("four"))  # opens its window at the first event that is not older than a minute
    store.advance("", 1000)
    assert listed(store)[:1] == [("u1", "one two three", "delivered")]


def test_an_event_withdraws_a_planned_message_but_not_one_that_exists(store: Store) -> None:
    add(store, record("one"), record("one", "u2"))
    add(store, record("cancelled"))
    store.advance("", WINDOW_MS)
    assert listed(store) == [("u2", "one", "triggered")]
    add(store, record("cancelled", "u2"))
    assert listed(store) == [("u2", "one", "triggered")]
    add(store, record("one", "u3"), record("cancelled", "u3"), record("one", "u4"))  # in one request
    store.advance("", WINDOW_MS)
    assert [user for user, *_ in listed(store)] == ["u2", "u4"]


def test_a_planner_sees_the_events_of_its_session_alone(store: Store) -> None:
    for session in ("a", "b"):
        add(store, record("one"), session=session)
        store.advance(session, WINDOW_MS)
    assert listed(store, "a") == listed(store, "b") == [("u1", "one", "triggered")]


def test_messages_are_dropped_with_their_event_and_count_for_the_size(tmp_path: Path) -> None:
    rule = WorkflowRule("slug", "Name", "system", ("email", "inbox"), 0, 0, "delivered")
    planner = Messages(RulePlanner({"ordered": rule}, None))
    store = Store(lambda: NOW_S, tmp_path / "sandbox.db", Limits(events=10), planner)
    for index in range(25):
        add(store, record("ordered", f"u{index}"))
    assert [user for user, *_ in listed(store)] == [f"u{index}" for index in range(15, 25) for _ in range(2)]
    with_messages = store.rows("SELECT SUM(bytes) FROM arrivals", {})[0][0]
    store.close()
    again = Store(lambda: NOW_S, tmp_path / "sandbox.db", Limits(events=10), planner)
    assert len(listed(again)) == 20
    again.clear()
    assert listed(again) == []
    for index in range(10):
        add(again, record("unknown", f"u{index}"))
    without = again.rows("SELECT SUM(bytes) FROM arrivals", {})[0][0]
    again.close()
    assert with_messages - without > 20 * 300


def test_a_failing_planner_stores_nothing() -> None:
    def failing(arrival: Arrival, history: History) -> Plan:
        del history
        raise LookupError(arrival.event)

    store = Store(lambda: NOW_S, messages=Messages(failing))
    with pytest.raises(LookupError, match="one"):
        add(store, record("one"))
    assert (store.events(), store.counts().total) == ([], 0)


def test_each_outcome_has_a_path_that_ends_with_it_in_the_order_of_statuses() -> None:
    assert set(PATHS) == set(STATUSES)
    for outcome, path in PATHS.items():
        assert path[-1] == outcome
        assert list(path) == sorted(path, key=STATUSES.index)
    assert {directive.outcome for directive in DIRECTIVES.values()} - {None} <= set(PATHS)
