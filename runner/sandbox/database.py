"""The SQLite database of a sandbox: a private file that survives kill -9, or memory.

A committed write of the write-ahead log survives the end of the process at any time, because the kernel has its bytes. After
a power loss the last writes may be missing, but the database is consistent.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import sqlite3
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from weakref import finalize

from runner.errors import MachineError, Problem
from runner.project.private import PrivateFolder, private_folder

VERSION = 1
APPLICATION_ID = 0x52534258
"""Marks the file as one of a sandbox: other SQLite files are never changed or moved."""
_HEADER = b"SQLite format 3\0"
_HEADER_BYTES = 100
_ID_AT = 68
"""Position of the application id in a SQLite file (file format, section 1.3)."""

_CHECKED_BYTES = 64 * 1024 * 1024
"""Larger files are not checked as a whole at the start, which would take seconds."""
_CHECKPOINT_PAGES = 4000
"""Size of the log, 16 MB, at which it is written into the file. By default it is a quarter of that, and each time waits for the disk."""
_OTHER = "give this sandbox another file with --db FILE, or none with --memory"

_SCHEMA = (
    """CREATE TABLE requests (
        id INTEGER PRIMARY KEY, session TEXT NOT NULL, received_ms INTEGER NOT NULL, method TEXT NOT NULL,
        target TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL, status_code INTEGER NOT NULL)""",
    """CREATE TABLE arrivals (
        id INTEGER PRIMARY KEY, request_id INTEGER NOT NULL, session TEXT NOT NULL,
        received_ms INTEGER NOT NULL, outcome TEXT NOT NULL, status_code INTEGER NOT NULL, reason TEXT, warning TEXT,
        workspace TEXT NOT NULL, endpoint TEXT NOT NULL, event TEXT, distinct_id TEXT, tenant_id TEXT,
        idempotency_key TEXT, insert_id TEXT, message_id TEXT, bytes INTEGER NOT NULL)""",
    # Apart from the records, which are often searched, and then need not be read with their events.
    "CREATE TABLE bodies (id INTEGER PRIMARY KEY, raw BLOB NOT NULL)",
    "CREATE INDEX arrivals_session ON arrivals (session, id)",
    """CREATE TABLE keys (
        id INTEGER PRIMARY KEY, session TEXT NOT NULL, workspace TEXT NOT NULL, digest BLOB NOT NULL,
        message_id BLOB NOT NULL, seen_ms INTEGER NOT NULL)""",
    # Each status has the time from which it holds, so that a message at any time is a matter of comparisons. The rows lie in
    # the order in which they are listed.
    """CREATE TABLE messages (
        session TEXT NOT NULL, created_ms INTEGER NOT NULL, message_id TEXT NOT NULL, arrival_id INTEGER NOT NULL, workflow TEXT NOT NULL, channel TEXT NOT NULL, category TEXT NOT NULL,
        recipient TEXT NOT NULL, tenant_id TEXT NOT NULL, idempotency_key TEXT, execution_id TEXT NOT NULL,
        to_be_triggered INTEGER, triggered INTEGER, sent_by_vendor INTEGER, delivered INTEGER, seen INTEGER, read INTEGER,
        clicked INTEGER, dismissed INTEGER, delivery_failure INTEGER, trigger_failed INTEGER, trigger_blocked INTEGER,
        not_to_be_triggered INTEGER, unread INTEGER, archived INTEGER, unarchived INTEGER, details TEXT NOT NULL,
        PRIMARY KEY (session, created_ms, message_id)) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX messages_id ON messages (message_id)",
    "CREATE INDEX messages_key ON messages (session, idempotency_key) WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX messages_arrival ON messages (arrival_id)",
    "CREATE TABLE sessions (session TEXT PRIMARY KEY, ahead_ms INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE totals (last_id INTEGER NOT NULL, dropped INTEGER NOT NULL, dropped_keys INTEGER NOT NULL)",
    "INSERT INTO totals VALUES (0, 0, 0)",
)


