"""What became of each row of each bulk run, kept in one SQLite file, so that a run can go on where it was killed.

The file holds fingerprints, counts and what was not accepted: no cell of a row and no secret. Each part of a run is
recorded twice, when it goes out and when it is known what became of it. What lies between is in doubt if the process
dies, and goes out again by a resume; in a run without idempotency keys, where it might count twice, only on request.

A `write` that returned outlives a kill -9: its bytes are with the kernel by then, and the write-ahead log makes sure
that half a write is none. No `fsync` is needed for that. `synchronous=NORMAL` makes one every thousand writes all the
same, which costs 10 to 30 µs a write: after a power cut the last writes may be missing, but the ledger is whole.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import sqlite3
from collections import Counter
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from pathlib import PurePath
from secrets import token_hex
from stat import S_IMODE, S_ISREG
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from runner.bulk.locks import RunLock, gate, held_runs
from runner.bulk.paths import from_here, kept
from runner.bulk.refusals import BUSY_S, Refusals, gone, identity
from runner.errors import MachineError, NotFound, Problem, did_you_mean, shown_argument
from runner.project.files import project_of
from runner.writing import opened, write_new

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from runner.source import Json

FOLDER_NAME = ".runner"
FILE_NAME = "ledger.sqlite3"
_IGNORE = ".gitignore"
RowState: TypeAlias = Literal["failed", "unknown", "not_sent"]
RunState: TypeAlias = Literal["running", "interrupted", "stopped", "finished"]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run, with all that a resume needs.

    `spec` and `rows` are paths, `rows` may be `-` for the standard input. They are kept so that a record that is found
    names them from the directory in which it is found. `arguments` is the caller's own, as JSON. `fingerprints` are
    digests by the name of what must not change until a resume. `parent` is the run whose failed rows these are, those of
    its sessions up to `parent_session`.
    """

    id: str
    seed: UUID
    started: datetime
    spec: str
    rows: str
    arguments: Mapping[str, Json]
    fingerprints: Mapping[str, str]
    parent: str | None = None
    parent_session: int = 0


class PartBegun(NamedTuple):
    """A part that is about to go out: `rows` of them from `first_row` on. `digest` tells whether they are the same."""

    first_row: int
    rows: int
    digest: str


class RowRecord(NamedTuple):
    """A row that was not accepted, or isn't known to be. `status_code` is 0 where no answer came.

    `origin` is the row's number in the first run that it failed in, if that is another one; else 0. `variable` is the name
    of the one whose value was wrong, if one was.
    """

    row: int
    line: int
    state: RowState
    code: str
    status_code: int
    attempts: int
    origin: int = 0
    variable: str = ""


class PartDone(NamedTuple):
    """What became of the rows of a part that went out: so many were accepted, `exceptions` are all the others of them."""

    first_row: int
    rows: int
    accepted: int
    exceptions: Sequence[RowRecord]


class PartState(NamedTuple):
    """What the ledger knows of a part. A resume sends the `open_rows` of a part that is done, all rows of another."""

    digest: str
    rows: int
    is_done: bool
    open_rows: frozenset[int]


class Counts(NamedTuple):
    """How many rows of a run came to what. `in_flight` are those of parts that are begun and not done."""

    accepted: int = 0
    failed: int = 0
    unknown: int = 0
    not_sent: int = 0
    in_flight: int = 0


class RunSummary(NamedTuple):
    """A run at a glance. `total` is None until somebody has seen the last row.

    Unless it is running, what was in flight counts as unknown. With a total, the four counts add up to it.
    """

    run: str
    spec: str
    rows: str
    state: RunState
    started_at: datetime
    total: int | None
    accepted: int
    failed: int
    unknown: int
    not_sent: int
    parent: str | None = None


