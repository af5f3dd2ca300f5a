"""What this machine refuses of the ledger's files → MachineError."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from pathlib import Path

BUSY_S = 5.0
"""How long SQLite waits for another process that is writing."""


class Refusals:
    """Tells what this machine refuses of a file as MachineError; SQLite's other errors are our own faults."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise self._refused("ledger-refused", error.strerror) from None
        if kind not in (sqlite3.OperationalError, sqlite3.DatabaseError):
            return
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            reason = f"another process has been writing to it for more than {BUSY_S:g} s"
            raise self._refused("ledger-locked", reason) from error
        raise self._refused("ledger-refused", error) from error

    def _refused(self, code: str, reason: object) -> MachineError:
        return MachineError(Problem(code, f"can't use {self._path}: {reason}"))
