"""What is tried again, how, and what is then told."""

from __future__ import annotations

import os
import signal
import time
from itertools import count
from threading import Condition, Semaphore, Thread, Timer
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import pytest

from runner import Event, Suprsend
from runner.secrets import Secret
from runner.suprsend.auth import WorkspaceKey
from runner.suprsend.connection import Connection
from runner.suprsend.delivery import Pauses, single_delivery
from runner.suprsend.encoding import Encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.suprsend import BulkEvents
    from tests.servers.capturing import CapturingServer, Received

GOOD = {"status": "success", "status_code": 202, "message_id": "m"}
ACCEPTED = (202, {"status": "success", "message_id": "m1"})
BUSY = {"status": "error", "error": {"message": "busy", "type": "unavailable"}}


def record(code: int, message: str = "no") -> dict[str, object]:
    return {"status": "error", "status_code": code, "error": {"message": message, "type": "x"}}


def answer_of(*records: object) -> tuple[int, object]:
    return 207, {"status": "success", "records": records}


def keyed(number: int = 1) -> Event:
    return Event(f"u{number}", "ordered", {"n": number}, idempotency_key=f"key-{number}")


class Client:
    """A client whose clock moves one second a look, whose ids are numbered, and which notes its pauses."""

    def __init__(self, base_url: str, **options: Any) -> None:
        self.pauses: list[float] = []
        seconds, numbers = count(1767225600), count()
        chosen: dict[str, Any] = {"random": lambda: 0.5, "sleep": self.pauses.append, "concurrency": 1} | options
        self.api = Suprsend(
            "workspace_key",
            "workspace_secret",
            base_url,
            clock=lambda: float(next(seconds)),
            new_id=lambda: f"{next(numbers):036}",
            **chosen,
        )

    def track(self, event: Event) -> tuple[bool, bool, int, str]:
        response = self.api.track_event(event)
        return response["success"], response["unknown"], response["status_code"], response["message"]

    def bulk(self, *events: Event) -> BulkEvents:
        bulk = self.api.bulk_events.new_instance()
        bulk.append(*events)
        return bulk


class Held:
    """A server that keeps its answers back until it is told to give them."""

    def __init__(self, server: CapturingServer) -> None:
        self.base_url = server.base_url
        self.users: list[str] = []
        self.open = Flag()
        self.under_way = 0
        self._changed = Condition()
        self._accept = server.answer_to
        server.answer_to = self._answer  # type: ignore[method-assign] # this server has answers of its own

    def once(self, requests: int, then: Callable[[], object]) -> None:
        """Do something when so many requests wait for their answers."""

        def wait() -> None:
            assert self.has(requests, within_s=20)
            then()

        Thread(target=wait).start()

    def has(self, requests: int, within_s: float) -> bool:
        """Wait until so many requests wait for their answers."""
        with self._changed:
            return self._changed.wait_for(lambda: self.under_way >= requests, within_s)

    def _answer(self, request: Received) -> tuple[int, bytes, dict[str, str]]:
        with self._changed:
            self.users += [event["distinct_id"] for event in request.json]
            self.under_way += 1
            self._changed.notify_all()
        assert self.open.wait(20)
        return self._accept(request)


@pytest.fixture
def held(server: CapturingServer) -> Iterator[Held]:
    held = Held(server)
    yield held
    held.open.set()


def failures(bulk: BulkEvents) -> list[tuple[Any, str, int, bool]]:
    return [
        (record["record"]["distinct_id"], record["error"], record["code"], record["unknown"])
        for record in bulk.response.failed_records
    ]


def users(server: CapturingServer) -> list[list[str]]:
    return [[event["distinct_id"] for event in request.json] for request in server.received]


# What goes out again


def test_a_retry_has_the_same_bytes_under_a_fresh_date_and_signature(
    server: CapturingServer, signature_of: Callable[[Received, str], str]
) -> None:
    server.answers.extend([(503, BUSY), (429, BUSY), ACCEPTED])
    assert Client(server.base_url).track(keyed()) == (True, False, 202, "OK")
    assert len(server.received) == 3
    assert len({request.body for request in server.received}) == 1
    assert len({request.headers["Date"] for request in server.received}) == 3
    for request in server.received:
        assert request.headers["Authorization"] == f"workspace_key:{signature_of(request, 'workspace_secret')}"
    assert server.connections == 1


@pytest.mark.parametrize("status_code", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server: CapturingServer, status_code: int) -> None:
    server.answers.extend([(status_code, BUSY), ACCEPTED])
    assert Client(server.base_url).track(keyed()) == (True, False, 202, "OK")


