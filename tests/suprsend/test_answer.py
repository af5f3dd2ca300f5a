from __future__ import annotations

import json

import pytest

from runner.suprsend.answer import Answer, NoAnswer, Result, State, bulk_results, single_result

Told = tuple[State, int, str, str | None]


def answer(status_code: int, body: object) -> Answer:
    return Answer(status_code, body if isinstance(body, bytes) else json.dumps(body).encode())


def told(result: Result) -> Told:
    return result.state, result.status_code, result.message, result.message_id


HTML = b"<!DOCTYPE html>\n<html><head><title> 502 Bad Gateway </title></head><body>nginx</body></html>"

# One event


REDIRECT = "HTTP 302, a redirect: it is not followed, since the event would be lost on the way"


@pytest.mark.parametrize(
    ("status_code", "body", "expected"),
    [
        (202, {"status": "success", "message_id": "m1"}, ("accepted", 202, "OK", "m1")),
        (200, {"status": "success", "message_id": "m1"}, ("accepted", 200, "OK", "m1")),
        (202, {"status": "success"}, ("accepted", 202, "OK", None)),
        (202, {"status": "success", "message_id": 7}, ("accepted", 202, "OK", None)),
        (202, b"OK", ("accepted", 202, "OK", None)),
        (200, b" OK\n", ("accepted", 200, "OK", None)),
        (202, {"status": "fail", "message": "BAD REQUEST"}, ("failed", 202, "BAD REQUEST", None)),
        (202, {"status": "queued", "message_id": "m1"}, ("unknown", 202, 'not the platform\'s answer: {"status": "queued", "message_id": "m1"}', None)),
        (202, {"status": "success", "error": {"message": "no"}}, ("unknown", 202, "not the platform's answer: no", None)),
        (999, {"message": "go away"}, ("unknown", 999, "go away", None)),
        (202, {"status": "error", "error": {"message": "no"}}, ("failed", 202, "no", None)),
        (200, {"error": "no"}, ("failed", 200, "no", None)),
        (400, {"status": "error", "error": {"message": "no", "type": "bad"}}, ("failed", 400, "no", None)),
        (400, {"status": "fail", "message": "BAD REQUEST"}, ("failed", 400, "BAD REQUEST", None)),
        (401, {"error": "text"}, ("failed", 401, "text", None)),
        (404, {"status": "error", "error": {"type": "not_found"}, "message": "m"}, ("failed", 404, "m", None)),
        (413, b"too large", ("failed", 413, "too large", None)),
        (429, b"", ("failed", 429, "HTTP 429 with no text", None)),
        (500, b" \n", ("unknown", 500, "HTTP 500 with no text", None)),
        (502, HTML, ("unknown", 502, "an HTML page: 502 Bad Gateway", None)),
        (503, b"<HTML><body>busy</body></HTML>", ("unknown", 503, "an HTML page", None)),
        (500, b"\xff\xfe", ("unknown", 500, "\ufffd\ufffd", None)),
        (500, {"status": "error", "error": {"message": "no", "type": "internal"}}, ("failed", 500, "no", None)),
        (503, {"error": "busy"}, ("failed", 503, "busy", None)),
        (502, {"error": "Bad Gateway"}, ("unknown", 502, "Bad Gateway", None)),
        (504, {"status": "error", "error": {"message": "late"}}, ("failed", 504, "late", None)),
        (504, {"message": "Endpoint request timed out"}, ("unknown", 504, "Endpoint request timed out", None)),
        (103, b"", ("unknown", 103, "HTTP 103 with no text", None)),
        (500, ["a"], ("unknown", 500, '["a"]', None)),
        (500, {"error": {"message": None}}, ("unknown", 500, '{"error": {"message": null}}', None)),
        (401, {"status": "success", "message_id": "m1"}, ("failed", 401, '{"status": "success", "message_id": "m1"}', None)),
        (301, b"", ("failed", 301, REDIRECT.replace("302", "301"), None)),
        (302, b"Found", ("failed", 302, REDIRECT, None)),
        (304, b"", ("failed", 304, "HTTP 304 with no text", None)),
        (204, b"", ("unknown", 204, "not the platform's answer: HTTP 204 with no text", None)),
        (200, HTML, ("unknown", 200, "not the platform's answer: an HTML page: 502 Bad Gateway", None)),
        (200, b"okay", ("unknown", 200, "not the platform's answer: okay", None)),
        (200, b'{"status": "succ', ("unknown", 200, 'not the platform\'s answer: {"status": "succ', None)),
        (202, b'"OK"', ("unknown", 202, "not the platform's answer: \"OK\"", None)),
        (202, [], ("unknown", 202, "not the platform's answer: []", None)),
        (202, None, ("unknown", 202, "not the platform's answer: null", None)),
    ],
)  # fmt: skip
def test_the_answer_to_one_event_is_read_truthfully(status_code: int, body: object, expected: Told) -> None:
    assert told(single_result(answer(status_code, body))) == expected


