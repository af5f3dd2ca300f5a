"""Refusals, and failures that do not tell whether the events were taken."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime
from typing import TYPE_CHECKING

from tests.servers.misbehaving.answers import refusal
from tests.servers.misbehaving.connections import closed_after_taking
from tests.servers.misbehaving.fault import ALL, FIRST, FIRST_TWO, fault, faults, same, sound
from tests.servers.misbehaving.records import refused_record

if TYPE_CHECKING:
    from tests.servers.misbehaving.exchange import Exchange


@faults(
    "{}",
    same(
        "400 Bad Request",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "409 Conflict",
        "422 Unprocessable Content",
    ),
    ALL,
)
@faults(
    "{}",
    same("408 Request Timeout", "425 Too Early", "429 Too Many Requests", "500 Internal Server Error"),
    FIRST,
    ALL,
)
@faults("{}", same("501 Not Implemented", "503 Service Unavailable"), FIRST_TWO, ALL)
def refuses(exchange: Exchange, status: str) -> None:
    """Take nothing, and say so as the platform does."""
    exchange.take_none()
    exchange.refuse(status)


@fault(ALL)
def _202_with_a_refusal(exchange: Exchange) -> None:
    """Take nothing, and refuse in the platform's words under the status of an acceptance."""
    exchange.take_none()
    exchange.answer(exchange.status, refusal("refused"))


@faults(
    "400 with {}",
    {
        "no body": b"",
        "HTML": b"<html><title>Bad</title></html>",
        "invalid UTF-8": b"\xff\xfe",
        "acceptance": b'{"status": "success"}',
    },
    ALL,
)
def refuses_in_other_words(exchange: Exchange, body: bytes) -> None:
    """Take nothing, and refuse with a body that is not the platform's."""
    exchange.take_none()
    exchange.answer("400 Bad Request", body)


@fault(ALL)
def _401_that_asks_for_a_password(exchange: Exchange) -> None:
    """Take nothing, and ask for other credentials."""
    exchange.take_none()
    exchange.refuse("401 Unauthorized", 'WWW-Authenticate: Basic realm="events"', "Connection: close")
    exchange.close()


_TOO_LARGE = b"<html><head><title>413 Request Entity Too Large</title></head><body>nginx</body></html>"


@fault(ALL)
def _413_for_more_than_one(exchange: Exchange) -> None:
    """Refuse several events together as too large with a proxy's page; take them one by one."""
    if len(exchange.copies) > 1:
        _too_large(exchange)
    else:
        sound(exchange)


@fault(ALL)
def _413_always(exchange: Exchange) -> None:
    """Refuse everything as too large with a proxy's page, and close, as announced."""
    _too_large(exchange, "Connection: close")
    exchange.close()


@fault(ALL)
def _413_for_u2(exchange: Exchange) -> None:
    """Refuse as too large whatever has u2's event in it."""
    if any(copy.user == "u2" for copy in exchange.copies):
        _too_large(exchange)
    else:
        sound(exchange)


@fault(ALL)
def _413_for_three_then_503(exchange: Exchange) -> None:
    """Refuse three events as too large; then each half as too busy, once."""
    if len(exchange.copies) > 2:
        _too_large(exchange)
    elif not exchange.is_known:
        exchange.refuse("503 Service Unavailable")
    else:
        sound(exchange)


@fault(ALL)
def _413_for_three_then_closed(exchange: Exchange) -> None:
    """Refuse three events as too large; then take each half and close without a word."""
    if len(exchange.copies) > 2:
        _too_large(exchange)
    else:
        closed_after_taking(exchange)


def _too_large(exchange: Exchange, *lines: str) -> None:
    exchange.is_cut_up = len(exchange.copies) > 1
    exchange.answer("413 Request Entity Too Large", _TOO_LARGE, *lines)


@faults(
    "429 with Retry-After: {}",
    same("7", "0", "007", "86400", "-5", "1.5", "soon", "1_0", "", "Fri, 01 Jan 2010 00:00:00 GMT")
    | {"5,000 nines": "9" * 5000},
    FIRST,
)
def too_many_requests(exchange: Exchange, after: str) -> None:
    """Take nothing, and say when to come again."""
    exchange.take_none()
    exchange.refuse("429 Too Many Requests", f"Retry-After: {after}")