class Ledger:
    """All runs of one folder. It belongs to one thread; other processes may write to it at the same time.

    What this machine refuses is a MachineError, here and in every method: `ledger-locked` if another process does not
    stop writing, else `ledger-refused`. Nothing is half written then.

    Processes that are forked while this is open would keep the locks of its runs: start them by spawn or forkserver.
    """

    def __init__(self, folder: Path, *, is_new_allowed: bool = True) -> None:
        """Open the ledger in `folder`; both are made if need be, unless that is not allowed: then it has no runs."""
        self._file = _File(folder, is_new_allowed=is_new_allowed)

    def begin(self, record: RunRecord) -> RunLedger:
        """Record a new run, and lock it."""
        try:
            return self._lock(record, _ADD_RUN, _columns(record))
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
        book = self._lock(record, _GO_ON, (record.id,), repeats_unknown=repeats_unknown)
        if not repeats_unknown:
            book.give_up_parts()
        return book

    def line(self, record: RunRecord) -> Iterator[RunRecord]:
        """Give a run, the run whose failed rows it sends, and so on to the first one that they failed in. Raises NotFound."""
        seen = {record.id}
        yield record
        while record.parent is not None:
            record = self.find(record.parent)
            if record.id in seen:
                raise self._file.strange()
            seen.add(record.id)
            yield record

    def sessions(self, run_id: str) -> int:
        """Count how often somebody went to work on a run. Raises NotFound."""
        return int(self._file.select(_COUNTS, (self._file.number(self.find(run_id).id),))[0][0])

    def failed_after(self, run_id: str, session: int) -> frozenset[int]:
        """Find the rows that failed in later sessions of a run, by their numbers in the first run that they failed in."""
        record = self.find(run_id)
        found = self._file.select(_FAILED_AFTER, (self._file.number(record.id), session))
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
                return _record(self._file.select(_RUN, (found[0],))[0])
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
            rows = self._file.select(_SUMMARIES)
            held = held_runs(folder, [row[0] for row in rows])
        with self._file.reading():
            return [_summary(row, is_alive=row[0] in held) for row in rows]

    def failures(self, run_id: str, state: RowState = "failed") -> Iterator[RowRecord]:
        """Give the rows of a run that are in a state, in their order; a page at a time, so that nobody waits for it."""
        number = self._file.number(self.find(run_id).id)
        return self._pages(_ROWS_IN_STATE, number, state)

    def exceptions(self, run_id: str, *, with_in_flight: bool) -> Iterator[RowRecord]:
        """Give all rows of a run that came to something and were not accepted, in their order, a page at a time.

        What is in flight counts as unknown, unless the run is at work: nobody knows the lines of these rows.
        """
        number = self._file.number(self.find(run_id).id)
        parts = self._file.select(_IN_FLIGHT, (number,)) if with_in_flight else []
        in_flight = (
            RowRecord(row, 0, "unknown", INTERRUPTED, 0, 1)
            for first_row, rows in parts
            for row in range(first_row, first_row + rows)
        )
        return merge(self._pages(_ROWS, number), in_flight)

    def _pages(self, sql: str, number: int, *parameters: object) -> Iterator[RowRecord]:
        last = -1
        while page := self._file.select(sql, (number, last, *parameters, _PAGE)):
            yield from map(RowRecord._make, page)
            last = page[-1][0]

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(
        self, record: RunRecord, sql: str, parameters: Sequence[object], *, repeats_unknown: bool = True
    ) -> RunLedger:
        with ExitStack() as undo:
            lock = undo.enter_context(RunLock(self._file.folder, record.id))
            with self._file.transaction() as connection:
                connection.execute(sql, parameters)
            number = self._file.number(record.id)
            book = RunLedger(self._file, lock, number, record, repeats_unknown=repeats_unknown)
            undo.pop_all()
        return book


