"""A run in the ledger, and its file of rows or its file of results → its rows with their states and keys."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from functools import partial
from io import BytesIO
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, cast

from runner.bulk.executor import executor_of, in_order
from runner.bulk.options import PART_ROWS
from runner.bulk.parts import Parts
from runner.bulk.reconcile.join import RunRow
from runner.bulk.tools import tools_of
from runner.errors import InvalidInput, Problem
from runner.rows.row import BadRow
from runner.rows.row_file import open_rows
from runner.secrets import STARS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from runner.bulk.ledger import Ledger
    from runner.bulk.part import Part
    from runner.bulk.plan import RunPlan
    from runner.bulk.setup import Setup
    from runner.source import Json
    from runner.suprsend.answer import State


class KeyedRow(NamedTuple):
    """A row with its key, None if it makes no event, and the key masked."""

    row: int
    line: int
    key: str | None
    shown: str | None


def keyed_rows(plan: RunPlan, setup: Setup) -> Iterator[KeyedRow]:
    """Make the event of each row of a plan again, and yield the rows in their order. Raises the errors of the file of rows."""
    parts = Parts(plan.chosen_rows(), PART_ROWS, None, digests=None)
    with executor_of(plan.options) as executor:
        for rows in in_order(parts, executor, partial(keyed_part, setup), plan.options.concurrency):
            yield from rows
    if parts.failure is not None:
        raise parts.failure


def keyed_part(setup: Setup, part: Part) -> list[KeyedRow]:
    """Return the rows of a part with their keys. This is the task of a process."""
    tools = tools_of(setup)
    return [KeyedRow(row.number, row.line, *tools.key_of(row)) for row in part.carried]


@contextmanager
def rows_of_results(path: Path) -> Iterator[Iterator[KeyedRow]]:
    """Yield the rows of a file of results in their order. Of several lines of a row, the one of the last session counts.

    Raises InvalidInput for a line that is not one of results, and for a masked key, by which nothing can be found.
    """
    with (
        TemporaryDirectory(prefix="runner-") as folder,
        closing(sqlite3.connect(f"{folder}/results")) as database,
        open_rows(path, BytesIO(), str(path)) as lines,
    ):
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("CREATE TABLE results (row INTEGER PRIMARY KEY, line INTEGER, key TEXT, session INTEGER)")
        for line in lines:
            if isinstance(line, BadRow):
                raise InvalidInput(line.problem)
            database.execute(
                "INSERT INTO results VALUES (?, ?, ?, ?) ON CONFLICT (row) DO UPDATE SET key = excluded.key, session = excluded.session"
                " WHERE excluded.session >= results.session",
                _result(cast("Mapping[str, Json]", line.values), f"{path} line {line.line:,}"),
            )
        found = database.execute("SELECT row, line, key, key FROM results ORDER BY row")
        yield (KeyedRow(*row) for row in found)


def _result(line: Mapping[str, Json], place: str) -> tuple[int, int, str | None, int]:
    row, number, key, session = (line.get(name) for name in ("row", "line", "key", "session"))
    if not (isinstance(row, int) and isinstance(number, int) and isinstance(session, int)):
        hint = "it is the file that send --results wrote"
        raise InvalidInput(Problem("export-invalid", f"{place} is not a line of results", hint=hint))
    if key is not None and not isinstance(key, str):
        raise InvalidInput(Problem("export-invalid", f"{place}: the key must be text"))
    if key is not None and STARS in key:
        message = f"{place} has a masked key, by which no message can be found"
        raise InvalidInput(
            Problem("export-invalid", message, hint="leave out --results if the file of rows is still there")
        )
    return row, number, key, session


def with_states(rows: Iterable[KeyedRow], ledger: Ledger, run: str) -> Iterator[RunRow]:
    """Yield rows, which come in their order, with their states in the ledger. The run must not be under way.

    Raises InvalidInput for a row that was accepted and has no key.
    """
    exceptions = ledger.exceptions(run, with_in_flight=True)
    exception = next(exceptions, None)
    last_row = ledger.last_row(run)
    for row in rows:
        while exception is not None and exception.row < row.row:
            exception = next(exceptions, None)
        state: State = "accepted" if row.row <= last_row else "not_sent"
        if exception is not None and exception.row == row.row:
            state = exception.state
        if state == "accepted" and row.key is None:
            message = f"row {row.row:,} was accepted in run {run}, and has no key now"
            raise InvalidInput(
                Problem("run-changed", message, hint="reconcile with the inputs that the run began with")
            )
        yield RunRow(row.row, row.line, state, row.key, row.shown)


class Candidates:
    """The keys that are looked for first: those of rows in doubt, then of accepted ones, drawn evenly. At most `size`."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._ranked: list[tuple[bool, bytes, str]] = []

    def add(self, row: RunRow, digest: bytes) -> None:
        """Add a row with a key, if it reached the platform or may have."""
        if row.key is not None and row.state in ("accepted", "unknown"):
            self._ranked.append((row.state == "accepted", digest, row.key))
            if len(self._ranked) > 2 * self._size:
                self._cut()

    def keys(self) -> list[str]:
        """Return the keys, each once."""
        self._cut()
        return [key for _, _, key in self._ranked]

    def _cut(self) -> None:
        by_key: dict[str, tuple[bool, bytes, str]] = {}
        for each in sorted(self._ranked):
            by_key.setdefault(each[2], each)
        self._ranked = [*by_key.values()][: self._size]
