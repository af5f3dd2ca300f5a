"""Replay is strict: what is not sent as it was recorded is told, field by field. A recording is what really passed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.errors import Position, Problem
from runner.secrets import Mask
from runner.suprsend.answer import Answer, NoAnswer
from runner.testing.cassette_reader import load
from runner.testing.cassette_writer import save
from runner.testing.tape import Replay
from tests.testing.tapes import AGAIN, EVENT, JSON, event, post, recorded

if TYPE_CHECKING:
    from pathlib import Path

    from runner.codes import Code


HINT = f"if that is right, record again: {AGAIN}"


def problem(code: Code, message: str, line: int, at: str | None = None) -> Problem:
    return Problem(code, message, Position("cassettes/purchase/a-case.yaml", line, 1, 2, ""), at=at, hint=HINT)


NOT_RECORDED = NoAnswer("the request is not in the cassette cassettes/purchase/a-case.yaml", sent=False, is_final=True)


# What is the same request


@pytest.mark.parametrize(
    "body",
    [
        event(),
        event(dollar_insert_id="2" * 36, dollar_time=1, env="another", properties__dollar_ss_sdk_version="x"),
        event(dollar_insert_id=..., dollar_time=..., env=..., properties__dollar_ss_sdk_version=...),
        dict(reversed(event().items())),
        json.dumps(event(), indent=1).encode(),
    ],
)
def test_what_changes_with_each_run_does_not_count(body: Any) -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    assert (post(replay, body), replay.problems()) == (Answer(202, b"{}"), [])


@pytest.mark.parametrize(
    ("body", "at", "message"),
    [
        (event(properties__amount="10"), "properties.amount", 'recorded 10 (a number), sent "10" (text)'),
        (event(properties__amount=10.0), "properties.amount", "recorded 10 (a number), sent 10.0 (a number)"),
        (event(properties__amount=11), "properties.amount", "recorded 10 (a number), sent 11 (a number)"),
        (event(properties__amount=None), "properties.amount", "recorded 10 (a number), sent null"),
        (event(properties__amount=...), "properties.amount", "recorded 10 (a number), not sent"),
        (event(properties__premium=1), "properties.premium", "recorded true (a boolean), sent 1 (a number)"),
        (event(properties__new=[1]), "properties.new", "not recorded, sent [1] (a list)"),
        (event(properties__tags=["a"]), "properties.tags[1]", 'recorded "b" (text), not sent'),
        (event(properties__tags={}), "properties.tags", 'recorded ["a", "b"] (a list), sent {} (a map)'),
        (event(distinct_id="u2"), "distinct_id", 'recorded "u1" (text), sent "u2" (text)'),
        (event(dollar_idempotency_key="k"), "$idempotency_key", 'not recorded, sent "k" (text)'),
        (b"{", "the body", f"recorded {len(json.dumps(EVENT))} bytes, sent 1 bytes, and not both are JSON"),
    ],
)
def test_every_other_change_is_told_with_its_types(body: Any, at: str, message: str) -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    assert post(replay, body) == NOT_RECORDED
    assert replay.problems() == [problem("cassette-changed", f"{at}: {message}", 2, at)]


def test_one_event_and_a_list_of_it_are_two_requests() -> None:
    replay = Replay(recorded({"event": "a"}), again=AGAIN)
    assert post(replay, [{"event": "a"}]) == NOT_RECORDED
    message = 'the body: recorded {"event": "a"} (a map), sent [{"event": "a"}] (a list)'
    assert replay.problems() == [problem("cassette-changed", message, 2, "the body")]


def test_the_order_of_a_list_counts() -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    post(replay, event(properties__tags=["b", "a"]))
    assert replay.problems() == [
        problem(
            "cassette-changed", 'properties.tags[0]: recorded "a" (text), sent "b" (text)', 2, "properties.tags[0]"
        ),
        problem(
            "cassette-changed", 'properties.tags[1]: recorded "b" (text), sent "a" (text)', 2, "properties.tags[1]"
        ),
    ]


@pytest.mark.parametrize(
    ("path", "content_type", "message"),
    [
        ("/v2/other/", JSON, "path: recorded /v2/event/, sent /v2/other/"),
        ("/v2/event/?a=1", JSON, "query: recorded none, sent a=1"),
        ("/v2/event/", "text/plain", f"Content-Type: recorded {JSON}, sent text/plain"),
        ("/v2/event/", None, f"Content-Type: recorded {JSON}, sent none"),
    ],
)
def test_another_address_or_content_type_is_another_request(path: str, content_type: str | None, message: str) -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    assert post(replay, event(), path, content_type) == NOT_RECORDED
    assert replay.problems() == [problem("cassette-changed", message, 2, message.partition(":")[0])]


@pytest.mark.parametrize(
    "volatile",
    [
        "properties.lines.id",
        "properties.lines[0].id",
        "properties.lines.0.id",
        "properties.lines",
        "properties.lines[0]",
    ],
)
@pytest.mark.parametrize("is_bulk", [False, True])
def test_volatile_paths_are_not_compared(volatile: str, is_bulk: bool) -> None:
    before, after = (event(properties__lines=[{"id": number, "sku": "x"}]) for number in (1, 2))
    if is_bulk:
        before, after = [before, before], [after, after]  # type: ignore[assignment]
    replay = Replay(recorded(before), [volatile, "properties.nobody.has.it", "properties.amount.neither"], AGAIN)
    assert (post(replay, after), replay.problems()) == (Answer(202, b"{}"), [])


def test_what_stands_beside_a_volatile_path_is_compared() -> None:
    before = event(properties__lines=[{"id": 1, "sku": "x"}, {"id": 1}])
    replay = Replay(recorded(before), ["properties.lines[0].id", ""], AGAIN)
    post(replay, event(properties__lines=[{"id": 2, "sku": "y"}, {"id": 2}]))
    assert replay.problems() == [
        problem("cassette-changed", f"{at}: {message}", 2, at)
        for at, message in (
            ("properties.lines[0].sku", 'recorded "x" (text), sent "y" (text)'),
            ("properties.lines[1].id", "recorded 1 (a number), sent 2 (a number)"),
        )
    ]


def test_events_of_a_bulk_request_are_told_apart_by_their_index() -> None:
    replay = Replay(recorded([event(), event()]), again=AGAIN)
    post(replay, [event(), event(properties__amount="10")])
    at = "[1].properties.amount"
    message = f'{at}: recorded 10 (a number), sent "10" (text)'
    assert replay.problems() == [problem("cassette-changed", message, 2, at)]


def test_long_texts_are_shown_from_where_they_differ() -> None:
    before, after = ("x" * 200 + tail + "y" * 200 for tail in ("1", "2"))
    replay = Replay(recorded(event(distinct_id=before)), again=AGAIN)
    post(replay, event(distinct_id=after))
    texts = [f'… "{"x" * 20}{tail}{"y" * 59}" … (text)' for tail in ("1", "2")]
    message = f"distinct_id: recorded {texts[0]}, sent {texts[1]}"
    assert replay.problems() == [problem("cassette-changed", message, 2, "distinct_id")]


def test_what_a_mask_knows_is_not_shown() -> None:
    secret = "s3cr3t" * 30
    replay = Replay(recorded(event(distinct_id=f"x{secret}")), again=AGAIN, mask=Mask([secret]))
    post(replay, event(distinct_id=f"y{secret}"))
    message = 'distinct_id: recorded "x***" (text), sent "y***" (text)'
    assert replay.problems() == [problem("cassette-changed", message, 2, "distinct_id")]


def test_a_secret_in_an_event_matches_the_stars_that_were_written_for_it(tmp_path: Path) -> None:
    mask = Mask(["s3cr3t"])
    save(tmp_path / "c.yaml", recorded(event(properties__token="s3cr3t")), mask, tmp_path)
    replay = Replay(load(tmp_path / "c.yaml"), mask=mask)
    assert (post(replay, event(properties__token="s3cr3t")), replay.problems()) == (Answer(202, b"{}"), [])
    replay = Replay(load(tmp_path / "c.yaml"), mask=mask)
    post(replay, event(properties__token="another"))
    message = 'properties.token: recorded "***" (text), sent "another" (text)'
    assert [each.message for each in replay.problems()] == [message]


def test_bodies_too_deep_to_compare_are_told_as_a_whole() -> None:
    deep = b"[" * 500 + b"]" * 500
    deeper = b"[" * 90_000 + b"]" * 90_000
    replay = Replay(recorded(deep), again=AGAIN)
    assert post(replay, deeper) == NOT_RECORDED
    message = "the body: recorded 1,000 bytes, sent 180,000 bytes, and not both are JSON"
    assert replay.problems() == [problem("cassette-changed", message, 2, "the body")]


# The order, and the number, of requests


def test_equal_requests_are_answered_in_the_order_of_recording() -> None:
    replay = Replay(recorded(event(), event(distinct_id="u2"), event(), answers=(429, 400, 202)), again=AGAIN)
    answers = [post(replay, body) for body in (event(distinct_id="u2"), event(), event())]
    assert answers == [Answer(400, b"{}"), Answer(429, b"{}"), Answer(202, b"{}")]
    message = "POST /v2/event/ ('ordered' for 'u2') is sent earlier than it was recorded"
    assert replay.problems() == [problem("cassette-changed", message, 3)]


def test_a_request_more_than_recorded_is_told() -> None:
    replay = Replay(recorded(event()), again=AGAIN)
    assert [post(replay, event()), post(replay, event())] == [Answer(202, b"{}"), NOT_RECORDED]
    message = "POST /v2/event/ ('ordered' for 'u1') is sent, but was not recorded"
    assert replay.problems() == [problem("cassette-changed", message, 1)]


def test_requests_that_nobody_sends_are_told() -> None:
    cassette = recorded(event(), [event(), event()], [event()], event(distinct_id=1), b"x")
    assert Replay(cassette, again=AGAIN).problems() == [
        problem("cassette-unplayed", f"POST /v2/event/{what} was recorded, but is not sent", line)
        for line, what in enumerate(
            (" ('ordered' for 'u1')", " (2 events)", " (1 event)", " ('ordered')", " (1 bytes)"), 2
        )
    ]


def test_a_change_is_held_against_the_nearest_recorded_request_and_told_once() -> None:
    cassette = recorded(event(event="a"), event(event="b", properties__amount=1), event(event="c"))
    replay = Replay(cassette, again=AGAIN)
    for body in (event(event="b", properties__amount=2), event(event="a")):
        post(replay, body)
    assert replay.problems() == [
        problem(
            "cassette-changed", "properties.amount: recorded 1 (a number), sent 2 (a number)", 3, "properties.amount"
        ),
        problem("cassette-unplayed", "POST /v2/event/ ('c' for 'u1') was recorded, but is not sent", 4),
    ]


def test_a_request_to_another_address_is_the_farthest() -> None:
    here, elsewhere = recorded(event(event="a", distinct_id="u2")), recorded(event(), path="/v2/other/")
    replay = Replay(replace(here, interactions=(*elsewhere.interactions, *here.interactions)), again=AGAIN)
    post(replay, event())
    assert [each.message for each in replay.problems()] == [
        'event: recorded "a" (text), sent "ordered" (text)',
        'distinct_id: recorded "u2" (text), sent "u1" (text)',
        "POST /v2/other/ ('ordered' for 'u1') was recorded, but is not sent",
    ]


def test_of_many_problems_the_number_is_told() -> None:
    many = {f"k{number:02}": 0 for number in range(15)}
    replay = Replay(recorded(*(event(properties=many) for _ in range(15))), again=AGAIN)
    for number in range(12):
        post(replay, event(properties=dict.fromkeys(many, number + 1)))
    told = replay.problems()
    assert len(told) == 10 * 11 + 1 + 3
    assert told[10] == problem("cassette-changed", "and 5 more differences", 2)
    assert told[110] == problem("cassette-changed", "2 more requests are not as recorded", 1)
    assert [each.code for each in told[111:]] == ["cassette-unplayed"] * 3


def test_each_recorded_answer_is_given_once_however_many_threads_ask() -> None:
    replay = Replay(recorded(*[event()] * 50), again=AGAIN)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: post(replay, event()), range(60)))
    assert (answers.count(Answer(202, b"{}")), answers.count(NOT_RECORDED)) == (50, 10)
