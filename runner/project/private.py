"""A private folder for SQLite files, usually `.runner/`; files that another user may have planted there are refused.

SQLite follows links and makes files that others can read. So the folder is opened without following links out of its
project, and each file is made before SQLite opens it.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import ExitStack, contextmanager, suppress
from secrets import token_hex
from stat import S_IMODE, S_ISREG
from typing import TYPE_CHECKING

from runner.project.files import project_of
from runner.writing import opened, write_new

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER_NAME = ".runner"
_IGNORE = ".gitignore"
_OTHERS = 0o077


class PrivateFolder:
    """An open folder for SQLite files."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def make(self, name: str) -> None:
        """Make an empty file for SQLite to open, unless it exists, and remove a planted journal.

        Raises OSError, also for a folder or a link.
        """
        # A planted journal could name any file for SQLite to remove, and our databases use a write-ahead log only.
        with suppress(FileNotFoundError):
            os.unlink(f"{name}-journal", dir_fd=self._descriptor)
        _write_once(name, b"", 0o600, self._descriptor)  # SQLite would make an empty file too, but follow links

    def is_exposed(self, name: str) -> bool:
        """Return whether others can read a file that is not empty: it was not made here, but came with a tree."""
        file = os.stat(name, dir_fd=self._descriptor, follow_symlinks=False)
        return bool(file.st_size and file.st_mode & _OTHERS and _has_modes(self._descriptor))

    def restrict(self, name: str) -> None:
        """Restrict a file to its owner, if that is this user. SQLite gives the files beside it the same permissions."""
        _close_to_others(name, self._descriptor)


@contextmanager
def private_folder(folder: Path) -> Iterator[PrivateFolder]:
    """Open a folder, and make it if it is missing; other processes wait until the block ends.

    `.runner` and new folders are restricted to this user and ignored by Git; other folders may contain other files, and stay
    as they are. Raises OSError, and InvalidInput if a link leads out of the project.
    """
    is_own, root = (True, project_of(folder.parent)) if folder.name == FOLDER_NAME else (_made(folder), folder)
    with ExitStack() as stack:
        inside = stack.enter_context(opened(folder, root))
        if is_own:
            _close_to_others(inside)
        stack.enter_context(folder_lock(folder))  # two processes that make a file at once would refuse each other
        if is_own:
            _write_once(_IGNORE, b"*\n", 0o600, inside)
        yield PrivateFolder(inside)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Let one process at a time make files in a folder, or take, test and remove locks.

    Otherwise a test could be mistaken for a lock, or a lock be taken on a file that is being removed.
    """
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


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
