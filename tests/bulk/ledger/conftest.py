"""What tests of the ledger share: a ledger in a folder of its own, and a run in it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from runner.bulk.ledger import Ledger
from runner.bulk.outcomes import RowOutcome
from runner.bulk.part import Part
from runner.bulk.record import RunRecord
from tests.conftest import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.bulk.run_ledger import RunLedger
    from runner.codes import Code
    from runner.errors import MachineError, NotFound, Problem

STARTED = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
RUN = RunRecord(
    id="20260102-030405-7f3a",
    seed=UUID("7f3a0000-0000-4000-8000-000000000001"),
    started=STARTED,
    spec="specs/purchase.yaml",
    rows=("orders.csv",),
    arguments={"profile": None, "map": {"user": "customer"}, "limit": 5, "ignore_extra": True},
    fingerprints={"spec": "5a", "rows": "b0", "variables": "c1"},
)
PART = Part(0, 10, "d0")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".runner"


@pytest.fixture
def ledger(folder: Path) -> Iterator[Ledger]:
    with Ledger(folder) as opened:
        yield opened


@pytest.fixture
def run(ledger: Ledger) -> Iterator[RunLedger]:
    with ledger.begin(RUN) as begun:
        yield begun


def failed(row: int, attempts: int = 1) -> RowOutcome:
    return RowOutcome(row, row + 2, "failed", "refused", 400, attempts)


def unknown(row: int, code: Code = "no-answer") -> RowOutcome:
    return RowOutcome(row, row + 2, "unknown", code, 0, 1)


def not_sent(row: int) -> RowOutcome:
    return RowOutcome(row, row + 2, "not_sent", "not-sent", 0, 0)


def rows_of(ledger: Ledger) -> list[RowOutcome]:
    states = (ledger.failures(RUN.id, state) for state in ("failed", "unknown", "not_sent"))
    return sorted(record for rows in states for record in rows)


def problem_of(caught: pytest.ExceptionInfo[MachineError] | pytest.ExceptionInfo[NotFound]) -> Problem:
    (problem,) = caught.value.problems
    return problem


@pytest.fixture
def three(ledger: Ledger) -> Ledger:
    for name in ("20260102-030405-7f3a", "20260102-030405-90bc", "20260103-000000-7f3a"):
        ledger.begin(replace(RUN, id=name)).close("finished", 0)
    return ledger


SCRIPT = """
import os, resource, subprocess, sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from runner.bulk.ledger import Ledger
from runner.bulk.outcomes import PartOutcome, RowOutcome
from runner.bulk.record import RunRecord
from runner.bulk.part import Part
from runner.errors import MachineError

folder, name = Path(sys.argv[1]), sys.argv[2]
record = RunRecord(name, UUID(int=7), datetime(2026, 1, 2, tzinfo=UTC), "spec.yaml", "-", {}, {})

def say(text):  # in one piece, whenever this is killed
    sys.stdout.write(f"{text}\\n")
    sys.stdout.flush()

def begun(first):
    return Part(first, 10, f"d{first}")

def done(first, accepted=9):
    return PartOutcome(first, 10, accepted, [RowOutcome(first + 3, first + 5, "failed", "refused", 400, 1)])
"""


@contextmanager
def child(code: str, folder: Path, name: str = RUN.id) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SCRIPT + code, str(folder), name]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
