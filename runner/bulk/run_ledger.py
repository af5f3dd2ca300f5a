"""One run in the ledger: its parts and their outcomes, written by the one process that has locked it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

from runner.bulk import ledger_sql as sql
from runner.bulk.measures import line_of
from runner.bulk.outcomes import INTERRUPTED, Counts, RowOutcome
from runner.bulk.paths import absolute_path
from runner.problems import ENTRIES, Trait

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Container, Mapping, Sequence
    from typing import Self

    from runner.bulk.ledger_file import LedgerFile
    from runner.bulk.locks import RunLock
    from runner.bulk.outcomes import PartOutcome
    from runner.bulk.part import Part
    from runner.bulk.record import RunRecord
    from runner.rows.places import FileStart
    from runner.suprsend.answer import State


class PartState(NamedTuple):
    """The record of a part. A resume sends the `open_rows` of a finished part, and all rows of another."""

    digest: str
    rows: int
    is_done: bool
    open_rows: frozenset[int]


class RunLedger:
    """One run, locked by this process until it is closed or the process dies.

    `session` is the number of the current session. The counts are kept in memory as well, so that they can be reported when
    the file is gone.
    """

    def __init__(
        self, file: LedgerFile, lock: RunLock, number: int, record: RunRecord, *, repeats_unknown: bool
    ) -> None:
        self.record = record
        self._file = file
        self._lock = lock
        self._number = number
        self._repeats_unknown = repeats_unknown
        self._under_way: dict[int, _UnderWay] = {}
        [(self.session, *counts)] = file.select(sql.COUNTS, (number,))
        self._counts = Counts(*counts)

    def write(
        self, done: Sequence[PartOutcome] = (), begun: Sequence[Part] = (), files: Sequence[FileStart] = ()
    ) -> None:
        """Record, in one transaction, the outcomes of parts, the parts that are sent next, and where files begin.

        A part must be recorded as begun each time before it is sent. Of a finished part, only the open rows may be sent
        again, and its next outcome has these alone. A row that may have been sent before without an answer stays unknown
        unless it is accepted, whatever its outcome is now.

        Raises ValueError for an outcome of a part that was not begun, and for rows with two outcomes or none. Raises
        LedgerGone if the file or the lock was removed.
        """
        self._check_open()
        under_way = self._under_way.copy()
        endings = [_end(under_way, outcome) for outcome in done]
        gain = Counts()
        at_ms = int(time.time() * 1000)
        self._check_there()
        with self._file.transaction() as connection:
            for ending in endings:
                gain += ending.gain
                self._finish(connection, ending, at_ms)
            connection.executemany(
                sql.INSERT_FILE,
                [(self._number, first_row, os.fsencode(absolute_path(path))) for first_row, path in files],
            )
            for part in begun:
                under_way[part.first_row], more = self._begin(connection, part)
                gain += more
            self._count(connection, gain)
        self._under_way = under_way
        self._counts += gain

    def part(self, first_row: int) -> PartState | None:
        """Return the record of the part that begins at a row; None if it was never begun."""
        found = self._file.select(sql.PART, (self._number, first_row))
        if not found:
            return None
        digest, rows, open_rows = found[0]
        records = self._open(range(first_row, first_row + rows)) if open_rows else ()
        return PartState(digest, rows, open_rows is not None, frozenset(record.row for record in records))

    def not_accepted(self, rows: range) -> frozenset[int]:
        """Return the rows among these that were dealt with and not accepted."""
        return frozenset(outcome.row for outcome in self._open(rows, sql.ROWS_AMONG))

    def counts(self, unwritten: Sequence[PartOutcome] = ()) -> Counts:
        """Return the counts of the run, with earlier sessions, and with outcomes that could not be recorded."""
        under_way = self._under_way.copy()
        counts = self._counts
        for outcome in unwritten:
            counts += _end(under_way, outcome).gain
        return counts

    def last_row(self) -> int:
        """Return the number of the last row that was ever begun, 0 if none was."""
        found = self._file.select(sql.LAST_ROW, (self._number,))
        return int(found[0][0]) if found else 0

    def kinds(self) -> set[tuple[State, str, bool]]:
        """Return the states and codes of the rows that were not accepted, and whether they were sent."""
        return {
            (state, code, bool(was_sent))
            for state, code, was_sent in self._file.select(sql.FAILURE_KINDS, (self._number,))
        }

    def give_up_parts(self) -> None:
        """Record the rows of parts that an earlier session left in flight as unknown, so that they are not sent again."""
        with self._file.transaction() as connection:
            for first_row, rows in self._file.select(sql.PARTS_IN_FLIGHT, (self._number,)):
                numbers = range(first_row, first_row + rows)
                self._add(connection, [RowOutcome(row, 0, "unknown", INTERRUPTED, 0, 1) for row in numbers])
                connection.execute(sql.FINISH_PART, (rows, "", self._number, first_row))
            gain = Counts(unknown=self._counts.in_flight, in_flight=-self._counts.in_flight)
            self._count(connection, gain)
        self._counts += gain

    def close(self, state: Literal["interrupted", "stopped", "finished"], total: int | None) -> None:
        """Record the end of the run, with its total if it is known, and release the lock."""
        self._check_open()
        self._check_there()
        with self._file.transaction() as connection:
            connection.execute(sql.END_RUN, (state, total, self._number))
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _check_open(self) -> None:
        if self._lock.is_released:
            raise ValueError(f"run {self.record.id} is closed")

    def _check_there(self) -> None:
        """Raise LedgerGone if the file or the lock was removed."""
        self._file.check_there()
        self._lock.check_there()

    def _begin(self, connection: sqlite3.Connection, part: Part) -> tuple[_UnderWay, Counts]:
        """Record that a part is sent; return the part in flight, and the change of the run's counts."""
        if connection.execute(sql.INSERT_PART, (self._number, part.first_row, part.size, part.digest)).rowcount:
            return _UnderWay(range(part.first_row, part.first_row + part.size)), Counts(in_flight=part.size)
        known = self.part(part.first_row)
        if known is None or known.digest != part.digest:
            raise ValueError(f"the part of row {part.first_row} differs from the recorded one: {known}")
        rows = range(part.first_row, part.first_row + known.rows)
        if not known.is_done:  # the process that sent it died at an unknown row
            return _UnderWay(rows, in_doubt=rows), Counts()
        earlier = {outcome.row: outcome for outcome in self._open(rows)}
        if not earlier:
            raise ValueError(f"the part of row {part.first_row} is done: none of its rows may be sent again")
        # From now on the rows may have been sent, so if this process dies, they must be unknown.
        connection.execute(sql.MARK_UNKNOWN, (INTERRUPTED, self._number, rows.start, rows.stop))
        in_doubt = {row for row, outcome in earlier.items() if outcome.state == "unknown"}
        doubted = len(earlier) - len(in_doubt)
        stay_open = len(self._open(rows, sql.OPEN_ROWS)) - len(earlier)
        return _UnderWay(earlier.keys(), in_doubt, earlier, stay_open), Counts(unknown=doubted, not_sent=-doubted)

    def _finish(self, connection: sqlite3.Connection, ending: _Ending, at_ms: int) -> None:
        part = ending.part
        if part.earlier:
            connection.executemany(sql.DELETE_ROW, [(self._number, row) for row in part.rows])
        if ending.failures:
            self._add(connection, ending.failures)
        open_rows = sum(outcome.state != "failed" for outcome in ending.failures)
        line = line_of(at_ms, ending.sent, ending.measures)
        connection.execute(sql.FINISH_PART, (part.stay_open + open_rows, line, self._number, ending.first_row))

    def _add(self, connection: sqlite3.Connection, outcomes: Sequence[RowOutcome]) -> None:
        columns = [
            (
                self._number, each.row, each.line, each.state, each.code, each.status_code, each.attempts, each.origin,
                each.variable, self.session,
            )
            for each in outcomes
        ]  # fmt: skip
        connection.executemany(sql.INSERT_ROW, columns)

    def _count(self, connection: sqlite3.Connection, gain: Counts) -> None:
        connection.execute(sql.ADD_COUNTS, {**gain._asdict(), "number": self._number})

    def _open(self, rows: range, statement: str | None = None) -> list[RowOutcome]:
        """Return the open rows of a part, as a query finds them."""
        statement = statement or (sql.OPEN_ROWS if self._repeats_unknown else sql.NOT_SENT_ROWS)
        return [RowOutcome(*row) for row in self._file.select(statement, (self._number, rows.start, rows.stop))]


