"""The SQLite file of the ledger and its folder, private to their user; files that another user may have written are refused.

A finished write survives a kill -9: the kernel has its bytes, and the write-ahead log discards incomplete writes. This
needs no `fsync`. `synchronous=NORMAL` syncs every thousand writes, which costs 10 to 30 µs a write: after a power loss the
last writes may be missing, but the ledger is consistent.
"""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from runner.bulk import ledger_sql as sql
from runner.bulk.refusals import BUSY_S, LedgerGone, Refusals, identity
from runner.errors import MachineError, Problem
from runner.project.private import private_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FILE_NAME = "ledger.sqlite3"


class LedgerFile:
    """The SQLite file and its folder. Raises MachineError if they can't be used."""

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
        """Whether the ledger exists."""
        return self._connection is not None

    def _open(self) -> sqlite3.Connection:
        with self._refusals, private_folder(self.folder) as folder:
            folder.make(FILE_NAME)
            if folder.is_exposed(FILE_NAME):
                raise self._exposed()
            folder.restrict(FILE_NAME)
            with ExitStack() as undo_connect:
                connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
                undo_connect.enter_context(closing(connection))
                self._prepare(connection)
                undo_connect.pop_all()
            self._identity = identity(self.path)
        return connection

    def check_there(self) -> None:
        """Raise LedgerGone if the open file is no longer the one at its path."""
        if identity(self.path) != self._identity:
            raise LedgerGone(self.path)

    def _exposed(self) -> MachineError:
        """Return the error for a ledger that others can read: it came with a tree, and a resume does what it says."""
        hint = f"if it is yours: chmod 600 {shlex.quote(str(self.path))}"
        message = f"other users can read the ledger {self.path}, so it may not be yours"
        return MachineError(Problem("ledger-refused", message, hint=hint))

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, sql.VERSION):
            age, way = (
                ("a newer", "update runner")
                if version > sql.VERSION
                else ("an older", "finish its runs with that version")
            )
            message = f"the ledger {self.path} is of {age} version of runner"
            raise MachineError(Problem("ledger-refused", message, hint=f"{way}, or move the ledger away"))
        # A write logs whole pages though it changes a few bytes: small pages, and 4 MB of them, are the fastest.
        connection.execute("PRAGMA page_size = 1024")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if not version:
            with connection:
                for statement in ("BEGIN IMMEDIATE", *sql.SCHEMA, f"PRAGMA user_version = {sql.VERSION}"):
                    connection.execute(statement)
        # A planted view could have endless rows, and a trigger could change other tables.
        tables = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        if sorted(text.split() for (text,) in tables) != sorted(map(str.split, sql.SCHEMA)):
            raise self.strange()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Refuse values that runner does not write."""
        try:
            yield
        except (TypeError, ValueError):
            raise self.strange() from None

    def strange(self) -> MachineError:
        """Return the error for content that runner does not write."""
        message = f"the ledger {self.path} contains something that runner does not write"
        return MachineError(Problem("ledger-refused", message, hint="move it away"))

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block as a transaction."""
        if self._connection is None:
            raise RuntimeError("the ledger was opened for reading only and does not exist")
        with self._refusals, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    def select(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none if the ledger does not exist."""
        if self._connection is None:
            return []
        with self._refusals:
            return self._connection.execute(statement, parameters).fetchall()

    def number(self, run_id: str) -> int:
        """Return the number of a run in the tables."""
        return int(self.select("SELECT number FROM runs WHERE id = ?", (run_id,))[0][0])

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
