"""Answers whose records are too few, too many, odd, contradictory or mixed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.servers.misbehaving.answers import accepted, encoded
from tests.servers.misbehaving.fault import ALL, fault, faults, sound

if TYPE_CHECKING:
    from tests.servers.misbehaving.exchange import Exchange


@fault(ALL)
def fewer_records(exchange: Exchange) -> None:
    """Take some of the events, and tell of one less than came."""
    exchange.take_some()
    records: list[object] = [accepted(copy) for copy in exchange.copies[:-1]]
    exchange.answer(exchange.status, exchange.told(records) if exchange.is_bulk else encoded(records))


@fault(ALL)
def more_records(exchange: Exchange) -> None:
    """Take some of the events, and tell of one more than came."""
    exchange.take_some()
    copies = exchange.copies
    records: list[object] = [accepted(copy) for copy in (*copies, copies[-1])]
    exchange.answer(exchange.status, exchange.told(records) if exchange.is_bulk else encoded(records))


@faults(
    "every record {}",
    {
        "of an unknown status": {"status": "queued", "status_code": 202},
        "without a status": {"status_code": 202},
        "with a status in a list": {"status": ["success"], "status_code": 202},
        "null": None,
        "a text": "success",
        "a list": ["success", 202],
        "a success with an error": {"status": "success", "status_code": 202, "error": {"message": "no"}},
    },
    ALL,
)
def odd_record(exchange: Exchange, record: object) -> None:
    """Take some of the events, and tell of each in a way that doesn't tell."""
    exchange.take_some()
    exchange.answer(exchange.status, exchange.told([record for _ in exchange.copies]))


@faults("every record a success with code {}", {"302": 302, "404": 404, "500": 500}, ALL)
def contradictory_record(exchange: Exchange, code: int) -> None:
    """Take some of the events, and call each a success, with the code of a failure: where answers have codes, in bulk."""
    if exchange.is_bulk:
        exchange.take_some()
        exchange.answer(
            exchange.status, exchange.told([accepted(copy) | {"status_code": code} for copy in exchange.copies])
        )
    else:
        sound(exchange)


@faults(
    "acceptance with {}",
    {
        "a code in text": ("status_code", "202"),
        "a code of true": ("status_code", True),
        "a code of 202.0": ("status_code", 202.0),
        "a message id in maps": ("message_id", {"id": [{"of": None}]}),
        "a message id of 1 MB": ("message_id", "m" * 1024 * 1024),
        "an error of null": ("error", None),
    },
    ALL,
)
def acceptance_with_junk(exchange: Exchange, junk: tuple[str, object]) -> None:
    """Take the events, and say so of each with something odd beside."""
    exchange.take()
    exchange.answer(exchange.status, exchange.told([accepted(copy) | dict([junk]) for copy in exchange.copies]))


@fault(ALL)
def acceptances_below_an_error(exchange: Exchange) -> None:
    """Take some of the events and call each a success, but the whole an error; of a single event, just refuse it."""
    above: dict[str, object] = {"status": "error", "error": {"message": "no", "type": "refused"}}
    if exchange.is_bulk:
        exchange.take_some()
        above["records"] = [accepted(copy) for copy in exchange.copies]
    exchange.answer(exchange.status, encoded(above))


@fault(ALL)
def mixed_records(exchange: Exchange) -> None:
    """Take u1's event, say 404 to u2's, and to u3's 429 until it comes again."""
    _mixed(exchange, {"u1": [202], "u2": [404], "u3": [429]})


@fault(ALL)
def mixed_records_that_recover(exchange: Exchange) -> None:
    """Say 500 to u1's event and 503 to u3's until they come again, 429 to u2's until it comes a third time."""
    _mixed(exchange, {"u1": [500], "u2": [429, 429], "u3": [503]})


@fault(ALL)
def mixed_records_that_never_recover(exchange: Exchange) -> None:
    """Take u1's event, and say 429 to u2's and 500 to u3's each time."""
    _mixed(exchange, {"u1": [202], "u2": [429] * 9, "u3": [500] * 9})


@fault(ALL)
def mixed_records_of_all_kinds(exchange: Exchange) -> None:
    """Take u1's and u2's event, refuse u3's; tell of u1's so, of u2's nothing, of u3's as an error with code 202."""
    copies = exchange.copies
    exchange.server.took.update(copy.insert_id for copy in copies if copy.user != "u3")
    said: dict[str, object] = {"u2": {"status": "pending"}, "u3": {"status": "error", "status_code": 202}}
    exchange.answer(exchange.status, exchange.told([said.get(copy.user, accepted(copy)) for copy in copies]))


def _mixed(exchange: Exchange, codes: dict[str, list[int]]) -> None:
    """Say the first of its codes to each user's event, then the second, and so on; take those to which 202 is said."""
    copies = exchange.copies
    now = [(codes[copy.user] + [202] * 9)[exchange.server.arrivals(copy.insert_id) - 1] for copy in copies]
    exchange.settled = [copy for copy, code in zip(copies, now, strict=True) if code == 202]
    exchange.server.took.update(copy.insert_id for copy in exchange.settled)
    records: list[object] = [
        accepted(copy) if copy in exchange.settled else refused_record(code)
        for copy, code in zip(copies, now, strict=True)
    ]
    exchange.answer(exchange.status if exchange.is_bulk else f"{now[0]} Of The Record", exchange.told(records))


def refused_record(code: int) -> dict[str, object]:
    return {"status": "error", "status_code": code, "error": {"message": "no", "type": "refused"}}
