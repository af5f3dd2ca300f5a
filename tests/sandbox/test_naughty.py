"""Texts that break programs, in every field of an event, and requests of web pages elsewhere."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from runner.report.sandbox import log_lines
from runner.report.style import Style, written
from tests.sandbox.conftest import CONTENT_TYPE, DATE, TOKEN

if TYPE_CHECKING:
    from tests.sandbox.conftest import Api, Caller

BULK, EVENTS = "/v2/bulk/event/", "/_sandbox/events"
WITH_TOKEN = {"Authorization": f"Bearer {TOKEN}"}

NAUGHTY = [
    "",
    " ",
    "\t\r\n",
    "\x00",
    "a\x00b",
    "\x1b[2J\x1b[31m",
    "\x1b]0;title\x07",
    "\x7f\x80\x9b31m",
    "\u202eabc\u202c",
    "\u200b\u2060\ufeff",
    "\u2028\u2029",
    "\ufffe\uffff",
    "\U0010ffff",
    "🏳️‍🌈👩‍👩‍👧‍👦",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A",
    "ﷺ",
    "田中さんにあげて下さい",
    "مُنَاقَشَةُ",
    "İ\u0131\u017fK",
    "1/0",
    "-0",
    "NaN",
    "Infinity",
    "1e1000",
    "9" * 300,
    "true",
    "null",
    "undefined",
    "' OR 1=1 --",
    "'; DROP TABLE arrivals; --",
    '"),("',
    "%_[a]?*",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "]]>&lt;!--",
    "{{ 7 * 7 }}${7*7}#{7*7}",
    "%s%n%x%p%d",
    "../../../../etc/passwd",
    "C:\\con\\nul",
    "::error::x",
    "##[command]x",
    "$(touch x)`touch x`",
    "a\r\nSet-Cookie: x=1",
    "$identify",
    "ss_",
    "__proto__",
    "constructor",
    "x" * 60_000,
]
FIELDS = [
    "event",
    "distinct_id",
    "tenant_id",
    "brand_id",
    "$idempotency_key",
    "$insert_id",
    "$time",
    "env",
    "properties",
]


def with_naughty(caller: Caller, field: str, text: str) -> dict[str, Any]:
    match field:
        case "a property":
            return caller.event(properties={"x": text})
        case "a property's name":
            return caller.event(properties={text: {text: [text]}})
        case "a field's name":
            return caller.event(**{text: text})
        case "an attachment's url":
            return caller.event(properties={"$attachments": [{"url": text}]})
        case "an attachment":
            url = "https://example.com/a"
            return caller.event(properties={"$attachments": [{"url": url, "filename": text, text: text}]})
        case _:
            return caller.event(**{field: text})


PLACES = [*FIELDS, "a property", "a property's name", "a field's name", "an attachment's url", "an attachment"]


@pytest.mark.parametrize("place", PLACES)
def test_naughty_texts_are_taken_or_refused_and_shown_as_they_came(api: Api, caller: Caller, place: str) -> None:
    answers: list[tuple[dict[str, Any], Any]] = []
    for first in range(0, len(NAUGHTY), 10):
        events = [with_naughty(caller, place, text) for text in NAUGHTY[first : first + 10]]
        answered = caller.post(BULK, events)
        assert answered.status == 207
        answers += zip(events, answered.json["records"], strict=True)
    assert {record["status_code"] for _, record in answers} <= {202, 400, 404, 413}
    shown = caller.get(f"{EVENTS}?limit=1000").json["events"]
    assert [each["body"] for each in reversed(shown)] == [event for event, _ in answers]
    assert [each["status_code"] for each in reversed(shown)] == [record["status_code"] for _, record in answers]
    for each in shown:
        assert caller.get(f"{EVENTS}/{each['id']}").status == 200
    for arrival in api.store.select("1", ()):
        for line in log_lines([arrival], Style(on=False)):
            assert re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", written(line)) is None
            assert len(line) < 2000


@pytest.mark.parametrize("name", ["text", "event", "distinct_id", "session", "limit", "after", "nowhere"])
def test_naughty_texts_select_or_are_refused(api: Api, caller: Caller, name: str) -> None:
    caller.post(BULK, [caller.event(properties={"x": text}) for text in NAUGHTY[1:9]])
    for text in NAUGHTY[:-1]:
        assert caller.get(f"{EVENTS}?{name}={quote(text)}").status in (200, 400)
        assert caller.get(f"/_sandbox/wait?{name}={quote(text)}&timeout=0").status in (200, 400, 408)
    assert len(api.store.events()) == 8


@pytest.mark.parametrize("name", ["X-Sandbox-Session", "Authorization", "Date", "Content-Type", "Origin", "Cookie"])
def test_naughty_headers_are_refused_or_without_effect(api: Api, caller: Caller, name: str) -> None:
    body = json.dumps(caller.event()).encode()
    for text in ("", " ", "../..", "' OR 1=1 --", "<script>", "\x80\xff", "a" * 8000, "%00", "{{x}}", "[]"):
        signed = {"Content-Type": CONTENT_TYPE, "Date": DATE, "Authorization": caller.sign("POST", "/v2/event/", body)}
        assert caller.send("POST", "/v2/event/", body, signed | {name: text}).status in (202, 400, 401, 403)
    assert {event.session for event in api.store.events()} <= {""}


# Web pages elsewhere

SIMPLE = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
CHANGING = [("DELETE", EVENTS), ("POST", "/_sandbox/clock"), ("POST", EVENTS)]
READING = [("GET", path) for path in (EVENTS, f"{EVENTS}/1", "/_sandbox/wait?timeout=0", "/_sandbox/stream")]


@pytest.mark.parametrize(("method", "path"), [*CHANGING, *READING])
@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_page_elsewhere_changes_and_reads_nothing_even_with_the_token(
    api: Api, caller: Caller, method: str, path: str, origin: str
) -> None:
    caller.post("/v2/event/", caller.event())
    for content_type in SIMPLE:
        headers = WITH_TOKEN | {"Origin": origin, "Content-Type": content_type}
        answered = caller.send(method, path, b'{"advance_s": 90}', headers)
        assert (answered.status, "access-control-allow-origin" in answered.headers) == (403, False)
    assert (len(api.store.events()), api.store.now_ms("") // 60_000) == (1, api.store.now_ms("other") // 60_000)


@pytest.mark.parametrize(("method", "path"), [*CHANGING[:2], *READING])
def test_a_request_without_the_token_changes_and_reads_nothing(
    api: Api, caller: Caller, method: str, path: str
) -> None:
    caller.post("/v2/event/", caller.event())
    for content_type in SIMPLE:
        answered = caller.send(method, path, b'{"advance_s": 90}', {"Content-Type": content_type})
        assert answered.refusal[0] == 401
    assert len(api.store.events()) == 1


def test_a_form_of_a_page_elsewhere_sends_nothing(api: Api, caller: Caller) -> None:
    body = json.dumps(caller.event()).encode()
    for content_type in SIMPLE:
        for path in ("/v2/event/", "/event/", BULK):
            headers = {"Content-Type": content_type, "Origin": "https://evil.example"}
            assert caller.send("POST", path, body, headers).status == 403
            assert caller.send("POST", path, body, {"Content-Type": content_type}).status == 401
    assert api.store.events() == []


def test_a_preflight_request_of_a_page_elsewhere_allows_nothing(caller: Caller) -> None:
    for path in (EVENTS, "/v2/event/", "/"):
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
        answered = caller.send("OPTIONS", path, headers=headers)
        assert answered.status == 403
        assert not [name for name in answered.headers if name.startswith("access-control")]
