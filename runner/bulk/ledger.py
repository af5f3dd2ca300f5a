"""The outcomes of all bulk runs in one SQLite file, so that a run can be resumed after its process was killed.

The file holds fingerprints, counts and the rows that were not accepted, but no cells and no secrets. Each part of a run is
recorded before it is sent and when its outcome is known. Parts in between are in doubt if the process dies; a resume sends
them again. In a run without idempotency keys they might count twice, so they are sent again only on request.
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
from runner.bulk.ledger_errors import LedgerErrors
from runner.bulk.ledger_file import LedgerFile
from runner.bulk.locks import RunLock, active_runs
from runner.bulk.measures import RunMeasures
from runner.bulk.outcomes import INTERRUPTED, Counts, RowOutcome
from runner.bulk.part import RecordedPart
from runner.bulk.paths import absolute_path, relative_path
from runner.bulk.record import RunRecord
from runner.bulk.run_ledger import RunLedger
from runner.errors import MachineError, NotFound, Problem, did_you_mean, shown_argument
from runner.project.private import folder_lock
from runner.rows.places import FileStart, Places

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from runner.suprsend.answer import State

RunState: TypeAlias = Literal["running", "interrupted", "stopped", "finished"]
_FEW = 5
_PAGE = 1000


class RunSummary(NamedTuple):
    """A run in brief. `total` is None until all rows were read.

    Unless it is running, rows in flight count as unknown. If there is a total, it is the sum of the counts.
    """

    run: str
    spec: str
    rows: tuple[str, ...]
    state: RunState
    started_at: datetime
    total: int | None
    counts: Counts
    parent: str | None = None


class Ledger:
    """All runs of one folder. It belongs to one thread; other processes may write to it at the same time.

    All methods raise MachineError if the file can't be used: `ledger-locked` if another process keeps writing, else
    `ledger-refused`. A failed write changes nothing.

    Forked processes would inherit the locks of its runs: start processes by spawn or forkserver.
    """

    def __init__(self, folder: Path, *, is_new_allowed: bool = True) -> None:
        """Open the ledger in `folder`, and make both if that is allowed; otherwise a missing ledger has no runs."""
        self._file = LedgerFile(folder, is_new_allowed=is_new_allowed)

    def begin(self, record: RunRecord) -> RunLedger:
        """Record a new run, and lock it."""
        try:
            return self._lock(record, sql.INSERT_RUN, _columns(record))
        except sqlite3.IntegrityError:
            message = f"run {record.id} already exists in {self._file.path}"
            hint = "try again: each run gets a new id"
            raise MachineError(Problem("ledger-refused", message, hint=hint)) from None

    def resume(self, run_id: str, *, repeats_unknown: bool = True) -> RunLedger:
        """Lock a run to resume it. Raises NotFound, and MachineError `run-locked` if another process is using it.

        Unless it `repeats_unknown`, rows that may have arrived are not sent again: unknown rows stay unknown, and so do the
        rows of parts in flight when the process died.
        """
        record = self.find(run_id)
        book = self._lock(record, sql.RESUME_RUN, (record.id,), repeats_unknown=repeats_unknown)
        if not repeats_unknown:
            book.give_up_parts()
        return book

    def ancestry(self, record: RunRecord) -> Iterator[RunRecord]:
        """Return a run, the run whose failed rows it sends, and so on up to the first one. Raises NotFound."""
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

    def last_row(self, run_id: str) -> int:
        """Return the number of the last row of a run that was ever begun, 0 if none was."""
        found = self._file.select(sql.LAST_ROW, (self._file.number(self.find(run_id).id),))
        return int(found[0][0]) if found else 0

    def failed_after(self, run_id: str, session: int) -> frozenset[int]:
        """Return the rows that failed in later sessions of a run, by their numbers in the first run that they failed in."""
        record = self.find(run_id)
        found = self._file.select(sql.ROWS_FAILED_AFTER, (self._file.number(record.id), session))
        return frozenset(origin or row for row, origin in found if origin or record.parent is None)

    def find(self, name: str) -> RunRecord:
        """Return a run by its id, an unambiguous prefix of it, `first` or `last`: the oldest or newest one. Raises NotFound."""
        ids = [row[0] for row in _newest_first(self._file.select(sql.RUN_IDS), 1)]
        if name == "last":
            found = ids[:1]
        elif name == "first":
            found = ids[-1:]
        else:
            found = [name] if name in ids else [known for known in ids if name and known.startswith(name)]
        if len(found) == 1:
            with self._file.reading():
                return _record(self._file.select(sql.RUN, (found[0],))[0])
        if found:
            few, more = found[:_FEW], len(found) - _FEW
            hint = ", ".join(few) + (f" and {more} more" if more > 0 else "")
            raise NotFound(
                Problem("run-not-found", f"'{name}' matches {len(found)} runs in {self._file.path}", hint=hint)
            )
        otherwise = "'runner runs list' shows them all" if ids else "it contains no runs yet"
        message = f"no run '{shown_argument(name)}' in {self._file.path}"
        raise NotFound(Problem("run-not-found", message, hint=did_you_mean(name, ids, otherwise)))

    def summaries(self) -> list[RunSummary]:
        """Return summaries of all runs, the newest first."""
        folder = self._file.folder
        if not self._file.exists:
            return []
        with (
            LedgerErrors(self._file.path),
            folder_lock(folder),
        ):  # while they are compared, no lock is taken or released
            rows = self._file.select(sql.SUMMARIES)
            active = active_runs(folder, [row[0] for row in rows])
        with self._file.reading():
            return [_summary(row, is_active=row[0] in active) for row in _newest_first(rows, 4)]

    def places(self, run_id: str) -> Places:
        """Return the files of the rows of a run, as far as they were read."""
        found = self._file.select(sql.FILES, (self._file.number(self.find(run_id).id),))
        with self._file.reading():
            return Places([FileStart(first_row, relative_path(os.fsdecode(path))) for first_row, path in found])

    def summary(self, run_id: str) -> RunSummary:
        """Return the summary of a run. Raises NotFound."""
        wanted = self.find(run_id).id
        return next(summary for summary in self.summaries() if summary.run == wanted)

    def parts(self, run_id: str) -> list[RecordedPart]:
        """Return the parts of a run that were begun, in order."""
        return [RecordedPart(*row) for row in self._file.select(sql.PARTS, (self._file.number(self.find(run_id).id),))]

    def measures(self, run_id: str) -> RunMeasures:
        """Return the measures of the parts of a run that are done. Raises NotFound."""
        number = self._file.number(self.find(run_id).id)
        found, last = RunMeasures(), -1
        while page := self._file.select(sql.MEASURES, (number, last, _PAGE)):
            with self._file.reading():
                for _, lines in page:
                    found.add(lines)
            last = page[-1][0]
        return found

    def failures(self, run_id: str, state: State = "failed") -> Iterator[RowOutcome]:
        """Yield the rows of a run in a state, in order; they are read page by page."""
        number = self._file.number(self.find(run_id).id)
        return self._pages(sql.ROWS_IN_STATE, number, state)

    def exceptions(self, run_id: str, *, with_in_flight: bool) -> Iterator[RowOutcome]:
        """Yield the rows of a run that were dealt with and not accepted, in order; they are read page by page.

        Unless the run is active, rows in flight count as unknown; their lines are not known.
        """
        number = self._file.number(self.find(run_id).id)
        parts = self._file.select(sql.PARTS_IN_FLIGHT, (number,)) if with_in_flight else []
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


def _newest_first(rows: Iterable[Sequence[Any]], started_at: int) -> list[Sequence[Any]]:
    """Sort runs by their start. They are numbered in another order, since a run may wait for a confirmation."""
    return sorted(rows, key=lambda row: str(row[started_at]), reverse=True)


def _columns(record: RunRecord) -> tuple[object, ...]:
    return (
        record.id,
        record.started.astimezone(UTC).isoformat(timespec="microseconds"),
        str(record.seed),
        os.fsencode(absolute_path(record.spec)),
        b"\0".join(os.fsencode(absolute_path(path)) for path in record.rows),
        json.dumps({**record.arguments}),
        json.dumps({**record.fingerprints}),
        record.parent,
        record.parent_session,
    )


def _record(row: Sequence[Any]) -> RunRecord:
    run_id, started, seed, spec, rows, arguments, fingerprints, parent, parent_session = row
    if PurePath(run_id).name != run_id:
        raise ValueError("its lock file is named after it")
    if not isinstance(parent, str | None):
        raise TypeError("not the id of a run")
    return RunRecord(
        run_id,
        UUID(seed),
        datetime.fromisoformat(started),
        relative_path(os.fsdecode(spec)),
        _paths(rows),
        dict(json.loads(arguments)),
        dict(json.loads(fingerprints)),
        parent,
        int(parent_session),
    )


def _paths(rows: bytes) -> tuple[str, ...]:
    return (*(relative_path(os.fsdecode(path)) for path in rows.split(b"\0")),)


def _summary(row: Sequence[Any], *, is_active: bool) -> RunSummary:
    run_id, spec, rows, state, started, total, accepted, failed, unknown, not_sent, in_flight, parent = row
    if state == "running" and not is_active:
        state = "interrupted"
    counts = Counts(accepted, failed, unknown, not_sent, 0 if state == "running" else in_flight)
    return RunSummary(
        run_id,
        relative_path(os.fsdecode(spec)),
        _paths(rows),
        state,
        datetime.fromisoformat(started),
        total,
        counts.settled(total),
        parent,
    )
