from __future__ import annotations

import json
from threading import Thread
from typing import Any
from uuid import UUID, uuid5

import pytest

from runner.sandbox.arrival import Arrival, Received, Record
from runner.sandbox.store import Counts, Limits, Store

DAY_S = 24 * 3600


class Clock:
    def __init__(self) -> None:
        self.now_s = 1767225600.0

    def __call__(self) -> float:
        return self.now_s


def make() -> tuple[Store, Clock]:
    clock = Clock()
    return Store(clock), clock


def keyed(key: object, insert_id: str = "i1") -> dict[str, Any]:
    return {"event": "ordered", "distinct_id": "u1", "$insert_id": insert_id, "$idempotency_key": key}


def id_of(insert_id: str) -> str:
    """Give the message id that an event's own id leads to."""
    return str(uuid5(UUID("8a9e2f06-1d0b-4c53-9e7c-5f4d1b7a3c62"), insert_id))


def keep(store: Store, workspace: str, endpoint: str, body: dict[str, Any], raw: bytes = b"") -> Arrival:
    """Store a request with one event."""
    request = Received("", workspace, "POST", endpoint, (), b"")
    [arrival] = store.add(request, [Record(body, raw or json.dumps(body).encode())], 202)
    return arrival


def add(store: Store, key: object, insert_id: str, workspace: str = "w", endpoint: str = "/event/") -> tuple[str, bool]:
    stored = keep(store, workspace, endpoint, keyed(key, insert_id))
    assert stored.message_id is not None
    return stored.message_id, stored.duplicate


def new(insert_id: str) -> tuple[str, bool]:
    return id_of(insert_id), False


def duplicate_of(insert_id: str) -> tuple[str, bool]:
    return id_of(insert_id), True


def test_an_event_is_remembered_as_it_came() -> None:
    store, _ = make()
    body = keyed("k")
    expected = Arrival(
        id=1,
        request_id=1,
        session="",
        received_ms=1767225600000,
        outcome="accepted",
        status_code=202,
        reason=None,
        warning=None,
        workspace="w",
        endpoint="/v2/event/",
        event="ordered",
        distinct_id="u1",
        tenant_id=None,
        idempotency_key="k",
        insert_id="i1",
        message_id="98b64080-a358-5c45-9fd7-bc795a043848",
        raw=json.dumps(body).encode(),
    )
    assert keep(store, "w", "/v2/event/", body) == expected
    assert (store.events(), expected.body) == ([expected], body)
    assert store.total == 1


def test_a_message_id_follows_from_the_insert_id_alone() -> None:
    store, clock = make()
    other, other_clock = make()
    other_clock.now_s = clock.now_s + 12345.6
    assert add(store, "k", "i1", "one", "/v2/event/") == add(other, None, "i1", "other", "/event/") == new("i1")
    assert add(store, None, "i2") == add(other, "k", "i2") == new("i2")


def test_a_key_seen_again_gets_the_first_message_id() -> None:
    store, _ = make()
    told = [add(store, key, insert_id) for key, insert_id in (("k", "i1"), ("l", "i2"), ("k", "i3"))]
    assert told == [new("i1"), new("i2"), duplicate_of("i1")]
    assert [event.body["$insert_id"] for event in store.events()] == ["i1", "i2", "i3"]


def test_a_key_is_remembered_for_24_hours() -> None:
    store, clock = make()
    add(store, "k", "i1")
    clock.now_s += DAY_S - 1
    assert add(store, "k", "i2") == duplicate_of("i1")
    clock.now_s += 1
    assert add(store, "k", "i3") == new("i3")
    assert add(store, "k", "i4") == duplicate_of("i3")


def test_a_duplicate_does_not_lengthen_the_life_of_its_key() -> None:
    store, clock = make()
    for index in range(4):
        add(store, "k", f"i{index}")
        clock.now_s += DAY_S / 4
    assert add(store, "k", "i4") == new("i4")


def test_only_outdated_keys_are_forgotten() -> None:
    store, clock = make()
    add(store, "old", "i1")
    clock.now_s += DAY_S / 2
    add(store, "young", "i2")
    clock.now_s += DAY_S / 2
    assert add(store, "young", "i3") == duplicate_of("i2")
    assert add(store, "old", "i4") == new("i4")


def test_keys_belong_to_their_workspace() -> None:
    store, _ = make()
    assert add(store, "k", "i1", "one") == new("i1")
    assert add(store, "k", "i2", "other") == new("i2")
    assert add(store, "k", "i3", "one") == duplicate_of("i1")


