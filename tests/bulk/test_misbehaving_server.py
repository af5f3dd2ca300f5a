"""Whatever a server does wrong to 1,200 rows, what a run says of them agrees with what the server took."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.misbehaving.fault import Fault
from tests.servers.misbehaving.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import CommandLine
    from tests.servers.misbehaving.exchange import Exchange
    from tests.servers.misbehaving.fault import Listens


ROWS = 1200
CREDENTIALS = {"SUPRSEND_WORKSPACE_KEY": "key", "SUPRSEND_WORKSPACE_SECRET": "the-workspace-secret"}
ALL, EVERY_THIRD, MIDWAY = range(10**9), range(0, 10**9, 3), range(6, 10**9)
"""Which requests a fault concerns, in the order in which they come."""
OK, REFUSED, CREDENTIALS_REFUSED, RATE_LIMITED, NO_ANSWER = 0, 1, 3, 5, 7
SPEC = """\
version: 1
vars: {user: {type: string}, order: {type: integer}}
event: order_placed
distinct_id: "{{ user }}"
idempotency_key: "order-{{ order }}"
properties: {order: "{{ order }}"}
"""


@pytest.fixture
def cli(cli: CommandLine, in_tmp: Path) -> CommandLine:
    (in_tmp / "order.yaml").write_text(SPEC)
    with (in_tmp / "orders.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["user", "order"], *([f"u{order % 3 + 1}", order] for order in range(ROWS))])
    cli.environ |= CREDENTIALS
    return cli


# What the server does. What it takes is what it says it took, unless a name or a docstring says otherwise.


def answers_429_with(*lines: str) -> Callable[[Exchange], None]:
    def fault(exchange: Exchange) -> None:
        exchange.take_none()
        exchange.refuse("429 Too Many Requests", *lines)

    return fault


def at_first(fault: Callable[[Exchange], None]) -> Callable[[Exchange], None]:
    """Misbehave the first time that some events come, and take them the next time."""

    def misbehave(exchange: Exchange) -> None:
        if exchange.is_known:
            exchange.take()
            exchange.accept()
        else:
            fault(exchange)

    return misbehave


def refuses_with(status: str, *lines: str) -> Callable[[Exchange], None]:
    def fault(exchange: Exchange) -> None:
        exchange.take_none()
        exchange.refuse(status, *lines)

    return fault


def takes_and_answers(status: str, body: bytes) -> Callable[[Exchange], None]:
    def fault(exchange: Exchange) -> None:
        exchange.take()
        exchange.answer(status, body)

    return fault


def takes_some_and_answers(status: str, body: bytes) -> Callable[[Exchange], None]:
    def fault(exchange: Exchange) -> None:
        exchange.take_some()
        exchange.answer(status, body)

    return fault


def resets_before_reading(exchange: Exchange) -> None:
    exchange.reset()


def resets_before_the_headers(exchange: Exchange) -> None:
    exchange.take()
    exchange.reset()


def resets_after_the_headers(exchange: Exchange) -> None:
    exchange.take_some()
    exchange.send(b"HTTP/1.1 207 Multi-Status\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n")
    exchange.reset()


def gives_half_an_answer(exchange: Exchange) -> None:
    exchange.take_some()
    answer = exchange.acceptance
    exchange.send(b"HTTP/1.1 207 Multi-Status\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer[: len(answer) // 2])
    exchange.close()


def takes_too_long(exchange: Exchange) -> None:
    exchange.take_some()
    exchange.wait()


def closes_for_good(exchange: Exchange) -> None:
    """Take the events, say so, and listen no more."""
    exchange.take()
    exchange.server.stop_listening()
    exchange.accept("Connection: close")
    exchange.close()


def never_listens(exchange: Exchange) -> None:
    raise AssertionError(f"nobody listens, and yet there is a request: {exchange}")


def tells_of_one_less(exchange: Exchange) -> None:
    exchange.take_some()
    records: list[object] = [accepted(f"m{index}") for index in range(len(exchange.copies) - 1)]
    exchange.answer(exchange.status, exchange.told(records))


def queues_those_of_u2(exchange: Exchange) -> None:
    """Take the events of u1 and u3, and say of those of u2 what the platform never says."""
    exchange.take_some()
    queued = {"status": "queued", "status_code": 202}
    records: list[object] = [queued if copy.user == "u2" else accepted(copy.insert_id) for copy in exchange.copies]
    exchange.answer(exchange.status, exchange.told(records))


def refuses_records_with(codes: dict[str, int]) -> Callable[[Exchange], None]:
    """Take the events of those users who have no code."""

    def fault(exchange: Exchange) -> None:
        copies = exchange.copies
        exchange.server.took.update(copy.insert_id for copy in copies if copy.user not in codes)
        records: list[object] = [
            {"status": "error", "status_code": codes[copy.user], "error": {"message": "no", "type": "refused"}}
            if copy.user in codes
            else accepted(copy.insert_id)
            for copy in copies
        ]
        exchange.answer(exchange.status, exchange.told(records))

    return fault


def finds_more_than_too_large(most: int) -> Callable[[Exchange], None]:
    def fault(exchange: Exchange) -> None:
        if len(exchange.copies) > most:
            exchange.answer("413 Request Entity Too Large", b"<html>413 Request Entity Too Large</html>")
        else:
            exchange.take()
            exchange.accept()

    return fault


def accepted(message_id: str) -> dict[str, object]:
    return {"status": "success", "status_code": 202, "message_id": message_id}


HTML_502 = b"<html><head><title>502 Bad Gateway</title></head></html>"
PAST = formatdate(1_262_304_000, usegmt=True)


@dataclass(frozen=True)
class Case:
    """A fault, which requests it concerns, how many rows then come to what, and the exit code.

    The counts are accepted, failed, unknown and not sent; None where they depend on who is faster.
    """

    name: str
    at: range
    fault: Callable[[Exchange], None]
    counts: tuple[int, int, int, int] | None
    code: int
    args: tuple[str, ...] = ("--retries", "0")
    listens: Listens = "always"


CASES = [
    Case("429, to come again in 0 s", EVERY_THIRD, answers_429_with("Retry-After: 0"), (800, 0, 0, 400), RATE_LIMITED),
    Case("429, to come again in 0 s", ALL, answers_429_with("Retry-After: 0"), None, RATE_LIMITED),
    Case("429, to come again in 1 s, once", ALL, at_first(answers_429_with("Retry-After: 1")), (1200, 0, 0, 0), OK,
         ("--retries", "1", "--concurrency", "20")),
    Case("429, to come again at a date, once", ALL, at_first(answers_429_with(f"Retry-After: {PAST}")),
         (1200, 0, 0, 0), OK, ("--retries", "1")),
    Case("429, to come again after the timeout", ALL, answers_429_with("Retry-After: 30"), None, RATE_LIMITED,
         ("--retries", "3", "--timeout", "5")),
    Case("500", EVERY_THIRD, refuses_with("500 Internal Server Error"), (800, 0, 0, 400), REFUSED),
    Case("500", ALL, refuses_with("500 Internal Server Error"), (0, 0, 0, 1200), NO_ANSWER),
    Case("500 without a word", EVERY_THIRD, takes_some_and_answers("500 Internal Server Error", b""),
         (800, 0, 400, 0), REFUSED),
    Case("503, once", ALL, at_first(refuses_with("503 Service Unavailable", "Retry-After: 0")), (1200, 0, 0, 0), OK,
         ("--retries", "1")),
    Case("503", EVERY_THIRD, refuses_with("503 Service Unavailable"), (800, 0, 0, 400), REFUSED),
    Case("HTML 502", EVERY_THIRD, takes_and_answers("502 Bad Gateway", HTML_502), (800, 0, 400, 0), REFUSED),
    Case("HTML 502", ALL, takes_some_and_answers("502 Bad Gateway", HTML_502), None, NO_ANSWER),
    Case("HTML 502, then taken again", ALL, at_first(takes_some_and_answers("502 Bad Gateway", HTML_502)),
         (1200, 0, 0, 0), OK, ("--retries", "1")),
    Case("connection refused", ALL, never_listens, None, NO_ANSWER, listens="never"),
    # With few connections, those that are open when the server stops to listen can't take all that is left.
    Case("connection refused", MIDWAY, closes_for_good, None, NO_ANSWER, ("--retries", "0", "--concurrency", "4")),
    Case("reset before the request is read", EVERY_THIRD, resets_before_reading, (800, 0, 400, 0), NO_ANSWER),
    Case("reset before the headers", EVERY_THIRD, resets_before_the_headers, (800, 0, 400, 0), NO_ANSWER),
    Case("reset before the headers", ALL, resets_before_the_headers, None, NO_ANSWER),
    Case("reset before the headers, once", ALL, at_first(resets_before_the_headers), (1200, 0, 0, 0), OK,
         ("--retries", "1")),
    Case("reset after the headers", EVERY_THIRD, resets_after_the_headers, (800, 0, 400, 0), NO_ANSWER),
    Case("reset after the headers", ALL, resets_after_the_headers, None, NO_ANSWER),
    Case("half an answer", EVERY_THIRD, gives_half_an_answer, (800, 0, 400, 0), NO_ANSWER),
    Case("half an answer", ALL, gives_half_an_answer, None, NO_ANSWER),
    Case("no answer in time", EVERY_THIRD, takes_too_long, (800, 0, 400, 0), NO_ANSWER,
         ("--retries", "0", "--timeout", "2", "--concurrency", "20")),
    Case("no answer in time", ALL, takes_too_long, None, NO_ANSWER, ("--timeout", "0.5")),
    Case("fewer records than sent", EVERY_THIRD, tells_of_one_less, (800, 0, 400, 0), REFUSED),
    Case("fewer records than sent", ALL, tells_of_one_less, (0, 0, 1200, 0), REFUSED),
    Case("an unknown status of a record", ALL, queues_those_of_u2, (800, 0, 400, 0), REFUSED),
    Case("records of 404 and 400", ALL, refuses_records_with({"u1": 404, "u2": 400}), (400, 800, 0, 0), REFUSED),
    Case("records of 404 and 429", ALL, refuses_records_with({"u1": 404, "u2": 429}), (400, 400, 0, 400), REFUSED),
    Case("records of 429", ALL, refuses_records_with({"u3": 429}), (800, 0, 0, 400), RATE_LIMITED),
    Case("records of 500", EVERY_THIRD, refuses_records_with(dict.fromkeys(["u1", "u2", "u3"], 500)),
         (800, 0, 0, 400), REFUSED),
    Case("302", EVERY_THIRD, refuses_with("302 Found", "Location: /elsewhere"), (800, 400, 0, 0), REFUSED),
    Case("302", ALL, refuses_with("302 Found", "Location: http://127.0.0.1:9/"), (0, 1200, 0, 0), REFUSED),
    Case("401", MIDWAY, refuses_with("401 Unauthorized"), None, CREDENTIALS_REFUSED),
    Case("401", ALL, refuses_with("401 Unauthorized"), None, CREDENTIALS_REFUSED),
    Case("403", MIDWAY, refuses_with("403 Forbidden"), None, CREDENTIALS_REFUSED),
    Case("413 for more than 30", ALL, finds_more_than_too_large(30), (1200, 0, 0, 0), OK),
    Case("413 for more than 30", EVERY_THIRD, finds_more_than_too_large(30), (1200, 0, 0, 0), OK),
    Case("413 always", ALL, finds_more_than_too_large(0), (0, 300, 0, 0), REFUSED, ("--limit", "300")),
]  # fmt: skip
IN_PROCESSES = [
    "HTML 502",
    "429, to come again at a date, once",
    "reset after the headers",
    "401",
    "413 for more than 30",
]


def named(case: Case) -> str:
    which = {ALL: "all", EVERY_THIRD: "every third", MIDWAY: "midway"}[case.at]
    return f"{case.name} - {which}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_what_a_run_says_agrees_with_what_the_server_took(case: Case, cli: CommandLine) -> None:
    check(case, cli, processes=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_PROCESSES)
def test_what_processes_say_agrees_with_what_the_server_took(name: str, cli: CommandLine) -> None:
    case = next(case for case in CASES if case.name == name)
    check(case, cli, processes=2)


def check(case: Case, cli: CommandLine, *, processes: int) -> None:
    fault = Fault(case.name, case.at, case.fault, listens=case.listens)
    command = ["send", "order.yaml", "--rows", "orders.csv", "--results", "results.jsonl", "-o", "json"]
    with Server(fault) as server:
        cli.environ["SUPRSEND_BASE_URL"] = f"http://127.0.0.1:{server.port}/"
        ended = cli(*command, "--processes", str(processes), *case.args)
        assert server.settle()
    told = json.loads(ended.out)
    names = ("total", "accepted", "failed", "unknown", "not_sent")
    counts = {name: told[name] for name in names}
    total = 300 if "--limit" in case.args else ROWS

    assert ended.code == case.code
    assert counts["total"] == total == sum(counts.values()) - total
    if case.counts:
        assert tuple(counts.values())[1:] == case.counts
    assert_told_of_each_row(told, counts, server)
    [listed] = json.loads(cli("runs", "list", "-o", "json").out)["runs"]
    shown = json.loads(cli("runs", "show", "-o", "json").out)
    assert {name: listed[name] for name in ("run", *names)} == {name: told[name] for name in ("run", *names)}
    assert {name: shown[name] for name in ("run", *names)} == {name: told[name] for name in ("run", *names)}


def assert_told_of_each_row(told: dict[str, Any], counts: dict[str, int], server: Server) -> None:
    """Hold the file of results against what the server took, by idempotency key."""
    copies = {copy for exchange in server.exchanges if exchange.is_read for copy in exchange.copies}
    key_of = {copy.insert_id: json.loads(copy.text)["$idempotency_key"] for copy in copies}
    took = {key_of[insert_id] for insert_id in server.took}
    lines = [json.loads(line) for line in Path("results.jsonl").read_text().splitlines()]
    said = {state: {line["key"] for line in lines if line["state"] == state} for state in counts if state != "total"}

    assert len(copies) == len(key_of) == len(set(key_of.values()))  # one body and one id for each key
    assert len({line["row"] for line in lines}) == len(lines)
    assert all(line["key"] == f"order-{line['row'] - 1}" and line["line"] == line["row"] + 1 for line in lines)
    assert said["accepted"] <= took <= said["accepted"] | said["unknown"]
    assert counts["accepted"] <= len(took) <= counts["accepted"] + counts["unknown"]
    for state in ("accepted", "failed", "unknown"):
        assert len(said[state]) == counts[state]
    exceptions = {line["row"]: line for line in lines if line["state"] != "accepted"}
    for failure in told["failures"]:
        line = exceptions[failure["row"]]
        names = ("row", "line", "state", "code", "status_code", "attempts")
        assert {name: failure[name] for name in names} == {name: line[name] for name in names}
    assert len(told["failures"]) == min(10, len(exceptions))
