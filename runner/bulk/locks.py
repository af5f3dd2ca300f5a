"""The lock of each run that a process is at work on: a file beside the ledger, locked by the kernel."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, contextmanager, suppress
from typing import IO, TYPE_CHECKING, Literal

from runner.bulk.refusals import LedgerGone, Refusals, identity
from runner.errors import MachineError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import Self


class RunLock:
    """The lock of a run. The kernel releases it when the process dies; a program that it starts does not inherit it."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self._path = folder / f"{run_id}{_SUFFIX}"
        with Refusals(self._path), gate(folder):
            self._file = _locked(self._path, "ab")
        if self._file is None:
            message = f"run {run_id} is at work in another process"
            raise MachineError(Problem("run-locked", message, hint="wait until it ends, or stop it"))
        self._identity = identity(self._path)

    @property
    def is_released(self) -> bool:
        """Tell whether the run is free again."""
        return self._file is None

    def check_there(self) -> None:
        """Raise MachineError if the file was removed: another process could lock one of its name."""
        if identity(self._path) != self._identity:
            raise LedgerGone(self._path)

    def release(self) -> None:
        """Let others take the run, and remove the file if it is still there. A second time does nothing."""
        if self._file is not None:
            file, self._file = self._file, None
            with suppress(OSError), file, gate(self._folder):  # a file that stays behind is locked by nobody
                if identity(self._path) == self._identity:
                    self._path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


@contextmanager
def gate(folder: Path) -> Iterator[None]:
    """Let one process at a time take, test or remove locks.

    Without it a test could pass for a lock, and a lock be taken on a file that is being removed.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def held_runs(folder: Path, run_ids: Iterable[str]) -> set[str]:
    """Tell which of some runs are at work. Outside the `gate`, this could stand in the way of a lock."""
    locks = {path.name: path for path in folder.glob(f"*{_SUFFIX}")}
    return {run_id for run_id in run_ids if (path := locks.get(f"{run_id}{_SUFFIX}")) and _is_held(path)}


_SUFFIX = ".lock"


def _locked(path: Path, mode: Literal["ab", "r+b"]) -> IO[bytes] | None:
    """Open and lock a file; None if somebody else has it locked."""
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