def test_all_endpoints_share_a_workspaces_keys() -> None:
    store, _ = make()
    add(store, "k", "i1", endpoint="/v2/event/")
    assert add(store, "k", "i2", endpoint="/v2/bulk/event/") == duplicate_of("i1")
    assert add(store, "k", "i3", endpoint="/event/") == duplicate_of("i1")


def test_spaces_at_the_ends_of_a_key_do_not_make_another() -> None:
    store, _ = make()
    add(store, "k", "i1")
    assert add(store, " k ", "i2") == duplicate_of("i1")


def test_an_event_without_a_key_is_never_a_duplicate() -> None:
    store, _ = make()
    bodies: list[dict[str, Any]] = [{"$insert_id": "i1"}, {"$insert_id": "i1"}, keyed(None, "i1"), keyed(None, "i2")]
    stored = [keep(store, "w", "/event/", body) for body in bodies]
    assert [(event.message_id, event.duplicate) for event in stored] == [new("i1"), new("i1"), new("i1"), new("i2")]


def test_the_list_of_events_is_the_callers_own() -> None:
    store, _ = make()
    keep(store, "w", "/event/", keyed("k"))
    store.events().clear()
    assert len(store.events()) == 1


def test_the_newest_events_within_the_limit_are_kept_and_all_are_counted() -> None:
    store = Store(Clock(), limits=Limits(events=500))
    for index in range(2001):
        keep(store, "w", "/event/", {"$insert_id": str(index)})
    kept = store.events()
    assert 495 <= len(kept) <= 500
    assert [event.body["$insert_id"] for event in kept] == [str(index) for index in range(2001 - len(kept), 2001)]
    assert (store.total, store.counts()) == (len(kept), Counts(2001, len(kept), 2001 - len(kept), 0))


def test_threads_get_one_message_id_for_one_key() -> None:
    store, _ = make()

    def send(thread: int) -> None:
        for index in range(200):
            keep(store, "w", "/event/", keyed(f"k{index}", f"i{thread}-{index}"))

    threads = [Thread(target=send, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = store.events()
    assert (len(stored), store.total) == (1600, 1600)
    assert sum(not event.duplicate for event in stored) == 200
    assert len({(event.body["$idempotency_key"], event.message_id) for event in stored}) == 200


def test_a_stored_event_is_shown_with_its_time_in_milliseconds() -> None:
    store, clock = make()
    clock.now_s = 1767225600.1239
    assert json.loads(keep(store, "w", "/event/", keyed("k")).as_json()) == {
        "id": 1,
        "session": "",
        "received_ms": 1767225600123,
        "outcome": "accepted",
        "status_code": 202,
        "reason": None,
        "warning": None,
        "endpoint": "/event/",
        "event": "ordered",
        "distinct_id": "u1",
        "tenant_id": None,
        "idempotency_key": "k",
        "message_id": id_of("i1"),
        "body": keyed("k"),
    }


def test_events_are_bounded_by_their_bytes_too() -> None:
    store = Store(Clock(), limits=Limits(mb=4))
    raw = b'{"x":"%s"}' % (b"x" * 100_000)
    for _ in range(200):
        keep(store, "w", "/event/", {"$insert_id": "i1"}, raw)
    kept = store.events()
    assert len(kept) in (40, 41)  # 4 MiB have room for 41 records of 100,608 bytes
    assert store.counts() == Counts(200, len(kept), dropped_events=200 - len(kept), dropped_keys=0)


def test_an_event_larger_than_the_limit_is_answered_and_not_kept() -> None:
    store = Store(Clock(), limits=Limits(mb=1))
    large = keep(store, "w", "/event/", {"$insert_id": "i1"}, b"x" * (1024 * 1024 + 1))
    assert large.message_id == id_of("i1")
    assert (store.events(), store.counts()) == ([], Counts(1, 0, 1, 0))
    assert add(store, "k", "i2") == new("i2")
    assert len(store.events()) == 1


@pytest.mark.slow
def test_the_oldest_keys_are_forgotten_when_there_are_too_many() -> None:
    store = Store(Clock(), limits=Limits(keys=3_000))
    events = [{"$insert_id": f"i{index}", "$idempotency_key": f"k{index}" * 50} for index in range(3_002)]
    for first in range(0, len(events), 1000):
        records = [Record(event, b"{}") for event in events[first : first + 1000]]
        store.add(Received("", "w", "POST", "/event/", (), b""), records, 202)
    assert store.counts().dropped_keys == 2
    assert add(store, "k2" * 50, "new") == duplicate_of("i2")
    assert add(store, "k0" * 50, "new") == new("new")
