"""A dry run of a plan → its invalid rows, the sizes of its events, and events that share a key."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from runner.bulk.executor import executor_of, in_order
from runner.bulk.options import PART_ROWS
from runner.bulk.parts import Parts
from runner.bulk.results import results_file
from runner.bulk.task import check_part
from runner.rows.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.bulk.outcomes import RowOutcome
    from runner.bulk.plan import RunPlan
    from runner.bulk.setup import Setup
    from runner.bulk.task import PartCheck
    from runner.errors import RunnerError

_SHOWN = 10


@dataclass(slots=True)
class RowCheck:
    """The result of a dry run. The lists have the first few rows; `largest_row` has the event of `largest_bytes`."""

    rows: int = 0
    invalid: int = 0
    requests: int = 0
    event_bytes: int = 0
    largest_bytes: int = 0
    largest_row: int = 0
    twice: int = 0
    """Number of rows with the key of an earlier row: the platform would count only the earlier one."""
    failures: list[RowOutcome] = field(default_factory=list)
    duplicates: list[tuple[int, int]] = field(default_factory=list)
    """A row, and the first one with its key."""
    places: Places = field(default_factory=Places)
    failure: RunnerError | None = None
    """Why the rest of the rows can't be read."""


def check_rows(plan: RunPlan, setup: Setup) -> RowCheck:
    """Render every row of a plan without sending it. Write a line for each to the file of results, in order.

    Keys are compared exactly, in a temporary file, since their number is unlimited.
    """
    options = plan.options
    parts = Parts(plan.chosen_rows(), PART_ROWS, None, digests=None)
    with results_file(options.results, "w") as results, executor_of(options) as executor:
        placed = (part.placed(plan.rows.starts) for part in parts)
        checks = in_order(placed, executor, partial(check_part, setup), options.concurrency)
        checked = _checked(checks, results.write)
    checked.failure = parts.failure
    checked.places = Places(plan.rows.starts)
    return checked


def _checked(checks: Iterable[PartCheck], write: Callable[[str], None]) -> RowCheck:
    checked = RowCheck()
    with TemporaryDirectory(prefix="runner-") as folder, closing(sqlite3.connect(f"{folder}/keys")) as keys:
        keys.execute("PRAGMA journal_mode = OFF")
        keys.execute("PRAGMA synchronous = OFF")
        keys.execute("CREATE TABLE keys (digest BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID")
        for part in checks:
            write(part.results)
            checked.rows += part.size
            checked.invalid += len(part.failures)
            checked.requests += part.requests
            checked.failures += part.failures[: max(0, _SHOWN - len(checked.failures))]
            for row, size_bytes, key in part.events:
                checked.event_bytes += size_bytes
                if size_bytes > checked.largest_bytes:
                    checked.largest_bytes, checked.largest_row = size_bytes, row
                if key is not None and (first := _first_with(keys, key, row)) != row:
                    checked.twice += 1
                    if len(checked.duplicates) < _SHOWN:
                        checked.duplicates.append((row, first))
    return checked


def _first_with(keys: sqlite3.Connection, key: str, row: int) -> int:
    digest = sha256(key.encode()).digest()
    if keys.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (digest, row)).rowcount:
        return row
    return int(keys.execute("SELECT row FROM keys WHERE digest = ?", (digest,)).fetchone()[0])
