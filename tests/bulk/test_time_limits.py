"""A run begins no part when its time is over: while the platform remembers its keys, or as long as it is told."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest

from runner.bulk.engine import Engine, Limits
from runner.bulk.record import RunRecord, seconds_left
from tests.bulk.test_conclusion import OPTIONS
from tests.bulk.test_engine import Book, accepted, parts

STARTED = datetime(2026, 1, 2, tzinfo=UTC)
RECORD = RunRecord("run", UUID(int=1), STARTED, "order.yaml", ("rows.csv",), {}, {})
HOUR_S = 3600.0


@pytest.mark.parametrize(
    ("age", "told", "has_keys", "expected"),
    [
        (timedelta(), None, True, 23 * HOUR_S),
        (timedelta(hours=20), None, True, 3 * HOUR_S),
        (timedelta(hours=24), None, True, -HOUR_S),
        (timedelta(hours=20), None, False, math.inf),
        (timedelta(hours=20), 8 * HOUR_S, True, 8 * HOUR_S),
        (timedelta(hours=30), math.inf, True, math.inf),
        (timedelta(hours=30), 0.0, False, 0.0),
    ],
)
def test_a_run_lasts_while_keys_are_remembered_or_as_it_is_told(
    age: timedelta, told: float | None, has_keys: bool, expected: float
) -> None:
    options = replace(OPTIONS, stop_after_s=told)
    assert seconds_left(RECORD, options, STARTED + age, has_keys=has_keys) == expected


def test_no_part_begins_after_the_time_and_those_under_way_are_finished() -> None:
    book, seconds = Book(), count()
    with ThreadPoolExecutor(1) as executor:
        engine = Engine(
            executor,
            accepted,
            book,
            Limits(2, lasts_s=10.0),
            lambda: float(next(seconds)),
            lambda: None,
            lambda _: None,
        )
        tally = engine.run(parts(50))
    assert tally.stopped == "time"
    assert 0 < len(book.begun) < 10
    assert sorted(book.done) == sorted(book.begun)
