"""What is tried again, how, and what is then told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from runner import Event
from tests.suprsend.deliveries import ACCEPTED, BUSY, GOOD, Client, answer_of, failures, keyed, record, users

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.capturing import CapturingServer, Received


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
