"""Files and folders that only their owner can read: the kernel's permissions are set when they are made, not afterwards."""

from __future__ import annotations

import os
from contextlib import suppress
from stat import S_IMODE
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FILE, _FOLDER = 0o600, 0o700


def make_folder(path: Path) -> None:
    """Make a folder, with those above it; one that is there and belongs to this user is closed to others."""
    path.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
    _close_to_others(path)


def make_file(path: Path) -> None:
    """Make an empty file; one that is there and belongs to this user is closed to others. It is not opened: that could end locks."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE))
    except FileExistsError:
        _close_to_others(path)


def append_to(path: Path) -> IO[bytes]:
    """Open a file to add to it; it is made if need be."""
    return open(path, "ab", opener=lambda name, flags: os.open(name, flags, _FILE))


def _close_to_others(path: Path) -> None:
    with suppress(FileNotFoundError):
        found = path.stat()
        if found.st_uid == os.geteuid() and S_IMODE(found.st_mode) & ~_FOLDER:
            path.chmod(S_IMODE(found.st_mode) & _FOLDER)
