"""Connections are kept, and one that the server closed costs no event."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Lock
from typing import TYPE_CHECKING, Literal

import pytest

from runner import Event
from tests.servers.event_api import Arrived, Platform, Reply, answer_naming, http
from tests.servers.loopback import WAIT_S
from tests.suprsend.connections.conftest import accepted, client_of, failed, track

if TYPE_CHECKING:
    import ssl


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_many_events_share_one_connection(tls: ssl.SSLContext, secure: bool) -> None:
    with Platform(tls=tls if secure else None) as platform:
        client = client_of(platform.url(), concurrency=1)
        users = [f"u{index}" for index in range(100)]
        assert [track(client, user) for user in users] == [accepted(user) for user in users]
        bulk = client.bulk_events.new_instance()
        bulk.append(*(Event(f"b{index}", "ordered") for index in range(1_000)))
        assert bulk.trigger().success == 1_000
    assert platform.users == [*users, *(f"b{index}" for index in range(1_000))]
    assert (len(platform.received), len(platform.connections)) == (110, 1)


@pytest.mark.parametrize("concurrency", [2, 4, 7])
def test_a_bulk_keeps_as_many_requests_under_way_as_it_was_told_and_no_more(concurrency: int) -> None:
    together = Barrier(concurrency)
    under_way, most = 0, 0
    lock = Lock()

    def answer(request: Arrived) -> Reply:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        with suppress(BrokenBarrierError):
            together.wait(WAIT_S)
        with lock:
            under_way -= 1
        return Reply(answer_naming(request))

    with Platform(answer) as platform:
        client = client_of(platform.url(), concurrency=concurrency)
        for _ in range(2):
            bulk = client.bulk_events.new_instance()
            bulk.append(*(Event(f"u{index}", "ordered") for index in range(200 * concurrency)))
            assert bulk.trigger().success == 200 * concurrency
    assert (most, len(platform.connections)) == (concurrency, concurrency)


def test_refusals_do_not_cost_the_connection() -> None:
    statuses = [400, 401, 403, 404, 409, 413, 422, 500, 302, 429, 503]
    told = iter(statuses)

    def answer(request: Arrived) -> Reply:
        status = next(told, None)
        document = {"status": "error", "error": {"message": "no"}}
        return Reply(http(status, document) if status else answer_naming(request))

    with Platform(answer) as platform:
        client = client_of(platform.url(), retries=0)
        responses = [track(client) for _ in range(len(statuses) + 1)]
    assert [response["status_code"] for response in responses] == [*statuses, 202]
    assert len(platform.connections) == 1


def test_a_server_that_keeps_no_connection_gets_each_event_once() -> None:
    def answer(request: Arrived) -> Reply:
        data = answer_naming(request).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        return Reply(data, "close")

    with Platform(answer) as platform:
        client = client_of(platform.url())
        users = [f"u{index}" for index in range(20)]
        assert [track(client, user) for user in users] == [accepted(user) for user in users]
        bulk = client.bulk_events.new_instance()
        bulk.append(*(Event(f"b{index}", "ordered") for index in range(1_000)))
        assert bulk.trigger().success == 1_000
    assert sorted(platform.users) == sorted([*users, *(f"b{index}" for index in range(1_000))])
    assert len(platform.connections) == 30


REQUEST_TIMEOUT = http(408, {"status": "error", "error": {"message": "idle for too long"}}, "Connection: close")
STALE = http(202, {"status": "success", "status_code": 202, "message_id": "for another"})


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("key", [None, "k"], ids=["without-key", "with-key"])
@pytest.mark.parametrize("then", ["goodbye", "close", "reset"])
@pytest.mark.parametrize("last_word", [b"", REQUEST_TIMEOUT, STALE], ids=["silently", "after-a-408", "after-a-202"])
def test_a_kept_connection_that_the_server_closed_costs_no_event(
    tls: ssl.SSLContext, secure: bool, key: str | None, then: Literal["goodbye", "close", "reset"], last_word: bytes
) -> None:
    def answer(request: Arrived) -> Reply:
        return Reply(answer_naming(request) + last_word, then)

    with Platform(answer, tls=tls if secure else None) as platform:
        client = client_of(platform.url(), retries=0)
        for user in ("u1", "u2", "u3"):
            assert track(client, user, key and f"{key}-{user}") == accepted(user)
            platform.closed.get(timeout=WAIT_S)
    assert (platform.users, len(platform.connections)) == (["u1", "u2", "u3"], 3)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("size", [None, 8 * 1024, 16 * 1024 - len(STALE)])
def test_an_answer_too_many_is_not_taken_for_the_next_events(
    tls: ssl.SSLContext, secure: bool, size: int | None
) -> None:
    def answer(request: Arrived) -> Reply:
        data = answer_naming(request)
        # The size of a buffer, or of a record of TLS: so much is read at once, and the rest may wait where none looks.
        padding = b"X-Padding: " + b"x" * (size - len(data) - 13) + b"\r\n" if size else b""
        return Reply(data.replace(b"\r\n\r\n", b"\r\n" + padding + b"\r\n", 1) + STALE)

    with Platform(answer, tls=tls if secure else None) as platform:
        client = client_of(platform.url())
        assert [track(client, user) for user in ("u1", "u2", "u3")] == [accepted(user) for user in ("u1", "u2", "u3")]
    assert platform.users == ["u1", "u2", "u3"]


def test_a_connection_closed_upon_a_request_leaves_an_event_without_key_unknown() -> None:
    def answer(request: Arrived) -> Reply:
        return Reply(answer_naming(request)) if request.users == ["u1"] else Reply(then="close")

    with Platform(answer) as platform:
        client = client_of(platform.url())
        assert track(client, "u1") == accepted("u1")
        response = track(client, "u2")
    assert response == failed(response["message"], unknown=True)
    assert (platform.users, len(platform.connections)) == (["u1", "u2"], 1)


def test_a_connection_closed_upon_a_request_is_opened_anew_for_an_event_with_key() -> None:
    closing = iter([False, True])

    def answer(request: Arrived) -> Reply:
        return Reply(then="close") if next(closing, False) else Reply(answer_naming(request))

    with Platform(answer) as platform:
        client = client_of(platform.url())
        assert [track(client, user, user) for user in ("u1", "u2")] == [accepted("u1"), accepted("u2")]
    assert (platform.users, len(platform.connections)) == (["u1", "u2", "u2"], 2)
    assert platform.received[1].body == platform.received[2].body


def test_a_closed_client_can_send_again() -> None:
    with Platform() as platform:
        client = client_of(platform.url())
        assert track(client, "u1") == accepted("u1")
        client.close()
        assert track(client, "u2") == accepted("u2")
    assert len(platform.connections) == 2


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_client_that_is_closed_while_threads_send_loses_nothing(tls: ssl.SSLContext, secure: bool) -> None:
    with Platform(tls=tls if secure else None) as platform:
        client = client_of(platform.url(), retries=0)
        with ThreadPoolExecutor(4) as pool:
            sent = pool.map(lambda index: track(client, f"u{index}"), range(100))
            for index, response in enumerate(sent):
                client.close()
                assert response == accepted(f"u{index}")
    assert sorted(platform.users) == sorted(f"u{index}" for index in range(100))
