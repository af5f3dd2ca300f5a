"""A folder of exported tables → the files that are read of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from runner.bulk.reconcile.exports import tables_in
from runner.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = datetime(2026, 1, 15, 14, 30, tzinfo=UTC)
MESSAGE = json.dumps({"message_id": "m", "message_status": "delivered", "idempotency_key": "k"})


def write(path: Path, content: str = MESSAGE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{content}\n", "utf-8")


@pytest.mark.parametrize(
    "name",
    [
        "messages/year=2026/month=01/day=15/hour=14/messages.jsonl",
        "year=2026/month=01/day=15/hour=14/messages.jsonl",
        "messages/year=2026/month=1/day=15/hour=9/part-0001.jsonl",
        "messages.jsonl",
        "messages-1.jsonl",
        "bucket/staging/messages/x.jsonl",
    ],
)
def test_messages_are_found_in_every_layout(tmp_path: Path, name: str) -> None:
    write(tmp_path / name)
    write(tmp_path / "year=2026/notes.jsonl")
    found = tables_in(tmp_path, BEGAN)
    assert (found.tables, found.files, len([*found.sightings])) == (frozenset({"messages"}), 1, 1)
    assert tables_in(tmp_path / name.partition("/")[0] if name.startswith("messages/") else tmp_path, BEGAN).files == 1


def test_hours_long_before_the_run_are_not_read(tmp_path: Path) -> None:
    for day, hour in ((15, 14), (14, 14), (14, 13), (14, 12), (1, 0)):
        write(tmp_path / f"messages/year=2026/month=01/day={day:02}/hour={hour:02}/messages.jsonl")
    write(tmp_path / "messages/year=2026/month=01/day=14/hour=12/messages.jsonl", "{")
    found = tables_in(tmp_path, BEGAN)
    assert (found.files, len([*found.sightings])) == (2, 2)


def test_a_file_that_can_not_be_read_ends_it(tmp_path: Path) -> None:
    write(tmp_path / "messages/messages.jsonl")
    write(tmp_path / "requests/requests.jsonl", "{")
    with pytest.raises(InvalidInput):
        [*tables_in(tmp_path, BEGAN).sightings]


def test_a_folder_with_other_tables_alone_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "requests/requests.jsonl")
    with pytest.raises(NotFound, match="no table of messages in"):
        tables_in(tmp_path, BEGAN)
