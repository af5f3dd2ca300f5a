from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from runner.suprsend.chunks import array_of, chunks
from runner.suprsend.encoding import Encoded

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 819_200


def events_of(*sizes: int) -> list[Encoded]:
    return [Encoded(b"x" * size, has_key=True) for size in sizes]


# Few large events, or many small ones, and sizes about those at which two or three fill a chunk.
sizes = st.lists(
    st.integers(1, 300) | st.integers(100_000, LIMIT - 2) | st.integers(LIMIT // 2 - 3, LIMIT // 2 + 3), max_size=20
) | st.integers(0, 320).map(lambda count: [9] * count)


@settings(max_examples=60)
@given(sizes)
def test_chunks_keep_all_events_in_order(sizes: list[int]) -> None:
    events = [Encoded(str(index).encode().ljust(size, b" "), has_key=False) for index, size in enumerate(sizes)]
    assert [event for chunk in chunks(events) for event in chunk] == events


@settings(max_examples=60)
@given(sizes)
def test_no_chunk_is_empty_or_over_a_limit(sizes: list[int]) -> None:
    for chunk in chunks(events_of(*sizes)):
        assert 1 <= len(chunk) <= 100
        assert len(array_of(chunk)) <= LIMIT


@settings(max_examples=60)
@given(sizes)
def test_no_chunk_could_take_the_next_event(sizes: list[int]) -> None:
    for chunk, following in pairwise(chunks(events_of(*sizes))):
        assert len(chunk) == 100 or len(array_of([*chunk, following[0]])) > LIMIT


def test_100_events_are_one_chunk_and_101_are_two() -> None:
    assert [len(chunk) for chunk in chunks(events_of(*[2] * 100))] == [100]
    assert [len(chunk) for chunk in chunks(events_of(*[2] * 101))] == [100, 1]
    assert [len(chunk) for chunk in chunks(events_of(*[2] * 250))] == [100, 100, 50]


def test_brackets_and_commas_count_to_the_byte() -> None:
    half = (LIMIT - 3) // 2
    fits = events_of(half, LIMIT - 3 - half)
    assert [len(array_of(chunk)) for chunk in chunks(fits)] == [LIMIT]
    assert [len(chunk) for chunk in chunks(events_of(half, LIMIT - 2 - half))] == [1, 1]


def test_the_largest_event_that_fits_goes_alone() -> None:
    assert [len(array_of(chunk)) for chunk in chunks(events_of(1, LIMIT - 2, 1))] == [3, LIMIT, 3]


def test_nothing_makes_no_chunk() -> None:
    assert list(chunks([])) == []


def test_chunks_are_made_as_events_come() -> None:
    taken = 0

    def endless() -> Iterator[Encoded]:
        nonlocal taken
        while True:
            taken += 1
            yield Encoded(b"{}", has_key=True)

    assert len(next(chunks(endless()))) == 100
    assert taken == 101


def test_a_chunk_is_joined_to_a_json_array() -> None:
    assert (
        array_of([Encoded(b'{"a":1}', has_key=True), Encoded(b'{"b":"\xc3\xa9"}', has_key=False)])
        == b'[{"a":1},{"b":"\xc3\xa9"}]'
    )
    assert json.loads(array_of([])) == []
