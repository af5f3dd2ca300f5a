from __future__ import annotations

from itertools import count
from threading import Thread
from typing import Any

from runner.sandbox.store import Store, StoredEvent

DAY_S = 24 * 3600


class Clock:
    def __init__(self) -> None:
        self.now_s = 1767225600.0

    def __call__(self) -> float:
        return self.now_s


def make() -> tuple[Store, Clock]:
    clock, numbers = Clock(), count(1)
    return Store(clock, lambda: f"m{next(numbers)}"), clock


def keyed(key: object, user: str = "u1") -> dict[str, Any]:
    return {"event": "ordered", "distinct_id": user, "$idempotency_key": key}


def seen(stored: StoredEvent) -> tuple[str, bool]:
    return stored.message_id, stored.duplicate


def test_an_event_is_remembered_as_it_came() -> None:
    store, _ = make()
    assert store.add("w", "/v2/event/", keyed("k")) == StoredEvent(
        "m1", 1767225600.0, "w", "/v2/event/", duplicate=False, body=keyed("k")
    )
    assert store.events() == [StoredEvent("m1", 1767225600.0, "w", "/v2/event/", duplicate=False, body=keyed("k"))]
    assert store.total == 1


def test_a_key_seen_again_gets_the_first_message_id() -> None:
    store, _ = make()
    told = [seen(store.add("w", "/event/", keyed(key, user))) for key, user in (("k", "u1"), ("l", "u2"), ("k", "u3"))]
    assert told == [("m1", False), ("m2", False), ("m1", True)]
    assert [event.body["distinct_id"] for event in store.events()] == ["u1", "u2", "u3"]


def test_a_key_is_remembered_for_24_hours() -> None:
    store, clock = make()
    store.add("w", "/event/", keyed("k"))
    clock.now_s += DAY_S - 1
    assert seen(store.add("w", "/event/", keyed("k"))) == ("m1", True)
    clock.now_s += 1
    assert seen(store.add("w", "/event/", keyed("k"))) == ("m2", False)
    assert seen(store.add("w", "/event/", keyed("k"))) == ("m2", True)


def test_a_duplicate_does_not_lengthen_the_life_of_its_key() -> None:
    store, clock = make()
    for _ in range(4):
        store.add("w", "/event/", keyed("k"))
        clock.now_s += DAY_S / 4
    assert seen(store.add("w", "/event/", keyed("k"))) == ("m2", False)


def test_only_outdated_keys_are_forgotten() -> None:
    store, clock = make()
    store.add("w", "/event/", keyed("old"))
    clock.now_s += DAY_S / 2
    store.add("w", "/event/", keyed("young"))
    clock.now_s += DAY_S / 2
    assert seen(store.add("w", "/event/", keyed("young"))) == ("m2", True)
    assert seen(store.add("w", "/event/", keyed("old"))) == ("m3", False)


def test_keys_belong_to_their_workspace() -> None:
    store, _ = make()
    assert seen(store.add("one", "/event/", keyed("k"))) == ("m1", False)
    assert seen(store.add("other", "/event/", keyed("k"))) == ("m2", False)
    assert seen(store.add("one", "/event/", keyed("k"))) == ("m1", True)


def test_all_endpoints_share_a_workspaces_keys() -> None:
    store, _ = make()
    store.add("w", "/v2/event/", keyed("k"))
    assert seen(store.add("w", "/v2/bulk/event/", keyed("k"))) == ("m1", True)
    assert seen(store.add("w", "/event/", keyed("k"))) == ("m1", True)


def test_spaces_at_the_ends_of_a_key_do_not_make_another() -> None:
    store, _ = make()
    store.add("w", "/v2/event/", keyed("k"))
    assert seen(store.add("w", "/v2/event/", keyed(" k "))) == ("m1", True)


def test_an_event_without_a_key_is_never_a_duplicate() -> None:
    store, _ = make()
    bodies: list[dict[str, Any]] = [{"event": "ordered"}, {"event": "ordered"}, keyed(None), keyed(None)]
    assert [seen(store.add("w", "/event/", body)) for body in bodies] == [
        ("m1", False),
        ("m2", False),
        ("m3", False),
        ("m4", False),
    ]


def test_the_list_of_events_is_the_callers_own() -> None:
    store, _ = make()
    store.add("w", "/event/", keyed("k"))
    store.events().clear()
    assert len(store.events()) == 1


def test_the_newest_100000_events_are_kept_and_all_are_counted() -> None:
    store, _ = make()
    for index in range(100_001):
        store.add("w", "/event/", {"n": index})
    kept = store.events()
    assert (len(kept), kept[0].body, kept[-1].body, store.total) == (100_000, {"n": 1}, {"n": 100_000}, 100_001)


def test_threads_get_one_message_id_for_one_key() -> None:
    store, _ = make()
    threads = [
        Thread(target=lambda: [store.add("w", "/event/", keyed(f"k{index}")) for index in range(200)]) for _ in range(8)
    ]
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
    assert store.add("w", "/event/", keyed("k")).as_json() == {
        "message_id": "m1",
        "received_ms": 1767225600123,
        "workspace": "w",
        "endpoint": "/event/",
        "duplicate": False,
        "event": keyed("k"),
    }
