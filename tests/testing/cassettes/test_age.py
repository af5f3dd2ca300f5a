"""A cassette older than max_age has expired."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from runner.testing.cassette import expired
from tests.testing.cassettes.conftest import AGAIN, DAY, cassette, problem


def test_a_cassette_may_be_as_old_as_it_may_be_and_no_older() -> None:
    tape = replace(cassette(), path="c.yaml")
    assert expired(tape, timedelta(days=90), DAY + timedelta(days=90), AGAIN) is None
    assert expired(tape, timedelta(days=90), DAY, AGAIN) is None
    assert expired(tape, timedelta(days=90), DAY - timedelta(days=1), AGAIN) is None  # recorded east of here
    hint = f"record it again: {AGAIN}"
    message = "the cassette is too old: it was recorded 91 days ago, max_age is 90 days"
    assert expired(tape, timedelta(days=90), DAY + timedelta(days=91), AGAIN) == problem(
        "cassette-expired", message, 1, hint
    )
    message = "the age of the cassette is unknown: it says that it was recorded on 2026-11-24, after today"
    assert expired(tape, timedelta(days=90), DAY - timedelta(days=2), AGAIN) == problem(
        "cassette-expired", message, 1, hint
    )
    message = "the age of the cassette is unknown: it does not say when it was recorded"
    unknown = replace(tape, recorded_at=None)
    assert (unknown.age_days(DAY), tape.age_days(DAY)) == (None, 0)
    assert expired(unknown, timedelta(days=90), DAY, AGAIN) == problem("cassette-expired", message, 1, hint)