class RunLedger:
    """One run that this process is at work on, and no other one is until this is closed or the process dies.

    `session` counts how often somebody went to work on it. The counts are kept in memory as well: what this process knows
    it can tell when the file is gone.
    """

    def __init__(self, file: _File, lock: RunLock, number: int, record: RunRecord, *, repeats_unknown: bool) -> None:
        self.record = record
        self._file = file
        self._lock = lock
        self._number = number
        self._repeats_unknown = repeats_unknown
        self._under_way: dict[int, _Sending] = {}
        [(self.session, *counts)] = file.select(_COUNTS, (number,))
        self._counts = Counts._make(counts)

    def write(self, done: Sequence[PartDone] = (), begun: Sequence[PartBegun] = ()) -> None:
        """Record in one transaction what became of some parts, and which go out next; kept once this returns.

        A part is begun each time before anything of it is sent. Of a part that is done, a second time only the open rows
        go out: its next `PartDone` tells of these alone. A row that may have gone out before without an answer stays
        unknown unless it is accepted, whatever the exceptions say of it.

        Raises ValueError for what can't be: a part that ends and was not begun, rows told of twice or not at all. A file
        or a lock that somebody removed is a MachineError `ledger-gone`.
        """
        self._check_open()
        under_way = self._under_way.copy()
        endings = [_end(under_way, told) for told in done]
        tally = Counter[str]()
        self._check_there()
        with self._file.transaction() as connection:
            for ending in endings:
                tally.update(ending.tally)
                self._finish(connection, ending)
            for part in begun:
                under_way[part.first_row] = self._begin(connection, part, tally)
            connection.execute(_COUNT, {name: tally[name] for name in Counts._fields} | {"number": self._number})
        self._under_way = under_way
        self._counts = _added(self._counts, tally)

    def part(self, first_row: int) -> PartState | None:
        """Tell what is known of the part that begins at a row; None if it was never begun."""
        found = self._file.select(_PART, (self._number, first_row))
        if not found:
            return None
        digest, rows, open_rows = found[0]
        records = self._open(range(first_row, first_row + rows)) if open_rows else ()
        return PartState(digest, rows, open_rows is not None, frozenset(record.row for record in records))

    def counts(self, unwritten: Sequence[PartDone] = ()) -> Counts:
        """Count the rows so far, those of earlier sessions of the run too, and of parts that could not be recorded."""
        under_way = self._under_way.copy()
        tally = Counter[str]()
        for told in unwritten:
            tally.update(_end(under_way, told).tally)
        return _added(self._counts, tally)

    def last_row(self) -> int:
        """Give the number of the last row that was ever begun, 0 if none was."""
        found = self._file.select(_LAST_ROW, (self._number,))
        return int(found[0][0]) if found else 0

    def kinds(self) -> set[tuple[RowState, str, bool]]:
        """Tell which states and codes the rows have that were not accepted, and whether they were sent."""
        return {(state, code, bool(was_sent)) for state, code, was_sent in self._file.select(_KINDS, (self._number,))}

    def give_up_parts(self) -> None:
        """Record the rows of parts that another session began and did not end as unknown: nobody sends them again."""
        with self._file.transaction() as connection:
            for first_row, rows in self._file.select(_IN_FLIGHT, (self._number,)):
                numbers = range(first_row, first_row + rows)
                records = [RowRecord(row, 0, "unknown", INTERRUPTED, 0, 1) for row in numbers]
                connection.executemany(_ADD_ROW, [(self._number, *record, self.session) for record in records])
                connection.execute(_FINISH_PART, (rows, self._number, first_row))
            tally = Counter(unknown=self._counts.in_flight, in_flight=-self._counts.in_flight)
            connection.execute(_COUNT, {name: tally[name] for name in Counts._fields} | {"number": self._number})
        self._counts = _added(self._counts, tally)

    def close(self, state: Literal["interrupted", "stopped", "finished"], total: int | None) -> None:
        """Record how the run ended, of how many rows if that is known, and release its lock."""
        self._check_open()
        self._check_there()
        with self._file.transaction() as connection:
            connection.execute("UPDATE runs SET state = ?, total = ? WHERE number = ?", (state, total, self._number))
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _check_open(self) -> None:
        if self._lock.is_released:
            raise ValueError(f"run {self.record.id} is closed")

    def _check_there(self) -> None:
        """Make sure that what is written will be found again, and that no other process can take the run."""
        self._file.check_there()
        self._lock.check_there()

    def _begin(self, connection: sqlite3.Connection, part: PartBegun, tally: Counter[str]) -> _Sending:
        if connection.execute(_BEGIN_PART, (self._number, *part)).rowcount:
            tally["in_flight"] += part.rows
            return _Sending(range(part.first_row, part.first_row + part.rows))
        known = self.part(part.first_row)
        if known is None or known.digest != part.digest:
            raise ValueError(f"{part} is not what was begun before: {known}")
        rows = range(part.first_row, part.first_row + known.rows)
        if not known.is_done:  # whoever sent it died, and nobody knows how far they came
            return _Sending(rows, in_doubt=rows)
        earlier = {record.row: record for record in self._open(rows)}
        if not earlier:
            raise ValueError(f"{part} is done: none of its rows may go out again")
        # From now on none is surely not sent: if this process dies, that is what must stand here.
        connection.execute(_DOUBT, (INTERRUPTED, self._number, rows.start, rows.stop))
        in_doubt = {row for row, record in earlier.items() if record.state == "unknown"}
        tally["not_sent"] -= len(earlier) - len(in_doubt)
        tally["unknown"] += len(earlier) - len(in_doubt)
        stay_open = len(self._open(rows, _OPEN)) - len(earlier)
        return _Sending(earlier.keys(), in_doubt, earlier, stay_open)

    def _finish(self, connection: sqlite3.Connection, ending: _Ending) -> None:
        sending = ending.sending
        if sending.earlier:
            connection.executemany(_FORGET, [(self._number, row) for row in sending.rows])
        if ending.exceptions:
            connection.executemany(_ADD_ROW, [(self._number, *record, self.session) for record in ending.exceptions])
        open_rows = sum(record.state != "failed" for record in ending.exceptions)
        connection.execute(_FINISH_PART, (sending.stay_open + open_rows, self._number, ending.first_row))

    def _open(self, rows: range, sql: str | None = None) -> list[RowRecord]:
        """Find the rows of a part that go out again; with `sql`, those that it finds."""
        sql = sql or (_OPEN if self._repeats_unknown else _SURELY_NOT_SENT)
        return [RowRecord._make(row) for row in self._file.select(sql, (self._number, rows.start, rows.stop))]