@pytest.mark.parametrize("status_code", [301, 302, 307, 400, 401, 403, 404, 409, 413, 422])
def test_what_stays_is_not_tried_again(server: CapturingServer, status_code: int) -> None:
    server.answers.append((status_code, {"error": "no"}))
    client = Client(server.base_url)
    assert client.track(keyed()) == (False, False, status_code, "no")
    assert (len(server.received), client.pauses) == (1, [])


@pytest.mark.parametrize(
    ("status_code", "body"),
    [(200, b"<html>log in</html>"), (202, {"status": "success", "records": []}), (207, {"records": "x"})],
)
def test_an_unclear_success_is_unknown_and_not_tried_again(
    server: CapturingServer, status_code: int, body: object
) -> None:
    server.answers.append((status_code, body))
    bulk = Client(server.base_url).bulk(keyed(1), keyed(2))
    assert (bulk.trigger().failure, bulk.response.unknown, len(server.received)) == (2, 2, 1)


def test_without_a_key_an_event_is_not_tried_again_once_it_was_written(server: CapturingServer) -> None:
    server.answers.append((503, BUSY))
    client = Client(server.base_url)
    assert client.track(Event("u1", "ordered")) == (False, False, 503, "busy")
    assert (len(server.received), client.pauses) == (1, [])


def test_without_a_key_an_event_that_never_left_is_tried_again(dead_url: str) -> None:
    client = Client(dead_url)
    assert client.track(Event("u1", "ordered")) == (False, False, 0, "Connection refused")
    assert client.pauses == [0.25, 0.5, 1.0]


def test_only_the_records_that_may_pass_go_out_again(server: CapturingServer) -> None:
    server.answers.append(answer_of(GOOD, record(500), record(404, "no such tenant"), record(429), record(503)))
    server.answers.append(answer_of(record(408), GOOD))
    server.answers.append(answer_of(GOOD))
    bulk = Client(server.base_url).bulk(keyed(1), keyed(2), keyed(3), keyed(4), Event("u5", "ordered"))
    response = bulk.trigger()
    assert (response.total, response.success) == (5, 3)
    assert users(server) == [["u1", "u2", "u3", "u4", "u5"], ["u2", "u4"], ["u2"]]
    assert failures(bulk) == [("u3", "no such tenant", 404, False), ("u5", "no", 503, False)]
    first, second, third = (request.json for request in server.received)
    assert [first[1], first[3]] == second
    assert third == [first[1]]


def test_after_all_retries_the_last_answer_is_told(server: CapturingServer) -> None:
    server.answers.extend([(503, BUSY), (503, BUSY), (429, {"error": "slow down"})])
    client = Client(server.base_url, retries=2)
    assert client.track(keyed()) == (False, False, 429, "slow down")
    assert (len(server.received), client.pauses) == (3, [0.25, 0.5])


def test_no_retries_are_no_retries(server: CapturingServer) -> None:
    server.answers.append((503, BUSY))
    client = Client(server.base_url, retries=0)
    assert client.track(keyed()) == (False, False, 503, "busy")
    assert (len(server.received), client.pauses) == (1, [])


# What is told


def test_once_an_attempt_was_unknown_a_refusal_does_not_settle_it(server: CapturingServer) -> None:
    server.answers.extend([(502, b"<html><title>Bad Gateway</title></html>"), (400, {"error": "no"})])
    message = "an HTML page: Bad Gateway; then: no"
    assert Client(server.base_url).track(keyed()) == (False, True, 400, message)


def test_once_an_attempt_was_unknown_an_acceptance_settles_it(server: CapturingServer) -> None:
    server.answers.extend([(504, b""), (500, BUSY), ACCEPTED])
    assert Client(server.base_url).track(keyed()) == (True, False, 202, "OK")


def test_the_same_unknown_answer_is_told_once(server: CapturingServer) -> None:
    server.answers.extend([(504, b"")] * 4)
    assert Client(server.base_url).track(keyed()) == (False, True, 504, "HTTP 504 with no text")


# Pauses


def test_retry_after_is_waited_for_in_both_forms(server: CapturingServer) -> None:
    in_seconds = {"Retry-After": "7"}
    until = {"Retry-After": "Thu, 01 Jan 2026 00:00:20 GMT"}
    server.answers.extend([(429, BUSY, in_seconds), (503, BUSY, until), (429, BUSY, {"Retry-After": "soon"}), ACCEPTED])
    client = Client(server.base_url, timeout=120)
    assert client.track(keyed())[0]
    # The clock was looked at for the event, each request and each pause: the second pause begins at 4 seconds.
    assert client.pauses == [7, 16, 1.0]


def test_a_pause_that_the_timeout_does_not_leave_is_not_begun(server: CapturingServer) -> None:
    server.answers.append((429, {"error": "slow down"}, {"Retry-After": "31"}))
    client = Client(server.base_url, timeout=30)
    message = "slow down (asked to wait 31 s, more than the timeout allows)"
    assert client.track(keyed()) == (False, False, 429, message)
    assert (len(server.received), client.pauses) == (1, [])