@fault(FIRST_TWO)
def _429_until_a_date_7_s_away(exchange: Exchange) -> None:
    """Take nothing, and say to come again 7 seconds after the request's own Date."""
    exchange.take_none()
    date = parsedate_to_datetime(exchange.request.only("Date"))
    exchange.refuse("429 Too Many Requests", f"Retry-After: {formatdate(date.timestamp() + 7, usegmt=True)}")


@fault(ALL, timeout_s=150)
def _429_with_retry_after_a_day_for_a_patient_client(exchange: Exchange) -> None:
    """Take nothing, and say to come again tomorrow."""
    too_many_requests(exchange, "86400")


@fault(FIRST)
def _503_with_retry_after_3(exchange: Exchange) -> None:
    """Take nothing, and say to come again in 3 seconds."""
    exchange.take_none()
    exchange.refuse("503 Service Unavailable", "Retry-After: 3")


@faults(
    "{} after taking",
    {
        "500 with no body": ("500 Internal Server Error", b""),
        "502 with HTML": ("502 Bad Gateway", b"<html><head><title>502 Bad Gateway</title></head></html>"),
        "504 with text": ("504 Gateway Time-out", b"upstream request timeout"),
    },
    FIRST,
    ALL,
)
def fails_after_taking(exchange: Exchange, said: tuple[str, bytes]) -> None:
    """Take the events, and answer with a failure that isn't the platform's."""
    exchange.take()
    exchange.answer(*said)


@faults(
    "500 with {}",
    {
        "another API's JSON": b'{"detail": "Internal Server Error"}',
        "status success": b'{"status": "success"}',
        "status 500": b'{"status": 500, "title": "Internal Server Error"}',
        "an error of null": b'{"error": null}',
        "a list of errors": b'[{"status": "error"}]',
        "half of JSON": b'{"status": "error", "err',
        "100,000 lists in lists": b"[" * 100_000 + b"]" * 100_000,
    },
    ALL,
)
def fails_in_other_words(exchange: Exchange, body: bytes) -> None:
    """Take some of the events, and answer 500 with JSON that isn't the platform's refusal."""
    exchange.take_some()
    exchange.answer("500 Internal Server Error", body)


@faults("{} with an error in text", same("502 Bad Gateway", "504 Gateway Timeout"), ALL)
def gateway_fails(exchange: Exchange, status: str) -> None:
    """Take some of the events, and answer for somebody else that there is no answer, in JSON of its own."""
    exchange.take_some()
    exchange.answer(status, b'{"error": "upstream timed out"}')


@faults(
    "500 with {}",
    {"the older refusal": b'{"status": "fail", "message": "BAD"}', "a refusal in text": b'{"error": "no"}'},
    FIRST,
    ALL,
)
def fails_and_refuses(exchange: Exchange, body: bytes) -> None:
    """Take nothing, and answer 500 with a refusal such as the platform also gives."""
    exchange.take_none()
    exchange.answer("500 Internal Server Error", body)


@faults(
    "502 after taking, then {}",
    same("400 Bad Request", "401 Unauthorized", "404 Not Found", "409 Conflict", "429 Too Many Requests"),
    ALL,
)
@faults("502 after taking, then {}", same("302 Found", "503 Service Unavailable"), ALL)
def taken_then_refused(exchange: Exchange, status: str) -> None:
    """Take the events and answer 502; then refuse them for good: they may be taken all the same."""
    if exchange.turn == 0:
        exchange.take()
        exchange.answer("502 Bad Gateway", b"")
    else:
        exchange.take_none()
        exchange.refuse(status)


@fault(ALL)
def _502_after_taking_then_413(exchange: Exchange) -> None:
    """Take the events and answer 502; then refuse them as too large, however few they are."""
    if exchange.turn == 0:
        exchange.take()
        exchange.answer("502 Bad Gateway", b"")
    else:
        _too_large(exchange)


@fault(ALL)
def _502_after_taking_then_records_of_404(exchange: Exchange) -> None:
    """Take the events and answer 502; then say of each that its user is not known."""
    if exchange.turn == 0:
        exchange.take()
        exchange.answer("502 Bad Gateway", b"")
    else:
        exchange.take_none()
        status = exchange.status if exchange.is_bulk else "404 Not Found"
        exchange.answer(status, exchange.told([refused_record(404) for _ in exchange.copies]))