class _UnderWay(NamedTuple):
    """A part in flight: `rows` are sent, and those `in_doubt` may have been sent before.

    `earlier` has the recorded outcomes, if the part was finished before; `stay_open` is the number of its open rows that
    are not sent now.
    """

    rows: Collection[int]
    in_doubt: Container[int] = ()
    earlier: Mapping[int, RowOutcome] = {}
    stay_open: int = 0

    def settle(self, outcome: RowOutcome) -> RowOutcome:
        """Return the outcome of a row, with regard to what may have happened before."""
        if outcome.row not in self.in_doubt:
            return outcome
        earlier = self.earlier.get(outcome.row)
        had_answer = earlier is not None and not earlier.was_interrupted
        may_pass = Trait.MAY_PASS in ENTRIES[outcome.code].traits
        if not had_answer and outcome.state == "failed" and not outcome.attempts and not may_pass:
            return outcome  # the row made no event before either, so nothing was sent
        if outcome.state == "not_sent":
            return earlier or outcome._replace(state="unknown", code=INTERRUPTED)
        return outcome._replace(state="unknown")


class _Ending(NamedTuple):
    """The end of a part: the rows that were not accepted, the counts of those that were sent, and the change of the run's counts."""

    first_row: int
    part: _UnderWay
    failures: Sequence[RowOutcome]
    sent: Counts
    gain: Counts
    measures: str


def _end(parts: dict[int, _UnderWay], outcome: PartOutcome) -> _Ending:
    """Remove a part from those in flight, and return its end. Raises ValueError for an inconsistent outcome."""
    part = parts.pop(outcome.first_row, None)
    if part is None:
        raise ValueError(f"the part of row {outcome.first_row} is not under way")
    failed = {each.row for each in outcome.failures}
    is_each_once = len(failed) == len(outcome.failures) and all(row in part.rows for row in failed)
    rows = len(part.rows)
    if not is_each_once or outcome.accepted + len(failed) != rows:
        raise ValueError(f"the outcome of the part of row {outcome.first_row} does not have each sent row exactly once")
    settled = [part.settle(each) for each in outcome.failures]
    ended = Counts(unknown=-rows) if part.earlier else Counts(in_flight=-rows)
    sent = Counts.of(outcome.accepted, settled)
    return _Ending(outcome.first_row, part, settled, sent, sent + ended, outcome.measures)
