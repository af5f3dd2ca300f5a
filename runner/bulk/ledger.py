"""What became of each row of each bulk run, kept in one SQLite file, so that a run can go on where it was killed.

The file holds fingerprints, counts and what was not accepted: no cell of a row and no secret. Each part of a run is
recorded twice, when it goes out and when it is known what became of it. What lies between is in doubt if the process
dies, and goes out again by a resume; in a run without idempotency keys, where it might count twice, only on request.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import ExitStack
from datetime import UTC, datetime
from heapq import merge
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from runner.bulk import ledger_sql as sql
from runner.bulk.ledger_file import LedgerFile
from runner.bulk.locks import RunLock, gate, held_runs
from runner.bulk.outcomes import Counts, RowOutcome
from runner.bulk.paths import from_here, kept
from runner.bulk.record import RunRecord
from runner.bulk.refusals import Refusals
from runner.bulk.run_ledger import INTERRUPTED, RunLedger
from runner.errors import MachineError, NotFound, Problem, did_you_mean, shown_argument

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from runner.suprsend.answer import State

RunState: TypeAlias = Literal["running", "interrupted", "stopped", "finished"]
_FEW = 5
_PAGE = 1000


class RunSummary(NamedTuple):
    """A run at a glance. `total` is None until the last row was seen.

    Unless it is running, what was in flight counts as unknown. With a total, the counts add up to it.
    """

    run: str
    spec: str
    rows: str
    state: RunState
    started_at: datetime
    total: int | None
    counts: Counts
    parent: str | None = None


class Ledger:
    """All runs of one folder. It belongs to one thread; other processes may write to it at the same time.

    What this machine refuses is a MachineError, here and in every method: `ledger-locked` if another process does not
    stop writing, else `ledger-refused`. Nothing is half written then.

    Processes that are forked while this is open would keep the locks of its runs: start them by spawn or forkserver.
    """

    def __init__(self, folder: Path, *, is_new_allowed: bool = True) -> None:
        """Open the ledger in `folder`; both are made if need be, unless that is not allowed: then it has no runs."""
        self._file = LedgerFile(folder, is_new_allowed=is_new_allowed)

    def begin(self, record: RunRecord) -> RunLedger:
        """Record a new run, and lock it."""
        try:
            return self._lock(record, sql.ADD_RUN, _columns(record))
        except sqlite3.IntegrityError:
            message = f"there is a run {record.id} in {self._file.path} already"
            hint = "try again: each run gets an id of its own"
            raise MachineError(Problem("ledger-refused", message, hint=hint)) from None

    def resume(self, run_id: str, *, repeats_unknown: bool = True) -> RunLedger:
        """Lock a run to go on with it. Raises NotFound; MachineError `run-locked` if another process is at work on it.

        Unless it `repeats_unknown`, what may have arrived does not go out again: rows that are unknown stay so, and those
        of parts that were under way when the process died are unknown from now on.
        """
        record = self.find(run_id)
        book = self._lock(record, sql.GO_ON, (record.id,), repeats_unknown=repeats_unknown)
        if not repeats_unknown:
            book.give_up_parts()
        return book

    def line(self, record: RunRecord) -> Iterator[RunRecord]:
        """Return a run, the run whose failed rows it sends, and so on to the first one that they failed in. Raises NotFound."""
        seen = {record.id}
        yield record
        while record.parent is not None:
            record = self.find(record.parent)
            if record.id in seen:
                raise self._file.strange()
            seen.add(record.id)
            yield record

    def sessions(self, run_id: str) -> int:
        """Count the sessions of a run. Raises NotFound."""
        return int(self._file.select(sql.COUNTS, (self._file.number(self.find(run_id).id),))[0][0])

    def failed_after(self, run_id: str, session: int) -> frozenset[int]:
        """Find the rows that failed in later sessions of a run, by their numbers in the first run that they failed in."""
        record = self.find(run_id)
        found = self._file.select(sql.FAILED_AFTER, (self._file.number(record.id), session))
        return frozenset(origin or row for row, origin in found if origin or record.parent is None)

    def find(self, name: str) -> RunRecord:
        """Look up a run by its id, by the beginning of just one id, or as `last`. Raises NotFound."""
        ids = [row[0] for row in self._file.select("SELECT id FROM runs ORDER BY number DESC")]
        if name == "last":
            found = ids[:1]
        else:
            found = [name] if name in ids else [known for known in ids if name and known.startswith(name)]
        if len(found) == 1:
            with self._file.reading():
                return _record(self._file.select(sql.RUN, (found[0],))[0])
        if found:
            few, more = found[:_FEW], len(found) - _FEW
            hint = ", ".join(few) + (f" and {more} more" if more > 0 else "")
            raise NotFound(
                Problem("run-not-found", f"'{name}' may be any of {len(found)} runs in {self._file.path}", hint=hint)
            )
        otherwise = "'runner runs list' shows them all" if ids else "it holds no runs yet"
        message = f"no run '{shown_argument(name)}' in {self._file.path}"
        raise NotFound(Problem("run-not-found", message, hint=did_you_mean(name, ids, otherwise)))

    def summaries(self) -> list[RunSummary]:
        """Sum up all runs, the one that was recorded last first."""
        folder = self._file.folder
        if not self._file.exists:
            return []
        with Refusals(self._file.path), gate(folder):  # while they are compared, no lock is taken or released
            rows = self._file.select(sql.SUMMARIES)
            held = held_runs(folder, [row[0] for row in rows])
        with self._file.reading():
            return [_summary(row, is_alive=row[0] in held) for row in rows]

    def failures(self, run_id: str, state: State = "failed") -> Iterator[RowOutcome]:
        """Return the rows of a run that are in a state, in their order; they are read a page at a time."""
        number = self._file.number(self.find(run_id).id)
        return self._pages(sql.ROWS_IN_STATE, number, state)

    def exceptions(self, run_id: str, *, with_in_flight: bool) -> Iterator[RowOutcome]:
        """Return all rows of a run that came to something and were not accepted, in their order; they are read a page at a time.

        What is in flight counts as unknown, unless the run is at work; the lines of these rows are not known.
        """
        number = self._file.number(self.find(run_id).id)
        parts = self._file.select(sql.IN_FLIGHT, (number,)) if with_in_flight else []
        in_flight = (
            RowOutcome(row, 0, "unknown", INTERRUPTED, 0, 1)
            for first_row, rows in parts
            for row in range(first_row, first_row + rows)
        )
        return merge(self._pages(sql.ROWS, number), in_flight)

    def _pages(self, statement: str, number: int, *parameters: object) -> Iterator[RowOutcome]:
        last = -1
        while page := self._file.select(statement, (number, last, *parameters, _PAGE)):
            yield from (RowOutcome(*row) for row in page)
            last = page[-1][0]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(
        self, record: RunRecord, statement: str, parameters: Sequence[object], *, repeats_unknown: bool = True
    ) -> RunLedger:
        with ExitStack() as undo:
            lock = undo.enter_context(RunLock(self._file.folder, record.id))
            with self._file.transaction() as connection:
                connection.execute(statement, parameters)
            number = self._file.number(record.id)
            book = RunLedger(self._file, lock, number, record, repeats_unknown=repeats_unknown)
            undo.pop_all()
        return book


def _columns(record: RunRecord) -> tuple[object, ...]:
    return (
        record.id,
        record.started.astimezone(UTC).isoformat(timespec="microseconds"),
        str(record.seed),
        os.fsencode(kept(record.spec)),
        os.fsencode(kept(record.rows)),
        json.dumps({**record.arguments}),
        json.dumps({**record.fingerprints}),
        record.parent,
        record.parent_session,
    )


def _record(row: Sequence[Any]) -> RunRecord:
    run_id, started, seed, spec, rows, arguments, fingerprints, parent, parent_session = row
    if PurePath(run_id).name != run_id:
        raise ValueError("a lock is named after it")
    if not isinstance(parent, str | None):
        raise TypeError("not the id of a run")
    return RunRecord(
        run_id,
        UUID(seed),
        datetime.fromisoformat(started),
        from_here(os.fsdecode(spec)),
        from_here(os.fsdecode(rows)),
        dict(json.loads(arguments)),
        dict(json.loads(fingerprints)),
        parent,
        int(parent_session),
    )


def _summary(row: Sequence[Any], *, is_alive: bool) -> RunSummary:
    run_id, spec, rows, state, started, total, accepted, failed, unknown, not_sent, in_flight, parent = row
    if state == "running" and not is_alive:
        state = "interrupted"
    counts = Counts(accepted, failed, unknown, not_sent, 0 if state == "running" else in_flight)
    return RunSummary(
        run_id,
        from_here(os.fsdecode(spec)),
        from_here(os.fsdecode(rows)),
        state,
        datetime.fromisoformat(started),
        total,
        counts.settled(total),
        parent,
    )