class _Sending(NamedTuple):
    """A part that is under way: `rows` go out, and those `in_doubt` may have gone out before.

    `earlier` tells what was recorded of each row, if the part was done before; `stay_open` of its open rows don't go out.
    """

    rows: Collection[int]
    in_doubt: Container[int] = ()
    earlier: Mapping[int, RowRecord] = {}
    stay_open: int = 0

    def settle(self, told: RowRecord) -> RowRecord:
        """Weigh what is told of a row against what may have happened before."""
        if told.row not in self.in_doubt:
            return told
        earlier = self.earlier.get(told.row)
        was_heard_of = earlier is not None and earlier.code != INTERRUPTED
        if not was_heard_of and told.state == "failed" and not told.attempts and told.code != "template-too-slow":
            return told  # a row that makes no event did not make one before, unless it is the machine that was too slow
        if told.state == "not_sent":
            return earlier or told._replace(state="unknown", code=INTERRUPTED)
        return told._replace(state="unknown")


class _Ending(NamedTuple):
    """How a part that was under way ended: what its exceptions come to, and what the counts of the run gain by it."""

    first_row: int
    sending: _Sending
    exceptions: Sequence[RowRecord]
    tally: Mapping[str, int]


def _end(under_way: dict[int, _Sending], part: PartDone) -> _Ending:
    """Weigh what is told of a part, which is under way no longer. Raises ValueError for what can't be."""
    sending = under_way.pop(part.first_row, None)
    if sending is None:
        raise ValueError(f"the part of row {part.first_row} is not under way")
    told = {record.row for record in part.exceptions}
    is_each_once = len(told) == len(part.exceptions) and all(row in sending.rows for row in told)
    if not is_each_once or part.accepted + len(told) != len(sending.rows):
        raise ValueError(f"{part} does not tell of each row that went out, once")
    settled = [sending.settle(record) for record in part.exceptions]
    tally = Counter[str](record.state for record in settled)
    tally["accepted"] = part.accepted
    tally["unknown" if sending.earlier else "in_flight"] -= len(sending.rows)
    return _Ending(part.first_row, sending, settled, tally)


def _added(counts: Counts, tally: Mapping[str, int]) -> Counts:
    return Counts(*(count + tally.get(name, 0) for name, count in counts._asdict().items()))


INTERRUPTED = "interrupted"
"""The code of a row of which nobody knows how far it came."""
_FEW = 5
_PAGE = 1000


