"""What the network does to a request ends in a truthful response, in bounded time."""

from __future__ import annotations

import gzip
import json
import socket
import time
from contextlib import suppress
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import pytest

from runner import Event, Suprsend

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.capturing import CapturingServer

    RawServer = Callable[[Callable[[socket.socket, Flag], None]], str]

ACCEPTED = b'{"status":"success","message_id":"m1"}'


def track(base_url: str, timeout: float = 5.0) -> Any:
    return Suprsend("k", "s", base_url=base_url, timeout=timeout, retries=0).track_event(Event("u1", "ordered"))


def failed(message: str, status_code: int = 0, *, unknown: bool = False) -> dict[str, object]:
    return {
        "success": False,
        "status": "fail",
        "status_code": status_code,
        "message": message,
        "message_id": None,
        "raw_response": None,
        "unknown": unknown,
    }


def head(length: int, *more: str) -> bytes:
    lines = ("HTTP/1.1 202 Accepted", "Content-Type: application/json", f"Content-Length: {length}", *more)
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(server: CapturingServer, status: int) -> None:
    server.answers.append((status, b"", {"Location": f"{server.base_url}v2/event/"}))
    message = f"HTTP {status}, a redirect: it is not followed, since the event would be lost on the way"
    assert track(server.base_url) == failed(message, status)
    assert [(request.method, request.path) for request in server.received] == [("POST", "/v2/event/")]


def test_a_redirected_bulk_fails_every_event(server: CapturingServer) -> None:
    server.answers.append((302, b"", {"Location": f"{server.base_url}v2/bulk/event/"}))
    bulk = Suprsend("k", "s", base_url=server.base_url).bulk_events.new_instance()
    bulk.append(Event("u1", "ordered"), Event("u2", "ordered"))
    response = bulk.trigger()
    assert (response.status, response.total, response.success, response.failure) == ("fail", 2, 0, 2)
    assert [record["code"] for record in response.failed_records] == [302, 302]
    assert len(server.received) == 1


def test_a_dead_port_is_no_answer(dead_url: str) -> None:
    assert track(dead_url) == failed("Connection refused")


def test_a_silent_server_is_left_after_the_timeout(silent_url: str) -> None:
    began = time.monotonic()
    assert track(silent_url, 0.3) == failed("no answer within 0.3 s", unknown=True)
    assert 0.3 <= time.monotonic() - began < 2


def test_an_answer_that_stalls_is_left_after_the_timeout(raw_server: RawServer) -> None:
    def stall(connection: socket.socket, ended: Flag) -> None:
        connection.sendall(head(100) + b'{"status"')
        ended.wait()

    began = time.monotonic()
    response = track(raw_server(stall), 0.3)
    assert (response["success"], response["status_code"]) == (False, 0)
    assert time.monotonic() - began < 2


def test_an_answer_that_drips_is_left_after_the_timeout(raw_server: RawServer) -> None:
    def drip(connection: socket.socket, ended: Flag) -> None:
        connection.sendall(head(len(ACCEPTED)))
        _drip(connection, ended, ACCEPTED)

    assert track(raw_server(drip), 0.3) == failed("no complete answer within 0.3 s", unknown=True)


def test_headers_that_drip_are_left_at_the_timeout(raw_server: RawServer) -> None:
    def drip(connection: socket.socket, ended: Flag) -> None:
        _drip(connection, ended, head(len(ACCEPTED)) + ACCEPTED)

    began = time.monotonic()
    assert track(raw_server(drip), 0.3) == failed("no answer within 0.3 s", unknown=True)
    assert time.monotonic() - began < 1


def test_an_endless_row_of_continues_is_left_at_the_timeout(raw_server: RawServer) -> None:
    def flood(connection: socket.socket, ended: Flag) -> None:
        _drip(connection, ended, b"HTTP/1.1 100 Continue\r\n\r\n" * 500, step=25)

    began = time.monotonic()
    assert track(raw_server(flood), 0.3) == failed("no answer within 0.3 s", unknown=True)
    assert time.monotonic() - began < 1


def _drip(connection: socket.socket, ended: Flag, data: bytes, step: int = 1) -> None:
    """Send bit by bit, each well before the timeout, all of them well after it."""
    for index in range(0, len(data), step):
        if ended.wait(0.03):
            return
        try:
            connection.sendall(data[index : index + step])
        except OSError:
            return


def test_half_an_answer_is_no_answer(raw_server: RawServer) -> None:
    response = track(raw_server(lambda connection, _: connection.sendall(head(len(ACCEPTED)) + ACCEPTED[:-5])))
    assert (response["success"], response["status_code"], response["message_id"]) == (False, 0, None)
    assert response["message"].startswith("the answer was cut off: ")


