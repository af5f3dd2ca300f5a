"""The sample of a run: which accepted rows are in it, whatever their order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from uuid import UUID

from runner.bulk.sample import Sample
from runner.eventspec import Occurrence
from runner.rows.row import Row
from runner.run import Inputs, Job, prepare
from runner.variables import Given
from tests.conftest import NOW, SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.rows.row import BadRow
    from runner.run import Prepared, Rejected
    from tests.projects import Project

SPEC = "version: 1\nvars: {k: {type: string}}\nevent: paid\ndistinct_id: u1\nidempotency_key: '{{ k }}'\n"


def maker(project: Project, key_of: Callable[[int], str] = str) -> Callable[[Row | BadRow], Prepared | Rejected]:
    spec = project.spec(SPEC)

    def make(row: Row | BadRow) -> Prepared | Rejected:
        inputs = Inputs([{"k": Given(key_of(row.number), "row", is_text=True)}], {}, {})
        return prepare(Job(spec, inputs), Occurrence(SEED, row.number, NOW), "wk")

    return make


def rows(numbers: Sequence[int]) -> list[Row]:
    return [Row(number, number + 1, []) for number in numbers]


def numbers_of(sample: Sample) -> list[int]:
    return [row.row for row in sample.rows()]


def test_all_rows_are_in_the_sample_if_they_are_few(project: Project) -> None:
    sample = Sample(20, SEED, lambda: 7.0)
    sample.add(rows([3, 1]), maker(project))
    sample.add_earlier(rows([2]), maker(project))
    assert [(row.row, row.line, row.key, row.accepted_s) for row in sample.rows()] == [
        (1, 2, "1", 7.0), (2, 3, "2", None), (3, 4, "3", 7.0),
    ]  # fmt: skip
    assert {(row.outcome.event, row.outcome.distinct_id, row.outcome.state) for row in sample.rows()} == {
        ("paid", "u1", "accepted")
    }


def test_the_sample_does_not_depend_on_the_order_or_the_session(project: Project) -> None:
    make = maker(project)
    drawn = set()
    for seed in range(5):
        numbers = [*range(1, 401)]
        random.Random(seed).shuffle(numbers)  # noqa: S311 - an order, not a secret
        sample = Sample(20, SEED, lambda: 0.0)
        sample.add_earlier(rows(numbers[:150]), make)
        sample.add(rows(numbers[150:]), make)
        drawn.add((*numbers_of(sample),))
    assert len(drawn) == 1
    other = Sample(20, UUID(int=2), lambda: 0.0)
    other.add(rows(range(1, 401)), make)
    assert (*numbers_of(other),) not in drawn


def test_the_sample_is_spread_over_all_rows(project: Project) -> None:
    sample = Sample(100, SEED, lambda: 0.0)
    sample.add(rows(range(1, 4001)), maker(project))
    tenths = [sum(number // 400 == tenth for number in numbers_of(sample)) for tenth in range(10)]
    assert len(numbers_of(sample)) == 100
    assert min(tenths) >= 3


def test_of_rows_with_the_same_key_one_is_in_the_sample(project: Project) -> None:
    make = maker(project, lambda number: str(number % 7))
    drawn = set()
    for seed in range(5):
        numbers = [*range(1, 201)]
        random.Random(seed).shuffle(numbers)  # noqa: S311
        sample = Sample(5, SEED, lambda: 0.0)
        sample.add(rows(numbers), make)
        drawn.add((*numbers_of(sample),))
        assert len({row.key for row in sample.rows()}) == 5
    assert len(drawn) == 1


def test_few_events_are_made_again(project: Project) -> None:
    made = []
    make = maker(project)

    def counting(row: Row | BadRow) -> Prepared | Rejected:
        made.append(row.number)
        return make(row)

    sample = Sample(10, SEED, lambda: 0.0)
    sample.add(rows(range(1, 10_001)), counting)
    assert len(made) < 150


def test_a_row_that_makes_no_event_is_not_in_the_sample(project: Project) -> None:
    sample = Sample(10, SEED, lambda: 0.0)
    sample.add(rows([1, 2]), maker(project, lambda number: "" if number == 1 else "k"))
    assert numbers_of(sample) == [2]