@pytest.mark.parametrize("body", [{}, {"hello": "world"}])
def test_json_of_somebody_else_is_no_acceptance(body: object) -> None:
    assert single_result(answer(200, body)).state == "unknown"


def test_the_whole_answer_is_kept_beside_the_result() -> None:
    body = {"status": "success", "message_id": "m1", "extra": [1]}
    assert single_result(answer(202, body)).raw == body
    assert single_result(answer(400, {"error": "no"})).raw == {"error": "no"}
    assert single_result(answer(202, b"OK")).raw == "OK"
    assert single_result(answer(502, HTML)).raw is None


def test_a_text_is_cut_where_it_is_longer_than_a_request() -> None:
    assert single_result(answer(400, {"error": "x" * 1_000_000})).message == "x" * 1_000_000
    assert single_result(answer(400, {"error": "x" * 1_000_001})).message == "x" * 1_000_000 + " …"
    assert single_result(answer(500, b"x" * 1_000_001)).message == "x" * 1_000_000 + " …"


@pytest.mark.parametrize(("sent", "state"), [(False, "failed"), (True, "unknown")])
def test_without_an_answer_a_sent_event_is_unknown_and_an_unsent_one_failed(sent: bool, state: State) -> None:
    lost = NoAnswer("Connection refused", sent)
    assert single_result(lost) == Result(state, 0, "Connection refused", transient=True)
    assert bulk_results(lost, 2) == [Result(state, 0, "Connection refused", transient=True)] * 2


# Many events


def records(*items: object) -> dict[str, object]:
    return {"status": "success", "records": list(items)}


GOOD = {"status": "success", "status_code": 202, "message_id": "m1"}
BAD = {"status": "error", "status_code": 404, "error": {"message": "no such user", "type": "not_found"}}


