"""The locks of active runs: files beside the ledger, locked by the kernel."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, suppress
from typing import IO, TYPE_CHECKING, Literal

from runner.bulk.refusals import LedgerGone, Refusals, identity
from runner.errors import MachineError, Problem
from runner.project.private import gate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self


class RunLock:
    """The lock of a run. The kernel releases it when the process dies; child programs do not inherit it."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self._path = folder / f"{run_id}{_SUFFIX}"
        with Refusals(self._path), gate(folder):
            self._file = _locked(self._path, "ab")
        if self._file is None:
            message = f"run {run_id} is in use by another process"
            raise MachineError(Problem("run-locked", message, hint="wait until it ends, or stop it"))
        self._identity = identity(self._path)

    @property
    def is_released(self) -> bool:
        """Whether the lock was released."""
        return self._file is None

    def check_there(self) -> None:
        """Raise LedgerGone if the file was removed, because another process could make and lock a new one."""
        if identity(self._path) != self._identity:
            raise LedgerGone(self._path)

    def release(self) -> None:
        """Release the lock, and remove its file if it still exists. Calling it again does nothing."""
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError), file, gate(self._folder):  # a leftover file is not locked
                if identity(self._path) == self._identity:
                    self._path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def held_runs(folder: Path, run_ids: Iterable[str]) -> set[str]:
    """Return which of these runs are active. Call it inside the `gate`, since testing takes a lock for a moment."""
    locks = {path.name: path for path in folder.glob(f"*{_SUFFIX}")}
    return {run_id for run_id in run_ids if (path := locks.get(f"{run_id}{_SUFFIX}")) and _is_held(path)}


_SUFFIX = ".lock"


def _locked(path: Path, mode: Literal["ab", "r+b"]) -> IO[bytes] | None:
    """Open and lock a file; return None if another process has locked it."""
    with ExitStack() as undo:
        file = undo.enter_context(open(path, mode, opener=_without_links))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        undo.pop_all()
        return file


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _is_held(path: Path) -> bool:
    try:
        file = _locked(path, "r+b")
    except FileNotFoundError:
        return False
    if file is not None:
        file.close()
    return file is None
