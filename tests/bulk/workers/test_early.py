"""Processes of a run start before it is loaded, and none stays that nothing needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.bulk.early import early_workers, workers_of
from runner.bulk.flags import BulkFlags
from runner.bulk.share import Share
from tests.bulk.workers.conftest import children_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def rows(tmp_path: Path) -> str:
    path = tmp_path / "rows.csv"
    path.write_text("user\n" + "u1\n" * 10)
    return str(path)


def started(flags: BulkFlags) -> int:
    """Count the processes that are there within the block."""
    before = children_of(os.getpid())
    with early_workers(flags):
        return len(children_of(os.getpid()) - before)


def test_a_run_takes_the_processes_that_were_started_early(rows: str) -> None:
    before = children_of(os.getpid())
    with early_workers(BulkFlags(rows=(rows,), processes=2, concurrency=4)):
        early = children_of(os.getpid()) - before
        with workers_of(Share(2, 2)) as workers:
            assert {workers.submit(os.getpid).result() for _ in range(4)} <= early
            assert children_of(os.getpid()) - before == early
    assert len(early) == 2


def test_a_run_with_another_share_starts_processes_of_its_own(rows: str) -> None:
    before = children_of(os.getpid())
    with early_workers(BulkFlags(rows=(rows,), processes=2, concurrency=4)):
        early = children_of(os.getpid()) - before
        with workers_of(Share(1, 1)) as workers:
            assert workers.submit(os.getpid).result() not in early


def test_processes_that_no_run_takes_are_killed(rows: str) -> None:
    assert started(BulkFlags(rows=(rows,), processes=3)) == 3


@pytest.mark.parametrize(
    "flags",
    [
        BulkFlags(),
        BulkFlags(rows=("-",), processes=2),
        BulkFlags(rows=("missing.csv",), processes=2),
        BulkFlags(rows=("s3://bucket/rows.csv",), processes=2),
        BulkFlags(rows=("{rows}",) * 101, processes=2),
        BulkFlags(rows=("{rows}",), processes=2, cluster="local"),
        BulkFlags(rows=("{rows}",)),
        BulkFlags(rows=("{rows}",), processes=1),
        BulkFlags(rows=("{rows}",), processes=65),
        BulkFlags(rows=("{rows}",), processes=2, rate="fast"),
    ],
    ids=[
        "none",
        "pipe",
        "missing",
        "remote",
        "many files",
        "cluster",
        "small",
        "one process",
        "too many processes",
        "an invalid flag",
    ],
)
def test_a_run_that_needs_no_processes_starts_none(rows: str, flags: BulkFlags) -> None:
    assert started(flags._replace(rows=tuple(each.replace("{rows}", rows) for each in flags.rows))) == 0
