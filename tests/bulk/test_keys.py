"""How many events have the idempotency key of another one."""

from __future__ import annotations

import json
import resource
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bulk.keys import KeyCount, digest_of
from runner.suprsend.encoding import encode
from runner.suprsend.event import Event, Stamp

if TYPE_CHECKING:
    from pathlib import Path

INSERT_ID = "6f1f2a4e-53f8-4a53-9df3-4b3c04c0a5c1"


@given(st.lists(st.lists(st.integers(0, 50)), max_size=20))
def test_each_key_counts_once(parts: list[list[int]]) -> None:
    keys = KeyCount()
    for part in parts:
        keys.add(b"".join(digest_of(f"{number}") for number in part))
    numbers = [number for part in parts for number in part]
    assert keys.close() == len(numbers) - len(set(numbers))


@pytest.mark.parametrize("has_room", [True, False])
def test_more_keys_than_memory_should_hold_are_counted_too(
    has_room: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path if has_room else tmp_path / "nowhere"))
    keys = KeyCount()
    for first in range(0, 400_000, 1_000):
        keys.add(b"".join(digest_of(f"{number // 2}") for number in range(first, first + 1_000)))
    assert keys.close() == 200_000


def test_keys_for_which_a_disk_has_no_room_are_counted_in_memory() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    keys = KeyCount()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_001, hard))  # in the middle of what is put away
    try:
        for first in range(0, 400_000, 1_000):
            keys.add(b"".join(digest_of(f"{number // 2}") for number in range(first, first + 1_000)))
        assert keys.close() == 200_000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60), st.text(max_size=20))
def test_the_key_of_an_encoded_event_is_the_one_in_its_body(key: str, other: str) -> None:
    if not key.strip():
        return
    properties = {"a": other.encode("utf-8", "replace").decode(), "b": '"$idempotency_key":"x"'}
    encoded = encode(
        Event("u1", "order_placed", properties, idempotency_key=key), "env", Stamp(INSERT_ID, 1_767_323_045_000)
    )
    body = json.loads(encoded.body)
    assert (encoded.has_key, encoded.key, encoded.insert_id) == (True, body["$idempotency_key"], body["$insert_id"])
    assert encoded.key == key.strip()


def test_an_event_without_a_key_has_none_when_it_is_encoded() -> None:
    encoded = encode(Event("u1", "order_placed", {}), "env", Stamp(INSERT_ID, 1_767_323_045_000))
    assert (encoded.has_key, encoded.key, encoded.insert_id) == (False, None, INSERT_ID)
