"""Percentiles, histograms and rates over time."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bulk.measures import Sent
from runner.bulk.outcomes import Counts
from runner.report.distribution import classes, percentile, rates_over_time

COUNTS = st.dictionaries(st.floats(0.1, 1e6), st.integers(1, 1000), min_size=1)
PARTS = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 100), st.integers(0, 100)),
    min_size=1,
    max_size=50,
)


@given(COUNTS, st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_its_share_does_not_exceed(counts: dict[float, int], share: float) -> None:
    found = percentile(counts, share)
    whole = sum(counts.values())
    assert found in counts
    assert sum(count for value, count in counts.items() if value <= found) >= share * whole - 1e-6
    assert sum(count for value, count in counts.items() if value < found) < share * whole + 1e-6


@given(COUNTS)
def test_the_classes_of_a_histogram_have_all_values_and_no_gaps(counts: dict[float, int]) -> None:
    found = classes(counts)
    assert sum(each.count for each in found) == sum(counts.values())
    assert all(one.most == pytest.approx(other.least) for one, other in itertools.pairwise(found))
    assert found[0].least <= min(counts) * 1.000001
    assert found[-1].most >= max(counts) * 0.999999


@given(PARTS)
def test_rates_lose_and_add_no_row(drawn: list[tuple[int, int, int, int]]) -> None:
    parts = [Sent(began, began + took, Counts(accepted, failed)) for began, took, accepted, failed in drawn]
    rates = rates_over_time(parts)
    sums = [sum(slot[index] for slot in rates.rates) * rates.width_s for index in range(4)]
    assert sums == pytest.approx([sum(each[2] for each in drawn), sum(each[3] for each in drawn), 0, 0])
    assert len(rates.rates) <= 61
    assert rates.mean * rates.took_s == pytest.approx(sum(sums))
    assert rates.highest >= rates.mean


def test_the_rows_of_a_part_are_spread_over_its_time() -> None:
    rates = rates_over_time([Sent(0, 1000, Counts(accepted=100)), Sent(500, 1000, Counts(failed=50))])
    assert (rates.width_s, len(rates.rates)) == (0.02, 50)
    assert rates.rates[0] == pytest.approx([100, 0, 0, 0])
    assert rates.rates[49] == pytest.approx([100, 100, 0, 0])


def test_a_night_between_two_sessions_is_left_out() -> None:
    hour_ms = 3_600_000
    rates = rates_over_time([Sent(0, 2000, Counts(10)), Sent(9 * hour_ms, 9 * hour_ms + 2000, Counts(30))])
    assert (rates.lasts_s, rates.took_s, rates.mean, rates.gaps) == (4, 4, 10, [2])


def test_the_mean_of_a_short_run_is_that_of_its_own_time() -> None:
    rates = rates_over_time([Sent(0.5, 2, Counts(accepted=3))])
    assert (rates.took_s, rates.mean, rates.lasts_s) == (0.0015, 2000, 0.002)


def test_nothing_that_was_sent_has_no_rates() -> None:
    assert (rates_over_time([]).rates, classes({})) == ((), [])
