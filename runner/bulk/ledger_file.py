"""The SQLite file of the ledger and its folder, private to their user; files that another user may have written are refused.

A finished write survives a kill -9: the kernel has its bytes, and the write-ahead log discards incomplete writes. This
needs no `fsync`. `synchronous=NORMAL` syncs every thousand writes, which costs 10 to 30 µs a write: after a power loss the
last writes may be missing, but the ledger is consistent.
"""

from __future__ import annotations

import errno
import os
import shlex
import sqlite3
from contextlib import ExitStack, closing, contextmanager, suppress
from secrets import token_hex
from stat import S_IMODE, S_ISREG
from typing import TYPE_CHECKING, Any

from runner.bulk import ledger_sql as sql
from runner.bulk.ledger_errors import BUSY_S, LedgerErrors, LedgerGone, identity
from runner.bulk.locks import folder_lock
from runner.errors import MachineError, Problem
from runner.project.files import project_of
from runner.writing import opened, write_new

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FOLDER_NAME = ".runner"
FILE_NAME = "ledger.sqlite3"
_IGNORE = ".gitignore"
_OTHERS = 0o077


class LedgerFile:
    """The SQLite file and its folder. Raises MachineError if they can't be used."""

    def __init__(self, folder: Path, *, is_new_allowed: bool) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        self._errors = LedgerErrors(self.path)
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        if is_new_allowed or self.path.exists():
            self._connection = self._open()

    @property
    def exists(self) -> bool:
        """Whether the ledger exists."""
        return self._connection is not None

    def _open(self) -> sqlite3.Connection:
        folder = self.folder
        with self._errors, ExitStack() as undo:
            # A folder given by the user may be anywhere, and contain other files.
            is_own, root = (True, project_of(folder.parent)) if folder.name == FOLDER_NAME else (_made(folder), folder)
            inside = undo.enter_context(opened(folder, root))
            if is_own:
                _close_to_others(inside)
            undo.enter_context(folder_lock(folder))  # two processes that make it at once would refuse each other
            if is_own:
                _write_once(_IGNORE, b"*\n", 0o600, inside)
            # A planted journal could name any file for SQLite to remove, and this ledger uses a write-ahead log only.
            with suppress(FileNotFoundError):
                os.unlink(f"{FILE_NAME}-journal", dir_fd=inside)
            _write_once(FILE_NAME, b"", 0o600, inside)  # SQLite would make an empty file too, but follow links
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
        """Raise LedgerGone if the open file is no longer the one at its path."""
        if identity(self.path) != self._identity:
            raise LedgerGone(self.path)

    def _check_owner(self, inside: int) -> None:
        """Refuse a ledger that others can read: it was not made here, but came with a tree, and a resume does what it says."""
        file = os.stat(FILE_NAME, dir_fd=inside, follow_symlinks=False)
        if file.st_size and file.st_mode & _OTHERS and _has_modes(inside):
            hint = f"if it is yours: chmod 600 {shlex.quote(str(self.path))}"
            message = f"other users can read the ledger {self.path}, so it may not be yours"
            raise MachineError(Problem("ledger-refused", message, hint=hint))

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
        with self._errors, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    def select(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query; none if the ledger does not exist."""
        if self._connection is None:
            return []
        with self._errors:
            return self._connection.execute(statement, parameters).fetchall()

    def number(self, run_id: str) -> int:
        """Return the number of a run in the tables."""
        return int(self.select("SELECT number FROM runs WHERE id = ?", (run_id,))[0][0])

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()


def _made(folder: Path) -> bool:
    """Make a folder and its parents; return whether it is new. Raises OSError."""
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    return is_new


def _has_modes(folder: int) -> bool:
    """Return whether the file system of an open folder supports file modes. Raises OSError."""
    name = f".{token_hex(16)}.tmp"
    write_new(name, b"", folder, 0o600)
    try:
        return not os.stat(name, dir_fd=folder).st_mode & _OTHERS
    finally:
        os.unlink(name, dir_fd=folder)


def _write_once(name: str, content: bytes, mode: int, folder: int) -> None:
    """Write a file in an open folder, unless it exists and is not empty. Raises OSError, also for a folder or a link."""
    with suppress(FileNotFoundError):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, f"{name} is not a file")
        if found.st_size or not content:
            return
        os.unlink(name, dir_fd=folder)
    write_new(name, content, folder, mode)


def _close_to_others(file: int | str, folder: int | None = None) -> None:
    """Restrict a file in an open folder, or the folder itself, to its owner, if that is this user."""
    found = os.stat(file, dir_fd=folder)
    if found.st_uid == os.geteuid() and found.st_mode & _OTHERS:
        os.chmod(file, S_IMODE(found.st_mode) & 0o700, dir_fd=folder)
