"""What goes wrong with the official SDK (both versions, really run), and does not with ours.

The numbers are those of the contract's list of defects. Each library gets the same events and meets the same server.
"""

from __future__ import annotations

import json
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Lock
from typing import TYPE_CHECKING, Any

import pytest

from tests.suprsend.sdk_commands import command, events, outcome

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from threading import Event as Flag

    from tests.servers.capturing import CapturingServer, Received
    from tests.suprsend.conftest import Driver


ACCEPTED = {"status": "success", "status_code": 202, "message_id": "m"}
REFUSAL = {"status": "error", "error": {"message": "no such tenant", "type": "not_found"}}


def users(request: Received) -> list[str]:
    return [event["distinct_id"] for event in request.json]


def told(response: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Say of each failed record who it is about, why it failed and with which code."""
    return [(failed["record"]["distinct_id"], failed["error"], failed["code"]) for failed in response["failed_records"]]


def test_1_a_refused_bulk_raises_keyerror_and_what_was_sent_before_is_lost(
    server: CapturingServer, sdk: Driver, ours: Driver
) -> None:
    """Any answer to a bulk that is not 2xx raises KeyError('records'), also after chunks that were accepted."""
    answers = [(207, {"status": "success", "records": [ACCEPTED] * 100}), (404, REFUSAL)]
    given = {"send": "bulk", "options": {"concurrency": 1}}
    server.answers.extend(answers)
    assert outcome(sdk, server.base_url, events(150), **given) == "KeyError: 'records'"
    assert [len(request.json) for request in server.received] == [100, 50]

    server.answers.extend(answers)
    response = outcome(ours, server.base_url, events(150), **given)
    assert told(response) == [(f"u{index}", "no such tenant", 404) for index in range(100, 150)]
    del response["failed_records"]
    assert response == {"status": "partial", "total": 150, "success": 100, "failure": 50, "unknown": 0}


@pytest.mark.parametrize(
    ("status", "body", "error", "unknown"),
    [
        (502, b"<html><title>Bad Gateway</title></html>", "an HTML page: Bad Gateway", True),
        (413, b"too large", "too large", False),
    ],
    ids=["502 with HTML", "413 with text"],
)
def test_1_an_answer_that_is_no_json_raises(
    server: CapturingServer, sdk: Driver, ours: Driver, status: int, body: bytes, error: str, unknown: bool
) -> None:
    """An answer that is not JSON, as proxies give it, raises, alone and in bulk."""
    for send in ("single", "bulk"):
        server.answers.append((status, body))
        theirs = outcome(sdk, server.base_url, events(1), send)
        assert theirs == "JSONDecodeError: Expecting value: line 1 column 1 (char 0)"

    server.answers.append((status, body))
    response = outcome(ours, server.base_url, events(1), "single")
    assert response == {
        "success": False,
        "status": "fail",
        "status_code": status,
        "message": error,
        "message_id": None,
        "raw_response": None,
        "unknown": unknown,
    }
    server.answers.append((status, body))
    response = outcome(ours, server.base_url, events(1), "bulk")
    assert told(response) == [("u0", error, status)]
    assert response["unknown"] == int(unknown)


@pytest.mark.parametrize(
    ("status", "body", "theirs", "message"),
    [
        (400, {"error": "no"}, "AttributeError: 'str' object has no attribute 'get'", "no"),
        (202, b"OK", "JSONDecodeError: Expecting value: line 1 column 1 (char 0)", "OK"),
    ],
    ids=["error as text", "OK"],
)
def test_1_another_documented_form_of_an_answer_raises(
    server: CapturingServer, sdk: Driver, ours: Driver, status: int, body: object, theirs: str, message: str
) -> None:
    """An error that is a text, and the legacy endpoint's `OK`, raise."""
    server.answers.extend([(status, body)] * 2)
    assert outcome(sdk, server.base_url, events(1)) == theirs
    response = outcome(ours, server.base_url, events(1))
    assert (response["success"], response["status_code"], response["message"]) == (status == 202, status, message)


def test_2_one_recursion_a_chunk_ends_large_bulks(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    """A bulk needs a level of recursion for each chunk: at Python's usual limit it dies near 100,000 events."""
    # The usual limit is 1,000; under 80 both can send, only not much.
    few = {"send": "bulk", "recursion_limit": 80}
    assert outcome(sdk, server.base_url, events(1_000), **few)["success"] == 1_000
    server.received.clear()
    theirs = outcome(sdk, server.base_url, events(8_000), **few)
    assert theirs.startswith("RecursionError: maximum recursion depth exceeded")
    assert server.received == []

    assert outcome(ours, server.base_url, events(8_000), **few)["success"] == 8_000
    assert len(server.received) == 80


def hold_answers(server: CapturingServer, together: int, wait_s: float) -> list[int]:
    """Answer only when so many requests wait, or no more came for a while; gives the peak of how many waited."""
    barrier, lock = Barrier(together), Lock()
    waiting, peak = 0, [0]
    answer_to = server.answer_to

    def answer(request: Received) -> tuple[int, bytes, dict[str, str]]:
        nonlocal waiting
        with lock:
            waiting += 1
            peak[0] = max(peak[0], waiting)
        with suppress(BrokenBarrierError):
            barrier.wait(wait_s)
        with lock:
            waiting -= 1
        return answer_to(request)

    server.answer_to = answer  # type: ignore[method-assign]
    return peak


def test_3_chunks_go_out_one_after_another(server: CapturingServer, sdk: Driver) -> None:
    """No chunk is sent before the last one is answered."""
    peak = hold_answers(server, together=2, wait_s=0.3)
    assert outcome(sdk, server.base_url, events(400), "bulk")["success"] == 400
    assert (peak, len(server.received)) == ([1], 4)


def test_3_ours_has_several_chunks_under_way(server: CapturingServer, ours: Driver) -> None:
    """Four chunks are sent before one is answered."""
    peak = hold_answers(server, together=4, wait_s=10)
    assert outcome(ours, server.base_url, events(400), "bulk")["success"] == 400
    assert (peak, len(server.received)) == ([4], 4)


def test_3_each_call_opens_a_connection(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    """There is no session: each event sent alone costs a new connection."""
    sdk.ask(command(server.base_url, events(10)))
    assert (len(server.received), server.connections) == (10, 10)
    ours.ask(command(server.base_url, events(10)))
    assert (len(server.received), server.connections) == (20, 11)


def test_3_nothing_is_tried_again(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    """A 429 with Retry-After loses the event."""
    busy = (429, {"status": "error", "error": {"message": "slow down", "type": "x"}}, {"Retry-After": "7"})
    given = events(1, idempotency_key="order-1")
    server.answers.append(busy)
    response = outcome(sdk, server.base_url, given)
    assert (response["success"], response["status_code"], len(server.received)) == (False, 429, 1)

    server.received.clear()
    server.answers.append(busy)
    answer = ours.ask(command(server.base_url, given))
    assert [one["returned"]["success"] for one in answer["outcomes"]] == [True]
    assert answer["slept"] == [7.0]
    first, second = server.received
    assert first.body == second.body


def test_3_nothing_bounds_the_wait(server: CapturingServer, silent_url: str, sdk: Driver, ours: Driver) -> None:
    """There is no timeout: a server that never answers holds the caller for ever."""
    given = command(silent_url, events(1), options={"timeout": 0.3})
    assert outcome(sdk, server.base_url, events(1))["success"]
    with pytest.raises(TimeoutError) as caught:
        sdk.ask(given, wait_s=1.2)
    assert str(caught.value) == "no answer within 1.2 s"

    assert ours.ask(given, wait_s=10)["outcomes"] == [
        {
            "returned": {
                "success": False,
                "status": "fail",
                "status_code": 0,
                "message": "no answer within 0.3 s",
                "message_id": None,
                "raw_response": None,
                "unknown": True,
            }
        }
    ]


@pytest.mark.parametrize(("answered", "theirs"), [(1, 1), (7, 7)])
def test_4_totals_are_those_of_the_answer(
    server: CapturingServer, sdk: Driver, ours: Driver, answered: int, theirs: int
) -> None:
    """Five events sent and one record answered reads as a success of one, seven as a success of seven."""
    server.answers.extend([(207, {"status": "success", "records": [ACCEPTED] * answered})] * 2)
    shape = {"status": "success", "total": theirs, "success": theirs, "failure": 0, "failed_records": []}
    assert outcome(sdk, server.base_url, events(5), "bulk") == shape

    response = outcome(ours, server.base_url, events(5), "bulk")
    error = f"5 events were sent, but the answer has {answered} records"
    assert told(response) == [(f"u{index}", error, 207) for index in range(5)]
    del response["failed_records"]
    assert response == {"status": "fail", "total": 5, "success": 0, "failure": 5, "unknown": 5}


def test_4_a_failure_is_counted_and_not_named(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    """A record with an unknown status counts as a failure that stands in no list."""
    records = {"status": "success", "records": [ACCEPTED, {"status": "queued"}]}
    server.answers.extend([(207, records)] * 2)
    shape = {"status": "partial", "total": 2, "success": 1, "failure": 1}
    assert outcome(sdk, server.base_url, events(2), "bulk") == shape | {"failed_records": []}

    response = outcome(ours, server.base_url, events(2), "bulk")
    assert told(response) == [("u1", "the answer's record has the unknown status 'queued'", 207)]
    del response["failed_records"]
    assert response == shape | {"unknown": 1}


def test_5_redirects_drop_the_event_and_report_success(
    server: CapturingServer,
    raw_server: Callable[[Callable[[socket.socket, Flag], None]], str],
    sdk: Driver,
    ours: Driver,
) -> None:
    """A redirect is followed by a GET without the event; if that is answered, the event counts as accepted."""
    body = json.dumps({"status": "success", "message_id": "m"}).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    page = raw_server(lambda connection, _: connection.sendall(head.encode() + body))
    here, there = (302, b"", {"Location": "/page"}), (302, b"", {"Location": page})

    server.answers.append(here)
    outcome(sdk, server.base_url, events(1))
    assert [(request.method, request.path, request.body == b"") for request in server.received] == [
        ("POST", "/v2/event/", False),
        ("GET", "/page", True),
    ]
    server.answers.append(there)
    response = outcome(sdk, server.base_url, events(1))
    assert (response["success"], response["status_code"]) == (True, 200)

    server.received.clear()
    server.answers.append(here)
    assert outcome(ours, server.base_url, events(1)) == {
        "success": False,
        "status": "fail",
        "status_code": 302,
        "message": "HTTP 302, a redirect: it is not followed, since the event would be lost on the way",
        "message_id": None,
        "raw_response": None,
        "unknown": False,
    }
    assert [(request.method, request.path) for request in server.received] == [("POST", "/v2/event/")]


def test_6_a_dead_network_is_a_500_of_the_platform(dead_url: str, sdk: Driver, ours: Driver) -> None:
    """No connection at all is reported with status_code 500, as if the platform had said so."""
    response = outcome(sdk, dead_url, events(1))
    assert "Connection refused" in response.pop("message")
    assert response == {"success": False, "status": "fail", "status_code": 500, "raw_response": None}

    assert outcome(ours, dead_url, events(1)) == {
        "success": False,
        "status": "fail",
        "status_code": 0,
        "message": "Connection refused",
        "message_id": None,
        "raw_response": None,
        "unknown": False,
    }


def test_6_a_mistake_in_an_event_is_a_500_with_a_traceback(server: CapturingServer, sdk: Driver, ours: Driver) -> None:
    """A local mistake is a failed record with code 500 and a traceback for a text."""
    given = [{"distinct_id": "u1", "event_name": "x"}]
    [(user, error, code)] = told(outcome(sdk, server.base_url, given, "bulk"))
    assert (user, error.splitlines()[0], code) == ("u1", "Traceback (most recent call last):", 500)

    [told_by_us] = told(outcome(ours, server.base_url, given, "bulk"))
    assert told_by_us == ("u1", "the event's name 'x' is shorter than 2 characters", 0)
    assert server.received == []