class _File:
    """The SQLite file and its folder. What they refuse is a MachineError."""

    def __init__(self, folder: Path, *, is_new_allowed: bool) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self._refusals = Refusals(self.path)
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        if is_new_allowed or self.path.exists():
            self._connection = self._open()

    @property
    def exists(self) -> bool:
        return self._connection is not None

    def _open(self) -> sqlite3.Connection:
        folder = self.folder
        with self._refusals, ExitStack() as undo:
            # What somebody named may be anywhere, and hold more than runs.
            is_own, root = (True, project_of(folder.parent)) if folder.name == FOLDER_NAME else (_made(folder), folder)
            inside = undo.enter_context(opened(folder, root))
            if is_own:
                _close_to_others(inside)
            undo.enter_context(gate(folder))  # two that make it at once would refuse each other
            if is_own:
                _write_once(_IGNORE, b"*\n", 0o600, inside)
            # A journal may name any file of this machine for SQLite to remove, and a log is all that this ledger needs.
            with suppress(FileNotFoundError):
                os.unlink(f"{FILE_NAME}-journal", dir_fd=inside)
            _write_once(FILE_NAME, b"", 0o600, inside)  # SQLite begins with an empty file too, but follows links
            self._check_owner(inside)
            _close_to_others(FILE_NAME, inside)  # SQLite gives the files beside it the same permissions
            with ExitStack() as undo_connect:
                connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
                undo_connect.enter_context(closing(connection))
                self._prepare(connection)
                undo_connect.pop_all()
            self._identity = identity(self.path)
        return connection

    def check_there(self) -> None:
        """Raise MachineError if the file that is open is no longer the one that its path leads to."""
        if identity(self.path) != self._identity:
            raise gone(self.path)

    def _check_owner(self, inside: int) -> None:
        """Refuse a ledger that came with a tree: a resume does what a ledger says. One of ours only its user can read."""
        file = os.stat(FILE_NAME, dir_fd=inside, follow_symlinks=False)
        if file.st_size and file.st_mode & _OTHERS and _has_modes(inside):
            hint = f"if it is yours: chmod 600 {shlex.quote(str(self.path))}"
            message = f"others can read the ledger {self.path}: it may be somebody else's"
            raise MachineError(Problem("ledger-refused", message, hint=hint))

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            age, way = (
                ("a newer", "update runner") if version > _VERSION else ("an older", "end its runs with that one")
            )
            message = f"the ledger {self.path} is of {age} version of runner"
            raise MachineError(Problem("ledger-refused", message, hint=f"{way}, or move the ledger away"))
        # A write changes a few bytes of some pages and logs these whole: small ones, and 4 MB of them, are the fastest.
        connection.execute("PRAGMA page_size = 1024")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if not version:
            with connection:
                for statement in ("BEGIN IMMEDIATE", *_SCHEMA, f"PRAGMA user_version = {_VERSION}"):
                    connection.execute(statement)
        # A view may have rows without an end, and a trigger do something else.
        tables = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        if sorted(sql.split() for (sql,) in tables) != sorted(map(str.split, _SCHEMA)):
            raise self.strange()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Refuse values that runner does not write."""
        try:
            yield
        except (TypeError, ValueError):
            raise self.strange() from None

    def strange(self) -> MachineError:
        """Say that something stands in it that no runner wrote."""
        message = f"the ledger {self.path} has something in it that runner does not write"
        return MachineError(Problem("ledger-refused", message, hint="move it away"))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all that is done in the block, or nothing."""
        if self._connection is None:
            raise RuntimeError("a ledger that must not be made can't be written")
        with self._refusals, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    def select(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        with self._refusals:
            return self._connection.execute(sql, parameters).fetchall()

    def number(self, run_id: str) -> int:
        return int(self.select("SELECT number FROM runs WHERE id = ?", (run_id,))[0][0])

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _made(folder: Path) -> bool:
    """Make a folder and those above it, and return whether it is new. Raises OSError."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    return is_new


def _has_modes(folder: int) -> bool:
    """Return whether an open folder is on a disk that keeps modes of files. Raises OSError."""
    name = f".{token_hex(16)}.tmp"
    write_new(name, b"", folder, 0o600)
    try:
        return not os.stat(name, dir_fd=folder).st_mode & _OTHERS
    finally:
        os.unlink(name, dir_fd=folder)


def _write_once(name: str, content: bytes, mode: int, folder: int) -> None:
    """Write a file into an open folder, unless it is there and not empty. Raises OSError, also if the name is a folder or a link."""
    with suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, f"{name} is not a file")
        if found.st_size or not content:
            return
        os.unlink(name, dir_fd=folder)
    write_new(name, content, folder, mode)


def _close_to_others(file: int | str, folder: int | None = None) -> None:
    """Make a file, by its name in an open folder, or an open folder itself readable by its owner only, if that is this user."""
    found = os.stat(file, dir_fd=folder)
    if found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
        os.chmod(file, S_IMODE(found.st_mode) & 0o700, dir_fd=folder)


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
        raise TypeError("it is no id of a run")
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
    if state != "running":
        unknown += in_flight
    if total is not None:
        not_sent = total - accepted - failed - unknown
    return RunSummary(
        run_id,
        from_here(os.fsdecode(spec)),
        from_here(os.fsdecode(rows)),
        state,
        datetime.fromisoformat(started),
        total,
        accepted,
        failed,
        unknown,
        not_sent,
        parent,
    )


_OTHERS = 0o077
_VERSION = 2
_SCHEMA = (
    # Paths are absolute, and bytes as the system has them. Numbers of runs grow with time.
    """
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL DEFAULT 'running',
        total INTEGER,
        accepted INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0,
        unknown INTEGER NOT NULL DEFAULT 0,
        not_sent INTEGER NOT NULL DEFAULT 0,
        in_flight INTEGER NOT NULL DEFAULT 0,
        started_at TEXT NOT NULL,
        seed TEXT NOT NULL,
        spec BLOB NOT NULL,
        rows BLOB NOT NULL,
        arguments TEXT NOT NULL,
        fingerprints TEXT NOT NULL,
        parent TEXT,
        parent_session INTEGER NOT NULL,
        sessions INTEGER NOT NULL DEFAULT 1
    )
    """,
    # How many rows are open, unknown or not sent, is known when the part is done.
    """
    CREATE TABLE parts (
        run INTEGER NOT NULL,
        first_row INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        digest TEXT NOT NULL,
        open_rows INTEGER,
        PRIMARY KEY (run, first_row)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE exceptions (
        run INTEGER NOT NULL,
        row INTEGER NOT NULL,
        line INTEGER NOT NULL,
        state TEXT NOT NULL,
        code TEXT NOT NULL,
        status_code INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        origin INTEGER NOT NULL,
        variable TEXT NOT NULL,
        session INTEGER NOT NULL,
        PRIMARY KEY (run, row)
    ) WITHOUT ROWID
    """,
)
_ADD_RUN = """
    INSERT INTO runs (id, started_at, seed, spec, rows, arguments, fingerprints, parent, parent_session)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_GO_ON = "UPDATE runs SET state = 'running', sessions = sessions + 1 WHERE id = ?"
_RUN = """
    SELECT id, started_at, seed, spec, rows, arguments, fingerprints, parent, parent_session FROM runs WHERE id = ?
"""
_SUMMARIES = """
    SELECT id, spec, rows, state, started_at, total, accepted, failed, unknown, not_sent, in_flight, parent
    FROM runs ORDER BY number DESC
"""
_COUNTS = "SELECT sessions, accepted, failed, unknown, not_sent, in_flight FROM runs WHERE number = ?"
_COUNT = """
    UPDATE runs SET
        accepted = accepted + :accepted,
        failed = failed + :failed,
        unknown = unknown + :unknown,
        not_sent = not_sent + :not_sent,
        in_flight = in_flight + :in_flight
    WHERE number = :number
"""
_LAST_ROW = "SELECT first_row + rows - 1 FROM parts WHERE run = ? ORDER BY first_row DESC LIMIT 1"
_KINDS = "SELECT DISTINCT state, code, attempts > 0 FROM exceptions WHERE run = ?"
_IN_FLIGHT = "SELECT first_row, rows FROM parts WHERE run = ? AND open_rows IS NULL ORDER BY first_row"
_BEGIN_PART = "INSERT INTO parts (run, first_row, rows, digest) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_FINISH_PART = "UPDATE parts SET open_rows = ? WHERE run = ? AND first_row = ?"
_PART = "SELECT digest, rows, open_rows FROM parts WHERE run = ? AND first_row = ?"
_ADD_ROW = "INSERT INTO exceptions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM exceptions WHERE run = ? AND row = ?"
_ROW = "SELECT row, line, state, code, status_code, attempts, origin, variable FROM exceptions WHERE run = ?"
_OPEN = f"{_ROW} AND row >= ? AND row < ? AND state != 'failed'"
_SURELY_NOT_SENT = f"{_ROW} AND row >= ? AND row < ? AND state = 'not_sent'"
_DOUBT = """
    UPDATE exceptions SET state = 'unknown', code = ?
    WHERE run = ? AND row >= ? AND row < ? AND state = 'not_sent'
"""
_FAILED_AFTER = "SELECT row, origin FROM exceptions WHERE run = ? AND state = 'failed' AND session > ?"
_ROWS_IN_STATE = f"{_ROW} AND row > ? AND state = ? ORDER BY row LIMIT ?"
_ROWS = f"{_ROW} AND row > ? ORDER BY row LIMIT ?"