class Database:
    """An open database: of the file at `path`, or in memory. Not thread-safe: its users take turns.

    `set_aside` is the new path of a damaged file that was replaced. Raises MachineError if another process uses the file, or
    if it is not a database of a sandbox.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.set_aside: Path | None = None
        self._lock: int | None = None
        if path is None:
            self.writer = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            _create(self.writer)
            self.reader = self.writer
            self._closing = finalize(self, _close, (self.writer,), None)
            return
        try:
            self._open(path)
        except OSError as error:
            raise _refused(f"can't use {path} for the sandbox: {error.strerror}", _OTHER) from None
        except sqlite3.Error as error:
            raise _refused(f"can't use {path} for the sandbox: {error}", _OTHER) from None
        self._closing = finalize(self, _close, (self.reader, self.writer), self._lock)

    def _open(self, path: Path) -> None:
        with private_folder(path.parent) as folder, ExitStack() as undo:
            folder.make(path.name)
            _check_is_ours(path)  # before anything is written beside it
            self._lock = _lock(path)
            undo.callback(os.close, self._lock)
            if folder.is_exposed(path.name):
                hint = f"if it is yours: chmod 600 {shlex.quote(str(path))}"
                raise _refused(f"other users can read {path}, so it may not be yours", hint)
            if _is_damaged(path):
                self.set_aside = _set_aside(path)
            if not path.exists() or not path.stat().st_size:
                _create_file(path, folder)
            folder.restrict(path.name)
            self.writer = undo.enter_context(closing(_connected(path)))
            self.writer.execute("PRAGMA synchronous = NORMAL")
            self.writer.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            _check_tables(self.writer, path)
            self.reader = _connected(path)
            self.reader.execute("PRAGMA query_only = ON")
            undo.pop_all()

    def close(self) -> None:
        """Close the database, and release its file. So does the end of its last use."""
        self._closing()


def _close(connections: tuple[sqlite3.Connection, ...], lock: int | None) -> None:
    for connection in connections:
        connection.close()
    if lock is not None:
        os.close(lock)


def _create_file(path: Path, folder: PrivateFolder) -> None:
    """Make an empty database, by way of another name: a file that is half made could not be told from a foreign one."""
    new = path.with_name(f"{path.name}.new")
    for ending in ("", "-wal", "-shm"):  # left by a process that was killed
        with suppress(FileNotFoundError):
            Path(f"{new}{ending}").unlink()
    folder.make(new.name)
    with closing(_connected(new)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        _create(connection)
    new.rename(path)


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse other tables than ours: a planted view could have endless rows, and a trigger could change other tables."""
    found = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    ours = [statement for statement in _SCHEMA if statement.startswith("CREATE")]
    if sorted(text.split() for (text,) in found) != sorted(map(str.split, ours)):
        raise _refused(f"{path} contains something that runner does not write", _OTHER)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _lock(path: Path) -> int:
    """Lock a file beside the database, and return its descriptor: the lock ends when it is closed, or the process ends."""
    descriptor = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise _refused(f"another sandbox uses {path}", _OTHER) from None
    return descriptor


def _check_is_ours(path: Path) -> None:
    """Raise MachineError if the file is neither empty nor a database of a sandbox, as its header says."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if head and not (head.startswith(_HEADER) and int.from_bytes(head[_ID_AT : _ID_AT + 4]) == APPLICATION_ID):
        raise _refused(f"{path} is not the database of a sandbox", _OTHER)


def _is_damaged(path: Path) -> bool:
    """Return whether the database of a sandbox is damaged. Raises MachineError if it is of another version."""
    if not path.stat().st_size:
        return False
    try:
        with closing(_connected(path)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == VERSION:
                return not _is_sound(connection, path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return True
        raise
    raise _refused(f"{path} is of another version of runner", "give another file with --db, or remove it")


def _is_sound(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether a database has no damage; of a large one, only what is read at the start is checked."""
    if path.stat().st_size <= _CHECKED_BYTES:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    connection.execute("SELECT COUNT(*), SUM(bytes) FROM arrivals").fetchone()
    connection.execute("SELECT COUNT(*), SUM(seen_ms) FROM keys").fetchone()
    return True


def _set_aside(path: Path) -> Path:
    new = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{ending}").rename(f"{new}{ending}")
    return new


def _refused(message: str, hint: str | None = None) -> MachineError:
    return MachineError(Problem("sandbox-database", message, hint=hint))