def test_the_timeout_bounds_all_attempts_together(server: CapturingServer) -> None:
    server.answers.extend([(503, BUSY)] * 101)
    client = Client(server.base_url, timeout=0.6, retries=100, sleep=time.sleep, random=lambda: 0.2)
    began = time.monotonic()
    assert client.track(keyed()) == (False, False, 503, "busy")
    assert time.monotonic() - began < 0.9
    assert 2 <= len(server.received) <= 4


# Too large


def test_a_chunk_that_is_too_large_is_halved_until_it_fits(server: CapturingServer) -> None:
    refusal = (413, b"<html><title>413 Request Entity Too Large</title></html>")
    server.answers.extend(
        [refusal, refusal, answer_of(GOOD), answer_of(GOOD), refusal, answer_of(GOOD), answer_of(GOOD)]
    )
    bulk = Client(server.base_url).bulk(keyed(1), Event("u2", "ordered"), keyed(3), Event("u4", "ordered"))
    assert (bulk.trigger().status, bulk.response.success) == ("success", 4)
    assert users(server) == [["u1", "u2", "u3", "u4"], ["u1", "u2"], ["u1"], ["u2"], ["u3", "u4"], ["u3"], ["u4"]]


def test_an_event_that_is_too_large_by_itself_fails_and_the_others_arrive(server: CapturingServer) -> None:
    server.answers.extend(
        [(413, b"too large"), answer_of(GOOD), (413, b"too large"), answer_of(GOOD), (413, b"too large")]
    )
    bulk = Client(server.base_url).bulk(keyed(1), keyed(2), keyed(3))
    assert (bulk.trigger().success, failures(bulk)) == (2, [("u3", "too large", 413, False)])


def test_what_the_halves_of_a_chunk_did_not_send_is_not_called_too_large(server: CapturingServer) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    server.answers.extend([(413, b"too large"), (503, BUSY)])
    bulk = Client(server.base_url, sleep=interrupt).bulk(keyed(1), keyed(2))
    with pytest.raises(KeyboardInterrupt):
        bulk.trigger()
    assert failures(bulk) == [("u1", "busy", 503, False)]
    assert repr(bulk) == "BulkEvents(1 to send, 1 sent)"
    assert (bulk.trigger().total, bulk.response.success) == (2, 1)
    assert users(server) == [["u1", "u2"], ["u1"], ["u2"]]


def test_an_event_that_fills_a_request_alone_goes_to_the_single_endpoint(server: CapturingServer) -> None:
    room = 819_200 - len(Client(server.base_url).bulk(Event("u1", "ordered", {"x": ""}))._state.waiting[0].body)  # type: ignore[union-attr]
    client = Client(server.base_url, max_event_kb=800)
    bulk = client.bulk(Event("u1", "ordered", {"x": "x" * room}), Event("u2", "ordered", {"x": "x" * (room - 2)}))
    assert bulk.trigger().success == 2
    assert [(request.path, len(request.body)) for request in server.received] == [
        ("/v2/event/", 819_200),
        ("/v2/bulk/event/", 819_200),
    ]


# Refused credentials


@pytest.mark.parametrize("status_code", [401, 403])
def test_after_refused_credentials_nothing_more_is_sent(server: CapturingServer, status_code: int) -> None:
    server.answers.append((status_code, {"error": "no such key"}))
    bulk = Client(server.base_url).bulk(*map(keyed, range(250)))
    response = bulk.trigger()
    assert (response.status, response.total, response.failure, len(server.received)) == ("fail", 250, 250, 1)
    told = [failure[1:] for failure in failures(bulk)]
    assert (
        told
        == [("no such key", status_code, False)] * 100
        + [("not sent: the platform refused the credentials before", 0, False)] * 150
    )


def test_after_refused_credentials_the_other_half_of_a_chunk_is_not_sent(server: CapturingServer) -> None:
    server.answers.extend([(413, b"too large"), (401, {"error": "no such key"})])
    bulk = Client(server.base_url).bulk(*map(keyed, range(150)))
    assert (bulk.trigger().failure, len(server.received)) == (150, 2)
    assert [failure[2] for failure in failures(bulk)] == [401] * 50 + [0] * 100


# Several at once


def test_failed_records_stay_in_the_order_of_the_input(server: CapturingServer) -> None:
    bulk = Client(server.base_url, concurrency=8).bulk()
    for number in range(1000):
        bulk.append(keyed(number), Event("", f"wrong-{number}")) if number % 250 == 0 else bulk.append(keyed(number))
    server.answers.extend([(404, {"error": "no"})] * 11)
    response = bulk.trigger()
    assert (response.total, response.success) == (1004, 0)
    expected = [
        user for number in range(1000) for user in ([f"u{number}", ""] if number % 250 == 0 else [f"u{number}"])
    ]
    assert [failure[0] for failure in failures(bulk)] == expected


