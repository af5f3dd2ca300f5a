"""Errors of the operating system and of SQLite for the ledger's files → MachineError."""

from __future__ import annotations

import errno
import os
import sqlite3
from typing import TYPE_CHECKING

from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from runner.codes import Code

BUSY_S = 5.0
"""Time that SQLite waits for another writing process."""


class LedgerErrors:
    """Turns errors of the machine into MachineError; other errors of SQLite are bugs and pass through."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise self._refused("ledger-refused", error.strerror, _hint_of(error.errno)) from None
        if kind not in (sqlite3.OperationalError, sqlite3.DatabaseError):
            return
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            reason = f"another process has been writing to it for more than {BUSY_S:g} s"
            raise self._refused("ledger-locked", reason) from error
        is_forbidden = getattr(error, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_CANTOPEN,
        )
        raise self._refused("ledger-refused", error, _ANOTHER_FOLDER if is_forbidden else None) from error

    def _refused(self, code: Code, reason: object, hint: str | None = None) -> MachineError:
        return MachineError(Problem(code, f"can't use {self._path}: {reason}", hint=hint))


_ANOTHER_FOLDER = "keep runs in another folder: --state-dir DIR, or RUNNER_STATE_DIR=DIR in the environment"


def _hint_of(number: int | None) -> str | None:
    return _ANOTHER_FOLDER if number in (errno.EACCES, errno.EPERM, errno.EROFS) else None


def identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of the file at a path; None if there is no file."""
    try:
        status = os.stat(path)  # noqa: PTH116 - at each write; Path.stat takes twice as long
    except OSError:
        return None
    return status.st_dev, status.st_ino


class LedgerGone(MachineError):  # noqa: N818 - it names a state of the world, as `NotFound` does
    """A file of the ledger was removed or replaced during a run."""

    def __init__(self, path: Path) -> None:
        hint = "keep cleaning programs such as 'git clean' away from it"
        super().__init__(Problem("ledger-gone", f"{path} was removed or replaced during the run", hint=hint))