def test_half_a_chunked_answer_is_no_answer(raw_server: RawServer) -> None:
    def half(connection: socket.socket, _: Flag) -> None:
        chunk = f"{len(ACCEPTED):x}\r\n".encode() + ACCEPTED + b"\r\n"
        connection.sendall(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)

    response = track(raw_server(half))
    assert (response["success"], response["status_code"]) == (False, 0)
    assert response["message"].startswith("the answer was cut off: ")


def test_half_a_header_is_no_answer(raw_server: RawServer) -> None:
    response = track(raw_server(lambda connection, _: connection.sendall(b"HTT")))
    assert (response["success"], response["status_code"]) == (False, 0)
    assert response["message"].startswith("the connection was lost: ")


def test_a_connection_that_closes_without_a_word_is_no_answer(raw_server: RawServer) -> None:
    assert track(raw_server(lambda _connection, _ended: None)) == failed(
        "the connection was lost: Remote end closed connection without response", unknown=True
    )


def large(connection: socket.socket, _: Flag) -> None:
    with suppress(OSError):
        connection.sendall(head(17 * 1024 * 1024) + ACCEPTED.ljust(17 * 1024 * 1024))


def test_an_answer_larger_than_16_mb_is_no_answer(raw_server: RawServer) -> None:
    response = track(raw_server(large))
    assert (response["success"], response["status_code"]) == (False, 0)


def test_an_answer_larger_than_16_mb_is_not_called_late(raw_server: RawServer) -> None:
    assert track(raw_server(large))["message"] != "no complete answer within 5 s"


def test_a_chunked_and_compressed_answer_is_read(raw_server: RawServer) -> None:
    def packed(connection: socket.socket, _: Flag) -> None:
        data = gzip.compress(ACCEPTED)
        lines = "HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        parts = b"".join(b"1\r\n" + data[index : index + 1] + b"\r\n" for index in range(len(data)))
        connection.sendall(lines.encode() + parts + b"0\r\n\r\n")

    response = track(raw_server(packed))
    assert (response["status_code"], response["message_id"]) == (202, "m1")


def test_a_compressed_answer_that_does_not_unpack_is_no_answer(raw_server: RawServer) -> None:
    response = track(
        raw_server(lambda connection, _: connection.sendall(head(9, "Content-Encoding: gzip") + b"not  gzip"))
    )
    assert (response["success"], response["status_code"]) == (False, 0)


def test_a_kept_connection_that_the_server_closed_is_opened_anew(raw_server: RawServer) -> None:
    closed = Flag()

    def once(connection: socket.socket, _: Flag) -> None:
        connection.sendall(head(len(ACCEPTED)) + ACCEPTED)
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    client = Suprsend("k", "s", base_url=raw_server(once), timeout=5)
    for index in range(5):
        closed.clear()
        assert client.track_event(Event(f"u{index}", "ordered"))["status_code"] == 202
        assert closed.wait(5)


def test_each_chunk_of_a_bulk_has_its_own_answer(server: CapturingServer) -> None:
    records = [{"status": "success", "status_code": 202, "message_id": "m"}] * 100
    server.answers.extend([(503, b"busy"), (207, {"status": "success", "records": records}), (207, {"records": []})])
    bulk = Suprsend("k", "s", base_url=server.base_url, concurrency=1).bulk_events.new_instance()
    bulk.append(*(Event(f"u{index}", "ordered") for index in range(201)))
    response = bulk.trigger()
    assert (response.status, response.total, response.success, response.failure) == ("partial", 201, 100, 101)
    assert [(record["error"], record["code"]) for record in response.failed_records] == [("busy", 503)] * 100 + [
        ("1 events were sent, but the answer has 0 records", 207)
    ]


def test_a_bulk_without_an_answer_fails_with_code_0(silent_url: str) -> None:
    client = Suprsend("k", "s", base_url=silent_url, timeout=0.3, clock=lambda: 1767225600.0, new_id=lambda: "i" * 36)
    bulk = client.bulk_events.new_instance()
    bulk.append(Event("u1", "ordered"))
    response = bulk.trigger()
    assert (response.status, response.total, response.success, response.failure) == ("fail", 1, 0, 1)
    [record] = response.failed_records
    assert (record["error"], record["code"]) == ("no answer within 0.3 s", 0)
    assert json.dumps(record["record"]).startswith('{"$insert_id": "iiii')


def test_a_bulk_whose_answer_was_lost_is_not_shown_as_not_sent(silent_url: str) -> None:
    bulk = Suprsend("k", "s", base_url=silent_url, timeout=0.1).bulk_events.new_instance()
    bulk.append(Event("u1", "ordered"))
    assert "not sent" not in repr(bulk.trigger())