def test_no_more_requests_are_under_way_than_allowed(held: Held) -> None:
    seen: list[bool] = []

    def look() -> None:
        seen.append(held.has(4, within_s=0.3))
        held.open.set()

    bulk = Client(held.base_url, concurrency=3).bulk(*map(keyed, range(1000)))
    held.once(3, look)
    assert bulk.trigger().success == 1000
    assert seen == [False]


def test_what_is_appended_by_other_threads_is_sent_now_or_next_time(server: CapturingServer) -> None:
    bulk = Client(server.base_url, concurrency=2).bulk()

    def append(thread: int) -> None:
        for number in range(500):
            bulk.append(keyed(thread * 500 + number))

    threads = [Thread(target=append, args=[thread]) for thread in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        bulk.trigger()
    assert (bulk.trigger().total, bulk.response.success) == (2000, 2000)
    assert sorted(user for request in users(server) for user in request) == sorted(
        f"u{number}" for number in range(2000)
    )


def test_what_a_thread_raises_reaches_the_caller_and_the_rest_waits(server: CapturingServer) -> None:
    def break_(_: float) -> None:
        raise ZeroDivisionError("a sleep that does not")

    server.answers.extend([(503, BUSY)])
    bulk = Client(server.base_url, concurrency=2, sleep=break_).bulk(*map(keyed, range(1000)))
    with pytest.raises(ZeroDivisionError):
        bulk.trigger()
    assert {failure[1:] for failure in failures(bulk)} == {("busy", 503, False)}
    assert (bulk.trigger().total, bulk.response.success) == (1000, 900)
    assert sorted(user for request in users(server) for user in request) == sorted(
        f"u{number}" for number in range(1000)
    )


# Interrupts


def test_an_interrupt_leaves_what_is_known_and_the_rest_for_the_next_call(server: CapturingServer) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    server.answers.extend([answer_of(*[GOOD] * 98, record(404), record(503, "busy"))])
    bulk = Client(server.base_url, sleep=interrupt).bulk(Event("", "wrong"), *map(keyed, range(150)))
    with pytest.raises(KeyboardInterrupt):
        bulk.trigger()
    assert (bulk.response.total, bulk.response.success) == (101, 98)
    assert [failure[1:] for failure in failures(bulk)] == [
        ("distinct_id is blank (it identifies one user in your application)", 0, False),
        ("no", 404, False),
        ("busy", 503, False),
    ]
    assert repr(bulk) == "BulkEvents(50 to send, 101 sent)"
    assert (bulk.trigger().total, bulk.response.success) == (151, 148)
    assert users(server) == [[f"u{number}" for number in range(100)], [f"u{number}" for number in range(100, 150)]]


def test_an_interrupt_with_several_requests_under_way_leaves_those_unknown_and_alone(
    server: CapturingServer, held: Held
) -> None:
    paused = Semaphore(0)
    server.answers.extend([(503, BUSY)] * 4)
    bulk = Client(held.base_url, concurrency=4, sleep=lambda _: paused.release()).bulk(*map(keyed, range(1000)))
    held.once(4, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        bulk.trigger()
    assert (bulk.response.total, bulk.response.unknown, bulk.response.success) == (400, 400, 0)
    assert {failure[1:] for failure in failures(bulk)} == {("interrupted before an answer came", 0, True)}
    held.open.set()
    assert all(paused.acquire(timeout=20) for _ in range(4))
    # The answers that came after all settle what was unknown; they are not followed by a retry.
    assert (bulk.trigger().total, bulk.response.success, bulk.response.unknown) == (1000, 600, 0)
    assert sorted(held.users) == sorted(f"u{number}" for number in range(1000))


def test_when_pauses_are_ended_the_one_under_way_is_over_and_no_retry_follows(server: CapturingServer) -> None:
    pauses = Pauses()
    server.answers.extend([(429, BUSY, {"Retry-After": "60"})] * 3)
    connection = Connection(
        WorkspaceKey("k", Secret("secret")),
        server.base_url,
        sleep=pauses.sleep,
        may_retry=lambda: not pauses.are_over,
        on_retry=lambda _: Timer(0.05, pauses.end).start(),
        timeout_s=300,
    )
    began_s = time.monotonic()
    for number in (1, 2):  # the second one begins no pause
        delivery = single_delivery(Encoded(b'{"n": %d}' % number, has_key=True))
        connection.deliver(delivery)
        [result] = delivery.results
        assert (result.state, result.status_code, result.attempts) == ("failed", 429, 1)
    connection.close()
    assert time.monotonic() - began_s < 10
    assert len(server.received) == 2