@pytest.mark.parametrize("status_code", [200, 202, 207])
def test_each_record_of_a_bulk_tells_of_its_event_in_order(status_code: int) -> None:
    results = bulk_results(answer(status_code, records(GOOD, BAD, GOOD | {"message_id": "m3"})), 3)
    assert [told(result) for result in results] == [
        ("accepted", 202, "OK", "m1"),
        ("failed", 404, "no such user", None),
        ("accepted", 202, "OK", "m3"),
    ]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"status": "success"}, ("accepted", 207, "OK", None)),
        ({"status": "success", "status_code": 200}, ("accepted", 200, "OK", None)),
        ({"status": "error", "status_code": 400, "error": "text"}, ("failed", 400, "text", None)),
        ({"status": "fail", "status_code": 400, "message": "BAD REQUEST"}, ("failed", 400, "BAD REQUEST", None)),
        ({"status": "error", "status_code": 500}, ("failed", 500, "refused with no reason", None)),
        ({"status": "error", "status_code": 500, "error": "x" * 1_000_001}, ("failed", 500, "x" * 1_000_000 + " …", None)),
        ({"status": "queued", "status_code": 202}, ("unknown", 202, "the answer's record has the unknown status 'queued'", None)),
        ({"status_code": 202}, ("unknown", 202, "the answer's record has the unknown status None", None)),
        ({"status": True}, ("unknown", 207, "the answer's record has the unknown status True", None)),
        ({"status": ["success"]}, ("unknown", 207, "the answer's record has a status that is not text", None)),
        ({"status": "success", "status_code": "202"}, ("unknown", 207, "the answer's record has a status_code that is not a number", None)),
        ({"status": "success", "status_code": True}, ("unknown", 207, "the answer's record has a status_code that is not a number", None)),
        ({"status": "success", "error": {"message": "no"}}, ("unknown", 207, "the answer's record has the unknown status 'success'", None)),
        ({}, ("unknown", 207, "the answer's record has the unknown status None", None)),
        ("success", ("unknown", 207, "the answer's record is not an object", None)),
        (None, ("unknown", 207, "the answer's record is not an object", None)),
        (["success"], ("unknown", 207, "the answer's record is not an object", None)),
    ],
)  # fmt: skip
def test_a_record_is_read_truthfully(record: object, expected: Told) -> None:
    assert [told(result) for result in bulk_results(answer(207, records(record)), 1)] == [expected]


def test_a_success_with_the_code_of_a_failure_is_no_acceptance() -> None:
    result = bulk_results(answer(207, records({"status": "success", "status_code": 500})), 1)[0]
    assert (result.state, result.status_code) == ("unknown", 500)


@pytest.mark.parametrize(
    ("items", "tells_of"), [([GOOD], 1), ([GOOD, GOOD, GOOD], 3), ([], 0), ([GOOD, BAD, BAD, GOOD], 4)]
)
def test_fewer_or_more_records_than_events_leave_all_of_them_unknown(items: list[object], tells_of: int) -> None:
    message = f"2 events were sent, but the answer has {tells_of} records"
    assert [told(result) for result in bulk_results(answer(207, records(*items)), 2)] == [
        ("unknown", 207, message, None)
    ] * 2


@pytest.mark.parametrize(
    ("status_code", "body", "expected"),
    [
        (400, {"status": "error", "error": {"message": "no", "type": "bad"}}, ("failed", 400, "no", None)),
        (400, {"status": "fail", "message": "BAD REQUEST"}, ("failed", 400, "BAD REQUEST", None)),
        (401, {"error": "text"}, ("failed", 401, "text", None)),
        (413, b"", ("failed", 413, "HTTP 413 with no text", None)),
        (502, HTML, ("unknown", 502, "an HTML page: 502 Bad Gateway", None)),
        (302, b"", ("failed", 302, REDIRECT, None)),
        (500, {"status": "success", "records": [GOOD, GOOD]}, ("unknown", 500, json.dumps(records(GOOD, GOOD)), None)),
        (200, HTML, ("unknown", 200, "not the platform's answer: an HTML page: 502 Bad Gateway", None)),
        (202, b"OK", ("unknown", 202, "not the platform's answer: OK", None)),
        (200, b"", ("unknown", 200, "not the platform's answer: HTTP 200 with no text", None)),
        (202, {"status": "success"}, ("unknown", 202, 'not the platform\'s answer: {"status": "success"}', None)),
        (202, {"status": "error", "error": {"message": "no"}}, ("failed", 202, "no", None)),
        (207, {"records": {"0": GOOD}}, ("unknown", 207, f"not the platform's answer: {json.dumps({'records': {'0': GOOD}})}", None)),
        (207, [GOOD, GOOD], ("unknown", 207, f"not the platform's answer: {json.dumps([GOOD, GOOD])}", None)),
    ],
)  # fmt: skip
def test_an_answer_without_records_tells_the_same_of_all(status_code: int, body: object, expected: Told) -> None:
    assert [told(result) for result in bulk_results(answer(status_code, body), 2)] == [expected] * 2
